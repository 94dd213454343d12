"""Underdesigned multiplier: products of 2-bit digits, of which 3 x 3 gives 7 and so fits three bits.

A larger product is the sum of the digit products a_i b_j 4**(i+j). The blocks with i + j < `diagonals` are
approximate, the others exact 2x2 multipliers; all of them approximate is the paper's multiplier. The sum is exact,
here by a carry-save array instead of the paper's recursive adders: the same products. Signed operands go by their
magnitudes. An odd width gets a 0 on top.

Source: P. Kulkarni, P. Gupta, M. Ercegovac, "Trading accuracy for power with an underdesigned multiplier
architecture", VLSI Design 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude, carry_save_array, exact_product
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


def netlist(bits_a: int, bits_b: int, *, signed: bool, diagonals: int) -> Netlist:
    """Return the blocks of all digit pairs and the array that adds them."""
    _check(diagonals)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        digits_a, digits_b = _digits(build, a), _digits(build, b)
        rows: list[Bus] = []
        for j, digit_b in enumerate(digits_b):
            for parity in (0, 1):  # a block is two digits wide: every second one shares a row
                row = [build.zero] * (2 * (j + parity))
                for i in range(parity, len(digits_a), 2):
                    block = _underdesigned if i + j < diagonals else exact_product
                    row += block(build, digits_a[i], digit_b)
                rows.append(row)
        return carry_save_array(build, rows, len(a) + len(b))

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, diagonals: int
) -> NDArray[np.int64]:
    """Return a * b less 2 * 4**(i+j) for every approximate block whose digits are both 3."""
    _check(diagonals)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    error = np.zeros(np.broadcast_shapes(a.shape, b.shape), dtype=np.int64)
    for i in range(-(-bits_a // 2)):
        for j in range(-(-bits_b // 2)):
            if i + j < diagonals:
                both_3 = (magnitude_a >> 2 * i & 3 == 3) & (magnitude_b >> 2 * j & 3 == 3)
                error += both_3.astype(np.int64) << (2 * (i + j) + 1)
    return sign * (magnitude_a * magnitude_b - error)


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers of which few to all blocks are approximate: the last of each width is the paper's.

    The top digit of a signed magnitude is never 3: its blocks would err nowhere.
    """
    chosen = {
        (8, 8): ((3, 4, 5, 7), (2, 3, 4, 7)),
        (4, 4): ((1, 3), (1,)),
        (6, 6): ((3, 5), (2, 5)),
        (12, 12): ((11,), (11,)),
        (8, 4): ((2, 5), (2, 5)),
    }
    return tuple(
        circuit
        for widths, both_signs in chosen.items()
        for signed, several in enumerate(both_signs)
        for circuit in instances(
            "kulkarni",
            {f"d{diagonals}": {"diagonals": diagonals} for diagonals in several},
            (widths,),
            signs=(bool(signed),),
        )
    )


def _digits(build: NetlistBuilder, x: Bus) -> list[Bus]:
    return [[x[place], build.bit(x, place + 1)] for place in range(0, len(x), 2)]


def _underdesigned(build: NetlistBuilder, x: Bus, y: Bus) -> Bus:
    cross = build.either(build.both(x[1], y[0]), build.both(x[0], y[1]))
    return [build.both(x[0], y[0]), cross, build.both(x[1], y[1]), build.zero]


def _check(diagonals: int) -> None:
    check_parameter("kulkarni", "diagonals", diagonals, 0, MAX_BITS - 1)


register(
    Family(
        name="kulkarni",
        citation='P. Kulkarni, P. Gupta, M. Ercegovac, "Trading accuracy for power with an underdesigned multiplier '
        'architecture", VLSI Design 2011',
        summary="2x2 digit products with 3 x 3 = 7",
        parameters={"diagonals": "digit products with i + j below this are approximate"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
