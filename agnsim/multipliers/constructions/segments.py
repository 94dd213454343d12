"""Multipliers of short segments: a few leading bits of each operand are multiplied, the product is shifted back.

A segment starts at one of several places of its operand, at the lowest that loses no leading bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import encode, exact_product, leading_one, select, shift_left
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder


def every_place(width: int, length: int) -> list[int]:
    """Return all lowest bits that a segment of `length` bits can have in an operand of `width` bits."""
    return list(range(max(width - length, 0) + 1))


def spread_places(width: int, length: int, count: int) -> list[int]:
    """Return at most `count` evenly spread ones of `every_place`, the first and the last among them."""
    last = max(width - length, 0)
    return sorted({last * place // (count - 1) for place in range(count)})


def segment_product(
    build: NetlistBuilder,
    a: Bus,
    b: Bus,
    length: int,
    places_a: Sequence[int],
    places_b: Sequence[int],
    *,
    rounding_bit: bool = False,
) -> Bus:
    """Return the product of two segments at its place: selectors, an exact array and a shifter.

    Args:
        build: The netlist in the making.
        a: First operand, unsigned.
        b: Second operand, unsigned.
        length: Bits of a segment; a shorter operand is its own segment.
        places_a: Lowest bits that a segment of a can have, ascending from 0.
        places_b: The same of b.
        rounding_bit: Whether the lowest bit of a segment is set unless the segment starts at bit 0.

    Returns:
        `len(a) + len(b)` wires.
    """
    unit = math.gcd(*places_a, *places_b) or 1  # a shifter needs no finer steps
    short_a, shift_a = _segment(build, a, length, places_a, unit, rounding_bit)
    short_b, shift_b = _segment(build, b, length, places_b, unit, rounding_bit)
    amount = build.add(shift_a, shift_b, max(len(shift_a), len(shift_b)) + 1)
    return shift_left(build, exact_product(build, short_a, short_b), amount, len(a) + len(b), unit)


def segment_value(
    x: NDArray[np.int64], length: int, places: Sequence[int], *, rounding_bit: bool = False
) -> NDArray[np.int64]:
    """Return the value of each operand's segment at its place; arguments as those of `segment_product`."""
    value = x
    for below, place in pairwise(places):
        value = np.where(x >> (below + length) > 0, ((x >> place) | rounding_bit) << place, value)
    return value


def _segment(
    build: NetlistBuilder, x: Bus, length: int, places: Sequence[int], unit: int, rounding_bit: bool
) -> tuple[Bus, Bus]:
    """Return (the segment of x, how many units it was shifted down)."""
    uncovered = [x[below + length : place + length] for below, place in pairwise(places)]
    one_hot, is_long = leading_one(build, [build.any_of(wires) for wires in uncovered])
    windows = [[build.one, *x[place + 1 : place + length]] if rounding_bit else x[place:] for place in places[1:]]
    short = select(build, [build.inverted(is_long), *one_hot], [x, *windows], min(length, len(x)))
    return short, encode(build, one_hot, [place // unit for place in places[1:]])
