"""Integers to integers of another scale: multiply, add, shift, clamp, in one pass over the tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from agnsim.errors import InputError
from agnsim.kernels.threads import run_parts

_ELEMENTS_PER_PART = 1 << 16


def requantize(
    sums: Tensor,
    multiplier: Tensor,
    addend: Tensor,
    shift: Tensor,
    low: int,
    high: int,
    dtype: torch.dtype,
    channel_dim: int = 1,
) -> Tensor:
    """Return `clamp((sums * multiplier + addend) >> shift, low, high)`, computed in 64 bits, the shift arithmetic.

    The caller has proven that no product and no sum leaves 64 bits (`agnsim.quantization.requantization`).

    Args:
        sums: int32 or int64, any shape and strides.
        multiplier: int32 `[channels]`, or `[1]` for all alike.
        addend: int64, same shape.
        shift: int32, same shape, 0 to 62.
        low: Smallest result.
        high: Largest result.
        dtype: Integer type of the result, which holds `low` and `high`.
        channel_dim: Dimension of `sums` that the channels lie along.

    Returns:
        The shape of `sums`; channels-last where `sums` is.

    Raises:
        InputError: The channels do not fit.
    """
    channels = multiplier.numel()
    if channels != 1 and sums.shape[channel_dim] != channels:
        raise InputError(
            f"requantize: sums of shape {list(sums.shape)} have {sums.shape[channel_dim]} channels along dimension "
            f"{channel_dim}, the constants {channels}"
        )
    if sums.device.type != "cpu":
        return _by_torch(sums, multiplier, addend, shift, low, high, dtype, channel_dim)
    channels_last = sums.dim() == 4 and not sums.is_contiguous()
    channels_last = channels_last and sums.is_contiguous(memory_format=torch.channels_last)
    if channels_last and channel_dim == 1:
        moved = sums.permute(0, 2, 3, 1)
        return _by_loops(moved, multiplier, addend, shift, low, high, dtype, 3).permute(0, 3, 1, 2)
    return _by_loops(sums.contiguous(), multiplier, addend, shift, low, high, dtype, channel_dim % sums.dim())


def _by_torch(
    sums: Tensor,
    multiplier: Tensor,
    addend: Tensor,
    shift: Tensor,
    low: int,
    high: int,
    dtype: torch.dtype,
    channel_dim: int,
) -> Tensor:
    shape = [1] * sums.dim()
    shape[channel_dim] = -1
    wide = sums.to(torch.int64) * multiplier.to(torch.int64).view(shape)
    wide += addend.view(shape)
    wide >>= shift.to(torch.int64).view(shape)
    return wide.clamp_(low, high).to(dtype)


def _by_loops(
    sums: Tensor,
    multiplier: Tensor,
    addend: Tensor,
    shift: Tensor,
    low: int,
    high: int,
    dtype: torch.dtype,
    channel_dim: int,
) -> Tensor:
    from agnsim.kernels.pointwise.requantize_loops import requantize_columns, requantize_rows

    result = torch.empty(sums.shape, dtype=dtype)
    if sums.numel() == 0:
        return result
    channels = multiplier.numel()
    inner = sums.shape[channel_dim + 1 :].numel() if channels > 1 else min(sums.numel(), _ELEMENTS_PER_PART)
    by_rows = channels == 1 or inner > 1
    width = inner if by_rows else channels
    whole = sums.numel() // width * width  # one channel: the last, shorter row is left over
    source, target = (t.view(-1)[:whole].view(-1, width).numpy() for t in (sums, result))
    constants = multiplier.numpy(), addend.numpy(), shift.numpy(), low, high
    loop = requantize_rows if by_rows else requantize_columns
    rows = len(source)
    parts = max(1, min(rows, whole // _ELEMENTS_PER_PART))
    run_parts(lambda part: loop(source, *constants, target, rows * part // parts, rows * (part + 1) // parts), parts)
    if whole < sums.numel():
        rest = (t.view(-1)[whole:].view(1, -1).numpy() for t in (sums, result))
        loop(next(rest), *constants, next(rest), 0, 1)
    return result
