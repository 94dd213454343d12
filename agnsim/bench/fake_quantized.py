"""The rival in plain PyTorch: the same network, the same quantisers, by `torch.fake_quantize_*` and float products."""

from __future__ import annotations

import copy
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agnsim.errors import ConversionError
from agnsim.nn import ApproxConv2d, ApproxLayer, approx_layers
from agnsim.nn.operation import conv_padding
from agnsim.nn.replace import replace_modules


def fake_quantized(model: nn.Module) -> nn.Module:
    """Return a copy of a converted network whose layers are plain PyTorch, with the same parameters and quantisers.

    Args:
        model: Converted by `agnsim.convert`; its multipliers are ignored.

    Raises:
        ConversionError: A convolution pads more on one side than on the other.
    """
    copied = copy.deepcopy(model)
    return replace_modules(copied, {layer: FakeQuantized(layer) for layer in approx_layers(copied).values()})


class FakeQuantized(nn.Module):
    """A convolution or linear layer on fake-quantised operands; the weight's are kept in evaluation mode.

    Args:
        layer: Whose parameters and calibrated quantisers are used.
    """

    weight_scale: Tensor
    weight_zero_point: Tensor

    def __init__(self, layer: ApproxLayer) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        activation, weight = layer.activation_quantizer, layer.weight_quantizer
        # Python numbers: PyTorch's fastest way
        self.activation = activation.scale.item(), activation.zero_points[0], activation.qmin, activation.qmax
        channels = self.weight.shape[0]
        self.register_buffer("weight_scale", weight.scale.detach().expand(channels).clone())
        self.register_buffer("weight_zero_point", weight.zero_point.expand(channels).clone())
        self.weight_range = weight.qmin, weight.qmax
        self.convolution: tuple[tuple[int, ...], tuple[int, int], tuple[int, ...], int] | None = None
        if isinstance(layer, ApproxConv2d):
            top, bottom, left, right = conv_padding(layer.padding, layer.kernel_size, layer.dilation)
            if (top, left) != (bottom, right):
                raise ConversionError(f"layer {layer.label!r}: it pads unevenly, which torch's conv2d does not")
            self.convolution = layer.stride, (top, left), layer.dilation, layer.groups
        self._kept: Tensor | None = None
        self.train(layer.training)

    def train(self, mode: bool = True) -> Self:
        """Switch the mode; the kept weight is forgotten."""
        self._kept = None
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output; arguments as of `nn.Conv2d` or `nn.Linear`."""
        scale, zero_point, low, high = self.activation
        x = torch.fake_quantize_per_tensor_affine(x, scale, zero_point, low, high)
        if self.convolution is None:
            return F.linear(x, self._fake_weight(), self.bias)
        stride, padding, dilation, groups = self.convolution
        return F.conv2d(x, self._fake_weight(), self.bias, stride, padding, dilation, groups)

    def _fake_weight(self) -> Tensor:
        if self._kept is not None:
            return self._kept
        fake = torch.fake_quantize_per_channel_affine(
            self.weight, self.weight_scale, self.weight_zero_point, 0, *self.weight_range
        )
        if not self.training:
            self._kept = fake.detach()
        return fake
