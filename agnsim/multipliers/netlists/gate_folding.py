"""A growing list of gates that folds constants, shares equal gates and keeps no buffer.

Inside, an inverted gate is a plain gate behind an inverter, so that both polarities share it; `finish` joins the
pair again where nothing else reads the plain gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agnsim.multipliers.netlists.gates import INVERTED, NO_WIRE, Gate, Op

_JOINED = {plain: inverted for inverted, plain in INVERTED.items()}


class FoldedGates:
    """Gates in topological order over `inputs` input wires (numbered from 0; gate i drives wire `inputs + i`).

    Args:
        inputs: Number of input wires.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.gates: list[Gate] = []
        self._wire_of: dict[Gate, int] = {}
        self.zero = self._share(Gate(Op.CONST0))
        self.one = self._share(Gate(Op.CONST1))

    def emit(self, op: Op, x: int = NO_WIRE, y: int = NO_WIRE) -> int:
        """Return a wire that carries `op(x, y)`; a new gate only where no wire carries it yet."""
        if op is Op.CONST0:
            return self.zero
        if op is Op.CONST1:
            return self.one
        if op is Op.BUF:
            return x
        if op is Op.NOT:
            return self._not(x)
        if op in INVERTED:
            return self._not(self.emit(INVERTED[op], x, y))
        x, y = min(x, y), max(x, y)
        if op is Op.XOR:
            return self._xor(x, y)
        return self._and_or(op, x, y)

    def insert(self, gates: Iterable[Gate], inputs: Sequence[int]) -> list[int]:
        """Add a whole netlist whose inputs are wires of this one; return the wire of each of its wires.

        Args:
            gates: Its gates, topologically ordered and numbered behind its inputs.
            inputs: The wires that feed its inputs.
        """
        wires = list(inputs)
        for op, x, y in gates:
            wires.append(self.emit(op, *(wires[pin] if pin != NO_WIRE else NO_WIRE for pin in (x, y))))
        return wires

    def finish(self, outputs: Sequence[int]) -> tuple[tuple[Gate, ...], tuple[int, ...]]:
        """Return the gates that the outputs depend on, renumbered, and the renumbered outputs."""
        readers = self._readers(outputs)
        joined = {
            wire: Gate(_JOINED[plain.op], plain.x, plain.y)
            for wire, gate in self._numbered()
            if gate.op is Op.NOT and (plain := self._driver(gate.x)) is not None
            if plain.op in _JOINED and readers[gate.x] == 1
        }
        absorbed = {self.gates[wire - self.inputs].x for wire in joined if readers[wire]}
        new_number = list(range(self.inputs)) + [NO_WIRE] * len(self.gates)
        kept: list[Gate] = []
        for wire, gate in self._numbered():
            if readers[wire] == 0 or wire in absorbed:
                continue
            op, x, y = joined.get(wire, gate)
            kept.append(Gate(op, *(new_number[pin] if pin != NO_WIRE else NO_WIRE for pin in (x, y))))
            new_number[wire] = self.inputs + len(kept) - 1
        return tuple(kept), tuple(new_number[wire] for wire in outputs)

    def _numbered(self) -> list[tuple[int, Gate]]:
        return list(enumerate(self.gates, start=self.inputs))

    def _readers(self, outputs: Sequence[int]) -> list[int]:
        readers = [0] * (self.inputs + len(self.gates))
        for wire in outputs:
            readers[wire] += 1
        for wire, gate in reversed(self._numbered()):
            if readers[wire]:
                for pin in (gate.x, gate.y):
                    if pin != NO_WIRE:
                        readers[pin] += 1
        return readers

    def _share(self, gate: Gate) -> int:
        if gate not in self._wire_of:
            self.gates.append(gate)
            self._wire_of[gate] = self.inputs + len(self.gates) - 1
        return self._wire_of[gate]

    def _driver(self, wire: int) -> Gate | None:
        return self.gates[wire - self.inputs] if wire >= self.inputs else None

    def _under_inverter(self, wire: int) -> int | None:
        driver = self._driver(wire)
        return driver.x if driver is not None and driver.op is Op.NOT else None

    def _not(self, x: int) -> int:
        if x in (self.zero, self.one):
            return self.one if x == self.zero else self.zero
        inner = self._under_inverter(x)
        return inner if inner is not None else self._share(Gate(Op.NOT, x))

    def _and_or(self, op: Op, x: int, y: int) -> int:
        dominant, neutral = (self.zero, self.one) if op is Op.AND else (self.one, self.zero)
        if dominant in (x, y):
            return dominant
        if x == y or y == neutral:
            return x
        if x == neutral:
            return y
        under_x, under_y = self._under_inverter(x), self._under_inverter(y)
        if under_x == y or under_y == x:
            return dominant
        if under_x is not None and under_y is not None:  # De Morgan: one inverter instead of two
            return self._not(self.emit(Op.OR if op is Op.AND else Op.AND, under_x, under_y))
        if op is Op.OR:
            left, right = self._driver(x), self._driver(y)
            if left and right and {left.op, right.op} == {Op.AND, Op.XOR} and left[1:] == right[1:]:
                return self.emit(Op.OR, left.x, left.y)  # the carry of x + y + 1
        return self._share(Gate(op, x, y))

    def _xor(self, x: int, y: int) -> int:
        inverted = False
        pins: list[int] = []
        for wire in (x, y):
            inner = self._under_inverter(wire)
            if inner is not None:
                wire, inverted = inner, not inverted
            if wire == self.one:
                inverted = not inverted
            elif wire != self.zero:
                pins.append(wire)
        if len(pins) == 2 and pins[0] == pins[1]:
            pins = []
        plain = self.zero if not pins else pins[0] if len(pins) == 1 else self._share(Gate(Op.XOR, *sorted(pins)))
        return self._not(plain) if inverted else plain
