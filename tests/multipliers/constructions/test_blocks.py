"""Adders, shifters, detectors and signs against Python's integers, for every operand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers.constructions.blocks import (
    by_magnitude,
    carry_save_array,
    encode,
    exact_product,
    leading_one,
    negate_if,
    select,
    shift_left,
)
from agnsim.multipliers.constructions.trees import (
    dadda_heights,
    dadda_tree,
    prefix_add,
    prefix_dadda_tree,
    wallace_tree,
)
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist_cost import unit_delay


def table_of(
    bits_a: int, bits_b: int, wire: Callable[[NetlistBuilder], Bus], *, signed: bool = False
) -> list[list[int]]:
    build = NetlistBuilder(bits_a, bits_b)
    table: list[list[int]] = build.build(wire(build), signed=signed).table().tolist()
    return table


@pytest.mark.parametrize("constant", [None, 0, 1], ids=["variable", "carry in 0", "carry in 1"])
def test_full_adder_truth_table(constant: int | None) -> None:
    def adder(build: NetlistBuilder) -> Bus:
        third = build.b[1] if constant is None else build.constant(constant, 1)[0]
        return list(build.full_adder(third, build.a[0], build.b[0]))

    expected = [[a + (b & 1) + (b >> 1 if constant is None else constant) for b in range(4)] for a in range(2)]
    assert table_of(1, 2, adder) == expected


def test_half_adder_truth_table() -> None:
    assert table_of(1, 1, lambda build: list(build.half_adder(build.a[0], build.b[0]))) == [[0, 1], [1, 2]]


def test_constant_operands_of_a_full_adder_cost_no_full_adder() -> None:
    build = NetlistBuilder(1, 1)
    netlist = build.build(list(build.full_adder(build.one, build.a[0], build.b[0])), signed=False)
    assert sorted(gate.op.value for gate in netlist.gates) == ["or", "xnor"]


def test_ripple_adder_and_its_wrap() -> None:
    assert table_of(4, 3, lambda build: build.add(build.a, build.b, 4)) == [
        [(a + b) % 16 for b in range(8)] for a in range(16)
    ]


def test_multiplexer() -> None:
    assert table_of(1, 2, lambda build: [build.mux(build.a[0], build.b[0], build.b[1])]) == [[0, 1, 0, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize("add_rows", [carry_save_array, wallace_tree, dadda_tree, prefix_dadda_tree])
@given(bits=st.integers(2, 5), constant=st.integers(-40, 40), rows=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_sum_of_rows_with_a_constant(add_rows: Callable[..., Bus], bits: int, constant: int, rows: int) -> None:
    def total(build: NetlistBuilder) -> Bus:
        operands = [(build.a, build.b)[row % 2] for row in range(rows)]
        return add_rows(
            build, [[build.zero] * (row // 2) + bus for row, bus in enumerate(operands)], bits + 3, constant
        )

    def expected(a: int, b: int) -> int:
        return (constant + sum((a, b)[row % 2] << row // 2 for row in range(rows))) % 2 ** (bits + 3)

    assert table_of(bits, bits, total) == [[expected(a, b) for b in range(2**bits)] for a in range(2**bits)]


def test_dadda_stages_end_at_the_heights_of_the_paper() -> None:
    assert dadda_heights(8) == [2, 3, 4, 6]
    assert dadda_heights(14) == [2, 3, 4, 6, 9, 13]


def test_prefix_adder_is_logarithmic_in_its_width() -> None:
    def depth(width: int) -> int:
        build = NetlistBuilder(width, width)
        return unit_delay(build.build(prefix_add(build, build.a, build.b, width), signed=False))

    assert [depth(width) for width in (4, 8, 16, 32)] == [12, 16, 20, 24]
    build = NetlistBuilder(16, 16)
    assert unit_delay(build.build(build.add(build.a, build.b, 16), signed=False)) == 60


def test_exact_product_of_unequal_widths() -> None:
    assert table_of(5, 3, lambda build: exact_product(build, build.a, build.b)) == [
        [a * b for b in range(8)] for a in range(32)
    ]


def test_leading_one_is_encoded_as_floor_log2() -> None:
    def position(build: NetlistBuilder) -> Bus:
        one_hot, is_nonzero = leading_one(build, build.a)
        return [build.bit(encode(build, one_hot, range(6)), place) for place in range(3)] + [is_nonzero]

    column = np.array(table_of(6, 1, position))[:, 0]
    assert column.tolist() == [0] + [8 + a.bit_length() - 1 for a in range(1, 64)]


def test_select_takes_the_bus_of_the_hot_wire() -> None:
    def chosen(build: NetlistBuilder) -> Bus:
        return select(build, build.a, [build.b, build.constant(5, 3)], 3)

    table = table_of(2, 2, chosen)
    assert table[0] == [0, 0, 0, 0]
    assert table[1] == [0, 1, 2, 3]
    assert table[2] == [5, 5, 5, 5]


def test_barrel_shifter_drops_what_leaves_its_width() -> None:
    assert table_of(4, 3, lambda build: shift_left(build, build.a, build.b, 7)) == [
        [(a << b) % 128 for b in range(8)] for a in range(16)
    ]


def test_conditional_negation_of_every_pattern() -> None:
    table = np.array(table_of(4, 1, lambda build: negate_if(build, build.a, build.b[0])))
    assert np.array_equal(table[:, 0], np.arange(16))
    assert np.array_equal(table[:, 1], -np.arange(16) % 16)


@pytest.mark.parametrize("bits", [(2, 2), (3, 5), (8, 8)], ids=str)
def test_magnitude_wrapper_is_right_for_the_most_negative_operands(bits: tuple[int, int]) -> None:
    table = np.array(table_of(*bits, lambda build: by_magnitude(build, exact_product, signed=True), signed=True))
    low_a, low_b = -(2 ** (bits[0] - 1)), -(2 ** (bits[1] - 1))
    values_a, values_b = np.arange(low_a, -low_a), np.arange(low_b, -low_b)
    assert np.array_equal(table[np.ix_(values_a, values_b)], np.multiply.outer(values_a, values_b))
