"""Synthesis changes the gates, never the circuit: the best recipe is kept, every run gives the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from agnsim.errors import InputError, MultiplierError
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import UNSYNTHESISED, unit_cost
from agnsim.multipliers.synthesis import synthesise, synthesise_many
from agnsim.multipliers.synthesis.unit_target import UnitCircuit, UnitTarget

pytestmark = pytest.mark.usefixtures("yosys")


def array(bits_a: int, bits_b: int, signed: bool = False) -> Netlist:
    return families["array"].generate(bits_a, bits_b, signed)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_the_mapped_netlist_is_the_same_circuit_and_cheaper(signed: bool) -> None:
    source = array(6, 5, signed)
    result = synthesise(source)
    assert np.array_equal(result.netlist.table(), source.table())
    assert result.netlist.signed is signed
    drawn = unit_cost(source, flow=UNSYNTHESISED)
    assert result.cost.relative_energy < drawn.relative_energy
    assert result.cost.relative_area < drawn.relative_area


def test_the_best_of_at_least_five_recipes_is_kept_and_the_range_reported() -> None:
    result = synthesise(array(4, 4), glitches=True)
    energies = {recipe: cost.energy for recipe, cost in result.recipes.items()}
    assert len(energies) >= 6
    assert "as_drawn" in energies
    assert result.cost.energy == min(energies.values()) == energies[result.cost.recipe]
    assert result.cost.energy_worst == max(energies.values())
    assert result.cost.glitch_energy > result.cost.energy
    assert result.cost.flow == "unit"


def test_the_cost_is_that_of_the_mapped_netlist() -> None:
    result = synthesise(array(4, 3), glitches=True)
    again = unit_cost(result.netlist, glitches=True)
    assert replace(again, recipe=result.cost.recipe, energy_worst=result.cost.energy_worst) == result.cost


def test_the_same_input_gives_the_same_gates() -> None:
    assert synthesise(array(5, 4, True)) == synthesise(array(5, 4, True))


def test_circuits_come_in_order_whatever_the_number_of_jobs() -> None:
    circuits = {"b": array(3, 3), "a": array(2, 4), "c": array(3, 3, True)}
    one, two = (dict(synthesise_many(circuits, jobs=jobs)) for jobs in (1, 2))
    assert list(one) == list(two) == ["b", "a", "c"]
    assert one == two


def test_what_is_constant_or_a_wire_needs_no_gates() -> None:
    constant = Netlist(2, 2, (Gate(Op.CONST0), Gate(Op.CONST1)), (4, 5, 0, 0), False)
    result = synthesise(constant)
    assert np.array_equal(result.netlist.table(), constant.table())
    assert (result.cost.relative_area, result.cost.relative_energy, result.cost.relative_delay) == (0, 0, 0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_circuit_comes_back_as_itself(netlists: st.SearchStrategy[Netlist], data: st.DataObject) -> None:
    source = data.draw(netlists)
    result = synthesise(source, operands=(np.arange(64), np.arange(64) * 3), glitches=True)
    assert np.array_equal(result.netlist.table(), source.table())


def test_operands_enter_the_energy_and_the_flow() -> None:
    source = array(4, 4)
    held = (np.arange(256) % 16, np.full(256, 5))
    result = synthesise(source, operands=held)
    assert result.cost.energy < synthesise(source).cost.energy
    assert result.cost.flow.startswith("unit:operands-")
    assert result.cost.flow == synthesise(source, operands=held).cost.flow
    assert synthesise(source, operands=held, label="conv1").cost.flow == "unit:operands-conv1"


@pytest.mark.parametrize(
    "operands",
    [
        (np.zeros(63, int), np.zeros(63, int)),
        (np.zeros(64, int), np.zeros(128, int)),
        (np.zeros((64, 2), int), np.zeros((64, 2), int)),
        (np.zeros(64), np.zeros(64)),
    ],
    ids=["no multiple of 64", "lengths", "shape", "dtype"],
)
def test_a_stream_that_is_none_is_refused(operands: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(InputError, match="an operand stream"):
        synthesise(array(2, 2), operands=operands)


class _Broken(UnitTarget):
    def map(self, netlist: Netlist) -> dict[str, UnitCircuit]:
        return super().map(netlist) | {"broken": UnitCircuit(replace(netlist, outputs=netlist.outputs[::-1]))}


def test_a_recipe_that_changes_the_circuit_is_found_out() -> None:
    with pytest.raises(
        MultiplierError, match=r"a: recipe 'broken' changed the circuit: the product of the patterns 1 and 1 is 32"
    ):
        dict(synthesise_many({"a": array(3, 3)}, target=_Broken()))


def test_widths_of_more_than_18_bits_are_proven() -> None:
    result = synthesise(array(10, 10))
    a, b = np.array([1023, 517]), np.array([1023, 1000])
    assert result.netlist.product(a, b).tolist() == [1023 * 1023, 517 * 1000]


def test_synthesis_keeps_the_order_of_what_is_drawn() -> None:
    """Golden: netlists of our own, ranked before and after; synthesis helps all of them alike."""
    drawn = {f"exact{bits}": array(bits, bits) for bits in range(3, 8)}
    drawn |= {
        f"truncated{columns}": families["column_truncation"].generate(
            7, 7, False, columns=columns, correction=0, rounded=0
        )
        for columns in range(2, 9, 2)
    }
    drawn |= {f"drum{k}": families["drum"].generate(7, 7, False, k=k) for k in (3, 4, 5)}
    mapped = dict(synthesise_many(drawn, jobs=2))
    for figure in ("relative_energy", "relative_area"):
        before = [getattr(unit_cost(netlist, flow=UNSYNTHESISED), figure) for netlist in drawn.values()]
        after = [getattr(mapped[name].cost, figure) for name in drawn]
        assert spearmanr(before, after).statistic > 0.95
    exact = [mapped[f"exact{bits}"].cost.energy for bits in range(3, 8)]
    assert exact == sorted(exact)
    truncated = [mapped[f"truncated{columns}"].cost.energy for columns in range(2, 9, 2)]
    assert truncated == sorted(truncated, reverse=True)
