"""Approximate radix-4 Booth multipliers R4ABM1 and R4ABM2: simpler row multiplexers in the low columns.

A bit of a row is (b1 xor b0)(b2 xor a_i) + (not (b1 xor b0))(b2 xor b1)(b2 xor a_(i-1)) for the group b2 b1 b0 of the
second operand. Encoder 1 leaves the second term out: digits +-2 count as 0, which changes 4 of the 32 entries, all
from 1 to 0. Encoder 2 is b2 xor a_i whatever the digit and changes 8. The rows are regular: the 1 that completes the
two's complement of the last row is left out, so `columns` = 0 is not exact. The sign bit of a row is always exact.

As in the paper the multipliers are signed; unsigned, encoder 1 would make small products negative. The Dadda tree is a
choice, the paper's is a Wallace tree.

Source: W. Liu, L. Qian, C. Wang, H. Jiang, J. Han, F. Lombardi, "Design of approximate radix-4 Booth multipliers for
error-tolerant computing", IEEE Trans. Computers 66(8), 2017.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.booth import BoothDigit, booth_digits, booth_rows, booth_term
from agnsim.multipliers.constructions.trees import dadda_tree
from agnsim.multipliers.constructions.wrapping import wrapped
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, encoder: int, columns: int) -> Netlist:
    """Return the regular rows, approximate in the low columns, and a tree."""
    _check(bits_a, bits_b, encoder, columns)
    build = NetlistBuilder(bits_a, bits_b)
    encoded = booth_digits(build, signed=True)
    highs = [digit.negative for digit in encoded]
    digits = [  # 111 is plus zero here
        replace(digit, negative=build.both(digit.negative, build.either(digit.one, digit.two))) for digit in encoded
    ]

    def term(build: NetlistBuilder, digit: BoothDigit, bit: Wire, lower: Wire, column: int) -> Wire:
        if column >= columns or column == 2 * digit.index + bits_a:
            return booth_term(build, digit, bit, lower, column)
        return approximate_term(build, encoder, digit.one, highs[digit.index], bit)

    rows, constant = booth_rows(build, build.a, digits, signed=True, term=term)
    rows[-1][-1] = build.zero
    return build.build(dadda_tree(build, rows, build.product_bits, constant), signed=signed)


def approximate_term(build: NetlistBuilder, encoder: int, one: Wire, high: Wire, bit: Wire) -> Wire:
    """Return an approximate bit of a row: that of the digit +-1, by encoder 1 for the digits +-1 only.

    Args:
        build: The netlist in the making.
        encoder: 1 or 2.
        one: 1 where the digit is +-1.
        high: Highest of the digit's three bits.
        bit: The first operand's bit.
    """
    inverted = build.differ(bit, high)
    return build.both(one, inverted) if encoder == 1 else inverted


def formula(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    *,
    bits_a: int,
    bits_b: int,
    signed: bool,
    encoder: int,
    columns: int,
) -> NDArray[np.int64]:
    """Return the sum of a times each digit, the low bits of each taken from a times what the encoder makes of it."""
    _check(bits_a, bits_b, encoder, columns)
    last = (bits_b - 1) // 2
    product = np.zeros(np.broadcast_shapes(a.shape, b.shape), dtype=np.int64)
    for index in range(last + 1):
        group = (b << 1 >> 2 * index) & 7
        high = group >> 2
        digit = (group & 1) + (group >> 1 & 1) - 2 * high
        low = (1 << min(max(columns - 2 * index, 0), bits_a)) - 1
        exact = digit * a - (digit < 0)  # in one's complement
        encoded = np.where((np.abs(digit) == 1) | (encoder == 2), np.where(high == 1, -a - 1, a), 0)
        one = (digit < 0) & (index < last)
        product += ((exact & ~low | encoded & low) + one) << 2 * index
    return wrapped(product, bits_a + bits_b, signed=signed)


def circuits() -> tuple[Circuit, ...]:
    """Return circuits of the built-in library."""
    signs = (True,)
    tags = _tagged((1, 4), (1, 6), (1, 8), (1, 10), (2, 4), (2, 6), (2, 8), (2, 10))
    chosen = instances("r4abm", tags, signs=signs)
    for bits_a, bits_b in ((4, 4), (6, 6), (12, 12), (8, 4)):
        columns = (bits_a + bits_b) // 2
        chosen += instances("r4abm", _tagged((1, columns), (2, columns)), ((bits_a, bits_b),), signs=signs)
    return chosen


def _tagged(*choices: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {f"e{encoder}k{columns}": {"encoder": encoder, "columns": columns} for encoder, columns in choices}


def _check(bits_a: int, bits_b: int, encoder: int, columns: int) -> None:
    check_parameter("r4abm", "encoder", encoder, 1, 2)
    check_parameter("r4abm", "columns", columns, 0, bits_a + bits_b)


register(
    Family(
        name="r4abm",
        citation='W. Liu, L. Qian, C. Wang, H. Jiang, J. Han, F. Lombardi, "Design of approximate radix-4 Booth '
        'multipliers for error-tolerant computing", IEEE Trans. Computers 66(8), 2017',
        summary="radix-4 Booth rows with simpler multiplexers in the low columns",
        parameters={
            "encoder": "1: digits +-2 count as 0 (R4ABM1), 2: the digit's sign alone is used (R4ABM2)",
            "columns": "low columns with the approximate encoder",
        },
        netlist=netlist,
        formula=formula,
        circuits=circuits,
        signs=(True,),
    )
)
