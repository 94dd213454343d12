"""The gates a netlist is made of, and what each is worth in transistors."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

NO_WIRE = -1


class Op(StrEnum):
    """What a gate computes; at most two inputs."""

    CONST0 = "const0"
    CONST1 = "const1"
    BUF = "buf"
    NOT = "not"
    AND = "and"
    OR = "or"
    XOR = "xor"
    NAND = "nand"
    NOR = "nor"
    XNOR = "xnor"

    @property
    def arity(self) -> int:
        """Number of inputs: 0, 1 or 2."""
        if self in (Op.CONST0, Op.CONST1):
            return 0
        return 1 if self in (Op.BUF, Op.NOT) else 2


class Gate(NamedTuple):
    """One gate; its output wire is numbered by its place in the netlist.

    Attributes:
        op: What it computes.
        x: First input wire, `NO_WIRE` for a constant.
        y: Second input wire, `NO_WIRE` for a constant, buffer or inverter.
    """

    op: Op
    x: int = NO_WIRE
    y: int = NO_WIRE


INVERTED: Mapping[Op, Op] = MappingProxyType({Op.NAND: Op.AND, Op.NOR: Op.OR, Op.XNOR: Op.XOR})
"""Gates with an inverted output, and the plain gate inside."""

TRANSISTORS: Mapping[Op, int] = MappingProxyType(
    {
        Op.CONST0: 0,
        Op.CONST1: 0,
        Op.BUF: 4,
        Op.NOT: 2,
        Op.AND: 6,
        Op.OR: 6,
        Op.XOR: 10,
        Op.NAND: 4,
        Op.NOR: 4,
        Op.XNOR: 10,
    }
)
"""Transistors of the static CMOS cell; the stand-in for its capacitance and its area."""

UNIT_DELAYS: Mapping[Op, int] = MappingProxyType(
    {
        Op.CONST0: 0,
        Op.CONST1: 0,
        Op.BUF: 2,
        Op.NOT: 1,
        Op.AND: 2,
        Op.OR: 2,
        Op.XOR: 2,
        Op.NAND: 1,
        Op.NOR: 1,
        Op.XNOR: 2,
    }
)
"""Delays of the static CMOS cell in stages: an AND is a NAND and an inverter, an XOR inverts its inputs first."""
