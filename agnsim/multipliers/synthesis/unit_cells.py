"""The unit library: one cell for each gate of `gates.Op`, its area the transistors of the static CMOS cell."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agnsim.multipliers.netlists.gates import TRANSISTORS, UNIT_DELAYS, Op

CELLS: Mapping[str, Op] = MappingProxyType(
    {
        "INV": Op.NOT,
        "BUF": Op.BUF,
        "NAND2": Op.NAND,
        "NOR2": Op.NOR,
        "AND2": Op.AND,
        "OR2": Op.OR,
        "XOR2": Op.XOR,
        "XNOR2": Op.XNOR,
        "ZERO": Op.CONST0,
        "ONE": Op.CONST1,
    }
)
"""Cells by name; inputs are called A and B, the output O."""

_FUNCTIONS = {
    Op.NOT: "!A",
    Op.BUF: "A",
    Op.NAND: "!(A*B)",
    Op.NOR: "!(A+B)",
    Op.AND: "A*B",
    Op.OR: "A+B",
    Op.XOR: "A*!B+!A*B",
    Op.XNOR: "A*B+!A*!B",
    Op.CONST0: "CONST0",
    Op.CONST1: "CONST1",
}
_PHASES = {Op.XOR: "UNKNOWN", Op.XNOR: "UNKNOWN", Op.BUF: "NONINV", Op.AND: "NONINV", Op.OR: "NONINV"}


def genlib() -> str:
    """Return the unit library in ABC's genlib format: areas in transistors, delays in unit delays."""
    lines = []
    for cell, op in CELLS.items():
        line = f"GATE {cell} {TRANSISTORS[op]} O={_FUNCTIONS[op]};"
        if op.arity:
            delay = UNIT_DELAYS[op]
            line += f" PIN * {_PHASES.get(op, 'INV')} 1 999 {delay} 0 {delay} 0"
        lines.append(line + "\n")
    return "".join(lines)
