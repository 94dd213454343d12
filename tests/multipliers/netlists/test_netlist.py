"""Netlists: every gate's truth table, tables of every shape, products of streams, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists import netlist as netlist_module
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import MAX_GATES, Netlist

TRUTH = {  # outputs for (a, b) = (0, 0), (0, 1), (1, 0), (1, 1)
    Op.CONST0: [0, 0, 0, 0],
    Op.CONST1: [1, 1, 1, 1],
    Op.BUF: [0, 0, 1, 1],
    Op.NOT: [1, 1, 0, 0],
    Op.AND: [0, 0, 0, 1],
    Op.OR: [0, 1, 1, 1],
    Op.XOR: [0, 1, 1, 0],
    Op.NAND: [1, 1, 1, 0],
    Op.NOR: [1, 0, 0, 0],
    Op.XNOR: [1, 0, 0, 1],
}


@pytest.mark.parametrize("op", Op, ids=lambda op: op.value)
def test_gate_truth_table(op: Op) -> None:
    netlist = Netlist(1, 1, (Gate(op, *(0, 1)[: op.arity]),), (2,))
    assert netlist.table().ravel().tolist() == TRUTH[op]


def test_outputs_are_lsb_first_and_operands_index_the_table_in_order() -> None:
    netlist = Netlist(2, 3, (), (2, 3, 4, 0, 1))  # b + 8 * a, wires straight through
    assert netlist.table().tolist() == [[b + 8 * a for b in range(8)] for a in range(4)]


def test_signed_outputs_are_twos_complement() -> None:
    netlist = Netlist(2, 2, (), (0, 1), signed=True)
    assert netlist.table()[:, 0].tolist() == [0, 1, -2, -1]


@pytest.mark.parametrize("pairs", [1, 63, 64, 65, 1000])
def test_product_of_a_stream_of_any_length(pairs: int) -> None:
    netlist = Netlist(3, 3, (Gate(Op.AND, 0, 3), Gate(Op.NOT, 6)), (6, 7, 5))
    random = np.random.default_rng(0)
    a, b = random.integers(0, 8, pairs), random.integers(0, 8, pairs)
    both = a & b & 1
    assert np.array_equal(netlist.product(a, b), both + 2 * (1 - both) + 4 * (b >> 2))


def test_wide_table_is_made_in_blocks() -> None:
    netlist = Netlist(9, 9, (Gate(Op.XOR, 8, 17),), (18,))
    a, b = np.meshgrid(np.arange(512), np.arange(512), indexing="ij")
    assert np.array_equal(netlist.table(), (a >> 8) ^ (b >> 8))


@pytest.mark.parametrize(
    ("gates", "outputs", "message"),
    [
        pytest.param((Gate(Op.NOT, 2),), (2,), r"gate 0 \(not\)", id="gate reads itself"),
        pytest.param((Gate(Op.AND, 0),), (2,), "must read 2 of the wires 0..1", id="pin missing"),
        pytest.param((Gate(Op.NOT, 0, 1),), (2,), "hold -1 in unused pins", id="pin too many"),
        pytest.param((), (2,), "wires 0..1", id="output of no gate"),
        pytest.param((), (), "one or more", id="no output"),
        pytest.param((), (0,) * 64, "does not fit int64", id="product too wide"),
    ],
)
def test_malformed_netlist_is_refused(gates: tuple[Gate, ...], outputs: tuple[int, ...], message: str) -> None:
    with pytest.raises(MultiplierError, match=message):
        Netlist(1, 1, gates, outputs)


def test_operand_without_bits_is_refused() -> None:
    with pytest.raises(MultiplierError, match="0x1"):
        Netlist(0, 1, (), (0,))


def test_table_beyond_24_bits_is_refused_with_a_remedy() -> None:
    with pytest.raises(MultiplierError, match=r"2\*\*25 products.*Netlist\.product"):
        Netlist(12, 13, (), (0,)).table()


def test_swapped_is_the_transposed_table() -> None:
    netlist = Netlist(2, 3, (Gate(Op.AND, 1, 4), Gate(Op.CONST1), Gate(Op.NOT, 0)), (0, 2, 5, 6, 7), signed=True)
    swapped = netlist.swapped()
    assert (swapped.bits_a, swapped.bits_b) == (3, 2)
    assert np.array_equal(swapped.table(), netlist.table().T)
    assert swapped.swapped() == netlist


def test_the_number_of_gates_has_a_limit() -> None:
    gates = (Gate(Op.CONST0),) * MAX_GATES
    assert Netlist(1, 1, gates, (2,)).table().tolist() == [[0, 0], [0, 0]]
    with pytest.raises(MultiplierError, match="a netlist of 131073 gates; no multiplier needs more than 131072"):
        Netlist(1, 1, (*gates, Gate(Op.CONST0)), (2,))


def test_a_table_is_made_in_blocks_of_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    array = families["array"].generate(8, 6, False)
    expected = array.table()
    monkeypatch.setattr(netlist_module, "_MOST_AT_ONCE", 1 << 14)
    evaluate, longest = Netlist.evaluate, 0

    def watched(self: Netlist, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        nonlocal longest
        values = evaluate(self, a, b)
        longest = max(longest, values.nbytes)
        return values

    monkeypatch.setattr(Netlist, "evaluate", watched)
    assert np.array_equal(array.table(), expected)
    assert 0 < longest <= 1 << 14
