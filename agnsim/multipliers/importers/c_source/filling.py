"""Arrays that loops have filled: noted as a function of the index, evaluated where an element is read."""

from __future__ import annotations

from collections.abc import Sequence

from agnsim.multipliers.importers.c_source.bits import Number
from agnsim.multipliers.importers.c_source.fills import Fill, loaded_names, recognised_fills
from agnsim.multipliers.importers.c_source.machine import Machine, Work
from agnsim.multipliers.importers.c_source.memory import Array, Filled, Scalar, Variable
from agnsim.multipliers.importers.c_source.program import CProgram, For
from agnsim.multipliers.importers.failure import SourceError, shown_text
from agnsim.multipliers.netlists.builder import NetlistBuilder


class FillingMachine(Machine):
    """A machine that knows filled arrays.

    Args:
        program: The program.
        build: The netlist in the making.
        work: What is left to spend.
    """

    def __init__(self, program: CProgram, build: NetlistBuilder, work: Work) -> None:
        super().__init__(program, build, work)
        self._recognised: dict[int, tuple[Fill, ...]] = {}

    def element(self, array: Array, index: Number) -> Number:
        """Return an element by its place; one that loops have filled is computed from the place's bits."""
        if array.filled is None:
            return super().element(array, index)
        fill, places, captured = array.filled
        if len(index.wires) > fill.bits:
            self.fail(f"an index lies outside of the {1 << fill.bits} elements that loops have filled")
        wires = [self._build.zero] * fill.bits
        for place, wire in zip(places, index.wires, strict=False):
            wires[place] = wire
        # The loops ran earlier; what functions in the value read must be what they would have read then.
        start, latest, changes = self.start, self._latest, self.changes
        self.start, self._latest = fill.start, min(latest, array.filled_at)
        number = self._value(fill, captured, wires)
        if self.changes != changes:
            self.fail("loops fill an array by a function that remembers what it was called for")
        self.start, self._latest = start, latest
        return self.arithmetic.convert(number, array.ctype)

    def fill(self, statement: For) -> bool:
        """Note what loops fill arrays with; return whether they do no more than that."""
        filled: list[tuple[Array, Filled]] = []
        fills = self._recognised.get(id(statement))
        if fills is None:
            fills = self._recognised[id(statement)] = recognised_fills(statement)
        for fill in fills:
            captured: list[tuple[str, Number]] = []
            self.spend(len(fill.captured))
            for name in fill.captured:
                variable = self.scopes.find(name)
                if not isinstance(variable, Scalar) or variable.value is None:
                    return False
                captured.append((name, variable.value))
            array = self.array(fill.name)
            places = self._places(fill, array)
            if places is None:
                return False
            filled.append((array, Filled(fill, places, tuple(captured))))
        for array, function in filled:
            self.start = function.fill.start
            for name, number in function.captured:
                self.check_kept(array, number, name)
            # The first round: functions may set up tables of their own.
            self._value(function.fill, function.captured, [self._build.zero] * function.fill.bits)
        for array, function in filled:
            if array.filled != function:
                self.note_change(array)
            array.filled = function
        for array, _ in filled:
            array.filled_at = self.changes
        return bool(filled)

    def _value(self, fill: Fill, captured: Sequence[tuple[str, Number]], wires: Sequence[int]) -> Number:
        """The value assigned in the loops when the bits of the loop variables are these wires."""
        variables: dict[str, Variable] = {name: Scalar(number.ctype, number) for name, number in captured}
        variables |= self._loop_variables(fill, wires)
        self.enter()
        with self.scopes.function(variables):
            number = self.as_number(self.run(fill.value))
        self.leave()
        return number

    def _loop_variables(self, fill: Fill, wires: Sequence[int]) -> dict[str, Variable]:
        """The loop variables, whose bits are these wires one after the other."""
        variables: dict[str, Variable] = {}
        place = 0
        for loop in fill.loops:
            bits = tuple(wires[place : place + loop.bits])
            variables[loop.name] = Scalar(loop.ctype, self.arithmetic.number(loop.ctype, bits, self._build.zero))
            place += loop.bits
        return variables

    def _places(self, fill: Fill, array: Array) -> tuple[int, ...] | None:
        """For each bit of the index the bit of the loop variables it is; `None` for any other index."""
        scratch = FillingMachine(CProgram(self._program.tokens, {}, ()), NetlistBuilder(fill.bits, 0), self._work)
        scratch.start = fill.start
        variables = scratch._loop_variables(fill, range(fill.bits))
        if any(loaded_names(code) - variables.keys() for code in fill.indices):
            return None
        try:
            with scratch.scopes.function(variables):
                index = scratch.index(array, [scratch.run(code) for code in fill.indices])
        except SourceError:  # perhaps only because it is not seen bit by bit to lie in the array
            return None
        return index.wires if sorted(index.wires) == list(range(fill.bits)) else None

    def check_kept(self, variable: Scalar | Array, number: Number, name: str) -> None:
        """Refuse to keep a number that depends on the operands in a variable that outlives the call."""
        if variable.is_kept and self.arithmetic.value(number) is None:
            self.fail(f"{shown_text(name)} would carry operands from one call to the next; a circuit has no memory")
