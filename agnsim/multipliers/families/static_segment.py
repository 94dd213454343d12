"""Static segment method: `length` bits of each operand, from one of a few fixed places, are multiplied exactly.

With two places the segment is the operand's highest bits if any of the bits above the lowest `length` is 1, else its
lowest; the paper takes at least half the operand's bits. With three (the paper's enhanced method, which has them for
segments of half the operand) the third place is in the middle. What is below a segment is dropped, so the product is
never too large. Signed operands go by their magnitudes.

Source: S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-efficient approximate multiplication
for digital signal processing and classification applications", IEEE Trans. VLSI Systems 23(6), 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude
from agnsim.multipliers.constructions.segments import segment_product, segment_value, spread_places
from agnsim.multipliers.families.family import (
    MAX_BITS,
    Circuit,
    Family,
    check_parameter,
    instances,
    magnitudes,
    register,
)
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, length: int, places: int) -> Netlist:
    """Return segment selectors, an exact array and a shifter."""
    _check(length, places)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        places_a, places_b = (spread_places(len(x), length, places) for x in (a, b))
        return segment_product(build, a, b, length, places_a, places_b)

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, length: int, places: int
) -> NDArray[np.int64]:
    """Return the product of both operands with the bits below their segments cleared."""
    _check(length, places)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    short_a = segment_value(magnitude_a, length, spread_places(bits_a, length, places))
    return sign * short_a * segment_value(magnitude_b, length, spread_places(bits_b, length, places))


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers of two places, and of three (p3)."""
    return (
        instances("static_segment", _tagged((4, 2), (5, 2), (6, 2), (4, 3), (5, 3)))
        + instances("static_segment", _tagged((4, 2)), ((8, 4),))
        + instances("static_segment", _tagged((3, 2), (4, 2)), ((6, 6),))
        + instances("static_segment", _tagged((6, 2), (6, 3)), ((12, 12),))
    )


def _tagged(*chosen: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {
        f"m{length}" + (f"p{places}" if places != 2 else ""): {"length": length, "places": places}
        for length, places in chosen
    }


def _check(length: int, places: int) -> None:
    check_parameter("static_segment", "length", length, 1, MAX_BITS)
    check_parameter("static_segment", "places", places, 2, MAX_BITS)


register(
    Family(
        name="static_segment",
        citation='S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-efficient approximate '
        'multiplication for digital signal processing and classification applications", IEEE Trans. VLSI Systems '
        "23(6), 2015",
        summary="a few leading bits of each operand, from fixed places",
        parameters={"length": "bits of a segment", "places": "where a segment may start, 2 or more"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
