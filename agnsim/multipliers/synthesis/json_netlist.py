"""A module of yosys' JSON with simple gates only, as a netlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.gate_folding import FoldedGates
from agnsim.multipliers.netlists.gates import Op
from agnsim.multipliers.netlists.netlist import Netlist

Bit = int | str
Emit = Callable[[FoldedGates, Sequence[int]], int]

_PLAIN = {
    "$_BUF_": Op.BUF,
    "$_NOT_": Op.NOT,
    "$_AND_": Op.AND,
    "$_OR_": Op.OR,
    "$_XOR_": Op.XOR,
    "$_NAND_": Op.NAND,
    "$_NOR_": Op.NOR,
    "$_XNOR_": Op.XNOR,
}


def _mux(gates: FoldedGates, pins: Sequence[int]) -> int:
    when_0, when_1, select = pins
    kept = gates.emit(Op.AND, gates.emit(Op.NOT, select), when_0)
    return gates.emit(Op.OR, kept, gates.emit(Op.AND, select, when_1))


_COMPOSED: Mapping[str, tuple[str, Emit]] = {
    "$_MUX_": ("ABS", _mux),
    "$_NMUX_": ("ABS", lambda gates, pins: gates.emit(Op.NOT, _mux(gates, pins))),
    "$_ANDNOT_": ("AB", lambda gates, pins: gates.emit(Op.AND, pins[0], gates.emit(Op.NOT, pins[1]))),
    "$_ORNOT_": ("AB", lambda gates, pins: gates.emit(Op.OR, pins[0], gates.emit(Op.NOT, pins[1]))),
}


def netlist_from_json(
    cells: Mapping[str, Any], a: Sequence[Bit], b: Sequence[Bit], product: Sequence[Bit], *, signed: bool, where: str
) -> Netlist:
    """Return the netlist of a module's cells.

    Args:
        cells: The module's `cells`.
        a: Bits of the first operand, LSB first.
        b: Bits of the second operand.
        product: Bits of the product.
        signed: Whether the product is in two's complement.
        where: Begins messages.

    Raises:
        MultiplierError: The module is not combinational, has a loop, or leaves a bit undefined.
    """
    gates = FoldedGates(len(a) + len(b))
    wires: dict[Bit, int] = {"0": gates.zero, "1": gates.one}
    wires.update((bit, wire) for wire, bit in enumerate([*a, *b]))
    drivers: dict[Bit, tuple[str, list[Bit]]] = {}
    for cell in cells.values():
        kind = cell["type"]
        if kind in _PLAIN:
            inputs = "AB"[: _PLAIN[kind].arity]
        elif kind in _COMPOSED:
            inputs = _COMPOSED[kind][0]
        else:
            raise MultiplierError(
                f"{where}: it holds a {kind.strip('$_')!r}, which is no combinational gate: a multiplier has no "
                "register, memory or tristate buffer, and no latch, as an `if` or `case` without an `else` makes one"
            )
        pins = cell["connections"]
        drivers[pins["Y"][0]] = kind, [pins[pin][0] for pin in inputs]
    for bit in product:
        _drive(bit, gates, wires, drivers, where)
    kept, outputs = gates.finish([wires[bit] for bit in product])
    return Netlist(len(a), len(b), kept, outputs, signed)


def _drive(
    target: Bit, gates: FoldedGates, wires: dict[Bit, int], drivers: Mapping[Bit, tuple[str, list[Bit]]], where: str
) -> None:
    """Add the gates that a bit depends on, inputs first; circuits are deep, so without recursion."""
    pending = [target]
    open_bits: set[Bit] = set()
    while pending:
        bit = pending[-1]
        if bit in wires:
            pending.pop()
            continue
        if bit not in drivers:
            raise MultiplierError(f"{where}: a bit of the product depends on a wire that nothing drives")
        kind, inputs = drivers[bit]
        missing = [pin for pin in inputs if pin not in wires]
        if missing:
            if bit in open_bits:
                raise MultiplierError(f"{where}: its gates form a loop")
            open_bits.add(bit)
            pending.extend(missing)
            continue
        pins = [wires[pin] for pin in inputs]
        wires[bit] = gates.emit(_PLAIN[kind], *pins) if kind in _PLAIN else _COMPOSED[kind][1](gates, pins)
        pending.pop()
