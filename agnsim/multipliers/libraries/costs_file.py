"""Your own costs: a CSV file with what your tools gave for circuits of a library, joined by name or digest.

Columns: `name` or `digest`, any of `power_mw`, `area_um2`, `delay_ns`, `energy_pj` (also `power`, `area`, `delay`,
`energy`), and `technology`, `flow`, `corner`, `clock_ns` (also `clock`). Nothing in it is computed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agnsim.errors import LibraryError, did_you_mean
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.libraries.card import Card
from agnsim.multipliers.libraries.collection import Library, LibraryEntry
from agnsim.multipliers.multiplier import Multiplier

_ALIASES = {"power": "power_mw", "area": "area_um2", "delay": "delay_ns", "energy": "energy_pj", "clock": "clock_ns"}
_NUMBERS = ("power_mw", "area_um2", "delay_ns", "energy_pj", "clock_ns")
_TEXTS = ("technology", "flow", "corner")
_FIGURES = ("power_mw", "area_um2", "delay_ns", "energy_pj")
_COLUMNS = ("name", "digest", *_NUMBERS, *_TEXTS)
_MOST = 32 * 2**20
_LEAST_DIGITS = 12


@dataclass(frozen=True)
class CostRow:
    """One line of a file of costs.

    Attributes:
        line: Its line, from 1.
        name: The circuit's name, or empty.
        digest: The circuit's digest, 12 hexadecimal digits of it or more, or empty.
        cost: The cost.
    """

    line: int
    name: str
    digest: str
    cost: Cost

    def is_of(self, name: str, digest: str | None) -> bool:
        """Tell whether the line is about a circuit."""
        same_digest = bool(self.digest) and digest is not None and digest.startswith(self.digest)
        return (not self.name or self.name == name) and (not self.digest or same_digest)


@dataclass(frozen=True)
class Costs:
    """The lines of a file of costs.

    Attributes:
        path: The file.
        rows: Its lines.
    """

    path: Path
    rows: tuple[CostRow, ...]

    def match(self, circuits: Iterable[tuple[str, str | None]]) -> tuple[dict[str, Cost], list[tuple[int, str]]]:
        """Return the costs by circuit name, and the lines that are about no circuit or about one again, and why.

        Args:
            circuits: Name and digest of every circuit; a circuit without a table has no digest.
        """
        known = list(circuits)
        digests = dict(known)
        by_digest: dict[str, list[str]] = {}
        for name, digest in known:
            by_digest.setdefault((digest or "")[:_LEAST_DIGITS], []).append(name)
        costs: dict[str, Cost] = {}
        lines: dict[str, int] = {}
        problems: list[tuple[int, str]] = []
        for row in self.rows:
            candidates = [row.name] if row.name else by_digest.get(row.digest[:_LEAST_DIGITS], [])
            names = [name for name in candidates if name in digests and row.is_of(name, digests[name])]
            if not names:
                problems.append((row.line, _unknown(row, digests)))
            if len(names) > 1:  # one function, as all exact multipliers have, but not one piece of hardware
                reason = (
                    f"the digest {row.digest} is that of {', '.join(names)}: which of them costs that? Give the name"
                )
                problems.append((row.line, reason))
                continue
            for name in names:
                if name in lines:
                    reason = f"a second cost of circuit {name!r}; the first is in line {lines[name]}"
                    problems.append((row.line, reason))
                else:
                    costs[name], lines[name] = row.cost, row.line
        return costs, problems


def read_costs(path: str | Path) -> Costs:
    """Return the costs in a CSV file.

    Without a column `flow` it is the file's name, without `technology` it is `"unknown"`: costs of one file can be
    compared with each other, with nothing else.

    Raises:
        LibraryError: The file can't be read, lacks a column or has an unknown one, or a value is wrong.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST:
            raise LibraryError(f"{path}: has more than {_MOST} bytes; a file of costs has a line a circuit")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = _columns(path, reader.fieldnames or ())
            rows = tuple(_row(f"{path}:{reader.line_num}", reader.line_num, fields, columns, path) for fields in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"{path}: can't be read as CSV ({error})") from error
    if not rows:
        raise LibraryError(f"{path}: has no costs, only a header")
    return Costs(path, rows)


def with_costs(library: Library, path: str | Path) -> Library:
    """Return the library with a file's costs: a matched circuit's own cost moves to its `other_costs`.

    Args:
        library: Any library; no table is read.
        path: The CSV file, see `read_costs`.

    Raises:
        LibraryError: As `read_costs`, or a line is about no circuit of the library.
    """
    entries = library.entries
    costs, problems = read_costs(path).match((entry.name, entry.digest) for entry in entries)
    if problems:
        raise LibraryError("\n".join(f"{path}:{line}: {reason}" for line, reason in problems))
    joined = [_joined_entry(entry, costs[entry.name]) if entry.name in costs else entry for entry in entries]
    return Library(library.name, joined, path=library.path, description=library.description)


def joined_card(card: Card, cost: Cost) -> Card:
    """Return a card with another cost; its own moves to `other_costs`."""
    return replace(card, cost=cost, other_costs=_others(card.cost, card.other_costs, cost))


def _joined_entry(entry: LibraryEntry, cost: Cost) -> LibraryEntry:
    card = None if entry.card is None else joined_card(entry.card, cost)
    return replace(entry, flow=cost.flow, read=partial(_read, entry, cost), card=card)


def _read(entry: LibraryEntry, cost: Cost) -> Multiplier:
    circuit = entry.read()
    return replace(circuit, cost=cost, other_costs=_others(circuit.cost, circuit.other_costs, cost))


def _others(own: Cost | None, others: tuple[Cost, ...], cost: Cost) -> tuple[Cost, ...]:
    kept = [other for other in (own, *others) if other is not None]
    return tuple(other for other in kept if other.conditions != cost.conditions)


def _columns(path: Path, header: Iterable[str]) -> dict[str, str]:
    """Return what every column of the file is, by the name it has there."""
    columns: dict[str, str] = {}
    for given in header:
        column = _ALIASES.get(given.strip().lower(), given.strip().lower())
        if column not in _COLUMNS:
            raise LibraryError(f"{path}:1: unknown column {given!r}.{did_you_mean(column, (*_COLUMNS, *_ALIASES))}")
        if column in columns.values():
            raise LibraryError(f"{path}:1: column {column!r} is there twice")
        columns[given] = column
    if not {"name", "digest"} & set(columns.values()):
        raise LibraryError(f"{path}:1: lacks a column 'name' or 'digest', which says whose costs they are")
    if not set(_FIGURES) & set(columns.values()):
        raise LibraryError(f"{path}:1: has no costs; columns for them are {', '.join(_FIGURES)}")
    return columns


def _row(
    where: str, line: int, given: Mapping[str | None, str | None], columns: Mapping[str, str], path: Path
) -> CostRow:
    if None in given or None in given.values():
        raise LibraryError(f"{where}: the line has not as many fields as the header")
    fields = {columns[str(column)]: (value or "").strip() for column, value in given.items()}
    name, digest = fields.get("name", ""), fields.get("digest", "").lower()
    if not name and not digest:
        raise LibraryError(f"{where}: names no circuit")
    if digest and (not _LEAST_DIGITS <= len(digest) <= 64 or not set(digest) <= set("0123456789abcdef")):
        raise LibraryError(f"{where}: digest is {digest!r}; it must be {_LEAST_DIGITS} to 64 hexadecimal digits")
    given_numbers = [column for column in _NUMBERS if fields.get(column)]
    numbers: dict[str, Any] = {column: _number(fields[column], column, where) for column in given_numbers}
    if not set(_FIGURES) & set(numbers):
        raise LibraryError(f"{where}: has no costs; give one of {', '.join(_FIGURES)}")
    try:
        cost = Cost(
            technology=fields.get("technology") or "unknown",
            flow=fields.get("flow") or path.stem,
            corner=fields.get("corner") or None,
            **numbers,
        )
    except LibraryError as error:
        raise LibraryError(f"{where}: {error}") from error
    return CostRow(line, name, digest, cost)


def _number(text: str, column: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise LibraryError(f"{where}: {column} is {text[:40]!r}; it must be a number") from None


def _unknown(row: CostRow, digests: Mapping[str, str | None]) -> str:
    if not row.name:
        return f"no circuit has the digest {row.digest}"
    if row.name in digests:
        return f"circuit {row.name!r} has the digest {digests[row.name]}, not {row.digest}"
    return f"no circuit is called {row.name!r}.{did_you_mean(row.name, digests)}"
