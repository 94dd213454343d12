import re

import pytest
import torch
from torch import nn

from agnsim.errors import ConversionError, InputError, UnknownName
from agnsim.nn import Float, Noisy, approx_layers, convert
from agnsim.nn.deploy import deploy
from agnsim.quantization import Quantization


def refusal(body, images, **settings):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 2, 1)
            self.relu, self.norm = nn.ReLU(inplace=True), nn.BatchNorm2d(3, track_running_stats=False)
            self.gelu = nn.GELU()

        def forward(self, x):
            return body(self, x)

    model = convert(Network().eval(), quantization=Quantization(**settings), calibration=[images])
    with pytest.raises(ConversionError) as caught:
        deploy(model)
    return str(caught.value)


def test_an_unknown_operation_is_named_with_its_place_and_a_remedy(images):
    assert "module 'gelu' (GELU)" in refusal(lambda m, x: m.last(m.gelu(m.conv(x))), images)
    message = refusal(lambda m, x: m.last(m.conv(x) * 2), images)
    assert "operation 'mul' (node 'mul' of the network)" in message
    assert "evaluate its training graph" in message


def test_the_place_inside_a_module_is_named(images):
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return torch.sigmoid(self.conv(x))

    model = nn.Sequential(nn.Sequential(Inner()), nn.Conv2d(3, 2, 1))
    model = convert(model.eval(), quantization=Quantization(), calibration=[images])
    with pytest.raises(ConversionError, match=r"operation 'sigmoid' \(node 'sigmoid' in module '0.0'\)"):
        deploy(model)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda m, x: m.last(m.norm(m.conv(x))), "module 'norm' .*without running statistics"),
        (lambda m, x: torch.softmax(m.last(m.conv(x)), 1), "end the network with the logits"),
        (lambda m, x: (m.last(m.conv(x)), x), "returns tuple, not one tensor"),
        (lambda m, x: m.last(m.conv(x) if x.sum() > 0 else x), "can't be traced by torch.fx"),
        (lambda m, x: m.last(torch.add(m.conv(x), x, alpha=2)), "operation 'add'"),
        (lambda m, x: m.last(m.conv(x) + 1.0), "operation 'add'"),
        (lambda m, x: m.last(nn.functional.dropout(m.conv(x))), "operation 'dropout'"),
    ],
)
def test_what_has_no_integer_form(body, message, images):
    assert re.search(message, refusal(body, images))


def test_a_change_in_place_that_is_seen_later(images):
    def body(m, x):
        y = m.conv(x)
        z = m.relu(y)
        return m.last(y + z)

    assert "module 'relu' (ReLU): it changes its input in place" in refusal(body, images)


def test_layers_left_in_float_are_named(images):
    message = refusal(lambda m, x: m.last(m.conv(x)), images, exclude=("conv",))
    assert "layers left in float: 'conv'" in message


@pytest.mark.parametrize("arithmetic", [Float, Noisy])
def test_other_arithmetic_is_named(arithmetic, quantized):
    approx_layers(quantized)["conv2"].arithmetic = arithmetic()
    with pytest.raises(ConversionError, match=f"layer 'conv2' has {arithmetic.kind} arithmetic"):
        deploy(quantized)


def test_a_float_network_an_unknown_engine_and_broken_weights(quantized):
    with pytest.raises(ConversionError, match=r"use agnsim\.convert first"):
        deploy(nn.Sequential(nn.Conv2d(3, 3, 1)))
    with pytest.raises(UnknownName, match="warp"):
        deploy(quantized, engine="warp")
    quantized.bn1.weight.data[1] = float("nan")
    with pytest.raises(ConversionError, match="module 'conv1': NaN or infinite"):
        deploy(quantized)


def test_input_that_is_no_image(quantized, images):
    deployed = deploy(quantized)
    with pytest.raises(InputError, match="holds NaN"):
        deployed(torch.full_like(images, float("nan")))
    with pytest.raises(InputError, match=r"torch.int64; it takes floating"):
        deployed(images.to(torch.int64))
