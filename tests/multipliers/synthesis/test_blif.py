"""BLIF out and mapped BLIF in."""

from __future__ import annotations

import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.gates import TRANSISTORS, Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.blif import read_mapped_blif, to_blif
from agnsim.multipliers.synthesis.unit_cells import CELLS, genlib
from agnsim.multipliers.synthesis.unit_target import unit_netlist

SOURCE = Netlist(1, 1, (Gate(Op.NAND, 0, 1),), (2, 0), False)
HEAD = ".model circuit\n.inputs a0 b0\n.outputs o0 o1\n"


def test_a_netlist_is_a_node_per_gate() -> None:
    assert to_blif(SOURCE) == HEAD + ".names a0 b0 n0\n0- 1\n-0 1\n.names n0 o0\n1 1\n.names a0 o1\n1 1\n.end\n"


def test_cells_names_and_constants_are_read() -> None:
    text = HEAD + ".gate AND2 A=a0 \\\n B=b0 O=x # made up\n.gate INV A=x O=o0\n.names y o1\n1 1\n.names y\n1\n.end\n"
    mapped = read_mapped_blif(text)
    assert unit_netlist(mapped, SOURCE).gates == (Gate(Op.CONST1), Gate(Op.AND, 0, 1), Gate(Op.NOT, 3))
    assert unit_netlist(mapped, SOURCE).outputs == (4, 2)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (".names a0 b0 o0\n11 1\n", "unmapped"),
        (".latch a0 o0\n", "no combinational circuit"),
        (".gate MUX2 A=a0 O=o0\n", "'MUX2', which the unit library does not have"),
        (".gate INV A=z O=o0\n", "'z' without anything that drives it"),
        (".names o0 o0\n1 1\n", "'o0' without anything"),
    ],
)
def test_anything_else_is_refused(lines: str, message: str) -> None:
    with pytest.raises(MultiplierError, match=message):
        unit_netlist(read_mapped_blif(HEAD + lines), SOURCE)


def test_every_gate_is_a_cell_of_its_transistors() -> None:
    assert set(CELLS.values()) == set(Op)
    for line in genlib().splitlines():
        _, cell, area, *_ = line.split()
        assert int(area) == TRANSISTORS[CELLS[cell]]
