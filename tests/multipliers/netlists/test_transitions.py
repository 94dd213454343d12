"""Glitches: every transition counted as a plain simulation counts it, one vector and one time step after another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.gates import UNIT_DELAYS, Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import toggles, uniform_operands, unit_delay
from agnsim.multipliers.netlists.transitions import all_transitions

# One-bit values as uint8; the inverting ones need the last bit only.
VALUE = {
    Op.BUF: lambda x, y: x,
    Op.NOT: lambda x, y: x ^ 1,
    Op.AND: lambda x, y: x & y,
    Op.OR: lambda x, y: x | y,
    Op.XOR: lambda x, y: x ^ y,
    Op.NAND: lambda x, y: (x & y) ^ 1,
    Op.NOR: lambda x, y: (x | y) ^ 1,
    Op.XNOR: lambda x, y: (x ^ y) ^ 1,
}
EVERY_GATE = Netlist(
    2,
    2,
    (
        Gate(Op.CONST1),
        Gate(Op.BUF, 0),
        Gate(Op.NOT, 1),
        *tuple(Gate(op, x, 6) for x, op in enumerate((Op.AND, Op.OR, Op.XOR, Op.NAND, Op.NOR, Op.XNOR))),
        Gate(Op.AND, 4, 10),
        Gate(Op.XOR, 9, 12),
    ),
    (13, 14),
)


def simulated(netlist: Netlist, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count transitions wire by wire and time by time, uint8 a value."""
    words = netlist.evaluate(a, b)
    settled = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, : len(a)]
    following = np.roll(settled, -1, axis=1)
    history = {time: settled for time in (-2, -1)}
    counts = np.zeros(len(netlist.gates), np.int64)
    for time in range(unit_delay(netlist) + 3):
        now = settled.copy()
        now[: netlist.inputs] = following[: netlist.inputs]
        for wire, (op, x, y) in enumerate(netlist.gates, start=netlist.inputs):
            if op.arity:
                before = history[time - UNIT_DELAYS[op]]
                now[wire] = VALUE[op](before[x], before[y])
        counts += (now != history[time - 1])[netlist.inputs :].sum(axis=1)
        history[time] = now
    assert np.array_equal(now, following)
    return counts


@pytest.mark.parametrize("pairs", [64, 640, 1024, 4160])
def test_every_kind_of_gate(pairs: int) -> None:
    a, b = uniform_operands(EVERY_GATE, pairs)
    assert np.array_equal(all_transitions(EVERY_GATE, a, b), simulated(EVERY_GATE, a, b))


@pytest.mark.parametrize(("family", "parameters"), [("array", {}), ("drum", {"k": 4}), ("mitchell", {"fraction": 5})])
def test_whole_multipliers(family: str, parameters: dict[str, int]) -> None:
    netlist = families[family].generate(6, 5, True, **parameters)
    a, b = uniform_operands(netlist, 640)
    found = all_transitions(netlist, a, b)
    assert np.array_equal(found, simulated(netlist, a, b))
    settled = toggles(netlist, a, b)
    assert (found >= settled).all()
    assert np.array_equal(found % 2, settled % 2)


def test_a_hazard_by_hand() -> None:
    # a AND NOT a is always 0, but the inverter is a delay late: a pulse whenever a rises
    netlist = Netlist(1, 1, (Gate(Op.NOT, 0), Gate(Op.AND, 0, 2)), (3,))
    a = np.array([0, 1, 1, 0] * 16)
    assert toggles(netlist, a, a).tolist() == [32, 0]
    assert all_transitions(netlist, a, a).tolist() == [32, 32]
    assert all_transitions(netlist, a, a, [0, 1]).tolist() == [32, 0]


def test_no_gates_and_a_broken_word() -> None:
    netlist = Netlist(1, 1, (), (0,))
    assert all_transitions(netlist, np.zeros(64, int), np.zeros(64, int)).shape == (0,)
    with pytest.raises(ValueError, match="not 63"):
        all_transitions(netlist, np.zeros(63, int), np.zeros(63, int))
