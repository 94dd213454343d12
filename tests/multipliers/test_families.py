"""Families: netlist and formula agree on whole tables, published figures are met, and wrong parameters are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agnsim.errors import MultiplierError, UnknownName
from agnsim.multipliers.families import Circuit, Family, families
from agnsim.multipliers.families.column_truncation import compensation

CIRCUITS = [(family, circuit) for family in families.values() for circuit in family.circuits()]

PARAMETERS: dict[str, Any] = {
    "array": lambda low, total: st.just({}),
    "wallace": lambda low, total: st.just({}),
    "operand_truncation": lambda low, total: st.fixed_dictionaries(
        {"drop_a": st.integers(0, low - 1), "drop_b": st.integers(0, low - 1)}
    ),
    "column_truncation": lambda low, total: st.fixed_dictionaries(
        {"columns": st.integers(0, total - 2), "compensated": st.integers(0, 1)}
    ),
    "broken_array": lambda low, total: st.fixed_dictionaries(
        {"horizontal": st.integers(0, low - 1), "vertical": st.integers(0, total - 2)}
    ),
    "drum": lambda low, total: st.fixed_dictionaries({"k": st.integers(3, low + 2)}),
    "mitchell": lambda low, total: st.fixed_dictionaries({"fraction": st.integers(1, low + 2)}),
    "kulkarni": lambda low, total: st.fixed_dictionaries({"diagonals": st.integers(0, low)}),
}


def operand_values(bits: int, signed: bool) -> NDArray[np.int64]:
    patterns = np.arange(2**bits)
    return np.where(patterns >= 2 ** (bits - 1), patterns - 2**bits, patterns) if signed else patterns


def formula_table(family: Family, bits_a: int, bits_b: int, signed: bool, **parameters: int) -> NDArray[np.int64]:
    a, b = operand_values(bits_a, signed)[:, None], operand_values(bits_b, signed)[None, :]
    return family.product(a, b, bits_a=bits_a, bits_b=bits_b, signed=signed, **parameters)


@pytest.mark.parametrize(("family", "circuit"), CIRCUITS, ids=[circuit.name for _, circuit in CIRCUITS])
def test_netlist_equals_formula(family: Family, circuit: Circuit) -> None:
    ports = (circuit.bits_a, circuit.bits_b, circuit.signed)
    netlist = family.generate(*ports, **circuit.parameters)
    assert netlist == netlist.simplify()
    assert np.array_equal(netlist.table(), formula_table(family, *ports, **circuit.parameters))


@pytest.mark.parametrize("name", families)
@given(data=st.data(), bits_a=st.integers(2, 7), bits_b=st.integers(2, 7), signed=st.booleans())
@settings(max_examples=30, deadline=None)
def test_netlist_equals_formula_at_any_width(
    name: str, data: st.DataObject, bits_a: int, bits_b: int, signed: bool
) -> None:
    parameters = data.draw(PARAMETERS[name](min(bits_a, bits_b), bits_a + bits_b))
    table = families[name].generate(bits_a, bits_b, signed, **parameters).table()
    assert np.array_equal(table, formula_table(families[name], bits_a, bits_b, signed, **parameters))


def test_library_holds_every_narrow_exact_width_and_forty_approximate_8x8() -> None:
    names = [circuit.name for _, circuit in CIRCUITS]
    assert len(set(names)) == len(names)
    exact = {(c.bits_a, c.bits_b, c.signed) for _, c in CIRCUITS if "array" in c.name and not c.parameters}
    assert exact == {(a, b, signed) for a in range(2, 9) for b in range(2, 9) for signed in (False, True)}
    for signed in (False, True):
        assert sum(bool(c.parameters) and c.signed is signed and c.bits_a == c.bits_b == 8 for _, c in CIRCUITS) >= 20
    assert {"mul8u_array", "mul8s_array", "mul6x5u_array", "mul5s_array", "mul8u_drum_k4"} <= set(names)


def test_no_two_approximate_circuits_have_the_same_table() -> None:
    tables = [
        formula_table(family, c.bits_a, c.bits_b, c.signed, **c.parameters).tobytes() + bytes([c.signed])
        for family, c in CIRCUITS
        if c.parameters
    ]
    assert len(set(tables)) == len(tables)


@pytest.mark.parametrize(("columns", "mae"), [(4, 12.25), (6, 80.25), (8, 448.25)])
def test_column_truncation_error_in_closed_form(columns: int, mae: float) -> None:
    # sum over columns c < k of (c + 1) 2^c, each a_i b_j being 1 in a quarter of all pairs
    assert sum((column + 1) * 2**column for column in range(columns)) / 4 == mae
    table = formula_table(families["column_truncation"], 8, 8, False, columns=columns, compensated=0)
    assert np.abs(table - formula_table(families["array"], 8, 8, False)).mean() == mae


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("columns", range(15))
def test_compensation_leaves_less_than_half_a_unit_of_bias(columns: int, signed: bool) -> None:
    table = formula_table(families["column_truncation"], 8, 8, signed, columns=columns, compensated=1)
    assert abs((table - formula_table(families["array"], 8, 8, signed)).mean()) <= 0.5
    plain = formula_table(families["column_truncation"], 8, 8, signed, columns=columns, compensated=0)
    assert np.array_equal(table - plain, np.full_like(table, compensation(8, 8, signed=signed, columns=columns)))


def test_broken_array_without_horizontal_break_is_column_truncation() -> None:
    broken = formula_table(families["broken_array"], 8, 8, True, horizontal=0, vertical=7)
    truncated = formula_table(families["column_truncation"], 8, 8, True, columns=7, compensated=0)
    assert np.array_equal(broken, truncated)


def test_broken_array_without_vertical_break_is_operand_truncation() -> None:
    broken = formula_table(families["broken_array"], 8, 8, False, horizontal=3, vertical=0)
    truncated = formula_table(families["operand_truncation"], 8, 8, False, drop_a=0, drop_b=3)
    assert np.array_equal(broken, truncated)


def test_drum6_at_16_bits_has_the_published_mean_relative_error_of_1_47_percent() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(1, 2**16, 200_000), random.integers(1, 2**16, 200_000)
    # 16 bits are beyond what is generated here; the formula itself has no width
    product = families["drum"].formula(a, b, bits_a=16, bits_b=16, signed=False, k=6)
    relative = (product - a * b) / (a * b)
    assert abs(np.abs(relative).mean() - 0.0147) < 0.0002
    assert abs(relative.mean()) < 0.001


def test_drum_is_exact_below_its_window() -> None:
    table = formula_table(families["drum"], 8, 8, False, k=4)
    assert np.array_equal(table[:16, :16], np.multiply.outer(np.arange(16), np.arange(16)))


def test_mitchell_never_overestimates_and_errs_by_a_ninth_at_most() -> None:
    exact = formula_table(families["array"], 8, 8, False)
    error = formula_table(families["mitchell"], 8, 8, False, fraction=7) - exact
    assert error.max() == 0
    assert (-9 * error).max() <= (9 * exact).max()
    assert np.all(-9 * error <= exact)
    assert -9 * error[3, 3] == exact[3, 3]


def test_mitchell_of_powers_of_two_is_exact() -> None:
    powers = 2 ** np.arange(8)
    table = formula_table(families["mitchell"], 8, 8, False, fraction=1)
    assert np.array_equal(table[np.ix_(powers, powers)], np.multiply.outer(powers, powers))


def test_kulkarni_2x2_errs_by_2_in_one_of_16_products() -> None:
    error = formula_table(families["kulkarni"], 2, 2, False, diagonals=1) - np.multiply.outer(
        np.arange(4), np.arange(4)
    )
    assert np.flatnonzero(error).tolist() == [15]
    assert error[3, 3] == -2


def test_kulkarni_8x8_has_the_published_errors() -> None:
    exact = formula_table(families["array"], 8, 8, False)
    error = formula_table(families["kulkarni"], 8, 8, False, diagonals=7) - exact
    assert np.count_nonzero(error) / error.size == (1 - 0.75**4) ** 2  # both operands have a digit 3: 46.7 %
    relative = -error / np.maximum(exact, 1)
    assert relative.max() == pytest.approx(2 / 9)  # the paper's 22.22 %
    assert 0.0139 < relative.mean() < 0.0335  # the paper's range from 2x2 to the widest


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        pytest.param("drum", {}, r"also needs: k \(significant bits", id="missing"),
        pytest.param("drum", {"k": 4, "kk": 1}, "'drum' has no parameter 'kk'.*Known: k", id="unknown"),
        pytest.param("drum", {"k": 2}, r"k = 2; allowed are 3\.\.12", id="drum k"),
        pytest.param("mitchell", {"fraction": 0}, r"fraction = 0; allowed are 1\.\.12", id="mitchell fraction"),
        pytest.param("kulkarni", {"diagonals": -1}, r"diagonals = -1; allowed", id="kulkarni diagonals"),
        pytest.param("operand_truncation", {"drop_a": 8, "drop_b": 0}, r"drop_a = 8; allowed are 0\.\.7", id="drop"),
        pytest.param("column_truncation", {"columns": 15, "compensated": 0}, r"columns = 15", id="columns"),
        pytest.param("column_truncation", {"columns": 1, "compensated": 2}, r"compensated = 2", id="compensated"),
        pytest.param("broken_array", {"horizontal": 0, "vertical": 15}, r"vertical = 15", id="vertical"),
    ],
)
def test_wrong_parameters_are_refused_by_generator_and_formula(
    name: str, parameters: dict[str, int], message: str
) -> None:
    with pytest.raises(MultiplierError, match=message):
        families[name].generate(8, 8, False, **parameters)
    with pytest.raises(MultiplierError, match=message):
        formula_table(families[name], 8, 8, False, **parameters)


@pytest.mark.parametrize("bits", [(1, 8), (8, 13)], ids=str)
def test_widths_out_of_range_are_refused(bits: tuple[int, int]) -> None:
    with pytest.raises(MultiplierError, match=r"2\.\.12 are generated"):
        families["array"].generate(*bits, False)


def test_unknown_family_is_named_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'mitchell'"):
        families["mitchel"]
