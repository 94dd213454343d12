"""Approximate logarithmic multiplier: Mitchell's, with an inexact adder for the low bits of the logarithms.

The `low` lowest bits of the sum of the logarithms are all 1 (a set-one adder: ALM-SOA) or the OR of both (a
lower-part-OR adder: ALM-LOA); the rest is added exactly, with a carry where both logarithms have the highest low bit.
All fraction bits are kept, one less than the wider operand has. 1s in the low bits make up for a part of what
Mitchell's multiplier underestimates. A zero operand gives 0, and signed operands go by their magnitudes: choices.

The third adder of the paper, ALM-MAA, is left out.

Source: W. Liu, J. Xu, D. Wang, C. Wang, P. Montuschi, F. Lombardi, "Design and evaluation of approximate logarithmic
multipliers for low power error-tolerant applications", IEEE Trans. Circuits and Systems I 65(9), 2018. Lower-part-OR
adder: H. R. Mahdiani et al., IEEE Trans. Circuits and Systems I 57(4), 2010.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude
from agnsim.multipliers.constructions.logarithms import antilogarithm, logarithm, logarithmic_product
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, magnitudes, register
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, low: int, set_one: int) -> Netlist:
    """Return Mitchell's multiplier around the inexact adder."""
    _check(bits_a, bits_b, low, set_one)

    def add(build: NetlistBuilder, x: Bus, y: Bus, width: int) -> Bus:
        sums = [build.one if set_one else build.either(x[place], y[place]) for place in range(low)]
        carry = build.both(x[low - 1], y[low - 1]) if low else build.zero
        for place in range(low, width):
            bit, carry = build.full_adder(build.bit(x, place), build.bit(y, place), carry)
            sums.append(bit)
        return sums

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        return logarithmic_product(build, a, b, max(bits_a, bits_b) - 1, add)

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, low: int, set_one: int
) -> NDArray[np.int64]:
    """Return the antilogarithm of the inexact sum of the logarithms."""
    _check(bits_a, bits_b, low, set_one)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    fraction = max(bits_a, bits_b) - 1
    log_a, log_b = logarithm(magnitude_a, fraction), logarithm(magnitude_b, fraction)
    ones = (1 << low) - 1
    carry = log_a & log_b & (1 << low >> 1)  # weighs twice as much in the sum
    high = (log_a & ~ones) + (log_b & ~ones) + 2 * carry
    return sign * antilogarithm(high + (ones if set_one else (log_a | log_b) & ones), fraction)


def circuits() -> tuple[Circuit, ...]:
    """Return both kinds, with from few to most of the fraction's bits added inexactly."""
    return (
        instances("alm", _tagged(1, 3, 4, 5) | _tagged(0, 4, 5))
        + instances("alm", _tagged(1, 3) | _tagged(0, 3), ((6, 6),))
        + instances("alm", _tagged(1, 6) | _tagged(0, 8), ((12, 12),))
    )


def _tagged(set_one: int, *chosen: int) -> dict[str, dict[str, int]]:
    return {f"{'soa' if set_one else 'loa'}{low}": {"low": low, "set_one": set_one} for low in chosen}


def _check(bits_a: int, bits_b: int, low: int, set_one: int) -> None:
    check_parameter("alm", "low", low, 0, max(bits_a, bits_b) - 1)
    check_parameter("alm", "set_one", set_one, 0, 1)


register(
    Family(
        name="alm",
        citation='W. Liu, J. Xu, D. Wang, C. Wang, P. Montuschi, F. Lombardi, "Design and evaluation of approximate '
        'logarithmic multipliers for low power error-tolerant applications", IEEE Trans. Circuits and Systems I '
        "65(9), 2018",
        summary="Mitchell's multiplier with an inexact adder of the logarithms",
        parameters={"low": "bits added inexactly", "set_one": "1 sets them to 1 (SOA), 0 ORs them (LOA)"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
