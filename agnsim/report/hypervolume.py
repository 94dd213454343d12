"""All kinds of networks against narrow exact ones alone: the ratio of their fronts' hypervolumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from agnsim.analysis import HypervolumeRatio, hypervolume_ratio
from agnsim.report.numbers import fixed, interval, percent
from agnsim.report.outcomes import read_outcomes
from agnsim.report.record import Record
from agnsim.report.rival import MULTIPLICATION, Energy, points


def mixed_over_narrow(
    record: Record, run_dir: Path | None = None, energy: Energy = MULTIPLICATION
) -> HypervolumeRatio | None:
    """Compare the front of all networks with that of the narrow exact ones alone.

    Args:
        record: The run.
        run_dir: Its folder, for the bootstrap interval over images; without it, or where it lacks trials, none.
        energy: Which energy.

    Returns:
        The comparison, or None where accuracies or the rival's front are missing.
    """
    baseline = record.float_trial
    rows = [
        point
        for point in points((trial for trial in record.trials if trial.kind != "float"), energy)
        if point.trial.accuracy_selection is not None
    ]
    if baseline is None or baseline.accuracy_top1 is None or not rows:
        return None
    is_narrow = np.array([point.trial.kind == "narrow" for point in rows])
    cost = np.array([point.energy for point in rows])
    selection = np.array([point.trial.accuracy_selection for point in rows], dtype=np.float64)
    reported, everyone = np.array([point.accuracy for point in rows]), np.ones_like(is_narrow)
    found = hypervolume_ratio(cost, selection, reported, baseline.accuracy_top1, first=everyone, second=is_narrow)
    if found is None or run_dir is None:
        return found
    # Only networks of a front are read, not all the files of the run.
    kept = sorted({*found.first_front, *found.second_front})
    outcomes = read_outcomes(run_dir, [baseline, *(rows[index].trial for index in kept)], "report")
    if len(outcomes) <= len(kept):
        return found
    resampled = hypervolume_ratio(
        cost[kept],
        selection[kept],
        reported[kept],
        baseline.accuracy_top1,
        first=everyone[kept],
        second=is_narrow[kept],
        outcomes=np.array([outcomes[rows[index].trial.trial] for index in kept]),
        float_outcomes=outcomes[baseline.trial],
    )
    return found if resampled is None else replace(found, low=resampled.low, high=resampled.high)


def ratio_sentence(found: HypervolumeRatio, energy: Energy) -> str:
    """Say what the ratio is, of what, and whether it can be told from 1."""
    span = interval(found.low, found.high, 3)
    bracket = f" ({percent(95, 0)} interval over images: {span})" if span else ""
    words = (
        f"By {energy.noun}, the front of all networks has {fixed(found.ratio, 3)} times the hypervolume of the front "
        f"of narrow exact networks alone{bracket}, with the corner at energy {fixed(found.corner_energy, 1)} and "
        f"{fixed(found.corner_drop_pp, 0)} points below float."
    )
    if found.low is not None and found.high is not None and found.low <= 1.0 <= found.high:
        words += " The interval holds 1: these images cannot tell the two fronts apart."
    return words
