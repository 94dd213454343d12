"""Simplification: the function stays, and what is not hardware goes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import transistors


@st.composite
def netlists(draw: st.DrawFn) -> Netlist:
    gates = []
    for number in range(draw(st.integers(0, 40))):
        op = draw(st.sampled_from(list(Op)))
        gates.append(Gate(op, *(draw(st.integers(0, 3 + number)) for _ in range(op.arity))))
    outputs = draw(st.lists(st.integers(0, 3 + len(gates)), min_size=1, max_size=6))
    return Netlist(2, 2, tuple(gates), tuple(outputs), draw(st.booleans()))


@given(netlists())
@settings(max_examples=300, deadline=None)
def test_simplify_keeps_the_function_and_is_idempotent(netlist: Netlist) -> None:
    simple = netlist.simplify()
    assert np.array_equal(simple.table(), netlist.table())
    assert not any(gate.op is Op.BUF for gate in simple.gates)
    assert transistors(simple.simplify()) <= transistors(simple)


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        pytest.param([Gate(Op.BUF, 0), Gate(Op.AND, 2, 1)], [Gate(Op.AND, 0, 1)], id="buffer"),
        pytest.param([Gate(Op.XOR, 0, 1), Gate(Op.AND, 0, 1)], [Gate(Op.AND, 0, 1)], id="dead gate"),
        pytest.param([Gate(Op.CONST1), Gate(Op.XOR, 0, 2), Gate(Op.NOT, 3)], [], id="constant and double inversion"),
        pytest.param([Gate(Op.AND, 0, 1), Gate(Op.AND, 1, 0), Gate(Op.OR, 2, 3)], [Gate(Op.AND, 0, 1)], id="shared"),
        pytest.param([Gate(Op.AND, 0, 1), Gate(Op.NOT, 2)], [Gate(Op.NAND, 0, 1)], id="inverted gate"),
        pytest.param([Gate(Op.NOT, 0), Gate(Op.NOT, 1), Gate(Op.AND, 2, 3)], [Gate(Op.NOR, 0, 1)], id="De Morgan"),
        pytest.param([Gate(Op.NOT, 0), Gate(Op.AND, 0, 2)], [Gate(Op.CONST0)], id="contradiction"),
        pytest.param([Gate(Op.XOR, 0, 1), Gate(Op.AND, 0, 1), Gate(Op.OR, 2, 3)], [Gate(Op.OR, 0, 1)], id="carry in 1"),
    ],
)
def test_simplify_removes(gates: list[Gate], expected: list[Gate]) -> None:
    simple = Netlist(1, 1, tuple(gates), (1 + len(gates),)).simplify()
    assert list(simple.gates) == expected


def test_plain_gate_that_is_read_elsewhere_keeps_its_inverter() -> None:
    simple = Netlist(1, 1, (Gate(Op.AND, 0, 1), Gate(Op.NAND, 0, 1)), (2, 3)).simplify()
    assert [gate.op for gate in simple.gates] == [Op.AND, Op.NOT]


def test_an_instance_of_a_circuit_computes_its_product_of_other_wires() -> None:
    build = NetlistBuilder(3, 2)
    inner = NetlistBuilder(2, 2)
    adder = inner.build(inner.add(inner.a, inner.b, 3), signed=False)
    total = build.instance(adder, build.a[1:], [build.b[0], build.one])
    netlist = build.build(total, signed=False)
    expected = [[(a >> 1) + (b & 1) + 2 for b in range(4)] for a in range(8)]
    assert netlist.table().tolist() == expected
