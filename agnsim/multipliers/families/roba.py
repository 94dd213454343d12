"""Rounding-based multiplier: a b is taken as a' b + b' a - a' b', a' and b' the nearest powers of two.

Three shifts and two additions; what is missing is (a' - a)(b' - b), at most 1/9 of the product. Of two nearest powers
the higher one is taken, but for 3, which is rounded to 2, as in the paper. An unsigned operand may be rounded to one
bit more than it has. Signed operands go by their magnitudes (the paper's S-RoBA). The sum in two's complement is a
choice: the paper has a special subtractor.

Source: R. Zendegani, M. Kamal, M. Bahadori, A. Afzali-Kusha, M. Pedram, "RoBA multiplier: a rounding-based approximate
multiplier for high-speed yet energy-efficient digital signal processing", IEEE Trans. VLSI Systems 25(2), 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude, carry_save_array, leading_one, select
from agnsim.multipliers.constructions.logarithms import leading_one_position
from agnsim.multipliers.families.family import (
    Circuit,
    Family,
    instances,
    magnitudes,
    register,
)
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool) -> Netlist:
    """Return rounders, three shifters, a row of full adders and an adder."""

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        width = len(a) + len(b)
        power_a, power_b = _power(build, a), _power(build, b)
        rows = [
            select(build, power, [[build.zero] * place + x for place in range(len(power))], width)
            for power, x in ((power_a, b), (power_b, a), (power_a, power_b))
        ]
        rows[2] = [build.inverted(wire) for wire in rows[2]]
        return carry_save_array(build, rows, width, constant=1)

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool) -> NDArray[np.int64]:
    """Return a * b less the product of both operands' rounding errors."""
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    return sign * (magnitude_a * magnitude_b - _rounding(magnitude_a) * _rounding(magnitude_b))


def circuits() -> tuple[Circuit, ...]:
    """Return the multiplier at the widths where three shifts cost less than an array, or about as much."""
    return instances("roba", {"": {}}, ((8, 8), (12, 12)))


def _power(build: NetlistBuilder, x: Bus) -> Bus:
    """Return the nearest power of two, one-hot, one wire wider than x."""
    one_hot, _ = leading_one(build, x)
    rounded_up = [build.both(hot, x[place - 1]) if place > 1 else build.zero for place, hot in enumerate(one_hot)]
    stays = [build.both(hot, build.inverted(up)) for hot, up in zip(one_hot, rounded_up, strict=True)]
    return [build.either(build.bit(stays, place), build.bit(rounded_up, place - 1)) for place in range(len(x) + 1)]


def _rounding(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nearest power of two less x; 0 for 0."""
    below = 1 << leading_one_position(x)
    rounded = np.where((2 * x >= 3 * below) & (x != 3) & (x > 1), 2 * below, below)
    return np.where(x > 0, rounded - x, 0)


register(
    Family(
        name="roba",
        citation='R. Zendegani, M. Kamal, M. Bahadori, A. Afzali-Kusha, M. Pedram, "RoBA multiplier: a rounding-based '
        'approximate multiplier for high-speed yet energy-efficient digital signal processing", IEEE Trans. VLSI '
        "Systems 25(2), 2017",
        summary="operands rounded to powers of two, three shifts",
        parameters={},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
