"""Exact trees and recoders: their size as published, exact at every small width, and Booth's digits."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.multipliers.constructions.booth import booth_digits, booth_rows
from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.gates import TRANSISTORS, Op
from agnsim.multipliers.netlists.netlist_cost import transistors, unit_delay

EXACT = [("array", {}), ("wallace", {}), ("dadda", {"prefix": 0}), ("dadda", {"prefix": 1}), ("booth_radix4", {})]


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize(
    ("name", "parameters"), EXACT, ids=["-".join([name, *map(str, p.values())]) for name, p in EXACT]
)
def test_exact_at_every_width_from_2_to_6(name: str, parameters: dict[str, int], signed: bool) -> None:
    for bits_a in range(2, 7):
        for bits_b in range(2, 7):
            table = families[name].generate(bits_a, bits_b, signed, **parameters).table()
            exact = np.multiply.outer(operand_values(bits_a, signed), operand_values(bits_b, signed))
            assert np.array_equal(table, exact), (bits_a, bits_b)


@pytest.mark.parametrize("bits", [4, 8, 12, 16])
def test_dadda_tree_has_the_published_number_of_adders(bits: int) -> None:
    # (n - 1)(n - 3) full and n - 1 half adders; behind them 2 n - 2 bits ripple, the first of them by a half adder
    half = TRANSISTORS[Op.XOR] + TRANSISTORS[Op.AND]
    full = 2 * half + TRANSISTORS[Op.OR]
    adders = ((bits - 1) * (bits - 3) + 2 * bits - 3) * full + bits * half
    netlist = families["dadda"].generate(bits, bits, False, prefix=0)
    assert transistors(netlist) == bits * bits * TRANSISTORS[Op.AND] + adders


def test_prefix_adder_makes_the_tree_faster_and_larger() -> None:
    ripple, prefix = (families["dadda"].generate(12, 12, False, prefix=prefix) for prefix in (0, 1))
    assert unit_delay(prefix) < 0.6 * unit_delay(ripple)
    assert transistors(prefix) > transistors(ripple)


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_booth_digits_are_those_of_the_operand(bits: int, signed: bool) -> None:
    build = NetlistBuilder(2, bits)
    digits = booth_digits(build, signed=signed)
    assert len(digits) == ((bits + 1) // 2 if signed else bits // 2 + 1)
    wires = [wire for digit in digits for wire in (digit.one, digit.two, digit.negative)]
    patterns = build.build(wires, signed=False).table()[0]
    value = np.zeros(2**bits, dtype=np.int64)
    for index in range(len(digits)):
        one, two, negative = (patterns >> (3 * index + wire) & 1 for wire in range(3))
        assert not np.any(one & two)
        value += (2 * two + one) * (1 - 2 * negative) * 4**index
    assert np.array_equal(value, operand_values(bits, signed))


def test_booth_halves_the_rows() -> None:
    build = NetlistBuilder(8, 8)
    rows, _ = booth_rows(build, build.a, booth_digits(build, signed=True), signed=True)
    assert len(rows) == 4 + 1  # and the row of ones of negative digits
