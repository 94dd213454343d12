"""Verilog out, and in again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import MultiplierError
from agnsim.multipliers import Multiplier, load_library
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis import read_verilog, to_verilog
from agnsim.multipliers.synthesis.verilog_export import multiplier_verilog

EVERY_GATE = Netlist(
    2,
    1,
    (
        *tuple(Gate(op, 0, 2) for op in Op if op.arity == 2),
        Gate(Op.CONST1),
        Gate(Op.CONST0),
        Gate(Op.NOT, 1),
        Gate(Op.BUF, 0),
    ),
    (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1),
)


def test_text_of_a_netlist() -> None:
    netlist = Netlist(2, 1, (Gate(Op.NAND, 0, 2), Gate(Op.NOT, 3)), (4, 1))
    assert to_verilog(netlist, "m", header=["one\ntwo"]) == (
        "// one two\nmodule m (A, B, O);\n  input [1:0] A;\n  input [0:0] B;\n  output [1:0] O;\n"
        "  wire n0 = ~(A[0] & B[0]);\n  wire n1 = ~n0;\n  assign O[0] = n1;\n  assign O[1] = A[1];\nendmodule\n"
    )


@pytest.mark.parametrize("name", ["", "2x", "a b", "module", "a;b"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(MultiplierError, match="can't be a Verilog module's name"):
        to_verilog(EVERY_GATE, name)


@pytest.mark.usefixtures("yosys")
def test_every_gate_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "m.v"
    file.write_text(to_verilog(EVERY_GATE, "m"), encoding="utf-8")
    assert np.array_equal(read_verilog(file).netlist.table(), EVERY_GATE.table())


@pytest.mark.usefixtures("yosys")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_circuit_comes_back(tmp_path: Path, netlists: st.SearchStrategy[Netlist], data: st.DataObject) -> None:
    source = data.draw(netlists)
    file = tmp_path / "m.v"
    file.write_text(to_verilog(source, "m"), encoding="utf-8")
    assert np.array_equal(read_verilog(file).netlist.table(), source.table())


@pytest.mark.usefixtures("yosys")
@pytest.mark.parametrize("name", ["mul4s_array", "mul8u_drum_k4"])
def test_a_circuit_of_the_library_comes_back(tmp_path: Path, name: str) -> None:
    circuit = load_library("builtin")[name]
    file = tmp_path / "circuit.v"
    file.write_text(multiplier_verilog(circuit), encoding="utf-8")
    read = read_verilog(file)
    assert read.name == name
    assert (read.signed_a, read.signed_b) == (circuit.signed_a, circuit.signed_b)
    assert np.array_equal(read.netlist.table(), circuit.table)
    header = file.read_text(encoding="utf-8")
    assert circuit.digest in header
    assert f"WCE = {circuit.wce}" in header


@pytest.mark.usefixtures("yosys")
@pytest.mark.parametrize("signs", [(True, True), (True, False), (False, True), (False, False)])
def test_signs_come_back_whatever_the_name_says(tmp_path: Path, signs: tuple[bool, bool]) -> None:
    netlist = Netlist(2, 3, (Gate(Op.XOR, 0, 4),), (0, 1, 2, 3, 5), signed=any(signs))
    circuit = Multiplier.from_netlist("mine", netlist, signed_a=signs[0], signed_b=signs[1])
    file = tmp_path / "mine.v"
    file.write_text(multiplier_verilog(circuit.swapped()), encoding="utf-8")
    read = read_verilog(file)
    assert (read.signed_a, read.signed_b) == signs
    assert np.array_equal(read.netlist.table(), circuit.table)
    assert circuit.digest in file.read_text(encoding="utf-8")


def test_a_table_is_no_circuit() -> None:
    circuit = Multiplier.exact(3, 3, signed_a=False, signed_b=False)
    with pytest.raises(MultiplierError, match="only a table and no netlist"):
        multiplier_verilog(circuit)


def test_names_that_verilog_does_not_allow_are_changed() -> None:
    circuit = Multiplier.from_netlist("8-bit.x", EVERY_GATE, signed_a=False, signed_b=False)
    assert "module m8_bit_x (" in multiplier_verilog(circuit)
