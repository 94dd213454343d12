"""The scalar baseline computes what it is a baseline of."""

import pytest
import torch

from agnsim.bench.scalar import scalar_conv2d
from agnsim.bench.shapes import ConvShape
from agnsim.bench.subjects import find_circuits
from agnsim.kernels import conv2d

SHAPES = [
    ConvShape(3, 5, 7, 6, (3, 3), padding=(1, 1)),
    ConvShape(4, 4, 8, 5, (3, 3), stride=(2, 1), padding=(1, 0), groups=4),
    ConvShape(4, 6, 9, 9, (2, 3), dilation=(2, 1), padding=(0, 2), groups=2),
    ConvShape(5, 3, 4, 4, (1, 1), stride=(2, 2)),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("circuit", find_circuits(["mul8s_mitchell_f7", "mul8u_mitchell_f7"], "builtin"), ids=repr)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.label)
def test_scalar_loop_equals_the_definition(shape: ConvShape, circuit, threads: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = circuit.codes((2, shape.in_channels, shape.height, shape.width), generator)
    w = circuit.weights(shape.weight_shape, generator)
    arguments = {"stride": shape.stride, "padding": shape.padding, "dilation": shape.dilation, "groups": shape.groups}
    wanted = conv2d(x, w, circuit.multiplier, **arguments, engine="reference")
    assert torch.equal(scalar_conv2d(x, w, circuit.multiplier, shape, threads), wanted)
