"""Write a netlist as Verilog: plain assignments, ports A, B and O."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agnsim.errors import MultiplierError
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.gates import INVERTED, Op
from agnsim.multipliers.netlists.netlist import Netlist

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = frozenset(("module", "endmodule", "input", "output", "wire", "assign", "reg", "and", "or", "xor", "not"))
_SYMBOLS = {Op.AND: "&", Op.OR: "|", Op.XOR: "^"}


def multiplier_verilog(multiplier: Multiplier) -> str:
    """Return the physical circuit's netlist as Verilog, below a comment with its signs, errors, digest and source.

    The module is called as the circuit is, characters that Verilog does not allow replaced by `_`.

    Raises:
        MultiplierError: The circuit has only a table: a circuit is not made up for it.
    """
    multiplier = multiplier.circuit or multiplier
    if multiplier.netlist is None:
        raise MultiplierError(
            f"multiplier {multiplier.name!r} has only a table and no netlist, so there is no circuit to export; import "
            "it from its C or Verilog source"
        )
    signs = ["two's complement" if signed else "unsigned" for signed in (multiplier.signed_a, multiplier.signed_b)]
    metrics = multiplier.metrics
    header = [
        f"{multiplier.name}: A {multiplier.bits_a} bits {signs[0]}, B {multiplier.bits_b} bits {signs[1]}",
        f"MAE = {metrics.mae:.10g}, WCE = {metrics.wce}, MRE = {metrics.mre:.6g}, EP = {metrics.ep:.6g}",
        f"table SHA-256 {multiplier.digest}" if multiplier.has_table else "no table: more than 2**24 products",
        f"source: {multiplier.source}" + (f"; {multiplier.citation}" if multiplier.citation else ""),
    ]
    signed = multiplier.signed_a, multiplier.signed_b
    return to_verilog(multiplier.netlist, _module_name(multiplier.name), signed=signed, header=header)


def to_verilog(
    netlist: Netlist, name: str, *, signed: tuple[bool, bool] | None = None, header: Iterable[str] = ()
) -> str:
    """Return a Verilog-2001 module with the operands `A` and `B` and the product `O`.

    Ports in two's complement are declared `signed`: no gate uses it, whoever connects or reads the module does.

    Args:
        netlist: The circuit.
        name: The module's name.
        signed: Signs of the operands; by default both as the product's.
        header: Lines of a comment before it.

    Raises:
        MultiplierError: The name is no Verilog identifier.
    """
    if not _NAME.fullmatch(name) or name in _KEYWORDS:
        raise MultiplierError(f"{name!r} can't be a Verilog module's name; use letters, digits and '_'")
    wires = [f"A[{place}]" for place in range(netlist.bits_a)] + [f"B[{place}]" for place in range(netlist.bits_b)]
    wires += [f"n{number}" for number in range(len(netlist.gates))]
    signs = ["signed " * sign for sign in (*(signed or (netlist.signed,) * 2), netlist.signed)]
    lines = [f"// {' '.join(line.split())}" for line in header]
    lines += [
        f"module {name} (A, B, O);",
        f"  input {signs[0]}[{netlist.bits_a - 1}:0] A;",
        f"  input {signs[1]}[{netlist.bits_b - 1}:0] B;",
        f"  output {signs[2]}[{len(netlist.outputs) - 1}:0] O;",
    ]
    for wire, (op, x, y) in enumerate(netlist.gates, start=netlist.inputs):
        lines.append(f"  wire {wires[wire]} = {_expression(op, wires[x], wires[y])};")
    lines += [f"  assign O[{place}] = {wires[wire]};" for place, wire in enumerate(netlist.outputs)]
    return "\n".join([*lines, "endmodule", ""])


def _module_name(name: str) -> str:
    fitting = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return fitting if _NAME.fullmatch(fitting) else f"m{fitting}"


def _expression(op: Op, x: str, y: str) -> str:
    if op in (Op.CONST0, Op.CONST1):
        return "1'b0" if op is Op.CONST0 else "1'b1"
    if op in (Op.BUF, Op.NOT):
        return x if op is Op.BUF else f"~{x}"
    if op in INVERTED:
        return f"~({x} {_SYMBOLS[INVERTED[op]]} {y})"
    return f"{x} {_SYMBOLS[op]} {y}"
