"""A library as rows and a circuit as plain data: what `agnsim multipliers list` and `show` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agnsim.errors import InputError, did_you_mean
from agnsim.multipliers.multiplier import Multiplier
from agnsim.types import Json

COLUMNS = (
    "name",
    "family",
    "bits_a",
    "bits_b",
    "signed_a",
    "signed_b",
    "mae",
    "wce",
    "mre",
    "ep",
    "mean_error",
    "error_std",
    "energy",
    "area",
    "delay",
    "flow",
)
"""Columns of `circuit_rows`. Errors are in units of the product (`mre` and `ep` are fractions); energy, area and delay
are the figures that ratios within `flow` are made of."""


def circuit_row(multiplier: Multiplier) -> Json:
    """Return one circuit's `COLUMNS`; what is not known is None."""
    metrics, cost = multiplier.metrics, multiplier.cost
    return {
        "name": multiplier.name,
        "family": multiplier.family,
        "bits_a": multiplier.bits_a,
        "bits_b": multiplier.bits_b,
        "signed_a": multiplier.signed_a,
        "signed_b": multiplier.signed_b,
        "mae": metrics.mae,
        "wce": metrics.wce,
        "mre": metrics.mre,
        "ep": metrics.ep,
        "mean_error": metrics.mean_error,
        "error_std": metrics.error_std,
        "energy": cost.energy if cost else None,
        "area": cost.area if cost else None,
        "delay": cost.delay if cost else None,
        "flow": cost.flow if cost else None,
    }


def circuit_rows(
    library: Mapping[str, Multiplier], *, family: str | None = None, signed: bool | None = None, sort: str | None = None
) -> list[Json]:
    """Return the rows of a library's circuits.

    Args:
        library: The circuits.
        family: Keep this family alone.
        signed: Keep circuits whose two operands are signed (True) or unsigned (False).
        sort: A name of `COLUMNS`, ascending, unknown values last; the library's own order by default.

    Raises:
        InputError: No such family or column.
    """
    families = {m.family for m in library.values() if m.family}
    if family is not None and family not in families:
        raise InputError(
            f"--family {family}: no circuit of this library belongs to it.{did_you_mean(family, families)}"
        )
    if sort is not None and sort not in COLUMNS:
        raise InputError(f"--sort {sort}: no such column.{did_you_mean(sort, COLUMNS)}")
    rows = [
        circuit_row(multiplier)
        for multiplier in library.values()
        if (family is None or multiplier.family == family)
        and (signed is None or (multiplier.signed_a is signed and multiplier.signed_b is signed))
    ]
    if sort is not None:
        column: str = sort
        rows.sort(key=lambda row: _sort_key(row[column]))
    return rows


def describe(multiplier: Multiplier) -> Json:
    """Return everything that is known of one circuit: its row, identity, structure, source and costs."""
    factors, cost = multiplier.factors, multiplier.cost
    return {
        **circuit_row(multiplier),
        "mse": multiplier.metrics.mse,
        "range_a": list(multiplier.range_a),
        "range_b": list(multiplier.range_b),
        "exact": multiplier.is_exact,
        "symmetric": multiplier.is_symmetric,
        "rank": factors.rank if factors is not None else None,
        "digest": multiplier.digest,
        "source": multiplier.source,
        "parameters": dict(multiplier.parameters),
        "citation": multiplier.citation,
        "technology": cost.technology if cost else None,
        "power_mw": cost.power_mw if cost else None,
        "area_um2": cost.area_um2 if cost else None,
        "delay_ns": cost.delay_ns if cost else None,
        "energy_pj": cost.energy_pj if cost else None,
    }


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)
