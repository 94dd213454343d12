import pytest
import torch
from torch import nn

from agnsim.errors import InputError
from agnsim.nn import convert, layer_shapes
from agnsim.quantization import Quantization


def test_shapes_of_float_and_converted_networks_agree(network, images):
    shapes = layer_shapes(network, images)
    assert list(shapes) == ["0", "3", "4", "7"]
    assert [s.macs for s in shapes.values()] == [64 * 8 * 27, 16 * 8 * 9, 16 * 6 * 8, 96 * 5]
    assert [s.fan_in for s in shapes.values()] == [27, 9, 8, 96]
    depthwise = shapes["3"]
    assert (depthwise.kind, depthwise.groups, depthwise.weights, depthwise.out_channels) == ("conv2d", 8, 72, 8)
    assert (depthwise.input_shape, depthwise.output_shape) == ((8, 8, 8), (8, 4, 4))
    assert layer_shapes(convert(network, quantization=Quantization(), calibration=[images]), images) == shapes


def test_repeated_layers_and_higher_ranks_count_every_product():
    layer = nn.Linear(4, 4)
    shapes = layer_shapes(nn.Sequential(layer, layer).train(), torch.randn(3, 7, 4))
    assert shapes["0"].macs == 2 * 7 * 16
    assert shapes["0"].kind == "linear"
    assert layer.training
    assert not layer._forward_hooks


def test_layer_called_by_keyword():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return self.head(input=x)

    assert layer_shapes(Network(), torch.randn(2, 4))["head"].input_shape == (4,)


def test_empty_sample():
    with pytest.raises(InputError, match="at least one input"):
        layer_shapes(nn.Linear(2, 2), torch.empty(0, 2))
