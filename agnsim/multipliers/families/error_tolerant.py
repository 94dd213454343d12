"""Error-tolerant multiplier: either the high or the low parts of the operands are multiplied exactly.

Operands are split into a high part and `low` low bits. If both high parts are zero, the low parts are multiplied
exactly, by the same array that otherwise multiplies the high parts. Then the low `2 low` bits of the product come from
the paper's non-multiplication section: from the highest low bit down, up to the first place where either operand has a
1, they are 0, and from there on 1. So they are `2**(low + p + 1) - 1` for the highest 1 at place p, or 0. Signed
operands go by their magnitudes.

Source: K. Y. Kyaw, W. L. Goh, K. S. Yeo, "Low-power high-speed multiplier for error-tolerant application", EDSSC 2010.
The paper splits a 12-bit multiplier in halves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude, exact_product
from agnsim.multipliers.constructions.logarithms import leading_one_position
from agnsim.multipliers.families.family import (
    Circuit,
    Family,
    check_parameter,
    instances,
    register,
)
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, low: int) -> Netlist:
    """Return one array that is shared by the parts, its multiplexers and the non-multiplication section."""
    _check(bits_a, bits_b, low)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        is_large = build.any_of(a[low:] + b[low:])
        part_a, part_b = (_either_part(build, x, low, is_large) for x in (a, b))
        exact = exact_product(build, part_a, part_b)
        ones_from = [build.any_of(a[place:low] + b[place:low]) for place in range(low)]
        section = [ones_from[0]] * low + ones_from
        product = [build.mux(is_large, build.bit(exact, place), wire) for place, wire in enumerate(section)]
        above = [build.both(is_large, build.bit(exact, place)) for place in range(len(a) + len(b) - 2 * low)]
        return product + above

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, low: int
) -> NDArray[np.int64]:
    """Return the exact product of small operands, else that of the high parts with the section's bits below."""
    _check(bits_a, bits_b, low)
    magnitude_a, magnitude_b = np.abs(a), np.abs(b)
    sign = np.where((a < 0) != (b < 0), -1, 1)  # a product with 0 may differ from 0
    either = magnitude_a | magnitude_b
    seen = either & ((1 << low) - 1)
    section = np.where(seen > 0, (1 << (low + 1 + leading_one_position(seen))) - 1, 0)
    large = ((magnitude_a >> low) * (magnitude_b >> low) << 2 * low) + section
    return sign * np.where(either >> low > 0, large, magnitude_a * magnitude_b)


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers split in halves, as in the paper, and ones with fewer low bits."""
    return (
        instances("error_tolerant", _tagged(2, 3, 4, 5))
        + instances("error_tolerant", _tagged(2), ((4, 4), (8, 4)))
        + instances("error_tolerant", _tagged(2, 3), ((6, 6),))
        + instances("error_tolerant", _tagged(4, 6), ((12, 12),))
    )


def _either_part(build: NetlistBuilder, x: Bus, low: int, is_large: Wire) -> Bus:
    width = max(low, len(x) - low)
    return [build.mux(is_large, build.bit(x[:low], place), build.bit(x[low:], place)) for place in range(width)]


def _tagged(*chosen: int) -> dict[str, dict[str, int]]:
    return {f"l{low}": {"low": low} for low in chosen}


def _check(bits_a: int, bits_b: int, low: int) -> None:
    check_parameter("error_tolerant", "low", low, 1, min(bits_a, bits_b) - 1)


register(
    Family(
        name="error_tolerant",
        citation='K. Y. Kyaw, W. L. Goh, K. S. Yeo, "Low-power high-speed multiplier for error-tolerant application", '
        "EDSSC 2010",
        summary="high or low parts multiplied exactly, the rest estimated by ORs",
        parameters={"low": "bits of an operand's low part"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
