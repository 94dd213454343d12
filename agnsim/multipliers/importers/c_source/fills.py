"""Recognises loops that fill arrays with a function of the loop variables, as caches of products are filled.

`for (int i = 0; i < 256; i++) for (int j = 0; j < 256; j++) cache[i * 256 + j] = f(i, j);` need not run 65,536
times: an element that is read later is `f` of its index's bits.
"""

from __future__ import annotations

from typing import NamedTuple

from agnsim.multipliers.importers.c_source.expressions import ONE
from agnsim.multipliers.importers.c_source.program import Assignment, Code, Declaration, Do, For, Statement
from agnsim.multipliers.importers.c_source.types import CType

_PLAIN = frozenset({Do.LOAD, Do.CONSTANT, Do.BINARY, Do.UNARY, Do.CAST})
"""What an index is made of, to be recognised."""
LEAST_FILL = 2**10
"""Iterations from which on loops are recognised; fewer are run one by one."""


class Loop(NamedTuple):
    """A loop variable that counts from 0 through all numbers of some bits."""

    name: str
    ctype: CType
    bits: int


class Fill(NamedTuple):
    """An assignment of an array's element in loops.

    Attributes:
        start: Offset in the text.
        name: The array.
        indices: Code of its indices.
        value: Code of the value.
        loops: The loops around, outermost first.
        captured: Names of the other variables in the value, sorted.
    """

    start: int
    name: str
    indices: tuple[Code, ...]
    value: Code
    loops: tuple[Loop, ...]
    captured: tuple[str, ...]

    @property
    def bits(self) -> int:
        """Bits of all loop variables together."""
        return sum(loop.bits for loop in self.loops)


def recognised_fills(statement: For) -> tuple[Fill, ...]:
    """Return what loops fill, nothing for loops of another kind or with few iterations.

    Every assignment goes to another array, and none reads an array.
    """
    fills = _fills(statement, ())
    if not fills or max(1 << fill.bits for fill in fills) < LEAST_FILL:
        return ()
    names = {fill.name for fill in fills}
    if len(names) < len(fills) or any(not names.isdisjoint(fill.captured) for fill in fills):
        return ()
    return fills


def loaded_names(code: Code) -> frozenset[str]:
    """Return the names of all variables that code reads, arrays included."""
    names: set[str] = set()
    for what, argument in code:
        if what is Do.LOAD:
            names.add(argument)
        elif what is Do.ELEMENT:
            names.add(argument[0])
        elif what in (Do.BOTH, Do.EITHER):
            names |= loaded_names(argument)
        elif what is Do.CHOOSE:
            names |= loaded_names(argument[0]) | loaded_names(argument[1])
    return frozenset(names)


def _fills(statement: Statement, outer: tuple[Loop, ...]) -> tuple[Fill, ...] | None:
    if isinstance(statement, Assignment):
        if not outer or not statement.indices or statement.operator:
            return None
        if any(what not in _PLAIN for code in statement.indices for what, _ in code):
            return None
        captured = sorted(loaded_names(statement.value) - {loop.name for loop in outer})
        return (Fill(statement.start, statement.name, statement.indices, statement.value, outer, tuple(captured)),)
    if not isinstance(statement, For):
        return None
    loop = _loop(statement)
    if loop is None or loop.name in [other.name for other in outer]:
        return None
    fills: list[Fill] = []
    for inner in statement.body.statements:
        found = _fills(inner, (*outer, loop))
        if found is None:
            return None
        fills += found
    return tuple(fills)


def _loop(statement: For) -> Loop | None:
    """The loop variable of `for (type i = 0; i < 2**n; i++)`."""
    match statement:
        case For(
            initial=(
                Declaration(name=name, ctype=ctype, sizes=(), is_pointer=False, initial=((Do.CONSTANT, (0, _)),)),
            ),
            condition=((Do.LOAD, read), (Do.CONSTANT, (bound, _)), (Do.BINARY, comparison)),
            step=(Assignment(name=stepped, indices=(), operator="+", value=step),),
        ):
            count = bound + (comparison == "<=")
            is_counter = comparison in ("<", "<=") and name == read == stepped and step == ONE
            if is_counter and count > 1 and count & count - 1 == 0 and count < 1 << ctype.width - ctype.signed:
                return Loop(name, ctype, count.bit_length() - 1)
    return None
