"""What could not be imported, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agnsim.errors import MultiplierError


@dataclass(frozen=True)
class Failure:
    """One thing that could not be imported.

    Attributes:
        file: The file, as seen from where the command runs.
        line: The line, from 1, or `None` where it is about no line.
        reason: What is wrong, and the remedy where there is one.
    """

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.reason}"


class SourceError(MultiplierError):
    """A file that cannot be read as a circuit.

    Attributes:
        where: The file.
        line: The line, from 1, or `None`.
        reason: What is wrong, without the place.
    """

    def __init__(self, where: str, line: int | None, reason: str) -> None:
        super().__init__(str(Failure(where, line, reason)))
        self.where = where
        self.line = line
        self.reason = reason


class NoCircuit(Exception):
    """A file of a kind that may hold a circuit and doesn't: it is passed over, unless it is all that was asked for."""


def shown_path(path: Path) -> str:
    """Return a path as it may stand in a message: bytes that are no UTF-8, and control characters, are escaped."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def shown_text(text: str) -> str:
    """Return a piece of a file as it may stand in a message: quoted, escaped, cut to 40 characters."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
