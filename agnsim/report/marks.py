"""What marks a network in a figure: its symbol, its interval, its words, and the ranges in which it can be seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from agnsim.report.figure import View, text
from agnsim.report.methods import method_of
from agnsim.report.numbers import fixed, interval, saving
from agnsim.report.record import Trial
from agnsim.report.rival import MAC, MULTIPLICATION, Point

ZOOM_POINTS = 5.0


def symbol(trial: Trial) -> str:
    """Return the symbol of its method, hollow where the network was not retrained."""
    return method_of(trial).symbol + ("" if trial.retrained else "-open")


def error_bars(rows: Sequence[Point], drawn: Collection[int] | None = None) -> dict[str, Any]:
    """Return bars of the paired intervals; with `drawn`, only of trials whose `id()` is among them."""
    up: list[float | None] = []
    down: list[float | None] = []
    for trial in (point.trial for point in rows):
        drop, low, high = trial.accuracy_drop_pp, trial.drop_low_pp, trial.drop_high_pp
        if drop is None or low is None or high is None or (drawn is not None and id(trial) not in drawn):
            up.append(None)
            down.append(None)
            continue
        # A low drop is a high accuracy, so the ends change places.
        up.append(max(drop - low, 0.0))
        down.append(max(high - drop, 0.0))
    return {"type": "data", "array": up, "arrayminus": down, "thickness": 1.2, "width": 3}


def hover(trial: Trial) -> str:
    """Return the lines shown beside the pointer."""
    span = interval(trial.drop_low_pp, trial.drop_high_pp)
    lines = [
        f"<b>{text(trial.label)}</b>",
        f"trial {text(trial.trial)}"
        + ("" if trial.retrained is None else ", retrained" if trial.retrained else ", not retrained"),
        f"top-1 {fixed(trial.accuracy_top1)} %",
    ]
    if trial.layers:
        lines.insert(1, text(method_of(trial).name))
    if trial.accuracy_drop_pp is not None:
        lines.append(f"drop {fixed(trial.accuracy_drop_pp)} pp" + (f" ({span})" if span else ""))
    for energy in (MULTIPLICATION, MAC):
        value = energy.of(trial)
        if value is not None:
            costed = f", {text(trial.pe_label)}" if energy == MAC and trial.pe_label else ""
            lines.append(f"{energy.noun} {fixed(value, 3)} (saves {fixed(saving(value), 1)} %{costed})")
    if trial.noise_weight is not None and "noise weight" not in trial.label:
        lines.append(f"noise weight {trial.noise_weight:g}")
    if trial.distinct_multipliers is not None and trial.layers:
        lines.append(f"{trial.distinct_multipliers} distinct multipliers")
    if trial.seed is not None:
        lines.append(f"seed {trial.seed}")
    return "<br>".join(lines)


def accuracy_views(accuracies: Sequence[float], baseline: float | None) -> list[View]:
    """Zoom and full view where collapsed networks would flatten the picture; none where the full view serves."""
    if baseline is None or not accuracies or min(accuracies) >= baseline - 1.5 * ZOOM_POINTS:
        return []
    best = max([*accuracies, baseline])
    full = [min(accuracies) - 3.0, best + 3.0]
    return [
        View(f"Within {ZOOM_POINTS:g} points of float", {"yaxis.range": [baseline - ZOOM_POINTS, best + 1.0]}),
        View("Everything", {"yaxis.range": full}),
    ]
