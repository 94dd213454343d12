"""Energy against accuracy: the figure the study is about, and which points an exact network dominates."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from agnsim.report.figure import GREY, INK, KIND_COLOUR, MUTED, Figure, Switch, View, axis, build, text
from agnsim.report.marks import accuracy_views, error_bars, hover, symbol
from agnsim.report.methods import METHODS, method_of
from agnsim.report.numbers import fixed
from agnsim.report.record import Record, Trial
from agnsim.report.rival import (
    APPROXIMATE_KINDS,
    EXACT_KINDS,
    MULTIPLICATION,
    Energy,
    Point,
    dominated_by_exact,
    energies,
    flows,
    front,
    points,
)

HEIGHT = 600
# Labels of the exact front, as shares of the axes of the narrowest screen: what one takes, and how close to the
# accuracy axis it no longer fits to the left of its point.
LABEL_WIDTH, LABEL_HEIGHT, LABEL_MARGIN = 0.09, 0.045, 0.14


def front_figure(record: Record, key: str) -> Figure | None:
    """Draw the front of one study, or nothing where no trial has both coordinates."""
    others = [trial for trial in record.trials if trial.kind != "float"]
    costs = [energy for energy in energies(record) if points(others, energy)]
    if not costs:
        return None
    drawn = {energy: points(others, energy) for energy in costs}
    baseline = record.float_trial.accuracy_top1 if record.float_trial else None
    views = accuracy_views([p.accuracy for rows in drawn.values() for p in rows], baseline)
    span = views[0].ranges["yaxis.range"] if views else _extent([p.accuracy for p in drawn[costs[0]]], baseline)
    parts = [_traces(record, energy, rows, span) for energy, rows in drawn.items()]
    owner = [index for index, part in enumerate(parts) for _ in part]
    traces = [trace | {"visible": index == 0} for index, part in enumerate(parts) for trace in part]
    layout: dict[str, Any] = {
        "xaxis": axis(_title(record, costs[0]), range=_energy_range(drawn[costs[0]])),
        "yaxis": axis("Top-1 accuracy on the report images (%)", range=span),
        "hovermode": "closest",
        "annotations": [],
        "shapes": [],
    }
    if baseline is not None:
        _mark_float(layout, baseline)
    trial = record.headline_trial
    marked = trial is not None and trial.accuracy_top1 is not None and costs[0].of(trial) is not None
    if trial is not None and marked:
        _mark_headline(layout, trial, costs[0])
    switches = []
    if len(costs) > 1:
        switches.append(
            Switch(
                "Energy on the horizontal axis",
                [
                    View(
                        energy.title,
                        {"xaxis.title.text": _title(record, energy), "xaxis.range": _energy_range(drawn[energy])}
                        | (_move_headline(len(layout["annotations"]) - 1, trial, energy) if marked and trial else {}),
                        [own == index for own in owner],
                    )
                    for index, energy in enumerate(costs)
                ],
            )
        )
    if views:
        switches.append(Switch("Range of the accuracy axis", views))
    used = flows([point.trial for point in drawn[costs[0]]])
    alt = (
        f"Scatter plot of {len(drawn[costs[0]])} networks: {costs[0].noun} against top-1 accuracy, with the front of "
        "exact multipliers as a line. All values are in the table of trials."
    )
    spec = build(traces, layout, height=HEIGHT)
    return Figure(key, "Energy and accuracy", alt, _caption(used), spec, HEIGHT, switches)


def _caption(used: Sequence[str]) -> str:
    words = (
        "Down and to the right is worse. A symbol a method; filled: retrained, hollow: not; grey: dominated by an "
        "exact network (point estimates). Bars, at the networks of a front and the headline, are paired 95 % intervals "
        "of the drop against the float network."
    )
    if len(used) > 1:
        named = ", ".join(used)
        words += f" Energy ratios come from {len(used)} flows ({named}), each relative to its own exact reference."
    return words


def _traces(record: Record, energy: Energy, drawn: Sequence[Point], span: Sequence[float]) -> list[dict[str, Any]]:
    """Return the two fronts, then the points by method, the dominated ones beneath the others."""
    exact, assigned = (front(points(record.of_kind(*kinds), energy)) for kinds in (EXACT_KINDS, ("heterogeneous",)))
    headline = [point for point in drawn if point.trial.trial == record.headline]
    with_bars = {id(point.trial) for point in [*exact, *assigned, *headline]}
    # The 8-bit network is what everything is relative to, dominated or not.
    beaten = {id(point.trial) for point, _ in dominated_by_exact(record, energy, (*APPROXIMATE_KINDS, "narrow"))} - {
        id(point.trial) for point in headline
    }
    traces = [
        _front_line("exact front (the rival)", exact, INK) | _labels(exact, assigned, drawn, span),
        _front_line("heterogeneous front", assigned, KIND_COLOUR["heterogeneous"]),
    ]
    groups: dict[str, list[Point]] = {}
    for point in drawn:
        name = "dominated by the exact front" if id(point.trial) in beaten else method_of(point.trial).name
        groups.setdefault(name, []).append(point)
    for name in ("dominated by the exact front", *(method.name for method in METHODS)):
        if name in groups:
            traces.append(_markers(name, groups[name], with_bars))
    if any(not point.trial.retrained for point in drawn):
        traces.append(_key_entry("hollow: not retrained"))
    return [trace for trace in traces if trace["x"]]


def _markers(name: str, rows: Sequence[Point], with_bars: Collection[int]) -> dict[str, Any]:
    methods = [method_of(point.trial) for point in rows]
    # One symbol has to stand for all of them in the legend: a filled one where there is any.
    order = sorted(range(len(rows)), key=lambda index: not rows[index].trial.retrained)
    rows, methods = [rows[index] for index in order], [methods[index] for index in order]
    is_beaten = name.startswith("dominated")
    colour = GREY if is_beaten else methods[0].colour
    return {
        "type": "scatter",
        "mode": "markers",
        "name": text(f"{name} ({len(rows)})"),
        "x": [point.energy for point in rows],
        "y": [point.accuracy for point in rows],
        "error_y": error_bars(rows, with_bars) | {"color": colour},
        "marker": {
            "color": colour,
            "opacity": 0.75 if is_beaten else 1,
            "symbol": [symbol(point.trial) for point in rows],
            "size": [round(0.75 * method.size) if is_beaten else method.size for method in methods],
            "line": {"width": 1.2 if is_beaten else 1.5, "color": colour},
        },
        "hovertext": [hover(point.trial) for point in rows],
        "hoverinfo": "text",
    }


def _key_entry(name: str) -> dict[str, Any]:
    """Return a line of the legend that has no points."""
    marker = {"symbol": "circle-open", "size": 8, "color": MUTED, "line": {"width": 1.5, "color": MUTED}}
    return {"type": "scatter", "mode": "markers", "name": name, "x": [None], "y": [None], "marker": marker}


def _front_line(name: str, rows: Sequence[Point], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [point.energy for point in rows],
        "y": [point.accuracy for point in rows],
        "line": {"color": colour, "width": 2, "shape": "hv"},
        "hoverinfo": "skip",
        "showlegend": len(rows) > 1,
    }


def _labels(
    rows: Sequence[Point], others: Sequence[Point], drawn: Sequence[Point], span: Sequence[float]
) -> dict[str, Any]:
    """Return the widths along the exact front: as many as fit, the most accurate first, none across another mark."""
    left, right = _energy_range(drawn)
    width, height = right - left, span[1] - span[0]
    kept: list[Point] = []
    labels: list[str] = []
    for point in reversed(rows):
        bits = point.trial.bits_a, point.trial.bits_b
        free = all(
            abs(point.energy - other.energy) > LABEL_WIDTH * width
            or abs(point.accuracy - other.accuracy) > LABEL_HEIGHT * height
            for other in (*kept, *others)
        )
        label = f"a{bits[0]}w{bits[1]}" if all(bits) and not point.trial.layers and free else ""
        kept += [point] if label else []
        labels.append(label)
    at = ["bottom right" if point.energy - left < LABEL_MARGIN * width else "top left" for point in rows]
    font = {"size": 11, "color": INK}
    return {"mode": "lines+text", "text": labels[::-1], "textposition": at, "textfont": font}


def _title(record: Record, energy: Energy) -> str:
    reference = record.reference_multiplier
    name = text(reference.name) if reference else "exact reference"
    return f"{energy.title} (1.0 = {name if energy == MULTIPLICATION else 'exact 8-bit MAC'})"


def _energy_range(drawn: Sequence[Point]) -> list[float]:
    values = [1.0, *(point.energy for point in drawn)]
    # A multiply-accumulate unit has a floor that no multiplier lowers: from 0, its networks would stand in a corner.
    low = 0.0 if min(values) < 0.3 else math.floor(10.0 * min(values) - 1.0) / 10.0
    return [low, max(values) + 0.06 * (max(values) - low)]


def _extent(accuracies: Sequence[float], baseline: float | None) -> list[float]:
    values = [*accuracies, *([] if baseline is None else [baseline])]
    margin = 0.08 * (max(values) - min(values)) + 0.2
    return [min(values) - margin, max(values) + margin]


def _mark_float(layout: dict[str, Any], accuracy: float) -> None:
    layout["shapes"].append(
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": accuracy,
            "y1": accuracy,
            "line": {"color": KIND_COLOUR["float"], "width": 1.2, "dash": "dash"},
        }
    )
    layout["annotations"].append(
        {
            "xref": "paper",
            "x": 0,
            "xanchor": "left",
            "xshift": 4,
            "y": accuracy,
            "yanchor": "bottom",
            "showarrow": False,
            "text": f"float {fixed(accuracy)} %",
            "font": {"size": 12, "color": KIND_COLOUR["float"]},
        }
    )


def _mark_headline(layout: dict[str, Any], trial: Trial, energy: Energy) -> None:
    colour = method_of(trial).colour
    layout["annotations"].append(
        {
            "x": energy.of(trial),
            "y": trial.accuracy_top1,
            "text": "<b>headline</b>",
            "showarrow": True,
            "arrowhead": 2,
            "arrowwidth": 1.4,
            "arrowcolor": colour,
            "standoff": 9,
            "ax": 44,
            "ay": 56,
            "font": {"color": colour},
            "bgcolor": "rgba(255,255,255,0.85)",
        }
    )


def _move_headline(index: int, trial: Trial, energy: Energy) -> dict[str, Any]:
    """Return what puts the headline's arrow at its place on another energy axis, or hides it."""
    place = energy.of(trial)
    return {f"annotations[{index}].visible": place is not None} | (
        {} if place is None else {f"annotations[{index}].x": place}
    )
