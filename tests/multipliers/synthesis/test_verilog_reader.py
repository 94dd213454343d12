"""Verilog in: the dialects that multipliers are published in, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import MultiplierError, UnknownName
from agnsim.multipliers.importers.failure import SourceError
from agnsim.multipliers.synthesis import read_verilog

pytestmark = pytest.mark.usefixtures("yosys")

OPERATOR = "module mul4u_x(input [3:0] A, input [3:0] B, output [7:0] O); assign O = A * B; endmodule\n"
SIGNED = """
module t(B, A, P);
  input signed [2:0] A; input signed [2:0] B; output signed [5:0] P;
  wire signed [2*(3-0)-1:0] tmp;
  assign tmp = $signed(A[3-1:0]) * $signed(B[3-1:0]);
  assign P = tmp;
endmodule
"""
CELLS_OF_ITS_OWN = """
/***
* header, with "quotes" and an `include in a comment
***/
// PDK45_PWR = 0.010 mW
module mul2u_own ( A, B, O );
  input [1:0] A; input [1:0] B; output [3:0] O;
  localparam W = 2;
  wire s1, c1, s2, c2;
  GENFA u0 (.A((A[0] & B[1])), .B((A[1] & B[0])), .C(1'b0), .YS(s1), .YC(c1));
  GENFA u1 (.A(A[W-1] & B[1]), .B(c1), .C(1'b0), .YS(s2), .YC(c2));
  assign O = {c2, s2, s1, A[0] & B[0]};
endmodule
(* keep = "yes" *) module GENFA( input A, input B, input C, output YS, output YC );
  assign YS = (A ^ B) ^ C;
  assign YC = (A & B) | (B & C) | (A & C);
endmodule
"""
STANDARD_CELLS = """
module mul2u_mapped (A, B, O);
  input [1:0] A; input [1:0] B; output [3:0] O; wire x, y;
  AND2X1 U1 (.A(A[0]), .B(B[0]), .Y(O[0]));
  HAX1 U2 (.A(A[1] & B[0]), .B(A[0] & B[1]), .YS(O[1]), .YC(x));
  BUFX2 U3 (.A(x), .Y(y));
  FAX1 U4 (.A(A[1] & B[1]), .B(y), .C(1'b0), .YS(O[2]), .YC(O[3]));
endmodule
"""
CELLS_OF_THREE = """
module mul2u_cells (A, B, O);
  input [1:0] A; input [1:0] B; output [3:0] O;
  NAND3X1 U1 (.A(A[0]), .B(A[1]), .C(B[0]), .Y(O[0]));
  NOR3X1 U2 (.A(A[0]), .B(A[1]), .C(B[0]), .Y(O[1]));
  AOI21X1 U3 (.A(A[0]), .B(A[1]), .C(B[0]), .Y(O[2]));
  OAI21X1 U4 (.A(A[0]), .B(A[1]), .C(B[0]), .Y(O[3]));
endmodule
"""
MULTIPLEXER = """
module mul1u_mux (A, B, O);
  input A; input B; output [1:0] O;
  MUX2X1 U1 (.A(A), .B(1'b1), .S(B), .Y(O[0]));
  MUX2X1 U2 (.A(1'b0), .B(A), .S(B), .Y(O[1]));
endmodule
"""
PROCEDURAL = """
`timescale 1ns / 1ps
`define WIDTH 3
module m(in1, in2, result);
  parameter N = `WIDTH;
  input [N-1:0] in1, in2; output reg [2*N-1:0] result;
  integer i;
  always @(*) begin
    result = 0;
    for (i = 0; i < N; i = i + 1) if (in2[i]) result = result + (in1 << i);
  end
endmodule
"""


def write(folder: Path, text: str, name: str = "circuit.v") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "name", "bits", "ports"),
    [
        (OPERATOR, "mul4u_x", 4, ("A", "B", "O")),
        (CELLS_OF_ITS_OWN, "mul2u_own", 2, ("A", "B", "O")),
        (STANDARD_CELLS, "mul2u_mapped", 2, ("A", "B", "O")),
        (PROCEDURAL, "m", 3, ("in1", "in2", "result")),
    ],
    ids=["operator", "cells of its own", "standard cells", "procedural"],
)
def test_dialects(tmp_path: Path, text: str, name: str, bits: int, ports: tuple[str, str, str]) -> None:
    circuit = read_verilog(write(tmp_path, text))
    assert (circuit.name, circuit.ports, circuit.signed_a, circuit.signed_b) == (name, ports, False, False)
    operands = np.arange(2**bits)
    assert np.array_equal(circuit.netlist.table(), np.multiply.outer(operands, operands))


def test_a_signed_declaration_and_the_operands_by_name(tmp_path: Path) -> None:
    circuit = read_verilog(write(tmp_path, SIGNED))
    assert circuit.ports == ("A", "B", "P")
    assert (circuit.signed_a, circuit.signed_b) == (True, True)
    values = np.where(np.arange(8) > 3, np.arange(8) - 8, np.arange(8))
    assert np.array_equal(circuit.netlist.table(), np.multiply.outer(values, values))


@pytest.mark.parametrize(
    ("module", "asked", "expected"),
    [
        ("mul4s_x", None, True),
        ("mul4u_x", None, False),
        ("x", None, False),
        ("mul4s_x", False, False),
        ("x", True, True),
    ],
)
def test_the_sign_by_name_or_option(tmp_path: Path, module: str, asked: bool | None, expected: bool) -> None:
    circuit = read_verilog(write(tmp_path, OPERATOR.replace("mul4u_x", module)), signed=asked)
    assert (circuit.signed_a, circuit.netlist.signed) == (expected, expected)


def test_the_first_operand_is_a_wherever_it_is_declared(tmp_path: Path) -> None:
    text = "module m(input [1:0] b, input [2:0] a, output [4:0] o); assign o = a - b; endmodule"
    netlist = read_verilog(write(tmp_path, text)).netlist
    assert (netlist.bits_a, netlist.bits_b) == (3, 2)
    assert netlist.table()[5, 3] == 2
    swapped = read_verilog(write(tmp_path, text.replace("a,", "p,").replace(" b,", " q,").replace("a - b", "p - q")))
    assert swapped.ports == ("q", "p", "o")


def test_the_top_module(tmp_path: Path) -> None:
    file = write(tmp_path, OPERATOR + OPERATOR.replace("mul4u_x", "other").replace("A * B", "A + B"))
    assert read_verilog(file, "other").netlist.table()[3, 4] == 7
    assert read_verilog(file, "mul4u_x").netlist.table()[3, 4] == 12
    with pytest.raises(UnknownName, match="Did you mean 'other'"):
        read_verilog(file, "othr")
    with pytest.raises(SourceError, match="which of the modules mul4u_x, other is the multiplier"):
        read_verilog(file)
    assert read_verilog(write(tmp_path, file.read_text(encoding="utf-8"), "other.v")).name == "other"
    assert read_verilog(write(tmp_path, file.read_text(encoding="utf-8"), "mul4u_x_pdk45.v")).name == "mul4u_x"


def test_modules_that_are_used_and_cells_that_are_not(tmp_path: Path) -> None:
    inner = "module m(input [3:0] A, input [3:0] B, output [7:0] O); mul4u_x u(A, B, O); endmodule\n"
    assert read_verilog(write(tmp_path, OPERATOR + inner)).name == "m"
    unused = "module PDKGENAND2X1(input A, input B, output Y); assign Y = A & B; endmodule\n"
    assert read_verilog(write(tmp_path, OPERATOR + unused, "mul4u_x.v")).ports == ("A", "B", "O")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("assign o = a ** b\n", r"circuit\.v:4: yosys: syntax error"),
        ("foo u(a, b, o);", "foo' referenced"),
        ("assign o[0] = a[0];", "nothing drives: 'o'$"),
        ("wire [1:0] c; assign o = a & c;", "nothing drives: 'c'$"),
        ("assign o = a & d;", r"nothing drives: 'd' \(not declared\)$"),
        ("wire x; assign x = o[1]; assign o[1] = x & a[0]; assign o[0] = x; assign o[3:2] = 0;", "form a loop"),
        ("reg r; always @(*) if (a[0]) r = b[0]; assign o = r;", "no latch"),
        ("reg r; always @(posedge a[0]) r <= b[0]; assign o = r;", "no register"),
        ("assign o = a[0] ? b : 4'bz;", "no register, memory or tristate"),
    ],
)
def test_what_is_no_combinational_multiplier(tmp_path: Path, body: str, message: str) -> None:
    file = write(tmp_path, f"module m(input [1:0] a, input [1:0] b, output [3:0] o);\n{body}\nendmodule\n")
    with pytest.raises(MultiplierError, match=message) as caught:
        read_verilog(file)
    assert str(file) in str(caught.value)


def test_a_dead_gate_may_read_what_nothing_drives(tmp_path: Path) -> None:
    text = "module m(input [1:0] a, b, output [3:0] o); wire c, d; assign d = c & a[0]; assign o = a * b; endmodule"
    assert read_verilog(write(tmp_path, text)).netlist.table()[3, 3] == 9


def test_other_ports_are_named(tmp_path: Path) -> None:
    text = "module m(input a, input b, input clk, output o); assign o = a & b; endmodule"
    with pytest.raises(MultiplierError, match="the inputs a, b, clk and the outputs o"):
        read_verilog(write(tmp_path, text))


def test_endless_elaboration_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agnsim.multipliers.synthesis.yosys.SECONDS", 1.0)
    loop = "integer i; always @(*) begin o = 0; for (i = 0; i < 2000000000; i = i + 1) o = o + a; end"
    text = f"module m(input [1:0] a, input [1:0] b, output reg [3:0] o);\n{loop}\nendmodule\n"
    with pytest.raises(MultiplierError, match=r"circuit\.v"):
        read_verilog(write(tmp_path, text))


def test_the_folder_of_the_file_stays_as_it_was(tmp_path: Path) -> None:
    read_verilog(write(tmp_path, OPERATOR))
    assert [file.name for file in tmp_path.iterdir()] == ["circuit.v"]


def test_line_numbers_survive_comments(tmp_path: Path) -> None:
    text = (
        "/* one\n two */\n// three\nmodule m(input [1:0] a, input [1:0] b, output [3:0] o);\n assign o = ;\nendmodule"
    )
    with pytest.raises(SourceError) as caught:
        read_verilog(write(tmp_path, text))
    assert caught.value.line == 5


def test_cells_of_three_inputs(tmp_path: Path) -> None:
    table = read_verilog(write(tmp_path, CELLS_OF_THREE)).netlist.table()
    a0, a1, b0 = np.arange(4)[:, None] & 1, np.arange(4)[:, None] >> 1, np.arange(4)[None, :] & 1
    expected = 1 - (a0 & a1 & b0) | (1 - (a0 | a1 | b0)) << 1 | (1 - (a0 & a1 | b0)) << 2 | (1 - ((a0 | a1) & b0)) << 3
    assert np.array_equal(table, expected)


def test_a_multiplexer_gives_its_second_input_where_it_is_selected(tmp_path: Path) -> None:
    assert read_verilog(write(tmp_path, MULTIPLEXER)).netlist.table().tolist() == [[0, 1], [1, 3]]
