"""Pictures of one circuit's error: over both operands, given one operand, and as a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agnsim.multipliers.browsing.error_profile import (
    ConditionalError,
    conditional_errors,
    error_histogram,
    error_picture,
)
from agnsim.multipliers.multiplier import Multiplier
from agnsim.report.figure import INK, Figure, axis, build, rounded
from agnsim.report.numbers import significant

BLUE, ORANGE = "#0b5fc0", "#c2560a"
DIVERGING = ((0.0, "#0b3f8a"), (0.25, "#5a8fd6"), (0.5, "#ffffff"), (0.75, "#e08a4a"), (1.0, "#8a3300"))
MAX_POINTS = 1024
HEIGHT = 420
TICK_DISTANCE = 0.05
"""Least distance of two labels of the colour bar, as a share of its length."""
OPERANDS = ("a", "activation (first operand)"), ("w", "weight (second operand)")


def multiplier_figures(multiplier: Multiplier) -> tuple[Figure, list[Figure]]:
    """Return the heat map, and the smaller figures beside each other below it.

    Raises:
        MultiplierError: The circuit has no table.
    """
    given = conditional_errors(multiplier)
    curves = [_curves(error, *operand) for error, operand in zip(given, OPERANDS, strict=True)]
    return _heat_map(multiplier), [*curves, _histogram(multiplier)]


def _heat_map(multiplier: Multiplier) -> Figure:
    a, w, error = error_picture(multiplier)
    largest = float(np.abs(error).max()) or 1.0
    # Errors span decades and have both signs: linear below the mean magnitude, logarithmic above.
    unit = max(multiplier.mae, 1.0)
    ticks = sorted({0.0, *(sign * value for value in _ticks(unit, largest) for sign in (-1.0, 1.0))})
    end = float(np.arcsinh(largest / unit))
    trace = {
        "type": "heatmap",
        "x": w.tolist(),
        "y": a.tolist(),
        "z": np.round(np.arcsinh(error / unit), 3).tolist(),
        "text": [[f"{value:g}" for value in row] for row in error.tolist()],
        "hovertemplate": "a %{y:g}, w %{x:g}: error %{text}<extra></extra>",
        "colorscale": [list(stop) for stop in DIVERGING],
        "zmin": -end,
        "zmax": end,
        "colorbar": {
            "title": {"text": "error", "side": "right"},
            "thickness": 12,
            "tickvals": [float(np.arcsinh(tick / unit)) for tick in ticks],
            "ticktext": [significant(tick, 2) for tick in ticks],
        },
    }
    layout = {"xaxis": axis("weight"), "yaxis": axis("activation"), "margin": {"l": 62, "r": 20, "t": 12, "b": 56}}
    merged = len(multiplier.table) // len(a) * (multiplier.table.shape[1] // len(w))
    caption = f"Product minus exact product; the colour is linear below ±{significant(unit, 2)}, logarithmic above." + (
        f" Each cell shows the largest of {merged:,} errors." if merged > 1 else ""
    )
    alt = f"Heat map of the error over both operands, from {significant(error.min())} to {significant(error.max())}."
    return Figure("error-map", "Error over both operands", alt, caption, build([trace], layout, height=560), 560)


def _ticks(unit: float, largest: float) -> list[float]:
    """Return the magnitudes to label: the largest, and decades that lie apart enough from it, each other and zero."""
    end = np.arcsinh(largest / unit)
    found, last = [largest], float(end)
    for power in range(int(np.floor(np.log10(largest))), -1, -1):
        place = float(np.arcsinh(10.0**power / unit))
        if min(place, last - place) >= TICK_DISTANCE * 2 * end:
            found.append(10.0**power)
            last = place
    return found


def _curves(error: ConditionalError, key: str, operand: str) -> Figure:
    step = -(-len(error.values) // MAX_POINTS)
    x = error.values[::step].tolist()
    mean, std = error.mean[::step], error.std[::step]
    traces = [
        _line("mean + std", x, mean + std, ORANGE, dash="dot"),
        _line("mean", x, mean, BLUE),
        _line("mean − std", x, mean - std, ORANGE, dash="dot"),
    ]
    layout = {
        "xaxis": axis(operand),
        "yaxis": axis("error", zeroline=True, zerolinecolor=INK),
        "hovermode": "x unified",
    }
    name = operand.split()[0]
    alt = f"Mean of the error by {name} value, from {significant(mean.min())} to {significant(mean.max())}."
    caption = f"Over all values of the other operand, each counted once.{f' Every {step}th value.' if step > 1 else ''}"
    title = f"Error given the {name}"
    return Figure(f"given-{key}", title, alt, caption, build(traces, layout, height=HEIGHT), HEIGHT)


def _line(name: str, x: Sequence[int], y: Any, colour: str, dash: str = "solid") -> dict[str, Any]:
    line = {"color": colour, "width": 1.5, "dash": dash}
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": rounded(y.tolist()), "line": line}


def _histogram(multiplier: Multiplier) -> Figure:
    middles, shares = error_histogram(multiplier)
    shown = shares > 0
    trace = {
        "type": "bar",
        "x": middles[shown].tolist(),
        "y": rounded(shares[shown].tolist()),
        "marker": {"color": BLUE},
        "width": float(middles[1] - middles[0]) if len(middles) > 1 else 1.0,
        "hovertemplate": "error %{x:g}: %{y:.3g} of the pairs<extra></extra>",
    }
    layout = {
        "xaxis": axis("error"),
        "yaxis": axis("share of operand pairs", type="log", exponentformat="power", dtick=1),
        "bargap": 0,
    }
    alt = f"Histogram of the error; {100 * (1 - multiplier.ep):.3g} percent of the products are exact."
    caption = "Share of all operand pairs, logarithmic; bins of whole numbers."
    return Figure("histogram", "Histogram of the error", alt, caption, build([trace], layout, height=HEIGHT), HEIGHT)
