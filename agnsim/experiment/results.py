"""The rows of a study: one trial a row, the columns of `results.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agnsim.analysis import pack_outcomes, paired_interval, unpack_outcomes
from agnsim.errors import RunFolderError
from agnsim.experiment.store import Trial, write_text
from agnsim.types import Json

COLUMNS = (
    "trial",
    "kind",
    "method",
    "model",
    "multiplier",
    "retrained",
    "accuracy_selection",
    "accuracy_top1",
    "accuracy_top5",
    "accuracy_drop_pp",
    "drop_low_pp",
    "drop_high_pp",
    "multiplier_energy",
    "pe_energy",
    "on_chip_energy",
    "system_energy",
    "macs_ratio",
    "params_ratio",
    "distinct_multipliers",
    "noise_weight",
    "seed",
    "digest",
    "checkpoint",
    "accuracy_top1_all",
    "energy_flow",
    "bits_a",
    "bits_b",
    "seconds",
    "graph",
    "pe_label",
)
"""Columns of `results.csv`. Accuracies in percent, on the reported images (`accuracy_top1_all`: on the whole test
set where the selection images are a part of it); energies as ratios, 1.0 = reference; a cell that cannot be computed
is empty."""

_LATER = {"graph", "pe_label"}
"""Columns that runs of earlier versions lack."""

KINDS = ("float", "quantized", "narrow", "uniform", "heterogeneous")


def result_row(trial: Trial, float_trial: Trial, energy: Json, *, model: str, seed: int) -> Json:
    """Return one trial as a row: what it recorded, its energy, and its drop against float, paired by image."""
    outcome, part = trial.outcome, trial.outcome["evaluation"]
    drop, low, high = (None, None, None)
    if trial.digest != float_trial.digest:
        reference = unpack_outcomes(float_trial.outcome["evaluation"]["report"])
        drop, low, high = paired_interval(reference, unpack_outcomes(part["report"]))
    return {
        "trial": trial.id,
        "kind": trial.key["kind"],
        "method": outcome["method"],
        "model": model,
        "multiplier": outcome.get("multiplier", ""),
        "retrained": outcome["retrained"],
        "accuracy_selection": part["selection"]["top1"],
        "accuracy_top1": part["report"]["top1"],
        "accuracy_top5": part["report"]["top5"],
        "accuracy_drop_pp": drop,
        "drop_low_pp": low,
        "drop_high_pp": high,
        "multiplier_energy": energy["multiplier_energy"],
        "pe_energy": energy["pe_energy"],
        "on_chip_energy": None,
        "system_energy": None,
        "macs_ratio": 1.0,
        "params_ratio": 1.0,
        "distinct_multipliers": outcome.get("distinct_multipliers"),
        "noise_weight": outcome.get("noise_weight"),
        "seed": seed,
        "digest": trial.digest,
        "checkpoint": outcome.get("checkpoint", ""),
        "accuracy_top1_all": part["all"]["top1"],
        "energy_flow": energy["energy_flow"],
        "bits_a": outcome.get("bits_a"),
        "bits_b": outcome.get("bits_b"),
        "seconds": outcome["seconds"],
        "graph": graph_of(trial),
        "pe_label": energy["pe_label"],
    }


def graph_of(trial: Trial) -> str:
    """Return which graph of its network a trial was judged by: `float`, `training` or `deployed`.

    Trials of earlier versions, which did not record it, knew no deployed one.
    """
    return str(trial.outcome.get("graph", "float" if trial.key["kind"] == "float" else "training"))


def write_results(path: Path, rows: Sequence[Json]) -> None:
    """Write `results.csv`; missing values are empty cells."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_results(path: Path) -> list[dict[str, str]]:
    """Return the rows of a `results.csv`, every cell a text.

    Raises:
        RunFolderError: It is missing, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [c for c in COLUMNS if c not in (reader.fieldnames or ()) and c not in _LATER]
            if missing:
                raise RunFolderError(f"{path}: lacks the column {missing[0]!r}. Run the study again to write it anew.")
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RunFolderError(f"{path}: cannot be read as CSV: {error}") from None


def pack(correct: NDArray[np.bool_], top5: NDArray[np.bool_] | None) -> Json:
    """Return counts, percentages and the per-image outcome (base64 of packed bits) of one set of images."""
    return {
        "correct": int(correct.sum()),
        "total": len(correct),
        "top1": 100 * int(correct.sum()) / len(correct),
        "top5": None if top5 is None else 100 * int(top5.sum()) / len(top5),
        "images": pack_outcomes(correct),
    }
