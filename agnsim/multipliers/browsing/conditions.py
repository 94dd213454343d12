"""Conditions on the columns of a listing, such as `mae<10`: compared, never evaluated as code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from agnsim.errors import InputError, did_you_mean
from agnsim.types import Json

_CONDITION = re.compile(r"\s*([a-z_]+)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_WORDS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Condition:
    """A comparison of one column with a value.

    Attributes:
        text: As it was written.
        column: Name of the column.
        comparison: `<`, `<=`, `>`, `>=`, `=` or `!=`.
        value: What is compared with: a number, `yes` or `no`, or a pattern (`*`, `?`, `[..]`) for texts.
    """

    text: str
    column: str
    comparison: str
    value: str

    def holds(self, row: Json) -> bool:
        """Return whether a row fulfils the condition; what is not known fulfils none.

        Raises:
            InputError: The column holds another kind of values.
        """
        found, compare = row[self.column], _OPERATORS[self.comparison]
        if found is None:
            return False
        if isinstance(found, str):
            if compare not in (operator.eq, operator.ne):
                raise InputError(f"--where {self.text}: {self.column} holds text, which is compared with = or !=")
            return compare(fnmatchcase(found, self.value), True)
        try:
            wanted = _WORDS[self.value.lower()] if isinstance(found, bool) else float(self.value)
            if wanted != wanted:  # NaN, with which nothing compares
                raise ValueError
        except (KeyError, ValueError):
            kind = "yes or no" if isinstance(found, bool) else "a number"
            raise InputError(f"--where {self.text}: {self.column} is compared with {kind}") from None
        return compare(found, wanted)


def parse_condition(text: str, columns: Iterable[str]) -> Condition:
    """Return the condition that a text such as `mae<10` states.

    Args:
        text: Column, comparison (`<`, `<=`, `>`, `>=`, `=`, `!=`), value.
        columns: Names of the columns there are.

    Raises:
        InputError: It is no condition, or there is no such column.
    """
    match = _CONDITION.fullmatch(text)
    if match is None or not match[3]:
        raise InputError(f"--where {text}: must be a column, one of < <= > >= = !=, and a value, such as mae<10")
    column, comparison, value = match.groups()
    if column not in set(columns):
        raise InputError(f"--where {text}: no column {column!r}.{did_you_mean(column, columns)}")
    return Condition(text, column, comparison, value)


def fulfilling(rows: Iterable[Json], conditions: Sequence[Condition]) -> list[Json]:
    """Return the rows that fulfil all conditions.

    Raises:
        InputError: A column is compared with another kind of value than it holds.
    """
    return [row for row in rows if all(condition.holds(row) for condition in conditions)]
