"""A C source as data: functions of statements, whose expressions are code for a stack machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from agnsim.multipliers.importers.c_source.tokens import Tokens
from agnsim.multipliers.importers.c_source.types import CType


class Do(IntEnum):
    """What an instruction does to the stack; its argument in parentheses."""

    CONSTANT = 0
    """Push a number (value, type)."""
    LOAD = 1
    """Push a variable's value (name)."""
    BINARY = 2
    """Replace two operands by the result (operator)."""
    UNARY = 3
    """Replace one operand by the result (operator)."""
    ELEMENT = 4
    """Replace indices by the element of an array (name, how many indices)."""
    CAST = 5
    """Convert to an integer type (type)."""
    CALL = 6
    """Replace arguments by the result of a function (name, how many arguments)."""
    BOTH = 7
    """`&&` (code of the right operand)."""
    EITHER = 8
    """`||` (code of the right operand)."""
    CHOOSE = 9
    """`?:` (code of the first, code of the second operand)."""
    NULL = 10
    """Push the pointer to nothing (None)."""
    POINTER = 11
    """Make allocated memory an array (element type)."""


Code = tuple[tuple[Do, Any], ...]
"""Instructions (what, argument) in the order of execution."""


class Declaration(NamedTuple):
    """A variable: a number, an array (`sizes`) or a pointer; `start` is its offset in the text."""

    start: int
    name: str
    ctype: CType
    sizes: tuple[Code, ...]
    is_pointer: bool
    is_static: bool
    initial: Code | None
    elements: tuple[Code, ...] | None


class Assignment(NamedTuple):
    """`name[indices] operator= value`; the operator is empty for a plain assignment."""

    start: int
    name: str
    indices: tuple[Code, ...]
    operator: str
    value: Code


class Call(NamedTuple):
    """A call whose result is not used."""

    start: int
    code: Code


class Return(NamedTuple):
    """`return value`."""

    start: int
    value: Code | None


class Block(NamedTuple):
    """Statements with a scope of their own."""

    start: int
    statements: tuple[Any, ...]


class If(NamedTuple):
    """`if (condition) then else otherwise`."""

    start: int
    condition: Code
    then: Block
    otherwise: Block | None


class For(NamedTuple):
    """`for (initial; condition; step) body`."""

    start: int
    initial: tuple[Any, ...]
    condition: Code | None
    step: tuple[Any, ...]
    body: Block


Statement = Declaration | Assignment | Call | Return | Block | If | For


@dataclass(frozen=True)
class CParameter:
    """A parameter of a function.

    Attributes:
        name: Its name.
        ctype: Its type.
        bits: Width of the operand: what a comment behind the name states, else the type's.
        signed: Whether the operand is signed, from the same place.
    """

    name: str
    ctype: CType
    bits: int
    signed: bool


@dataclass(frozen=True)
class CFunction:
    """A function that is defined in a source.

    Attributes:
        name: Its name.
        returned: Type of its result, `None` for `void`.
        parameters: Its parameters in the order of the signature.
        line: Line of its name in the source, from 1.
        body: Its statements.
    """

    name: str
    returned: CType | None
    parameters: tuple[CParameter, ...]
    line: int
    body: Block

    @property
    def is_swapped(self) -> bool:
        """Whether the parameters are called (b, a): the circuit's first operand, port A, is then the second of them."""
        names = [parameter.name.lower() for parameter in self.parameters]
        return len(names) == 2 and names[0] != names[1] and (names[0] == "b" or names[1] == "a")


@dataclass(frozen=True)
class CProgram:
    """What a source defines.

    Attributes:
        tokens: The source, for messages.
        functions: The functions by name.
        variables: Variables outside of functions.
    """

    tokens: Tokens
    functions: Mapping[str, CFunction]
    variables: tuple[Declaration, ...]
