"""Predicted against measured error of every choice in every layer: is the error model to be trusted?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agnsim.report.figure import Figure, axis, build, colorscale, text
from agnsim.report.layers import operands
from agnsim.report.numbers import fixed, percent
from agnsim.report.record import Prediction, Record
from agnsim.types import FloatArray

MAX_POINTS = 3000
HEIGHT = 470
# Means have both signs and span decades: asinh is linear below this share of the output std, logarithmic above.
LINEAR_BELOW = 0.01


@dataclass(frozen=True)
class Agreement:
    """How well predictions meet measurements.

    Attributes:
        compared: Pairs whose prediction and measurement are both positive.
        exact: Pairs without any error, predicted and measured.
        median: Median of |predicted / measured - 1|, in percent.
        p90: Its 90th percentile, in percent.
        rank_correlation: Spearman's, over the layers' medians of the choices within a layer.
        worst_layer: Layer of the lowest rank correlation, with it.
    """

    compared: int
    exact: int
    median: float
    p90: float
    rank_correlation: float | None
    worst_layer: tuple[str, float] | None


def agreement(predictions: Sequence[Prediction]) -> Agreement | None:
    """Compare predicted and measured standard deviations; `None` where nothing can be compared."""
    both = [
        (p.layer, p.predicted_std, p.measured_std)
        for p in predictions
        if p.predicted_std is not None and p.measured_std is not None
    ]
    pairs = [(layer, predicted, measured) for layer, predicted, measured in both if predicted > 0 and measured > 0]
    if not pairs:
        return None
    ratio = np.array([predicted / measured for _, predicted, measured in pairs])
    deviation = 100.0 * np.abs(ratio - 1.0)
    by_layer: dict[str, list[tuple[float, float]]] = {}
    for layer, predicted, measured in pairs:
        by_layer.setdefault(layer, []).append((predicted, measured))
    correlations = {layer: value for layer, rows in by_layer.items() if (value := spearman(np.array(rows))) is not None}
    worst = min(correlations.items(), key=lambda item: item[1], default=None)
    return Agreement(
        compared=len(pairs),
        exact=sum(predicted == 0 and measured == 0 for _, predicted, measured in both),
        median=float(np.median(deviation)),
        p90=float(np.percentile(deviation, 90)),
        rank_correlation=float(np.median(list(correlations.values()))) if correlations else None,
        worst_layer=worst,
    )


def spearman(pairs: FloatArray) -> float | None:
    """Return the rank correlation of the two columns of a float64 `[N, 2]`; `None` below three rows or if constant."""
    if len(pairs) < 3:
        return None
    first, second = _ranks(pairs[:, 0]), _ranks(pairs[:, 1])
    spread = float(first.std() * second.std())
    return None if spread == 0 else float(((first - first.mean()) * (second - second.mean())).mean()) / spread


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


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


def sentence(found: Agreement) -> str:
    """Say how good the prediction is."""
    words = (
        f"Over {found.compared:,} choices that err, the predicted standard deviation is off by {percent(found.median)} "
        f"in the median and by {percent(found.p90)} at the 90th percentile."
    )
    if found.rank_correlation is not None and found.worst_layer is not None:
        layer, value = found.worst_layer
        words += (
            f" Rank correlation of the choices within a layer: {fixed(found.rank_correlation, 3)} in the median layer, "
            f"{fixed(value, 3)} in the worst ({layer})."
        )
    if found.exact:
        words += f" {found.exact:,} choices without any error, predicted and measured, are left out."
    return words
