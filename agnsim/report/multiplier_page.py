"""One circuit to one HTML file that needs no network and no server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agnsim.multipliers.multiplier import Multiplier
from agnsim.report.multiplier_figures import multiplier_figures
from agnsim.report.numbers import percent, significant
from agnsim.report.table import Cell, Column, Row, Table
from agnsim.report.templates import render_page, write_page
from agnsim.types import Json

_LABELS = {
    "mae": "mean absolute error",
    "wce": "worst-case error",
    "mre": "mean relative error",
    "ep": "error probability",
    "mse": "mean squared error",
    "mean_error": "mean error",
    "error_std": "error std",
}


@dataclass(frozen=True)
class Tile:
    """A figure that stands out: its label, value and note."""

    label: str
    value: str
    note: str = ""


def write_multiplier_page(multiplier: Multiplier, description: Json, target: Path) -> None:
    """Write the page of a circuit.

    Args:
        multiplier: A physical circuit.
        description: From `agnsim.multipliers.browsing.description.describe`.
        target: The file to write; the same circuit and description give the same bytes (for one version of plotly).

    Raises:
        InputError: The folder of the file does not exist.
    """
    write_page(target, render_multiplier(multiplier, description))


def render_multiplier(multiplier: Multiplier, description: Json) -> str:
    """Return the page of a circuit as HTML."""
    heat_map, figures = multiplier_figures(multiplier) if multiplier.has_table else (None, [])
    operands = description["operands"]
    return render_page(
        "multiplier.html.j2",
        title=multiplier.name,
        ports=_ports(description),
        family=description["family"],
        sentence=_sentence(description),
        tiles=_tiles(description),
        heat_map=heat_map,
        figures=figures,
        distribution=operands["distribution"] if operands else "",
        tables=[
            _table(f"operands-{part}", part.capitalize(), operands[part]) for part in operands if part != "distribution"
        ]
        if operands
        else [],
        costs=[list(_texts(cost).items()) for cost in description["costs"]],
        published=_published(description),
        facts=_facts(description),
    )


def _ports(description: Json) -> str:
    operands = (
        f"{description[bits]}-bit {'signed' if description[sign] else 'unsigned'}"
        for bits, sign in (("bits_a", "signed_a"), ("bits_b", "signed_b"))
    )
    return " × ".join(operands)


def _sentence(description: Json) -> str:
    if description["exact"]:
        words = "Every product is exact."
    else:
        mean, worst = significant(description["mae"]), significant(description["wce"])
        wrong = percent(100 * description["ep"])
        words = f"{wrong} of the products are wrong; all err by {mean} on average and by {worst} at most."
    zero = description["zero_behaviour"]
    if zero is None:
        return words + " The circuit has more than 2²⁴ products and no table: only its stated figures are known."
    skippable = zero["zero_activation_gives_zero"], zero["zero_weight_gives_zero"]
    if all(skippable):
        return words + " A product with zero is zero."
    named = " and ".join(name for name, is_zero in zip(("activation", "weight"), skippable, strict=True) if not is_zero)
    return words + f" A zero {named} does not always give zero: such multiplications can't be skipped."


def _tiles(description: Json) -> list[Tile]:
    tiles = [
        Tile(_LABELS[metric], significant(description[metric])) for metric in ("mae", "wce", "mean_error", "error_std")
    ]
    rank = description["rank"]
    tiles.append(
        Tile("rank of the table", "over 16" if rank is None else str(rank), "terms of the exact factorisation")
    )
    if description["energy_ratio"] is not None:
        note = f"to the cheapest exact circuit of these widths and signs, flow {description['flow']}"
        tiles.append(Tile("energy ratio", significant(description["energy_ratio"]), note))
    elif description["energy"] is not None:
        tiles.append(Tile("energy", significant(description["energy"]), f"flow {description['flow']}"))
    return tiles


def _table(key: str, caption: str, rows: Sequence[Json]) -> Table:
    columns = [
        Column(
            name.replace("_", " "),
            any(isinstance(row[name], int | float) and not isinstance(row[name], bool) for row in rows),
        )
        for name in rows[0]
    ]
    return Table(key, caption, columns, [Row([_cell(value) for value in row.values()]) for row in rows])


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return Cell(significant(value, 4), repr(value))
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    return Cell("" if value is None else str(value).replace("_", " "))


def _texts(facts: Json) -> dict[str, str]:
    return {name.replace("_", " "): _cell(value).text for name, value in facts.items()}


def _published(description: Json) -> list[tuple[str, str, str]]:
    """Return the published figures beside our own: metric, published, found."""
    found = {metric: significant(description[metric], 6) for metric in _LABELS}
    return [(_LABELS.get(name, name), text, found.get(name, "")) for name, text in description["published"].items()]


def _facts(description: Json) -> list[tuple[str, str]]:
    names = ("source", "status", "citation", "digest", "symmetric", "gates", "mse", "mre", "ep")
    facts = [
        (_LABELS.get(name, name), _cell(description[name]).text) for name in names if description[name] is not None
    ]
    if description["parameters"]:
        facts.insert(
            1, ("parameters", ", ".join(f"{key} = {value}" for key, value in description["parameters"].items()))
        )
    return facts
