"""Runs C functions on wires: control flow must be decided by constants, arithmetic becomes gates."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from agnsim.multipliers.importers.c_source.filling import FillingMachine
from agnsim.multipliers.importers.c_source.machine import Work
from agnsim.multipliers.importers.c_source.memory import (
    Allocated,
    Array,
    Operand,
    Pointer,
    Scalar,
    Scopes,
    Variable,
)
from agnsim.multipliers.importers.c_source.program import (
    Assignment,
    Block,
    Call,
    CProgram,
    Declaration,
    For,
    If,
    Return,
    Statement,
)
from agnsim.multipliers.importers.failure import shown_text
from agnsim.multipliers.netlists.builder import NetlistBuilder

_ALLOCATORS = {"malloc": 1, "calloc": 2}  # and how many arguments they take


class Evaluator(FillingMachine):
    """Runs the functions of a program.

    Args:
        program: The program.
        build: The netlist in the making.
        work: What is left to spend.
        by_port: Whether a function of parameters called (b, a) gets its arguments in the order (a, b).
    """

    def __init__(self, program: CProgram, build: NetlistBuilder, work: Work, *, by_port: bool = False) -> None:
        super().__init__(program, build, work)
        self._by_port = by_port
        self._returned: Operand | None = None
        self._kept: dict[tuple[int, str], Variable] = {}
        outermost: dict[str, Variable] = {}
        self.scopes = Scopes(outermost)
        for declaration in program.variables:
            self.start = declaration.start
            self._declare(declaration)

    def call(self, name: str, arguments: Sequence[Operand]) -> Operand | None:
        """Return what a function returns; `malloc`, `calloc` and `free` are known."""
        function = self._program.functions.get(name)
        if function is None:
            return self._library_call(name, arguments)
        if len(arguments) != len(function.parameters):
            self.fail(f"{shown_text(name)} takes {len(function.parameters)} arguments, not {len(arguments)}")
        if self._by_port and function.is_swapped:
            arguments = arguments[::-1]
        variables: dict[str, Variable] = {
            parameter.name: Scalar(parameter.ctype, self.arithmetic.convert(self.as_number(argument), parameter.ctype))
            for parameter, argument in zip(function.parameters, arguments, strict=True)
        }
        start = self.start
        with self.scopes.function(variables):
            has_returned = self._block(function.body)
        result, self._returned = self._returned, None
        if function.returned is not None and not (has_returned and result is not None):
            self.fail(f"{shown_text(name)} ends without returning a value")
        self.start = start
        return self.arithmetic.convert(self.as_number(result), function.returned) if function.returned else None

    def _library_call(self, name: str, arguments: Sequence[Operand]) -> Operand | None:
        if name == "free" and len(arguments) == 1:
            return None
        if _ALLOCATORS.get(name) != len(arguments):
            self.fail(f"calls {shown_text(name)}, which is not defined here")
        sizes = [self.as_integer(argument, "the size of an array") for argument in arguments]
        return Allocated(prod(sizes), is_zero=name == "calloc")

    def _block(self, block: Block) -> bool:
        """Run statements in a scope of their own; return whether one has returned."""
        self.enter()
        has_returned = False
        with self.scopes.block():
            for statement in block.statements:
                if self._execute(statement):
                    has_returned = True
                    break
        self.leave()
        return has_returned

    def _execute(self, statement: Statement) -> bool:
        self.start = statement.start
        self.spend(1)
        match statement:
            case Assignment():
                self._assign(statement)
            case Declaration():
                self._declare(statement)
            case Call(code=code):
                self.run(code)
            case Return(value=value):
                self._returned = None if value is None else self.run(value)
                return True
            case Block():
                return self._block(statement)
            case If(condition=condition, then=then, otherwise=otherwise):
                if self._decided(self.run(condition)):
                    return self._block(then)
                return otherwise is not None and self._block(otherwise)
            case For():
                return self._for(statement)
        return False

    def _decided(self, condition: Operand) -> bool:
        wire = self.truth(condition)
        if wire not in (self._build.zero, self._build.one):
            self.fail("a condition depends on the operands; `?:` is read, `if` and `for` are not")
        return wire == self._build.one

    def _for(self, statement: For) -> bool:
        if self.fill(statement):
            return False
        with self.scopes.block():
            for initial in statement.initial:
                self._execute(initial)
            while True:
                self.start = statement.start
                self.spend(1)
                if statement.condition is not None and not self._decided(self.run(statement.condition)):
                    return False
                if self._block(statement.body):
                    return True
                for step in statement.step:
                    self._execute(step)

    def _declare(self, declaration: Declaration) -> None:
        key = (declaration.start, declaration.name)
        variable = self._kept.get(key) if declaration.is_static else None
        if variable is None:
            variable = self._variable(declaration)
            if declaration.is_static:
                self._kept[key] = variable
        if not self.scopes.declare(declaration.name, variable):
            self.fail(f"{shown_text(declaration.name)} is declared twice")

    def _variable(self, declaration: Declaration) -> Variable:
        """A new variable with its initial value."""
        ctype, is_kept = declaration.ctype, declaration.is_static
        zero = self.constant(0, ctype)
        if declaration.sizes:
            sizes = tuple(self.as_integer(self.run(code), "the size of an array") for code in declaration.sizes)
            if min(sizes) < 1:
                self.fail(f"{shown_text(declaration.name)} is an array of {min(sizes)} elements")
            default = zero if is_kept or declaration.elements is not None else None
            array = Array(ctype, sizes, is_kept, default=default)
            for place, code in enumerate(declaration.elements or ()):
                if place >= prod(sizes):
                    self.fail(f"{shown_text(declaration.name)} has more than its {prod(sizes)} elements")
                self._set_element(array, place, self.run(code), declaration.name)
            return array
        initial = None if declaration.initial is None else self.run(declaration.initial)
        if declaration.is_pointer:
            return Pointer(ctype, None if initial is None else self.as_target(initial, ctype), is_kept)
        scalar = Scalar(ctype, zero if is_kept else None, is_kept)
        if initial is not None:
            self._set(scalar, initial, declaration.name)
        return scalar

    def _assign(self, statement: Assignment) -> None:
        name, operator = statement.name, statement.operator
        if statement.indices:
            array = self.array(name)
            index = self.index(array, [self.run(code) for code in statement.indices])
            value = self.run(statement.value)
            if operator:
                value = self.binary(operator, self.element(array, index), value)
            self._set_element(array, self.as_integer(index, "the index of an assignment"), value, name)
            return
        variable = self.scopes.find(name)
        if isinstance(variable, Pointer) and not operator:
            target = self.as_target(self.run(statement.value), variable.ctype)
            if variable.target is not target:
                self.note_change(variable)
            variable.target = target
        elif isinstance(variable, Scalar):
            value = self.run(statement.value)
            if operator:
                value = self.binary(operator, self._load(name), value)
            self._set(variable, value, name)
        else:
            self.fail(f"{shown_text(name)} is no variable that can be assigned to")

    def _set(self, scalar: Scalar, value: Operand, name: str) -> None:
        number = self.arithmetic.convert(self.as_number(value), scalar.ctype)
        if scalar.is_kept and scalar.value != number:
            self.check_kept(scalar, number, name)
            self.note_change(scalar)
        scalar.value = number

    def _set_element(self, array: Array, place: int, value: Operand, name: str) -> None:
        number = self.arithmetic.convert(self.as_number(value), array.ctype)
        if array.filled is not None:
            self.fail(f"an element of {shown_text(name)} is assigned to after loops have filled the array")
        if array.is_kept and array.elements.get(place) != number:
            self.check_kept(array, number, name)
            self.note_change(array)
        array.elements[place] = number
