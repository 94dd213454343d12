"""Integer constants of requantisation: a real factor and offset as multiplier, addend and shift.

`clamp((sum * M + C) >> s, low, high)` stands for `clamp(round(factor * sum + offset), low, high)`, as in Jacob et al.,
"Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018, section 2.2,
but with the offset, at full precision, and the rounding inside C. The constants are made in double precision by
operations that IEEE 754 fixes to the last bit, so every platform makes the same.

M is `factor * 2**s` rounded, C is `offset * 2**s` rounded, plus half of `2**s`. Both products are exact (a power of
two), so each is off by at most 1/2, and the shifted value differs from `factor * sum + offset + 1/2` by at most
`(|sum| + 1) / 2**(s + 1)` before the shift rounds down. s is the largest for which M fits 31 bits and a sign, and
`largest * |M| + |C|` 63: no step can overflow for any sum up to `largest`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agnsim.errors import InputError

MULTIPLIER_LIMIT = 2**31 - 1
INT64_LIMIT = 2**63 - 1
LARGEST_SHIFT = 62


@dataclass(frozen=True)
class Requantization:
    """Constants of `clamp((sum * multiplier + addend) >> shift, low, high)`, per channel.

    Attributes:
        multiplier: int32 `[channels]`; negative for a negative factor.
        addend: int64 `[channels]`.
        shift: int32 `[channels]`, 0 to 62.
        low: Smallest result.
        high: Largest result.
    """

    multiplier: Tensor
    addend: Tensor
    shift: Tensor
    low: int
    high: int


def requantization(
    factor: Sequence[float], offset: Sequence[float], *, largest: Sequence[int], low: int, high: int
) -> Requantization:
    """Return the constants for `clamp(round(factor * sum + offset), low, high)`.

    Args:
        factor: Units of the result for each unit of the sum, per channel.
        offset: Units of the result, per channel.
        largest: No sum's magnitude is larger, per channel.
        low: Smallest result, at least -2**31.
        high: Largest result, below 2**31, at least `low`.

    Raises:
        InputError: A factor or offset is not finite, or a factor so large that no constants represent it.
    """
    constants = [_constants(f, o, bound, low, high) for f, o, bound in zip(factor, offset, largest, strict=True)]
    multipliers, addends, shifts = zip(*constants, strict=True)
    return Requantization(
        torch.tensor(multipliers, dtype=torch.int32),
        torch.tensor(addends, dtype=torch.int64),
        torch.tensor(shifts, dtype=torch.int32),
        low,
        high,
    )


def _constants(factor: float, offset: float, largest: int, low: int, high: int) -> tuple[int, int, int]:
    if not (math.isfinite(factor) and math.isfinite(offset)):
        raise InputError(f"requantisation by {factor} with offset {offset}: both must be finite")
    reach = abs(factor) * largest
    # Beyond the clamp whatever the sum: a constant. It keeps offsets, and so the addend, within reach of the result.
    margin = 1 + math.ldexp(reach + abs(offset), -50)  # more than double precision rounds
    if offset - reach > high + margin:
        return 0, high, 0
    if offset + reach < low - margin:
        return 0, low, 0
    if factor == 0 or largest == 0:
        return 0, math.floor(offset + 0.5), 0
    shift = min(LARGEST_SHIFT, 31 - math.frexp(factor)[1])
    while shift >= 0:
        multiplier = round(math.ldexp(factor, shift))
        addend = round(math.ldexp(offset, shift)) + ((1 << shift) >> 1)
        if abs(multiplier) <= MULTIPLIER_LIMIT and largest * abs(multiplier) + abs(addend) <= INT64_LIMIT:
            return multiplier, addend, shift
        shift -= 1
    raise InputError(
        f"requantisation by {factor:g} of sums up to {largest}: the factor is beyond 31 bits, so that neighbouring "
        "sums are further apart than all results; check the scales"
    )
