"""The convolutions of real networks, each distinct shape once, with how often it occurs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import nn

from agnsim.nn import layer_shapes
from agnsim.nn.operation import conv_padding


@dataclass(frozen=True)
class ConvShape:
    """A convolution of one image.

    Attributes:
        in_channels: Input channels.
        out_channels: Output channels.
        height: Input rows.
        width: Input columns.
        kernel: Rows, columns.
        stride: Rows, columns.
        padding: Rows above and below, columns left and right.
        dilation: Rows, columns.
        groups: Groups.
    """

    in_channels: int
    out_channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def output_size(self) -> tuple[int, int]:
        """Output rows, columns."""
        rows, columns = (
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                (self.height, self.width), self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        )
        return rows, columns

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """`[O, C / groups, kernel_h, kernel_w]`."""
        return self.out_channels, self.in_channels // self.groups, *self.kernel

    @property
    def channel_macs(self) -> int:
        """Multiply-accumulate operations of one image and one output channel."""
        rows, columns = self.output_size
        return rows * columns * self.in_channels // self.groups * self.kernel[0] * self.kernel[1]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one image."""
        return self.channel_macs * self.out_channels

    @property
    def kind(self) -> str:
        """`depthwise`, `grouped`, or the kernel: `3x3`."""
        if self.groups > 1:
            return "depthwise" if self.groups == self.in_channels else "grouped"
        return f"{self.kernel[0]}x{self.kernel[1]}"

    @property
    def label(self) -> str:
        """The shape in a few characters: `3x3 16->32 32x32 /2`."""
        kind = f"{self.kernel[0]}x{self.kernel[1]}" + (f" {self.kind}" if self.groups > 1 else "")
        stride = f" /{self.stride[0]}" if self.stride != (1, 1) else ""
        return f"{kind} {self.in_channels}->{self.out_channels} {self.height}x{self.width}{stride}"


def conv_shapes(model: nn.Module, image: tuple[int, int, int]) -> dict[ConvShape, int]:
    """Return the distinct convolutions a network executes on an image, in the order of execution, and their counts.

    Args:
        model: A float network.
        image: Channels, rows, columns.
    """
    found: Counter[ConvShape] = Counter()
    for name, layer in layer_shapes(model, torch.zeros((1, *image))).items():
        module = model.get_submodule(name)
        if not isinstance(module, nn.Conv2d):
            continue
        top, _, left, _ = conv_padding(module.padding, module.kernel_size, module.dilation)
        channels, height, width = layer.input_shape
        found[
            ConvShape(
                in_channels=channels,
                out_channels=layer.out_channels,
                height=height,
                width=width,
                kernel=(module.kernel_size[0], module.kernel_size[1]),
                stride=(module.stride[0], module.stride[1]),
                padding=(top, left),
                dilation=(module.dilation[0], module.dilation[1]),
                groups=layer.groups,
            )
        ] += 1
    return dict(found)
