"""Dynamic segment method: the `length` bits from the leading one of each operand are multiplied exactly.

The bits below a segment are dropped (DRUM sets its lowest bit instead), so the product is never too large. An operand
without a 1 above its lowest `length` bits is used as it is. Signed operands go by their magnitudes.

Source: S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-efficient approximate multiplication
for digital signal processing and classification applications", IEEE Trans. VLSI Systems 23(6), 2015 (its DSM, beside
`static_segment`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude
from agnsim.multipliers.constructions.segments import every_place, segment_product, segment_value
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


def netlist(bits_a: int, bits_b: int, *, signed: bool, length: int) -> Netlist:
    """Return leading-one detectors, segment selectors, an exact array and a barrel shifter."""
    _check(length)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        return segment_product(build, a, b, length, every_place(len(a), length), every_place(len(b), length))

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, length: int
) -> NDArray[np.int64]:
    """Return the product of both operands truncated to their leading bits."""
    _check(length)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    short_a = segment_value(magnitude_a, length, every_place(bits_a, length))
    return sign * short_a * segment_value(magnitude_b, length, every_place(bits_b, length))


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers from two leading bits to six."""
    return (
        instances("dynamic_segment", _tagged(2, 3, 4, 5, 6))
        + instances("dynamic_segment", _tagged(2), ((4, 4),))
        + instances("dynamic_segment", _tagged(2, 3), ((8, 4),))
        + instances("dynamic_segment", _tagged(3, 4), ((6, 6),))
        + instances("dynamic_segment", _tagged(4, 6), ((12, 12),))
    )


def _tagged(*chosen: int) -> dict[str, dict[str, int]]:
    return {f"m{length}": {"length": length} for length in chosen}


def _check(length: int) -> None:
    check_parameter("dynamic_segment", "length", length, 1, MAX_BITS)


register(
    Family(
        name="dynamic_segment",
        citation='S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-efficient approximate '
        'multiplication for digital signal processing and classification applications", IEEE Trans. VLSI Systems '
        "23(6), 2015",
        summary="the leading bits of each operand, truncated",
        parameters={"length": "bits of a segment"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
