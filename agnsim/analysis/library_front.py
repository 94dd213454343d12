"""The Pareto set of a library: which circuits no other one of their kind beats, and the rival that is exact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from agnsim.analysis.pareto import pareto_front
from agnsim.errors import InputError, did_you_mean
from agnsim.multipliers.browsing.conditions import fulfilling, parse_condition
from agnsim.multipliers.browsing.listing import COLUMNS, ERROR_COLUMNS, OPERAND_COLUMNS, traced_errors
from agnsim.multipliers.browsing.stand_in import stand_in
from agnsim.multipliers.operands.operand_distribution import Traced
from agnsim.multipliers.widths import parse_bits
from agnsim.types import Json

_METRICS = ("mae", "error_std", "wce", "mre", "ep", "mean_error")
ERRORS = (*_METRICS, *ERROR_COLUMNS)
COSTS = ("energy", "area", "delay", "energy_operands")


def library_fronts(
    rows: Sequence[Json],
    *,
    error: str = "mae",
    cost: str = "energy",
    bits: str | None = None,
    where: Sequence[str] = (),
    operands: Traced | None = None,
) -> list[Json]:
    """Return the Pareto set of every kind of circuit: same widths, signs and flow, whose costs can be compared.

    Args:
        rows: Rows of `agnsim.multipliers.browsing.listing`.
        error: Column of errors; of `mean_error` the magnitude counts.
        cost: Column of costs.
        bits: Only kinds of these widths: `8x4`, or `8` for both; the narrower ones stay their rivals.
        where: Conditions such as `mae<10` that circuits and rivals must fulfil.
        operands: The operands that the rows' `ERROR_COLUMNS` are under.

    Returns:
        Per kind `bits_a, bits_b, signed_a, signed_b, flow`, the number of `circuits`, `front`: their rows, cheapest
        first, and `narrower_exact`: of every narrower pair of widths the cheapest exact circuit of the same signs and
        flow, the rival that costs less and errs only by the operand bits that it drops. Its errors are those of this
        truncation, over operands of the kind's widths (None beyond 8x8), its `energy_ratio` is to the cheapest exact
        circuit of the kind. Circuits without the cost or the error are left out.

    Raises:
        InputError: No such column, no widths, or no condition.
    """
    for option, column, known in (("--error", error, ERRORS), ("--cost", cost, COSTS)):
        if column not in known or (rows and column not in rows[0]):
            raise InputError(f"{option} {column}: no such column.{did_you_mean(column, known)}")
    columns = (*COLUMNS, *OPERAND_COLUMNS) if operands else COLUMNS
    conditions = [parse_condition(text, columns) for text in where]
    usable = sorted((row for row in rows if row[cost] is not None and row[error] is not None), key=_kind)
    widths = parse_bits(bits)
    found = []
    for kind, group in groupby(usable, key=_kind):
        circuits = fulfilling(group, conditions)
        if widths not in (None, kind[:2]) or not circuits:
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
                "narrower_exact": fulfilling(
                    (row | _standing_in(row, circuits[0], operands) for row in rivals.values()), conditions
                ),
            }
        )
    return found


def _standing_in(row: Json, wider: Json, operands: Traced | None) -> Json:
    """Return errors and energy ratio of a narrower exact circuit where it stands in for a wider one."""
    ratio = None
    if row["energy"] is not None and wider["energy"] and wider["energy_ratio"]:
        ratio = row["energy"] * wider["energy_ratio"] / wider["energy"]
    bits, own_bits = ((kind["bits_a"], kind["bits_b"]) for kind in (wider, row))
    circuit = stand_in(bits, (wider["signed_a"], wider["signed_b"]), own_bits)
    names = (*_METRICS, *(ERROR_COLUMNS if operands else ()))
    if circuit is None:
        return dict.fromkeys(names) | {"energy_ratio": ratio}
    errors = {metric: getattr(circuit.metrics, metric) for metric in _METRICS}
    return errors | {"energy_ratio": ratio} | (traced_errors(circuit, operands) if operands else {})


def _kind(row: Json) -> tuple[Any, ...]:
    return row["bits_a"], row["bits_b"], row["signed_a"], row["signed_b"], row["flow"]


def _is_narrower(row: Json, than: Json) -> bool:
    same = all(row[column] == than[column] for column in ("signed_a", "signed_b", "flow"))
    widths = [(row[bits], than[bits]) for bits in ("bits_a", "bits_b")]
    return same and all(own <= other for own, other in widths) and any(own < other for own, other in widths)
