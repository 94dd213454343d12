"""One convolution as kernels see it: operands, sizes, and the layouts that they are packed into.

A matrix product is the convolution of one image of one row with 1 x 1 kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda.arguments import THREADS, Codes, Conv, Kernel
from agnsim.kernels.cuda.launch import Launcher
from agnsim.kernels.geometry import ConvGeometry

OCTET = 8
_LARGEST_INT = (1 << 31) - 1
_PACK_BLOCKS = 1 << 14  # each strides over the rest
# Packing fields instead of channels repeats activations once per tap: only where it saves this much of the work.
_FIELDS_SAVE = 1.5


def ceil_div(count: int, size: int) -> int:
    """Return how many parts of a size hold `count`."""
    return -(-count // size)


@dataclass(frozen=True)
class Problem:
    """A convolution whose sums go to `out`.

    Attributes:
        x: Activation codes `[N, C, H, W]`, any integer dtype and strides.
        weights: int32 weight patterns `[groups, outputs per group, channels per group, taps]`.
        out: `[N, O, out_h, out_w]`, int32 or int64; rows and columns together have one stride.
        geometry: Sizes.
        bits_a: Width of the activations.
        pad_value: Code of padded positions, `None` where they are skipped.
    """

    x: Tensor
    weights: Tensor
    out: Tensor
    geometry: ConvGeometry
    bits_a: int
    pad_value: int | None

    @property
    def positions(self) -> int:
        """Output positions of all images."""
        return self.geometry.batch * self.geometry.out_height * self.geometry.out_width

    @property
    def group_outputs(self) -> int:
        """Output channels of one group."""
        return self.geometry.out_channels // self.geometry.groups

    @property
    def skips(self) -> bool:
        """Whether there are padded positions that contribute nothing."""
        return self.geometry.padded and self.pad_value is None

    @property
    def by_fields(self) -> bool:
        """Whether octets hold terms of whole receptive fields instead of channels at one tap."""
        taps = self.geometry.kernel[0] * self.geometry.kernel[1]
        by_channels = taps * ceil_div(self.geometry.group_channels, OCTET)
        return by_channels >= _FIELDS_SAVE * ceil_div(self.geometry.fan_in, OCTET)

    @property
    def image_octets(self) -> int:
        """Octets that the packed activations of one image take."""
        geometry = self.geometry
        if self.by_fields:
            pixels = geometry.out_height * geometry.out_width
            return geometry.groups * ceil_div(geometry.fan_in, OCTET) * pixels
        top, bottom, left, right = geometry.pads
        pixels = (geometry.height + top + bottom) * (geometry.width + left + right)
        return geometry.groups * ceil_div(geometry.group_channels, OCTET) * pixels

    def images(self, start: int, end: int) -> Problem:
        """Return the part of the problem for some of the images."""
        geometry = replace(self.geometry, batch=min(end, self.geometry.batch) - start)
        return replace(self, x=self.x[start:end], out=self.out[start:end], geometry=geometry)

    def conv(self) -> Conv:
        """Return the sizes for kernels that read unpacked activations."""
        geometry = self.geometry
        if max(self.positions + 8 * THREADS, self.geometry.fan_in) > _LARGEST_INT:
            raise EngineUnavailable(f"{self.positions} output positions of one image are beyond the kernels' 32 bits")
        image, channel, _, column = self.out.stride()
        return Conv(
            images=geometry.batch,
            groups=geometry.groups,
            group_channels=geometry.group_channels,
            group_outputs=self.group_outputs,
            octets=ceil_div(geometry.group_channels, OCTET),
            height=geometry.height,
            width=geometry.width,
            kernel_h=geometry.kernel[0],
            kernel_w=geometry.kernel[1],
            stride_h=geometry.stride[0],
            stride_w=geometry.stride[1],
            dilation_h=geometry.dilation[0],
            dilation_w=geometry.dilation[1],
            top=geometry.pads[0],
            left=geometry.pads[2],
            real_height=geometry.height,
            real_width=geometry.width,
            skip=self.skips,
            out_height=geometry.out_height,
            out_width=geometry.out_width,
            wide=self.out.dtype == torch.int64,
            out_image=image,
            out_channel=channel,
            out_pixel=column,
        )

    def codes(self) -> Codes:
        """Return the activations for kernels that read them unpacked."""
        image, channel, row, column = self.x.stride()
        mask = (1 << self.bits_a) - 1
        return Codes(
            data=self.x.data_ptr(),
            bytes=self.x.element_size(),
            mask=mask,
            pad=(self.pad_value or 0) & mask,
            image=image,
            channel=channel,
            row=row,
            column=column,
        )

    def packed(self, launcher: Launcher) -> tuple[Tensor, Conv, Tensor]:
        """Pack the activations into octets; skipped padding enters as code 0 (see `agnsim.kernels.cuda.skipped`).

        Returns:
            The octets, uint8 `[..., 8]`; the sizes for kernels that read them; and the weight patterns with their
            terms in the order of the octets, `[groups, outputs, taps, channels]`, channels a multiple of eight and
            outputs as they are. Patterns of channels that don't exist are -1.
        """
        conv = self.conv()
        count = self.geometry.batch * self.image_octets
        if count > _LARGEST_INT:
            raise EngineUnavailable(f"{count} octets of one image's activations are beyond the kernels' 32 bits")
        octets = torch.empty((count, OCTET), dtype=torch.uint8, device=self.x.device)
        grid = min(_PACK_BLOCKS, ceil_div(count, THREADS))
        weights = self.weights
        if self.by_fields:
            fields = ceil_div(self.geometry.fan_in, OCTET)
            arguments = (self.codes(), conv, fields, octets)
            launcher.launch(Kernel("pack/pack.cu", "pack_fields"), self.x.device, grid, 0, arguments)
            conv.group_channels, conv.octets = self.geometry.fan_in, fields
            conv.height, conv.width = conv.real_height, conv.real_width = conv.out_height, conv.out_width
            conv.kernel_h = conv.kernel_w = conv.stride_h = conv.stride_w = conv.dilation_h = conv.dilation_w = 1
            conv.top = conv.left = 0
            weights = weights.flatten(2)[..., None]
        else:
            top, bottom, left, right = self.geometry.pads
            conv.height += top + bottom
            conv.width += left + right
            arguments_by_channel = (self.codes(), conv, octets)
            launcher.launch(Kernel("pack/pack.cu", "pack_channels"), self.x.device, grid, 0, arguments_by_channel)
        missing = conv.octets * OCTET - conv.group_channels
        return octets, conv, functional.pad(weights.transpose(2, 3), (0, missing), value=-1)
