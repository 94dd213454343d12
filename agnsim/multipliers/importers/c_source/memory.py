"""What C variables hold while a circuit is evaluated: numbers, arrays, pointers to allocated arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from agnsim.multipliers.importers.c_source.bits import Number
from agnsim.multipliers.importers.c_source.fills import Fill
from agnsim.multipliers.importers.c_source.types import CType


@dataclass(slots=True)
class Scalar:
    """A variable of an integer type; `is_kept` if it outlives the call, `changed` says when it did so last."""

    ctype: CType
    value: Number | None
    is_kept: bool = False
    changed: int = 0


class Filled(NamedTuple):
    """Elements that loops have filled, as a function of the index.

    Attributes:
        fill: The assignment in the loops.
        places: For each bit of the index, LSB first: which bit of the loop variables, counted through, it is.
        captured: Values of the other variables in the assignment.
    """

    fill: Fill
    places: tuple[int, ...]
    captured: tuple[tuple[str, Number], ...]


@dataclass(slots=True)
class Array:
    """Integers in a row.

    Attributes:
        ctype: Type of an element.
        sizes: Lengths of its dimensions.
        is_kept: Whether it outlives the call.
        elements: What has been assigned, by index.
        default: What the other elements hold, `None` if nothing.
        filled: What loops have filled it with, instead of `elements`.
        filled_at: How many changes of kept variables there had been by then.
        changed: How many there had been when it changed last, if it is kept.
    """

    ctype: CType
    sizes: tuple[int, ...]
    is_kept: bool = False
    elements: dict[int, Number] = field(default_factory=dict)
    default: Number | None = None
    filled: Filled | None = None
    filled_at: int = 0
    changed: int = 0


@dataclass(slots=True)
class Pointer:
    """A variable that points to an array or to nothing."""

    ctype: CType
    target: Array | None
    is_kept: bool = False
    changed: int = 0


class Allocated(NamedTuple):
    """Memory that is no array yet."""

    size: int
    is_zero: bool


class Nowhere:
    """The null pointer."""


Variable = Scalar | Array | Pointer
Operand = Number | Array | Allocated | Nowhere
"""What is on the stack."""


class Scopes:
    """The variables that can be seen: innermost first, then outwards, then those outside of functions.

    Args:
        outermost: Variables outside of functions.
    """

    def __init__(self, outermost: dict[str, Variable]) -> None:
        self._outermost = outermost
        self._scopes = [outermost]

    def find(self, name: str) -> Variable | None:
        """Return the variable of a name, `None` if there is none."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def declare(self, name: str, variable: Variable) -> bool:
        """Add a variable to the innermost scope; return whether its name was free there."""
        is_free = name not in self._scopes[-1]
        self._scopes[-1][name] = variable
        return is_free

    @contextmanager
    def block(self) -> Iterator[None]:
        """Open a scope in the innermost one for a while."""
        self._scopes.append({})
        yield
        self._scopes.pop()

    @contextmanager
    def function(self, variables: dict[str, Variable]) -> Iterator[None]:
        """See these variables and those outside of functions only, for a while."""
        hidden, self._scopes = self._scopes, [self._outermost, variables]
        yield
        self._scopes = hidden
