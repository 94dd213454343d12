"""The stack machine that evaluates expressions on wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from agnsim.multipliers.importers.c_source.bits import Arithmetic, Number
from agnsim.multipliers.importers.c_source.limits import MAX_DEPTH, MAX_SELECTED, MAX_WORK
from agnsim.multipliers.importers.c_source.memory import (
    Allocated,
    Array,
    Nowhere,
    Operand,
    Pointer,
    Scalar,
    Scopes,
    Variable,
)
from agnsim.multipliers.importers.c_source.program import Code, CProgram, Do
from agnsim.multipliers.importers.c_source.result_types import result_type
from agnsim.multipliers.importers.c_source.types import INT, SIZE, CType, common_type
from agnsim.multipliers.importers.failure import shown_text
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire

_LOAD, _CONSTANT, _BINARY, _UNARY = Do.LOAD, Do.CONSTANT, Do.BINARY, Do.UNARY


@dataclass
class Work:
    """What is left of the instructions and gates that may be asked for."""

    left: int = MAX_WORK


class Machine:
    """Evaluates the expressions of a program.

    Args:
        program: The program.
        build: The netlist in the making.
        work: What is left to spend.

    Attributes:
        scopes: The variables that can be seen.
        arithmetic: The operators.
        start: Offset in the text of the statement at work, for messages.
        changes: How often a variable that outlives calls has changed.
    """

    def __init__(self, program: CProgram, build: NetlistBuilder, work: Work) -> None:
        self.scopes = Scopes({})
        self.start = 0
        self.changes = 0
        self.arithmetic = Arithmetic(build, self.spend, self.fail)
        self._program = program
        self._build = build
        self._work = work
        self._depth = 0
        self._latest = MAX_WORK  # changes of kept variables that may be seen: none after so many
        self._constants: dict[tuple[int, CType], Number] = {}

    def fail(self, reason: str) -> NoReturn:
        """Raise the error that names the line at work."""
        self._program.tokens.fail(self.start, reason)

    def spend(self, amount: int) -> None:
        """Count instructions or gates; too many are an error."""
        self._work.left -= amount
        if self._work.left < 0:
            self.fail(f"takes more than {MAX_WORK} steps; that is no multiplier to be read gate by gate")

    def enter(self) -> None:
        """Count one more level of calls and blocks."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.fail(f"calls and blocks are nested more than {MAX_DEPTH} deep")

    def leave(self) -> None:
        """Count one level less."""
        self._depth -= 1

    def run(self, code: Code) -> Operand:
        """Return the value of an expression."""
        self.spend(len(code))
        stack: list[Any] = []
        for what, argument in code:
            if what is _LOAD:
                stack.append(self._load(argument))
            elif what is _CONSTANT:
                stack.append(self.constant(*argument))
            elif what is _BINARY:
                right = stack.pop()
                stack[-1] = self.binary(argument, stack[-1], right)
            elif what is _UNARY:
                stack[-1] = self._unary(argument, stack[-1])
            elif what is Do.CAST:
                stack[-1] = self.arithmetic.convert(self.as_number(stack[-1]), argument)
            elif what in (Do.ELEMENT, Do.CALL):
                name, count = argument
                at = len(stack) - count
                operands = stack[at:]
                stack[at:] = [self._element(name, operands) if what is Do.ELEMENT else self.call(name, operands)]
            elif what in (Do.BOTH, Do.EITHER):
                stack[-1] = self._either_or_both(stack[-1], argument, is_either=what is Do.EITHER)
            elif what is Do.CHOOSE:
                stack[-1] = self._chosen(stack[-1], *argument)
            elif what is Do.POINTER:
                stack[-1] = self.as_target(stack[-1], argument)
            else:
                stack.append(Nowhere())
        return stack[0]  # type: ignore[no-any-return]

    def call(self, name: str, arguments: Sequence[Operand]) -> Operand | None:
        """Return what a function returns."""
        raise NotImplementedError

    def element(self, array: Array, index: Number) -> Number:
        """Return an element by its place in the array."""
        place = self.arithmetic.value(index)
        if place is not None:
            return self._known_element(array, place)
        if 1 << len(index.wires) > MAX_SELECTED:
            self.fail(f"operands choose from more than {MAX_SELECTED} elements")
        places = [0]
        for digit, wire in enumerate(index.wires):
            digits = [bit << digit for bit, never in enumerate((self._build.one, self._build.zero)) if wire != never]
            places = [place | bit for bit in digits for place in places]
        elements = [self._known_element(array, place) for place in places]
        for wire in reversed(index.wires):
            half = len(elements) // 2
            if wire not in (self._build.zero, self._build.one):
                pairs = zip(elements[:half], elements[half:], strict=True)
                elements = [self.arithmetic.chosen(wire, when_0, when_1) for when_0, when_1 in pairs]
        return self.arithmetic.convert(elements[0], array.ctype)

    def constant(self, value: int, ctype: CType) -> Number:
        """Return an integer of a type."""
        key = (value, ctype)
        if key not in self._constants:
            self._constants[key] = self.arithmetic.constant(value, ctype)
        return self._constants[key]

    def as_number(self, operand: Operand | None) -> Number:
        """Return the operand, which must be a number."""
        if not isinstance(operand, Number):
            self.fail("a number is expected here, not a pointer, an array or nothing")
        return operand

    def as_integer(self, operand: Operand | None, what: str) -> int:
        """Return the operand, which must be a number that is always the same."""
        value = self.arithmetic.value(self.as_number(operand))
        if value is None:
            self.fail(f"{what} depends on the operands")
        return value

    def as_target(self, operand: Operand | None, ctype: CType) -> Array | None:
        """Return the array that a pointer of a type points to when the operand is assigned to it."""
        if isinstance(operand, Allocated):
            default = self.constant(0, ctype) if operand.is_zero else None
            return Array(ctype, (operand.size * 8 // ctype.width,), is_kept=True, default=default)
        if isinstance(operand, Array) and operand.ctype == ctype:
            return operand
        if not isinstance(operand, Nowhere) and (operand is None or self._is_nonzero(operand)):
            self.fail(f"this is no pointer to {ctype.name}")
        return None

    def truth(self, operand: Operand) -> Wire:
        """Return whether an operand counts as true: not 0, not the null pointer."""
        if isinstance(operand, Number):
            return self.arithmetic.truth(operand)
        if isinstance(operand, Nowhere):
            return self._build.zero
        return self._build.one if isinstance(operand, Array | Allocated) else self.truth(self.as_number(operand))

    def array(self, name: str) -> Array:
        """Return the array of a name, or that a pointer of the name points to."""
        variable = self.scopes.find(name)
        self._check_seen(variable, name)
        if isinstance(variable, Pointer):
            variable = variable.target
            self._check_seen(variable, name)
        if not isinstance(variable, Array):
            self.fail(f"{shown_text(name)} is no array")
        return variable

    def note_change(self, variable: Variable) -> None:
        """Count a change of a variable that outlives calls."""
        if variable.is_kept:
            self.changes += 1
            variable.changed = self.changes

    def index(self, array: Array, indices: Sequence[Operand]) -> Number:
        """Return the place in an array of the element with these indices.

        Raises:
            SourceError: It may lie outside of the array.
        """
        if len(indices) != len(array.sizes):
            self.fail(f"{len(indices)} indices for an array of {len(array.sizes)} dimensions")
        place = self.constant(0, SIZE)
        for size, operand in zip(array.sizes, indices, strict=True):
            number = self.as_number(operand)
            value = self.arithmetic.value(number)
            if value is None and (number.fill != self._build.zero or 1 << len(number.wires) > size):
                self.fail(f"an index that depends on the operands may lie outside of 0..{size - 1}")
            if value is not None and not 0 <= value < size:
                self.fail(f"the index {value} lies outside of 0..{size - 1}")
            row = self.binary("*", place, self.constant(size, SIZE))
            place = self.binary("+", row, self.arithmetic.convert(number, SIZE))
        return place

    def binary(self, operator: str, left: Operand | None, right: Operand | None) -> Number:
        """Return the result of an operator with two operands."""
        if isinstance(left, Number) and isinstance(right, Number):
            return self.arithmetic.binary[operator](left, right)
        if operator not in ("==", "!=") or not all(isinstance(x, Number | Array | Nowhere) for x in (left, right)):
            self.fail(f"the operator {operator} is read between numbers")
        for operand in (left, right):
            if isinstance(operand, Number) and self._is_nonzero(operand):
                self.fail("a pointer is compared with a number")
        arrays = [operand for operand in (left, right) if isinstance(operand, Array)]
        is_equal = not arrays or (len(arrays) == 2 and arrays[0] is arrays[1])
        return self.constant(int(is_equal == (operator == "==")), INT)

    def _is_nonzero(self, operand: Operand) -> bool:
        return not isinstance(operand, Number) or self.arithmetic.value(operand) != 0

    def _check_seen(self, variable: Variable | None, name: str) -> None:
        """Refuse a variable that has changed since what is evaluated late should have been."""
        if variable is not None and variable.changed > self._latest:
            self.fail(f"{shown_text(name)} has changed since loops have filled an array by means of it")

    def _load(self, name: str) -> Operand:
        variable = self.scopes.find(name)
        self._check_seen(variable, name)
        if isinstance(variable, Scalar):
            if variable.value is None:
                self.fail(f"{shown_text(name)} is read before it has a value")
            return variable.value
        if isinstance(variable, Pointer):
            return variable.target or Nowhere()
        if variable is None:
            self.fail(f"{shown_text(name)} is not declared")
        return variable

    def _unary(self, operator: str, operand: Operand | None) -> Number:
        if operator == "!" and isinstance(operand, Array | Nowhere):
            return self.constant(int(isinstance(operand, Nowhere)), INT)
        return self.arithmetic.unary[operator](self.as_number(operand))

    def _element(self, name: str, indices: Sequence[Operand]) -> Number:
        array = self.array(name)
        return self.element(array, self.index(array, indices))

    def _known_element(self, array: Array, place: int) -> Number:
        element = array.elements.get(place, array.default)
        if element is None:
            self.fail(f"element {place} of an array is read before it has a value")
        return element

    def _either_or_both(self, left: Operand, right: Code, *, is_either: bool) -> Number:
        condition = self.truth(left)
        if condition == (self._build.one if is_either else self._build.zero):
            return self.constant(int(is_either), INT)
        gate = self._build.either if is_either else self._build.both
        wire = gate(condition, self.truth(self._run_deeper(right)))
        return self.arithmetic.number(INT, (wire,), self._build.zero)

    def _run_deeper(self, code: Code) -> Operand:
        self.enter()
        operand = self.run(code)
        self.leave()
        return operand

    def _chosen(self, condition: Operand, then: Code, otherwise: Code) -> Operand:
        wire = self.truth(condition)
        if wire not in (self._build.zero, self._build.one):
            when_1, when_0 = self.as_number(self._run_deeper(then)), self.as_number(self._run_deeper(otherwise))
            return self.arithmetic.chosen(wire, when_0, when_1)
        taken, other = (then, otherwise) if wire == self._build.one else (otherwise, then)
        operand, ctype = self._run_deeper(taken), result_type(other, self.scopes, self._program.functions, self.spend)
        if not isinstance(operand, Number) or ctype is None:
            return operand
        return self.arithmetic.convert(operand, common_type(operand.ctype, ctype))
