"""Verilog, where yosys is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agnsim.errors import MissingDependency
from agnsim.multipliers import load_library
from agnsim.multipliers.importers import ImportOptions, import_circuits
from agnsim.multipliers.synthesis import verilog_reader
from agnsim.multipliers.synthesis.verilog_export import to_verilog

from .conftest import CIRCUITS, header


def test_verilog_is_verified_like_c(tmp_path: Path) -> None:
    pytest.importorskip("pyosys", reason="Verilog is read by yosys")
    circuit = CIRCUITS["mul8s_1K"][0]
    assert circuit.netlist is not None
    text = "\n".join(line for line in header(circuit).splitlines() if not line.startswith("#"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "mul8s_1K.v").write_text(text + "\n" + to_verilog(circuit.netlist, "mul8s_1K"))
    (tmp_path / "in" / "mul8s_1K_pdk45.v").write_text("module broken (")
    (tmp_path / "in" / "add8u_1.v").write_text("module broken (")
    result = import_circuits(tmp_path / "in", tmp_path / "library")
    assert (result.failures, result.skipped) == ((), 2)
    read = load_library(tmp_path / "library")["mul8s_1K"]
    assert (read.identity, read.status) == (circuit.identity, "verified")
    assert read.cost is not None
    assert read.cost.flow == "evoapproxlib"


def test_a_circuit_is_called_as_its_module(tmp_path: Path) -> None:
    pytest.importorskip("pyosys", reason="Verilog is read by yosys")
    circuit = CIRCUITS["mul8x2u_0A"][0]
    assert circuit.netlist is not None
    (tmp_path / "in").mkdir()
    for file, module in (("drum", "mul8x2u_0A"), ("mine", "alone"), ("mul8x2u_b", "top")):
        (tmp_path / "in" / f"{file}.v").write_text(to_verilog(circuit.netlist, module))
    (tmp_path / "in" / "mul8x2u_0A.c").write_text("int mul8x2u_0A(int B, int A) { return 0; }")
    result = import_circuits(tmp_path / "in", tmp_path / "library")
    assert [item.name for item in result.imported] == ["alone", "mul8x2u_0A", "mul8x2u_b"]
    assert [failure.reason[:38] for failure in result.failures] == ["another circuit called 'mul8x2u_0A' is"]
    (tmp_path / "in" / "mul8x2u_0A.c").unlink()
    (tmp_path / "in" / "mul8x2u_0A.v").write_text("// the same\n" + to_verilog(circuit.netlist, "mul8x2u_0A"))
    result = import_circuits(tmp_path / "in", tmp_path / "library")
    assert (result.failures, result.copies, len(result.imported)) == ((), 1, 3)


def test_ports_that_contradict_the_name(tmp_path: Path) -> None:
    pytest.importorskip("pyosys", reason="Verilog is read by yosys")
    circuit = CIRCUITS["mul8x2u_0A"][0]
    assert circuit.netlist is not None
    (tmp_path / "mul8u_A.v").write_text(to_verilog(circuit.netlist, "mul8u_A"))
    (found,) = import_circuits(tmp_path / "mul8u_A.v", tmp_path / "library").imported
    assert found.remarks == ("the ports are 8x2, the name says 8x8: taken as 8x2",)
    (found,) = import_circuits(tmp_path / "mul8u_A.v", tmp_path / "library", options=ImportOptions((8, 2))).imported
    assert found.remarks == ()
    (failure,) = import_circuits(tmp_path / "mul8u_A.v", tmp_path / "library", options=ImportOptions((8, 8))).failures
    assert failure.reason == "has 8x2 ports; --bits says 8x8"


@pytest.mark.parametrize(("sign", "rest"), [("", "read as 0"), ("signed", "read as the sign")])
def test_a_narrow_product_is_said(tmp_path: Path, sign: str, rest: str) -> None:
    pytest.importorskip("pyosys", reason="Verilog is read by yosys")
    text = f"module m(input {sign} [3:0] a, b, output {sign} [6:0] p); assign p = a * b; endmodule"
    (tmp_path / "m.v").write_text(text)
    (found,) = import_circuits(tmp_path / "m.v", tmp_path / "library").imported
    assert found.remarks == (f"product has 7 bits; 8 belong to 4x4: higher bits {rest}",)


def test_declared_signs_beat_a_name_without_one(tmp_path: Path) -> None:
    pytest.importorskip("pyosys", reason="Verilog is read by yosys")
    ports = "input signed [3:0] a, b, output signed [7:0] p"
    (tmp_path / "mul4_mine.v").write_text(f"module mul4_mine({ports}); assign p = a * b; endmodule")
    (circuit,) = import_circuits(tmp_path / "mul4_mine.v", tmp_path / "library").imported
    assert (circuit.stored.card.signed_a, circuit.stored.card.errors["wce"]) == (True, 0)


def test_without_yosys_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise MissingDependency("no yosys")

    monkeypatch.setattr(verilog_reader, "read_verilog", missing)
    (tmp_path / "mul8u_A.v").write_text("module mul8u_A (A, B, O);\n")
    (failure,) = import_circuits(tmp_path / "mul8u_A.v", tmp_path / "library").failures
    assert failure.reason.endswith('pip install "agnsim[synth]"')
