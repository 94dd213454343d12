"""Real values to integer codes: one pass, bit for bit what PyTorch's own operators give in several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from agnsim.kernels.pointwise.flat import compilable, flat, in_parts, memory_format


@dataclass(frozen=True)
class Codes:
    """A quantised tensor.

    Attributes:
        codes: uint8 or int8, in the memory format of the tensor; a NaN became code 0.
        inside: uint8, 1 where the tensor was not clipped; `None` where it was not asked for.
        taint: Scalar tensor, NaN if the tensor holds one, else 0; `None`: it holds none. Added to sums of the codes it
            keeps a NaN visible.
    """

    codes: Tensor
    inside: Tensor | None
    taint: Tensor | None


def quantize(x: Tensor, scale: Tensor, zero_point: Tensor, low: int, high: int, *, mask: bool = False) -> Codes:
    """Return the codes `clamp(round(x / scale) + zero_point, low, high)`: true division, half to even.

    One compiled pass over float32 on the CPU, 5 bytes moved per entry (6 with the mask); PyTorch's operators elsewhere.

    Args:
        x: float32 or float64, any shape.
        scale: float32 `[1]`, or one per index of dimension 0; positive.
        zero_point: int32, shaped like `scale`.
        low: Smallest code, -128 or more, at most 0.
        high: Largest code, at most 255, or 127 where `low` is negative.
        mask: Whether to tell which entries are not clipped.
    """
    dtype = torch.int8 if low < 0 else torch.uint8
    form = memory_format(x)
    x = x.contiguous(memory_format=form)
    if compilable(x, torch.float32):
        codes = torch.empty_like(x, dtype=dtype)
        inside = torch.empty_like(x, dtype=torch.uint8) if mask else None
        spoilt = _compiled(x, scale, zero_point, low, high, codes, inside)
        return Codes(codes, inside, x.new_full((), torch.nan) if spoilt else None)
    shape = (-1,) + (1,) * (x.dim() - 1) if scale.numel() > 1 else (1,) * x.dim()
    rounded = torch.div(x, scale.view(shape)).round_().add_(zero_point.view(shape))
    kept = (rounded >= low).logical_and_(rounded <= high).view(torch.uint8) if mask else None
    return Codes(rounded.nan_to_num(0.0).clamp_(low, high).to(dtype), kept, rounded.clamp_(low, high).sum() * 0.0)


def _compiled(
    x: Tensor, scale: Tensor, zero_point: Tensor, low: int, high: int, codes: Tensor, inside: Tensor | None
) -> bool:
    from agnsim.kernels.pointwise.quantize_loops import round_to_codes, round_to_codes_and_mask

    source, target = flat(x), flat(codes)
    steps, zeros = flat(scale.contiguous()), flat(zero_point).astype(np.float32)
    run = max(1, x.numel() // len(steps))
    least, most = np.float32(low), np.float32(high)
    spoilt = []
    if inside is None:

        def work(start: int, stop: int) -> None:
            spoilt.append(round_to_codes(source, steps, zeros, run, least, most, start, stop, target))

    else:
        mask = flat(inside)

        def work(start: int, stop: int) -> None:
            found = round_to_codes_and_mask(source, steps, zeros, run, least, most, start, stop, target, mask)
            spoilt.append(found)

    in_parts(x.numel(), work)
    return any(spoilt)
