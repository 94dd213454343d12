"""The convolutions that are measured are those of the networks."""

import pytest
import torch
from torch import nn

from agnsim.bench.shapes import ConvShape, conv_shapes
from agnsim.bench.subjects import networks
from agnsim.models import build_model
from agnsim.nn import layer_shapes


def test_resnet20_has_six_convolutions() -> None:
    found = conv_shapes(build_model("resnet20"), (3, 32, 32))
    assert {shape.label: count for shape, count in found.items()} == {
        "3x3 3->16 32x32": 1,
        "3x3 16->16 32x32": 6,
        "3x3 16->32 32x32 /2": 1,
        "3x3 32->32 16x16": 5,
        "3x3 32->64 16x16 /2": 1,
        "3x3 64->64 8x8": 5,
    }


@pytest.mark.parametrize("name", list(networks))
def test_work_of_all_shapes_is_the_networks(name: str) -> None:
    network = networks[name]
    model = network.build()
    found = conv_shapes(model, network.image)
    traced = layer_shapes(model, torch.zeros(1, *network.image))
    macs = sum(shape.macs for shape in traced.values() if shape.kind == "conv2d")
    assert sum(count * shape.macs for shape, count in found.items()) == macs
    assert sum(found.values()) == sum(isinstance(module, nn.Conv2d) for module in model.modules())


def test_mobilenet_has_every_kind() -> None:
    network = networks["mobilenet_v2"]
    assert {shape.kind for shape in conv_shapes(network.build(), network.image)} == {"3x3", "1x1", "depthwise"}


def test_shape_gives_pytorch_its_arguments() -> None:
    model = nn.Sequential(nn.Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(2, 3), dilation=(1, 2), groups=2))
    (shape,) = conv_shapes(model, (4, 9, 11))
    assert shape == ConvShape(4, 6, 9, 11, (3, 5), (2, 1), (2, 3), (1, 2), 2)
    assert shape.output_size == tuple(model(torch.zeros(1, 4, 9, 11)).shape[2:])
    assert shape.weight_shape == tuple(model[0].weight.shape)
    assert (shape.kind, shape.label) == ("grouped", "3x5 grouped 4->6 9x11 /2")
