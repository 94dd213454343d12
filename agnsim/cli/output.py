"""What commands print: one JSON document, a table, or lines of names and values; messages go to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from agnsim.types import Json


def say(message: str) -> None:
    """Print on stderr, where progress and errors go."""
    typer.echo(message, err=True)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def print_facts(facts: Json, as_json: bool = False) -> None:
    """Print one thing: a name and a value a line."""
    if as_json:
        print_json(facts)
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        typer.echo(f"{name:<{width}}  {_text(value)}")


def print_rows(rows: Sequence[Json], columns: Iterable[str] | None = None, as_json: bool = False) -> None:
    """Print many things of a kind: a table with a row each."""
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(columns or (rows[0] if rows else ()))
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(_text(row[name])) for name in names))
    # a pipe has no width: a table cut to 80 columns would lose names and figures
    console = Console(width=None if sys.stdout.isatty() else 2000)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return " ".join(f"{key}={_text(item)}" for key, item in value.items()) or "-"
    if isinstance(value, list):
        return " ".join(_text(item) for item in value) or "-"
    return str(value)
