"""Sizes in arguments, views changed in place, pools that leave their input's range: refused, or right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agnsim.errors import CheckpointError, ConversionError, InputError
from agnsim.multipliers import Multiplier
from agnsim.nn import convert
from agnsim.nn.deploy import deploy
from agnsim.quantization import Quantization


class Network(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.conv, self.norm, self.last = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.body(self, x)


def converted(body, images, **layers):
    model = Network(body).eval()
    for name, layer in layers.items():
        setattr(model, name, layer)
    return convert(model.eval(), quantization=Quantization(), calibration=[images])


@pytest.mark.parametrize(
    "body",
    [
        lambda m, x: m.last(F.avg_pool2d(m.conv(x), x.size(3))),
        lambda m, x: m.last(F.max_pool2d(m.conv(x), kernel_size=x.shape[2:])),
        lambda m, x: m.last(F.interpolate(m.conv(x), size=x.shape[2:])),
        lambda m, x: m.last(F.pad(m.conv(x), (0, x.size(1), 0, 0))),
    ],
    ids=["average", "maximum", "interpolate", "pad"],
)
def test_settings_computed_from_sizes_are_refused(body, images):
    with pytest.raises(
        ConversionError, match=r"computed from a tensor's size .* write them as numbers|no integer form"
    ):
        deploy(converted(body, images))


def test_a_size_is_not_added_as_fixed_point(images):
    for body in (lambda m, x: m.last(m.conv(x) + x.size(1)), lambda m, x: m.last(x.shape[1] + m.conv(x))):
        with pytest.raises(ConversionError, match="operation 'add'"):
            deploy(converted(body, images))


def test_shuffled_channels_are_contiguous_again(images):
    def body(m, x):
        y = m.conv(x)
        shuffled = y.view(y.size(0), 2, 2, y.size(2), y.size(3)).transpose(1, 2).contiguous()
        return m.last(shuffled.view(y.size(0), 4, y.size(2), y.size(3)))

    model = converted(body, images)
    assert torch.allclose(deploy(model)(images), model(images), atol=1e-3)


@pytest.mark.parametrize(
    "body",
    [
        lambda m, y: (F.relu(y.flatten(1), inplace=True), y)[1],
        lambda m, y: (y[:, :2].add_(y[:, 2:]), y)[1],
        lambda m, y: [z := y[:, :2], F.relu(y, inplace=True), torch.cat([z, y], 1)[:, :4]][2],
    ],
    ids=["flatten", "slice", "earlier view"],
)
def test_a_view_changed_in_place_and_read_again_is_refused(body, images):
    with pytest.raises(ConversionError, match="read again later, itself or through a view"):
        deploy(converted(lambda m, x: m.last(body(m, m.conv(x))), images))


@pytest.mark.parametrize(
    "pool",
    [nn.AvgPool2d(2, divisor_override=1), nn.AvgPool2d(2, 2, 1), nn.AvgPool2d(2, 2, 1, count_include_pad=False)],
    ids=repr,
)
def test_pools_that_leave_their_inputs_range(pool, images):
    def body(m, x):
        return m.last(m.norm(m.pool(torch.clamp(m.conv(x), 2.0, 6.0))))

    model = converted(body, images, pool=pool)
    assert torch.allclose(deploy(model)(images), model(images), atol=1e-3)


def test_saturated_sums_end_anywhere_within_the_accumulator():
    # Products whose sign depends on the weight alone: a sum that stops at one end leaves its unsaturated bounds.
    table = np.where(np.arange(256) < 128, 3000, -3000)[None, :] + np.arange(256)[:, None]
    multiplier = Multiplier.from_table("one-sided", table, signed_a=False, signed_b=True)
    layer = nn.Linear(6, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-1.0, -1.0, -1.0, -1.0, 1.0, 1.0]]))
    x = torch.rand(4, 6)
    model = convert(
        nn.Sequential(layer), quantization=Quantization(), assignment={"0": multiplier}, calibration=[x]
    ).eval()
    deployed = deploy(model, accumulator_bits=13, overflow="saturate")
    codes = model[0].activation_quantizer.codes(x)
    weights = model[0].weight_quantizer.codes(model[0].weight)[0]
    scale = float(model[0].activation_quantizer.scale * model[0].weight_quantizer.scale)
    for row, found in zip(codes.tolist(), deployed(x).flatten().tolist(), strict=True):
        total = 0
        for a, w in zip(row, weights.tolist(), strict=True):
            total = min(max(total + int(table[a & 255, w & 255]), -4096), 4095)
        assert found == pytest.approx(total * scale, rel=1e-3)


def test_images_beyond_fixed_point_are_refused(images):
    deployed = deploy(converted(lambda m, x: m.last(m.conv(F.avg_pool2d(x, 2))), images))
    with pytest.raises(InputError, match=r"the input reaches 5000; .* within \+-1024"):
        deployed(torch.full_like(images, 5000.0))


def test_the_state_of_another_pooling_is_refused(images):
    one, other = (deploy(converted(lambda m, x, k=k: m.last(F.max_pool2d(m.conv(x), k, 2)), images)) for k in (1, 2))
    with pytest.raises(CheckpointError, match="another deployed network"):
        other.load_state_dict(one.state_dict())
