"""The Pareto set of a library: which circuits no other one of their kind beats, and the rival that is exact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from agnsim.analysis.pareto import pareto_front
from agnsim.errors import InputError, did_you_mean
from agnsim.multipliers.widths import parse_bits
from agnsim.types import Json

ERRORS = ("mae", "error_std", "wce", "mre", "ep", "mean_error")
COSTS = ("energy", "area", "delay", "energy_operands")


def library_fronts(
    rows: Sequence[Json], *, error: str = "mae", cost: str = "energy", bits: str | None = None
) -> list[Json]:
    """Return the Pareto set of every kind of circuit: same widths, signs and flow, whose costs can be compared.

    Args:
        rows: Rows of `agnsim.multipliers.browsing.listing`.
        error: Column of errors; of `mean_error` the magnitude counts.
        cost: Column of costs.
        bits: Only kinds of these widths: `8x4`, or `8` for both; the narrower ones stay their rivals.

    Returns:
        Per kind `bits_a, bits_b, signed_a, signed_b, flow`, the number of `circuits`, `front`: their rows, cheapest
        first, and `narrower_exact`: of every narrower pair of widths the cheapest exact circuit of the same signs and
        flow, the rival that costs less without erring on the operands it takes. Circuits without the cost are left out.

    Raises:
        InputError: No such column, or no widths.
    """
    for option, column, known in (("--error", error, ERRORS), ("--cost", cost, COSTS)):
        if column not in known or (rows and column not in rows[0]):
            raise InputError(f"{option} {column}: no such column.{did_you_mean(column, known)}")
    usable = sorted((row for row in rows if row[cost] is not None), key=_kind)
    widths = parse_bits(bits)
    found = []
    for kind, group in groupby(usable, key=_kind):
        circuits = list(group)
        if widths not in (None, kind[:2]):
            continue
        points = [[row[cost], abs(row[error])] for row in circuits]
        rivals: dict[tuple[int, int], Json] = {}
        for row in sorted(usable, key=lambda row: (row[cost], row["name"])):
            if row["wce"] == 0 and _is_narrower(row, circuits[0]):
                rivals.setdefault((row["bits_a"], row["bits_b"]), row)
        found.append(
            {
                "bits_a": circuits[0]["bits_a"],
                "bits_b": circuits[0]["bits_b"],
                "signed_a": circuits[0]["signed_a"],
                "signed_b": circuits[0]["signed_b"],
                "flow": kind[-1],
                "circuits": len(circuits),
                "front": [circuits[index] for index in pareto_front(points)],
                "narrower_exact": list(rivals.values()),
            }
        )
    return found


def _kind(row: Json) -> tuple[Any, ...]:
    return row["bits_a"], row["bits_b"], row["signed_a"], row["signed_b"], row["flow"]


def _is_narrower(row: Json, than: Json) -> bool:
    same = all(row[column] == than[column] for column in ("signed_a", "signed_b", "flow"))
    widths = [(row[bits], than[bits]) for bits in ("bits_a", "bits_b")]
    return same and all(own <= other for own, other in widths) and any(own < other for own, other in widths)
