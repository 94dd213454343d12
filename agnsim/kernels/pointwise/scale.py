"""Sums of products to real values: one pass, in the memory of the sums."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from agnsim.kernels.pointwise.flat import compilable, flat, in_parts, memory_format


def scale_sums(
    sums: Tensor, scale: Tensor, shift: Tensor | None, *, offset: Tensor | None = None, channel: int, dtype: torch.dtype
) -> Tensor:
    """Return `(sums - offset) * scale + shift`; the sums are overwritten where that saves memory.

    The difference is exact, its conversion, the product and the sum are rounded one after the other.

    Args:
        sums: int32 or int64, or of `dtype`; contiguous or channels last.
        scale: `[1]` or `[channels]`, of `dtype`.
        shift: `[channels]` of `dtype`, or `None` for none.
        offset: `[channels]`, of an integer type, no difference overflows; `None` for none.
        channel: Dimension of the channels: 1, or the last.
        dtype: float32 or float64.
    """
    channels = sums.shape[channel]
    if sums.numel() and dtype == torch.float32 and compilable(sums, torch.int32, torch.float32):
        return _compiled(sums, scale, shift, offset, channels, planes=channel == 1 and sums.dim() > 2)
    shape = (-1,) + (1,) * (sums.dim() - 1 - channel % max(1, sums.dim()))
    exact = sums if offset is None else sums - offset.view(shape)
    real = exact.to(dtype).mul_(scale.view(shape))
    return real if shift is None else real.add_(shift.view(shape))


def _compiled(
    sums: Tensor, scale: Tensor, shift: Tensor | None, offset: Tensor | None, channels: int, *, planes: bool
) -> Tensor:
    from agnsim.kernels.pointwise.scale_loops import BUFFER, scale_channels_last, scale_planes

    last = memory_format(sums) is torch.channels_last
    if not last and not sums.is_contiguous():
        sums = sums.contiguous()
    integers, factors = flat(sums), flat(scale)
    reals = integers.view(np.float32)
    # -0.0 is the number that changes none by its addition.
    more = np.full(channels, -0.0, np.float32) if shift is None else flat(shift)
    less = np.zeros(channels, integers.dtype) if offset is None else flat(offset).astype(integers.dtype)
    if len(factors) < channels:
        factors = factors.repeat(channels)
    if planes and not last:
        run = sums[0, 0].numel()
        in_parts(
            sums.numel(),
            lambda start, stop: scale_planes(integers, reals, run, start // run, stop // run, less, factors, more),
            run,
        )
    else:
        repeats = max(1, BUFFER // channels)
        less, factors, more = (np.tile(vector, repeats) for vector in (less, factors, more))
        in_parts(
            sums.numel(),
            lambda start, stop: scale_channels_last(integers, reals, start, stop, less, factors, more),
            channels * repeats,
        )
    return sums.view(torch.float32)
