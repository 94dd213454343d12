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

CIRCUITS = [(family, circuit) for family in families.values() for circuit in family.circuits()]

EXACT = ("array", "wallace", "dadda", "booth_radix4")
PARAMETERS: dict[str, Any] = {
    "array": lambda low, total: st.just({}),
    "wallace": lambda low, total: st.just({}),
    "dadda": lambda low, total: st.fixed_dictionaries({"prefix": st.integers(0, 1)}),
    "booth_radix4": lambda low, total: st.just({}),
    "operand_truncation": lambda low, total: st.fixed_dictionaries(
        {"drop_a": st.integers(0, low - 1), "drop_b": st.integers(0, low - 1)}
    ),
    "column_truncation": lambda low, total: st.fixed_dictionaries(
        {"columns": st.integers(0, total - 2), "correction": st.integers(0, 2), "rounded": st.integers(0, low)}
    ),
    "broken_array": lambda low, total: st.fixed_dictionaries(
        {"horizontal": st.integers(0, low - 1), "vertical": st.integers(0, total - 2)}
    ),
    "drum": lambda low, total: st.fixed_dictionaries({"k": st.integers(3, low + 2)}),
    "dynamic_segment": lambda low, total: st.fixed_dictionaries({"length": st.integers(1, low + 2)}),
    "static_segment": lambda low, total: st.fixed_dictionaries(
        {"length": st.integers(1, low + 2), "places": st.integers(2, 4)}
    ),
    "error_tolerant": lambda low, total: st.fixed_dictionaries({"low": st.integers(1, low - 1)}),
    "mitchell": lambda low, total: st.fixed_dictionaries({"fraction": st.integers(1, low + 2)}),
    "alm": lambda low, total: st.fixed_dictionaries({"low": st.integers(0, low - 1), "set_one": st.integers(0, 1)}),
    "iterative_logarithmic": lambda low, total: st.fixed_dictionaries({"blocks": st.integers(1, 4)}),
    "roba": lambda low, total: st.just({}),
    "kulkarni": lambda low, total: st.fixed_dictionaries({"diagonals": st.integers(0, low)}),
    "momeni": lambda low, total: st.fixed_dictionaries({"columns": st.integers(0, total - 1)}),
    "yang": lambda low, total: st.fixed_dictionaries({"columns": st.integers(0, total - 1)}),
    "akbari": lambda low, total: st.fixed_dictionaries({"columns": st.integers(0, total - 1)}),
    "lower_or": lambda low, total: st.fixed_dictionaries({"columns": st.integers(0, total - 1)}),
    "perforated": lambda low, total: st.integers(0, low - 2).flatmap(
        lambda start: st.fixed_dictionaries({"start": st.just(start), "count": st.integers(1, low - 1 - start)})
    ),
    "roup": lambda low, total: st.fixed_dictionaries(
        {"perforated": st.integers(0, (low - 1) // 2), "rounded": st.integers(0, low - 1)}
    ),
    "r4abm": lambda low, total: st.fixed_dictionaries({"encoder": st.integers(1, 2), "columns": st.integers(0, total)}),
    "r8abm": lambda low, total: st.fixed_dictionaries({"cells": st.integers(0, (low - 1) // 2)}),
}


def operand_values(bits: int, signed: bool) -> NDArray[np.int64]:
    patterns = np.arange(2**bits)
    return np.where(patterns >= 2 ** (bits - 1), patterns - 2**bits, patterns) if signed else patterns


def formula_table(family: Family, bits_a: int, bits_b: int, signed: bool, **parameters: int) -> NDArray[np.int64]:
    a, b = operand_values(bits_a, signed)[:, None], operand_values(bits_b, signed)[None, :]
    return family.product(a, b, bits_a=bits_a, bits_b=bits_b, signed=signed, **parameters)


def is_wide(circuit: Circuit) -> bool:
    return circuit.bits_a + circuit.bits_b > 18


WIDE = [(family, circuit) for family, circuit in CIRCUITS if is_wide(circuit)]
NARROW = [(family, circuit) for family, circuit in CIRCUITS if not is_wide(circuit)]


@pytest.mark.parametrize(("family", "circuit"), NARROW, ids=[circuit.name for _, circuit in NARROW])
def test_netlist_equals_formula(family: Family, circuit: Circuit) -> None:
    ports = (circuit.bits_a, circuit.bits_b, circuit.signed)
    netlist = family.generate(*ports, **circuit.parameters)
    assert netlist == netlist.simplify()
    assert np.array_equal(netlist.table(), formula_table(family, *ports, **circuit.parameters))


@pytest.mark.slow
@pytest.mark.parametrize(("family", "circuit"), WIDE, ids=[circuit.name for _, circuit in WIDE])
def test_netlist_of_a_wide_circuit_equals_formula(family: Family, circuit: Circuit) -> None:
    ports = (circuit.bits_a, circuit.bits_b, circuit.signed)
    table = family.generate(*ports, **circuit.parameters).table()
    assert np.array_equal(table, formula_table(family, *ports, **circuit.parameters))


def assert_equal_on_samples(family: Family, bits_a: int, bits_b: int, signed: bool, **parameters: int) -> None:
    """Compare on random patterns, and on all pairs of the outermost ones."""
    random = np.random.default_rng(0)
    corners = [[0, 1, 2, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 2, 2**bits - 1] for bits in (bits_a, bits_b)]
    corners_a, corners_b = (grid.ravel() for grid in np.meshgrid(*corners))
    a = np.concatenate([random.integers(0, 2**bits_a, 4096), corners_a])
    b = np.concatenate([random.integers(0, 2**bits_b, 4096), corners_b])
    found = family.generate(bits_a, bits_b, signed, **parameters).product(a, b)
    value_a, value_b = operand_values(bits_a, signed)[a], operand_values(bits_b, signed)[b]
    expected = family.product(value_a, value_b, bits_a=bits_a, bits_b=bits_b, signed=signed, **parameters)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("family", "circuit"), WIDE, ids=[circuit.name for _, circuit in WIDE])
def test_netlist_of_a_wide_circuit_equals_formula_on_samples(family: Family, circuit: Circuit) -> None:
    assert_equal_on_samples(family, circuit.bits_a, circuit.bits_b, circuit.signed, **circuit.parameters)


@pytest.mark.parametrize("name", families)
@given(data=st.data(), bits_a=st.integers(12, 16), bits_b=st.integers(12, 16))
@settings(max_examples=3, deadline=None)
def test_netlist_equals_formula_at_the_widest(name: str, data: st.DataObject, bits_a: int, bits_b: int) -> None:
    signed = data.draw(st.sampled_from(families[name].signs))
    parameters = data.draw(PARAMETERS[name](min(bits_a, bits_b, 14), bits_a + bits_b))
    assert_equal_on_samples(families[name], bits_a, bits_b, signed, **parameters)


@pytest.mark.parametrize("name", families)
@given(data=st.data(), bits_a=st.integers(2, 7), bits_b=st.integers(2, 7))
@settings(max_examples=30, deadline=None)
def test_netlist_equals_formula_at_any_width(name: str, data: st.DataObject, bits_a: int, bits_b: int) -> None:
    signed = data.draw(st.sampled_from(families[name].signs))
    parameters = data.draw(PARAMETERS[name](min(bits_a, bits_b), bits_a + bits_b))
    table = families[name].generate(bits_a, bits_b, signed, **parameters).table()
    assert np.array_equal(table, formula_table(families[name], bits_a, bits_b, signed, **parameters))


def test_library_holds_every_narrow_exact_width_and_approximate_ones_of_five_widths() -> None:
    names = [circuit.name for _, circuit in CIRCUITS]
    assert len(set(names)) == len(names)
    exact = {(c.bits_a, c.bits_b, c.signed) for family, c in CIRCUITS if family.name == "array"}
    assert exact >= {(a, b, signed) for a in range(2, 9) for b in range(2, 9) for signed in (False, True)}
    for signed in (False, True):
        for bits, least in (((4, 4), 5), ((6, 6), 10), ((8, 8), 60), ((12, 12), 10), ((8, 4), 5)):
            approximate = [
                c
                for family, c in CIRCUITS
                if family.name not in EXACT and c.signed is signed and (c.bits_a, c.bits_b) == bits
            ]
            assert len(approximate) >= least
    assert {"mul8u_array", "mul8s_array", "mul6x5u_array", "mul5s_array", "mul8u_drum_k4"} <= set(names)


def test_no_two_approximate_circuits_have_the_same_table() -> None:
    tables = [
        formula_table(family, c.bits_a, c.bits_b, c.signed, **c.parameters).tobytes() + bytes([c.signed])
        for family, c in CIRCUITS
        if family.name not in EXACT and not is_wide(c)
    ]
    assert len(set(tables)) == len(tables)


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
        pytest.param("drum", {"k": 2}, r"k = 2; allowed are 3\.\.16", id="drum k"),
        pytest.param("mitchell", {"fraction": 0}, r"fraction = 0; allowed are 1\.\.16", id="mitchell fraction"),
        pytest.param("dadda", {"prefix": 2}, r"prefix = 2; allowed are 0\.\.1", id="dadda prefix"),
        pytest.param("dynamic_segment", {"length": 0}, r"length = 0; allowed are 1\.\.16", id="dynamic length"),
        pytest.param("static_segment", {"length": 17, "places": 2}, r"length = 17; allowed", id="static length"),
        pytest.param("static_segment", {"length": 4, "places": 1}, r"places = 1; allowed are 2\.\.", id="places"),
        pytest.param("error_tolerant", {"low": 8}, r"low = 8; allowed are 1\.\.7", id="error-tolerant low"),
        pytest.param("alm", {"low": 8, "set_one": 1}, r"low = 8; allowed are 0\.\.7", id="alm low"),
        pytest.param("alm", {"low": 1, "set_one": 2}, r"set_one = 2; allowed are 0\.\.1", id="alm adder"),
        pytest.param("iterative_logarithmic", {"blocks": 0}, r"blocks = 0; allowed are 1\.\.", id="blocks"),
        pytest.param("kulkarni", {"diagonals": -1}, r"diagonals = -1; allowed", id="kulkarni diagonals"),
        pytest.param("operand_truncation", {"drop_a": 8, "drop_b": 0}, r"drop_a = 8; allowed are 0\.\.7", id="drop"),
        pytest.param(
            "column_truncation", {"columns": 15, "correction": 0, "rounded": 0}, r"columns = 15", id="columns"
        ),
        pytest.param(
            "column_truncation", {"columns": 1, "correction": 3, "rounded": 0}, r"correction = 3", id="correction"
        ),
        pytest.param("column_truncation", {"columns": 1, "correction": 0, "rounded": 9}, r"rounded = 9", id="rounded"),
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


@pytest.mark.parametrize("bits", [(1, 8), (8, 17)], ids=str)
def test_widths_out_of_range_are_refused(bits: tuple[int, int]) -> None:
    with pytest.raises(MultiplierError, match=r"2\.\.16 are generated"):
        families["array"].generate(*bits, False)


def test_unknown_family_is_named_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'mitchell'"):
        families["mitchel"]
