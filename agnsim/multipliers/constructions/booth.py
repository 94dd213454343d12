"""Radix-4 Booth recoding: the second operand as digits -2..2, and the rows of the first operand times each digit.

Source: O. L. MacSorley, "High-speed arithmetic in binary computers", Proc. IRE 49(1), 1961 (bits in overlapping
groups of three, after A. D. Booth, 1951).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire


@dataclass(frozen=True)
class BoothDigit:
    """A digit `(2 two + one) (1 - 2 negative)` of the second operand, of weight `4**index`.

    The pattern 111 is minus zero: one = two = 0 and negative = 1.

    Attributes:
        index: Place of the digit.
        one: Wire that is 1 for +-1.
        two: Wire that is 1 for +-2.
        negative: Wire that is 1 where the first operand is subtracted.
    """

    index: int
    one: Wire
    two: Wire
    negative: Wire


Term = Callable[[NetlistBuilder, BoothDigit, Wire, Wire, int], Wire]
"""`(build, digit, bit of a, next lower bit of a, column of the product) -> bit of the row`."""


def booth_digits(build: NetlistBuilder, *, signed: bool) -> list[BoothDigit]:
    """Return the digits of the second operand: `ceil(bits / 2)` if signed, else `bits // 2 + 1`."""
    b = build.b
    above = b[-1] if signed else build.zero
    digits = []
    for index in range((len(b) + 1) // 2 if signed else len(b) // 2 + 1):
        low, middle, high = (
            b[place] if 0 <= place < len(b) else (build.zero if place < 0 else above)
            for place in (2 * index - 1, 2 * index, 2 * index + 1)
        )
        one = build.differ(middle, low)
        two = build.both(build.inverted(one), build.differ(high, middle))
        digits.append(BoothDigit(index, one, two, high))
    return digits


def booth_term(build: NetlistBuilder, digit: BoothDigit, bit: Wire, lower: Wire, column: int) -> Wire:
    """Return the row's bit: a bit of a (digit 1) or its next lower one (digit 2), inverted for a negative digit."""
    chosen = build.either(build.both(digit.one, bit), build.both(digit.two, lower))
    return build.differ(chosen, digit.negative)


def booth_rows(
    build: NetlistBuilder, a: Bus, digits: Sequence[BoothDigit], *, signed: bool, term: Term = booth_term
) -> tuple[list[Bus], int]:
    """Return (rows, constant) whose sum is a times the number that the digits make.

    Args:
        build: The netlist in the making.
        a: The first operand.
        digits: Digits of the second operand.
        signed: Whether the first operand is in two's complement.
        term: What makes a bit of a row below its sign.
    """
    bits = [build.zero, *a, a[-1] if signed else build.zero]
    numbers = []
    for digit in digits:
        start = 2 * digit.index
        row = [term(build, digit, bits[i + 1], bits[i], start + i) for i in range(len(a) + 1)]
        numbers.append((start, row if signed else [*row, digit.negative], digit.negative))
    return complement_rows(build, numbers)


def complement_rows(build: NetlistBuilder, numbers: Sequence[tuple[int, Bus, Wire]]) -> tuple[list[Bus], int]:
    """Return (rows, constant) whose sum is that of numbers in one's complement.

    A row's sign bit is inverted, which replaces the sign extension: a sign bit s at place p weighs -s 2^p =
    (1 - s) 2^p - 2^p, and the -2^p of all rows are the constant. The 1s that two's complement adds to negative rows
    are the last row.

    Args:
        build: The netlist in the making.
        numbers: Each `(place of its lowest bit, its bits up to the sign, wire that is 1 where it is negative)`.
    """
    rows: list[Bus] = []
    constant = 0
    ones: Bus = []
    for start, bits, negative in numbers:
        *magnitude, sign = bits
        row = [build.zero] * start + magnitude
        if sign != build.zero:
            constant -= 1 << len(row)
            row.append(build.inverted(sign))
        rows.append(row)
        ones += [build.zero] * (start - len(ones)) + [negative]
    return [*rows, ones], constant
