"""The accumulator of a deployed network: its width, what happens beyond it, and what has been seen in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from agnsim.errors import AccumulatorOverflow, InputError

Overflow = Literal["error", "wrap", "saturate"]
WIDEST = 32


@dataclass(frozen=True)
class Accumulator:
    """A two's complement accumulator.

    Attributes:
        bits: Width, 2 to 32.
        overflow: `"error"`: a sum that does not fit is refused. `"wrap"`: only the low bits are kept. `"saturate"`: the
            accumulator stops at its ends after every addition, in the order channel, row, column.

    Raises:
        InputError: A value is not allowed.
    """

    bits: int = WIDEST
    overflow: Overflow = "error"

    def __post_init__(self) -> None:
        if not isinstance(self.bits, int) or isinstance(self.bits, bool) or not 2 <= self.bits <= WIDEST:
            raise InputError(f"accumulator_bits: {self.bits!r}; it must be an integer from 2 to {WIDEST}")
        if self.overflow not in get_args(Overflow):
            raise InputError(f"overflow: {self.overflow!r}; allowed are {', '.join(map(repr, get_args(Overflow)))}")

    @property
    def low(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """Largest value."""
        return (1 << (self.bits - 1)) - 1

    def holds(self, least: int, most: int) -> bool:
        """Whether every value from `least` to `most` fits."""
        return self.low <= least and most <= self.high

    def check(self, least: int, most: int, layer: str) -> None:
        """Refuse sums that do not fit.

        Raises:
            AccumulatorOverflow: Naming layer, sum, width and remedy.
        """
        if not self.holds(least, most):
            found = most if most > self.high else least
            raise AccumulatorOverflow(
                f"layer {layer!r}: a sum of {found} does not fit the accumulator of {self.bits} bits "
                f"({self.low}..{self.high}); it needs {bits_for(least, most)} bits. Take a wider one, or overflow="
                "'wrap' or 'saturate' to see what that costs."
            )

    def wrap(self, sums: Tensor) -> Tensor:
        """Return the low bits of the sums, int32. Exact also for partial sums that left the range on the way."""
        wide = sums.to(torch.int64)
        return (((wide - self.low) & ((1 << self.bits) - 1)) + self.low).to(torch.int32)


def bits_for(least: int, most: int) -> int:
    """Return the width of the narrowest two's complement accumulator that holds both."""
    return max((-least - 1 if least < 0 else least).bit_length(), (-most - 1 if most < 0 else most).bit_length()) + 1


@dataclass
class SumRecord:
    """What one layer's accumulators have held.

    Attributes:
        layer: Its name.
        worst_case_bits: Width that no sum can leave, whatever the images.
        least: Smallest sum seen, before wrapping or saturation; `None` before the first image, or where no record is
            kept because every sum fits, proven.
        most: Largest sum seen.
        overflows: How many sums did not fit (with `saturate`: stopped at an end on their way).
    """

    layer: str
    worst_case_bits: int
    least: int | None = None
    most: int | None = None
    overflows: int = 0

    @property
    def largest(self) -> int | None:
        """Largest magnitude seen."""
        return None if self.least is None or self.most is None else max(abs(self.least), abs(self.most))

    @property
    def bits_needed(self) -> int | None:
        """Width that what was seen needs."""
        return None if self.least is None or self.most is None else bits_for(self.least, self.most)

    def see(self, least: int, most: int) -> None:
        """Take a batch's extremes in."""
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)
