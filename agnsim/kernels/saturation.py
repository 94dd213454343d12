"""Sums in a saturating accumulator: exact, slow, for the few layers whose partial sums may leave its range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import patterns
from agnsim.kernels.threads import run_parts

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


def saturating_conv2d(
    x: Tensor,
    w: Tensor,
    multiplier: Multiplier,
    geometry: ConvGeometry,
    *,
    pad_value: int,
    low: int,
    high: int,
    channels: Tensor,
) -> tuple[Tensor, int]:
    """Convolve with an accumulator that is clamped to `low..high` after every addition.

    It starts at 0; the order of a receptive field's products is channel, row, column, padding included.

    Args:
        x: Activation codes `[N, C, H, W]`, within the multiplier's range.
        w: Weight codes `[O, C / groups, kernel_h, kernel_w]`, likewise.
        multiplier: The table.
        geometry: Sizes.
        pad_value: Activation code at padded positions.
        low: Smallest value of the accumulator, at least -2**31.
        high: Largest value, below 2**31.
        channels: int64 `[K]`, the output channels wanted.

    Returns:
        int32 `[N, K, out_h, out_w]`, and in how many of these sums the accumulator has been clamped.
    """
    top, bottom, left, right = geometry.pads
    pad = pad_value & ((1 << multiplier.bits_a) - 1)
    padded = functional.pad(patterns(x, multiplier.bits_a), (left, right, top, bottom), value=pad)
    weights = patterns(w, multiplier.bits_b)
    by = _by_loops if x.device.type == "cpu" else _by_torch
    return by(padded, weights, multiplier, geometry, low, high, channels)


def _by_loops(
    padded: Tensor,
    weights: Tensor,
    multiplier: Multiplier,
    geometry: ConvGeometry,
    low: int,
    high: int,
    channels: Tensor,
) -> tuple[Tensor, int]:
    from agnsim.kernels.saturation_loops import accumulate

    sums = torch.zeros(geometry.batch, len(channels), geometry.out_height, geometry.out_width, dtype=torch.int32)
    clamped = np.zeros(geometry.batch, np.int64)
    run_parts(
        lambda image: accumulate(
            padded[image].contiguous().numpy(),
            weights.contiguous().numpy(),
            multiplier.table,
            channels.numpy(),
            geometry.out_channels // geometry.groups,
            geometry.stride,
            geometry.dilation,
            low,
            high,
            sums[image].numpy(),
            clamped[image : image + 1],
        ),
        geometry.batch,
    )
    return sums, int(clamped.sum())


def _by_torch(
    padded: Tensor,
    weights: Tensor,
    multiplier: Multiplier,
    geometry: ConvGeometry,
    low: int,
    high: int,
    channels: Tensor,
) -> tuple[Tensor, int]:
    table = torch.from_numpy(multiplier.table.astype(np.int64)).to(padded.device).flatten()
    first = channels // (geometry.out_channels // geometry.groups) * geometry.group_channels
    shape = (geometry.batch, len(channels), geometry.out_height, geometry.out_width)
    sums = torch.zeros(shape, dtype=torch.int64, device=padded.device)
    clamped = torch.zeros(shape, dtype=torch.bool, device=padded.device)
    for channel in range(geometry.group_channels):
        codes = padded[:, first + channel].to(torch.int64) << multiplier.bits_b
        for row in range(geometry.kernel[0]):
            for column in range(geometry.kernel[1]):
                at = codes[
                    ...,
                    _along(row, geometry.dilation[0], geometry.stride[0], geometry.out_height),
                    _along(column, geometry.dilation[1], geometry.stride[1], geometry.out_width),
                ]
                sums += table[at + weights[channels, channel, row, column].view(-1, 1, 1)]
                kept = sums.clamp(low, high)
                clamped |= kept != sums
                sums = kept
    return sums.to(torch.int32), int(clamped.sum())


def _along(tap: int, dilation: int, stride: int, outputs: int) -> slice:
    """Return the positions that one tap of the kernel meets along one axis."""
    start = tap * dilation
    return slice(start, start + stride * (outputs - 1) + 1, stride)
