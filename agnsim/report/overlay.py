"""Fronts of several studies over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agnsim.report.figure import RUN_COLOURS, Figure, Switch, View, axis, build, text
from agnsim.report.marks import accuracy_views, error_bars, hover, symbol
from agnsim.report.record import Record
from agnsim.report.rival import APPROXIMATE_KINDS, EXACT_KINDS, Energy, Point, energies, front, points

HEIGHT = 600


def overlay_figure(records: Sequence[Record], names: Sequence[str], key: str) -> Figure | None:
    """Draw several studies over each other, as drops, because their float networks differ."""
    costs = max((energies(record) for record in records), key=len)
    parts = [_traces(records, names, energy) for energy in costs]
    traces = [trace for part in parts for trace in part]
    if not traces:
        return None
    titles = [f"{energy.title} (1.0 = the study's exact reference)" for energy in costs]
    layout: dict[str, Any] = {
        "xaxis": axis(titles[0], rangemode="tozero"),
        "yaxis": axis("Top-1 accuracy relative to float (points)", zeroline=True, zerolinecolor="#8b95a5"),
        "hovermode": "closest",
    }
    switches = []
    if len(costs) > 1:
        owner = [index for index, part in enumerate(parts) for _ in part]
        switches.append(
            Switch(
                "Energy on the horizontal axis",
                [
                    View(energy.title, {"xaxis.title.text": titles[i]}, [own == i for own in owner])
                    for i, energy in enumerate(costs)
                ],
            )
        )
        for trace, own in zip(traces, owner, strict=True):
            trace["visible"] = own == 0
    views = accuracy_views([y for trace in traces for y in trace["y"]], 0.0)
    if views:
        switches.append(Switch("Range of the accuracy axis", views))
        layout["yaxis"]["range"] = views[0].ranges["yaxis.range"]
    caption = (
        "One colour a study, fronts only; dotted: exact multipliers, solid: approximate; bars: paired 95 % intervals."
    )
    alt = f"Fronts of {len(records)} studies: multiplication energy against accuracy relative to the float network."
    return Figure(key, "Fronts of all studies", alt, caption, build(traces, layout, height=HEIGHT), HEIGHT, switches)


def _traces(records: Sequence[Record], names: Sequence[str], energy: Energy) -> list[dict[str, Any]]:
    traces: list[dict[str, Any]] = []
    for index, (record, name) in enumerate(zip(records, names, strict=True)):
        colour = RUN_COLOURS[index % len(RUN_COLOURS)]
        for kinds, dash in ((EXACT_KINDS, "dot"), (APPROXIMATE_KINDS, "solid")):
            rows = front(
                [
                    Point(p.trial, p.energy, -p.trial.accuracy_drop_pp)
                    for p in points(record.of_kind(*kinds), energy)
                    if p.trial.accuracy_drop_pp is not None
                ]
            )
            if not rows:
                continue
            title = f"{name}: {'exact' if kinds is EXACT_KINDS else 'approximate'} front"
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": text(title),
                    "x": [point.energy for point in rows],
                    "y": [point.accuracy for point in rows],
                    "line": {"color": colour, "dash": dash, "width": 2, "shape": "hv"},
                    "marker": {"size": 9, "symbol": [symbol(point.trial) for point in rows], "color": colour},
                    "error_y": error_bars(rows),
                    "hovertext": [hover(point.trial) for point in rows],
                    "hoverinfo": "text",
                }
            )
    return traces
