"""Unit costs: counted by hand on small circuits, in closed form and in the order that hardware has them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from agnsim.multipliers.families import families
from agnsim.multipliers.netlists import netlist_cost
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import (
    VECTORS,
    logic_depth,
    toggles,
    transistors,
    uniform_operands,
    unit_cost,
    unit_delay,
)

TINY = Netlist(1, 1, (Gate(Op.AND, 0, 1), Gate(Op.NOT, 2), Gate(Op.XOR, 0, 3)), (2, 4))


def test_toggles_counted_by_hand() -> None:
    a, b = np.array([0, 1, 1, 1] * 16), np.array([0, 0, 1, 1] * 16)
    # and: 0 0 1 1 | 0 ...: 2 changes in 4 steps; its inverse alike; a xor not(and): 1 0 1 1 | 1 ...: 2 changes
    assert toggles(TINY, a, b).tolist() == [32, 32, 32]


def test_toggles_are_counted_in_parts_of_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    array = families["array"].generate(4, 4, False)
    expected = toggles(array, *uniform_operands(array)).tolist()
    monkeypatch.setattr(netlist_cost, "_GATES_AT_ONCE", 7)
    assert toggles(array, *uniform_operands(array)).tolist() == expected


def test_toggles_cross_word_borders_and_the_end() -> None:
    a = np.zeros(128, dtype=np.int64)
    a[64:] = 1
    assert toggles(Netlist(1, 1, (Gate(Op.BUF, 0),), (2,)), a, a).tolist() == [2]


@pytest.mark.parametrize("pairs", [0, 100])
def test_toggles_of_a_broken_word_are_refused(pairs: int) -> None:
    with pytest.raises(ValueError, match=f"not {pairs}"):
        toggles(TINY, np.zeros(pairs, dtype=np.int64), np.zeros(pairs, dtype=np.int64))


def test_transistors_and_depth_by_hand() -> None:
    assert transistors(TINY) == 6 + 2 + 10
    assert logic_depth(TINY) == 3
    assert logic_depth(Netlist(1, 1, (Gate(Op.CONST1), Gate(Op.AND, 0, 2)), (3,))) == 1


def test_unit_delays_by_hand() -> None:
    assert unit_delay(TINY) == 2 + 1 + 2
    assert unit_delay(Netlist(1, 1, (Gate(Op.NAND, 0, 1), Gate(Op.CONST1), Gate(Op.OR, 2, 3)), (4,))) == 1 + 2
    assert unit_delay(Netlist(1, 1, (Gate(Op.CONST1),), (2, 0))) == 0


def test_unit_cost_under_a_stream_with_glitches() -> None:
    hazard = Netlist(1, 1, (Gate(Op.NOT, 0), Gate(Op.AND, 0, 2)), (3,))
    a = np.array([0, 1] * 32)
    cost = unit_cost(hazard, flow="mine", operands=(a, a), glitches=True)
    assert (cost.flow, cost.relative_energy, cost.relative_area, cost.relative_delay) == ("mine", 2.0, 8.0, 3.0)
    assert cost.glitch_energy == 2.0 + 6.0  # a pulse of the AND whenever a rises: two changes in two steps


def test_stimulus_is_uniform_and_always_the_same() -> None:
    netlist = families["array"].generate(4, 3, False)
    a, b = uniform_operands(netlist)
    assert (a[:6].tolist(), b[:6].tolist()) == ([2, 1, 2, 1, 5, 6], [4, 6, 0, 0, 5, 3])
    counts = np.bincount(8 * a + b, minlength=128)
    assert len(a) == VECTORS
    assert counts.min() > 0.75 * VECTORS / 128
    assert counts.max() < 1.25 * VECTORS / 128


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_sampled_toggles_agree_with_the_closed_form_2p_1_minus_p(signed: bool) -> None:
    netlist = families["array"].generate(5, 5, signed)
    pair = np.arange(1024)
    high = np.unpackbits(netlist.evaluate(pair >> 5, pair)[10:].view(np.uint8), axis=1).mean(axis=1)
    sampled = toggles(netlist, *uniform_operands(netlist)) / VECTORS
    assert np.abs(sampled - 2 * high * (1 - high)).max() < 0.01


def test_unit_cost_of_the_exact_array_counted_by_hand() -> None:
    # 8x8 carry-save array: 64 AND, 48 full adders (2 XOR, 2 AND, 1 OR), 8 half adders (1 XOR, 1 AND)
    cost = unit_cost(families["array"].generate(8, 8, False))
    assert (cost.technology, cost.flow) == ("none", "unit")
    assert cost.relative_area == 64 * 6 + 48 * (2 * 10 + 3 * 6) + 8 * (10 + 6)
    assert cost.power_mw is None


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_every_column_dropped_saves_energy_and_area(signed: bool) -> None:
    exact = unit_cost(families["array"].generate(8, 8, signed))
    costs = [exact] + [
        unit_cost(families["column_truncation"].generate(8, 8, signed, columns=columns, correction=0, rounded=0))
        for columns in range(1, 12)
    ]
    for figure in ("relative_energy", "relative_area"):
        values = [getattr(cost, figure) for cost in costs]
        assert values == sorted(set(values), reverse=True)


def test_narrower_exact_multipliers_are_cheaper() -> None:
    energies = [unit_cost(families["array"].generate(bits, bits, False)).relative_energy for bits in range(2, 9)]
    assert all(low is not None and high is not None and low < high for low, high in pairwise(energies))


def test_drum7_costs_more_than_the_exact_8x8_as_the_library_says() -> None:
    exact, drum = (
        unit_cost(family.generate(8, 8, False, **parameters)).energy
        for family, parameters in ((families["array"], {}), (families["drum"], {"k": 7}))
    )
    assert exact is not None
    assert drum is not None
    assert drum > exact
