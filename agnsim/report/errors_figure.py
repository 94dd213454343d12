"""Predicted against measured error of every choice in every layer: is the error model to be trusted?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agnsim.analysis import ErrorModelAccuracy, error_model_accuracy
from agnsim.report.figure import Figure, axis, build, colorscale, text
from agnsim.report.layers import operands
from agnsim.report.numbers import fixed, percent
from agnsim.report.record import Prediction, Record
from agnsim.types import FloatArray

MAX_POINTS = 3000
HEIGHT = 470
# Means have both signs and span decades: asinh is linear below this share of the output std, logarithmic above.
LINEAR_BELOW = 0.01


def accuracy(predictions: Sequence[Prediction]) -> ErrorModelAccuracy | None:
    """Compare the record's predictions with its measurements; `None` where nothing can be compared."""

    def column(name: str) -> FloatArray:
        return np.array([getattr(row, name) for row in predictions], dtype=np.float64)  # None becomes NaN

    return error_model_accuracy(
        [row.layer for row in predictions],
        column("predicted_std"),
        column("measured_std"),
        predicted_mean=column("predicted_mean"),
        measured_mean=column("measured_mean"),
        output_std=column("output_std"),
    )


def error_figures(record: Record, key: str) -> list[Figure]:
    """Draw std and mean, each relative to the layer's output std."""
    usable = [p for p in record.predictions if p.output_std]
    thinned = ""
    if len(usable) > MAX_POINTS:
        kept = np.unique(np.linspace(0, len(usable) - 1, MAX_POINTS).round().astype(int))
        usable = [usable[i] for i in kept]
        thinned = (
            f" Every {len(record.predictions) / MAX_POINTS:.1f}th point is drawn; the figures in the text are of all."
        )
    order = {name: index for index, name in enumerate(record.mac_share)}
    figures = [_std_figure(usable, order, thinned, f"{key}-std"), _mean_figure(usable, order, thinned, f"{key}-mean")]
    return [figure for figure in figures if figure is not None]


def _std_figure(rows: Sequence[Prediction], order: dict[str, int], thinned: str, key: str) -> Figure | None:
    drawn = [
        (p, p.predicted_std / p.output_std, p.measured_std / p.output_std)
        for p in rows
        if p.output_std and p.predicted_std and p.measured_std and p.predicted_std > 0 and p.measured_std > 0
    ]
    if not drawn:
        return None
    values = [value for _, *pair in drawn for value in pair]
    ends = [min(values) / 1.5, max(values) * 1.5]
    limits = {"type": "log", "range": [float(np.log10(end)) for end in ends], "dtick": 1, "exponentformat": "power"}
    layout = {
        "xaxis": axis("Measured error std / output std", **limits),
        "yaxis": axis("Predicted error std / output std", **limits),
        "showlegend": False,
        "hovermode": "closest",
    }
    traces = [_diagonal(ends), _scatter(drawn, order, [m for *_, m in drawn], [p for _, p, _ in drawn])]
    alt = f"Scatter plot of {len(drawn)} predicted error standard deviations against measured ones, near the diagonal."
    caption = f"A point a choice in a layer, coloured by depth; on the line, the prediction is right.{thinned}"
    return Figure(key, "Standard deviation of the error", alt, caption, build(traces, layout, height=HEIGHT), HEIGHT)


def _mean_figure(rows: Sequence[Prediction], order: dict[str, int], thinned: str, key: str) -> Figure | None:
    drawn = [
        (p, p.predicted_mean / p.output_std, p.measured_mean / p.output_std)
        for p in rows
        if p.output_std and p.predicted_mean is not None and p.measured_mean is not None
    ]
    if not drawn or all(predicted == 0 and measured == 0 for _, predicted, measured in drawn):
        return None
    largest = max(abs(value) for _, *pair in drawn for value in pair)
    decades = [0.1, 1.0, 10.0, 100.0]
    shown = [d for d in decades if d < 3 * largest] or decades[:1]
    ticks = [-d for d in reversed(shown)] + [0.0, *shown]
    names = [f"{tick:g}".replace("-", "−") for tick in ticks]
    end = 1.05 * float(_bend(max(largest, shown[-1])))
    limits = {"tickvals": [float(_bend(t)) for t in ticks], "ticktext": names, "tickangle": 0, "range": [-end, end]}
    layout = {
        "xaxis": axis("Measured error mean / output std", **limits),
        "yaxis": axis("Predicted error mean / output std", **limits),
        "showlegend": False,
        "hovermode": "closest",
    }
    bent = [(float(_bend(measured)), float(_bend(predicted))) for _, predicted, measured in drawn]
    traces = [_diagonal([-end, end]), _scatter(drawn, order, [x for x, _ in bent], [y for _, y in bent])]
    alt = f"Scatter plot of {len(drawn)} predicted error means against measured ones."
    caption = f"What retraining or a folded correction must absorb. Axes are linear below ±{LINEAR_BELOW:g}.{thinned}"
    return Figure(key, "Mean of the error", alt, caption, build(traces, layout, height=HEIGHT), HEIGHT)


def _bend(value: float) -> float:
    return float(np.arcsinh(value / LINEAR_BELOW))


def _diagonal(ends: Sequence[float]) -> dict[str, Any]:
    line = {"color": "#8b95a5", "width": 1.2, "dash": "dash"}
    return {"type": "scatter", "mode": "lines", "x": list(ends), "y": list(ends), "line": line, "hoverinfo": "skip"}


def _scatter(
    drawn: Sequence[tuple[Prediction, float, float]], order: dict[str, int], x: Sequence[float], y: Sequence[float]
) -> dict[str, Any]:
    layers = [text(p.layer) for p, *_ in drawn]
    depth = [order.get(p.layer, 0) for p, *_ in drawn]
    choices = [text(f"{p.multiplier} {operands(p)}".strip()) for p, *_ in drawn]
    shown = [f"predicted {predicted:.3g}, measured {measured:.3g}" for _, predicted, measured in drawn]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [float(f"{value:.4g}") for value in x],
        "y": [float(f"{value:.4g}") for value in y],
        "marker": {
            "size": 6,
            "opacity": 0.75,
            "color": depth,
            "colorscale": colorscale(),
            "cmin": 0,
            "cmax": max([*order.values(), 1]),
            "colorbar": {
                "title": {"text": "layer", "side": "right"},
                "thickness": 10,
                "tickvals": [0, max([*order.values(), 1])],
                "ticktext": ["first", "last"],
            },
        },
        "customdata": [list(row) for row in zip(layers, choices, shown, strict=True)],
        "hovertemplate": "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    }


def sentence(found: ErrorModelAccuracy) -> str:
    """Say how good the prediction is."""
    words = (
        f"Over {found.compared:,} pairs of layer and choice that err, the predicted standard deviation is off by "
        f"{percent(100 * found.std_median)} in the median and by {percent(100 * found.std_p95)} at the 95th "
        f"percentile; {percent(100 * found.std_within_10_percent)} of them are within {percent(10, 0)}."
    )
    if found.mean_median is not None and found.mean_p95 is not None and found.mean_largest is not None:
        median, high, largest = (percent(100 * v) for v in (found.mean_median, found.mean_p95, found.mean_largest))
        words += (
            f" The predicted mean is off by {median} of the layer's output std in the median, {high} at the 95th "
            f"percentile and {largest} at most."
        )
    if found.rank_median is not None:
        words += (
            f" Rank correlation of the choices within a layer: {fixed(found.rank_median, 3)} in the median layer, "
            f"{fixed(found.rank_smallest, 3)} in the worst ({found.rank_smallest_layer})."
        )
    if found.exact:
        words += f" {found.exact:,} choices without any error, predicted and measured, are left out."
    return words
