"""Energy against accuracy: the figure the study is about, and which points an exact network dominates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agnsim.report.figure import GREY, INK, KIND_COLOUR, KIND_SYMBOL, RUN_COLOURS, Figure, View, axis, build, text
from agnsim.report.numbers import fixed, interval, saving
from agnsim.report.record import Record, Trial
from agnsim.report.rival import APPROXIMATE_KINDS, EXACT_KINDS, Point, dominated_by_exact, flows, front, points

ZOOM_POINTS = 5.0
HEIGHT = 600


@dataclass(frozen=True)
class Series:
    """Points that share a legend entry."""

    name: str
    points: list[Point]
    colour: str
    symbols: list[str]


def front_figure(record: Record, key: str) -> Figure | None:
    """Draw the front of one study, or nothing where no trial has both coordinates."""
    drawn = points(trial for trial in record.trials if trial.kind != "float")
    if not drawn:
        return None
    beaten = {id(point.trial) for point, _ in dominated_by_exact(record)}
    traces: list[dict[str, Any]] = [
        _front_line("exact front (the rival)", points(record.of_kind(*EXACT_KINDS)), INK, labelled=True),
        _front_line("heterogeneous front", points(record.of_kind("heterogeneous")), KIND_COLOUR["heterogeneous"]),
    ]
    traces += [_markers(series) for series in _series(drawn, beaten)]
    layout: dict[str, Any] = {
        "xaxis": axis(_energy_title(record), range=_energy_range(drawn)),
        "yaxis": axis("Top-1 accuracy on the report images (%)"),
        "hovermode": "closest",
        "annotations": [],
        "shapes": [],
    }
    baseline = record.float_trial.accuracy_top1 if record.float_trial else None
    if baseline is not None:
        _mark_float(layout, baseline)
    _mark_headline(layout, record)
    views = _views([p.accuracy for p in drawn], baseline, "Within 5 points of float")
    if views:
        layout["yaxis"]["range"] = views[0].ranges["yaxis.range"]
    caption = (
        "Down and to the right is worse. Bars are paired 95 % intervals of the drop against the float network; "
        "hollow: without retraining; grey: dominated by an exact network (point estimates)."
    )
    used = flows([point.trial for point in drawn])
    if len(used) > 1:
        caption += (
            f" Energy ratios come from {len(used)} flows ({', '.join(used)}), each relative to its own exact reference."
        )
    alt = (
        f"Scatter plot of {len(drawn)} networks: multiplication energy against top-1 accuracy, with the front of exact "
        "multipliers as a line. All values are in the table of trials."
    )
    return Figure(key, "Energy and accuracy", alt, caption, build(traces, layout, height=HEIGHT), HEIGHT, views)


def overlay_figure(records: Sequence[Record], names: Sequence[str], key: str) -> Figure | None:
    """Draw several studies over each other, as drops, because their float networks differ."""
    traces: list[dict[str, Any]] = []
    drops: list[float] = []
    for index, (record, name) in enumerate(zip(records, names, strict=True)):
        colour = RUN_COLOURS[index % len(RUN_COLOURS)]
        for kinds, dash in ((EXACT_KINDS, "dot"), (APPROXIMATE_KINDS, "solid")):
            rows = front(
                [
                    Point(p.trial, p.energy, -p.trial.accuracy_drop_pp)
                    for p in points(record.of_kind(*kinds))
                    if p.trial.accuracy_drop_pp is not None
                ]
            )
            if not rows:
                continue
            drops += [point.accuracy for point in rows]
            title = f"{name}: {'exact' if kinds is EXACT_KINDS else 'approximate'} front"
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": text(title),
                    "x": [point.energy for point in rows],
                    "y": [point.accuracy for point in rows],
                    "line": {"color": colour, "dash": dash, "width": 2, "shape": "hv"},
                    "marker": {"size": 9, "symbol": [_symbol(point.trial) for point in rows], "color": colour},
                    "error_y": _error_bars(rows),
                    "hovertext": [_hover(point.trial) for point in rows],
                    "hoverinfo": "text",
                }
            )
    if not traces:
        return None
    layout: dict[str, Any] = {
        "xaxis": axis("Multiplication energy (1.0 = the study's exact reference)", rangemode="tozero"),
        "yaxis": axis("Top-1 accuracy relative to float (points)", zeroline=True, zerolinecolor="#8b95a5"),
        "hovermode": "closest",
    }
    views = _views(drops, 0.0, "Within 5 points of float")
    if views:
        layout["yaxis"]["range"] = views[0].ranges["yaxis.range"]
    caption = (
        "One colour a study, fronts only; dotted: exact multipliers, solid: approximate; bars: paired 95 % intervals."
    )
    alt = f"Fronts of {len(records)} studies: multiplication energy against accuracy relative to the float network."
    return Figure(key, "Fronts of all studies", alt, caption, build(traces, layout, height=HEIGHT), HEIGHT, views)


def _series(drawn: Sequence[Point], beaten: set[int]) -> list[Series]:
    groups: dict[str, list[Point]] = {}
    for point in drawn:
        groups.setdefault(_series_name(point.trial, id(point.trial) in beaten), []).append(point)
    order = {kind: rank for rank, kind in enumerate(KIND_COLOUR)}
    result = []
    for name, members in sorted(groups.items(), key=lambda item: (_rank(item[0]), order[item[1][0].trial.kind])):
        colour = GREY if _rank(name) == 0 else KIND_COLOUR[members[0].trial.kind]
        title = f"{name} ({len(members)})"
        result.append(Series(title, members, colour, [_symbol(point.trial) for point in members]))
    return result


def _rank(name: str) -> int:
    return 0 if name.startswith("dominated") else 1


def _series_name(trial: Trial, is_beaten: bool) -> str:
    if is_beaten:
        return "dominated by the exact front"
    name = {"quantized": "exact 8-bit", "narrow": "narrow exact"}.get(trial.kind, trial.kind.replace("_", " "))
    return name if trial.retrained else f"{name}, not retrained"


def _symbol(trial: Trial) -> str:
    return KIND_SYMBOL[trial.kind] + ("" if trial.retrained else "-open")


def _markers(series: Series) -> dict[str, Any]:
    size = {"heterogeneous": 13, "quantized": 10}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": text(series.name),
        "x": [point.energy for point in series.points],
        "y": [point.accuracy for point in series.points],
        "error_y": _error_bars(series.points) | {"color": series.colour},
        "marker": {
            "color": series.colour,
            "opacity": 1,
            "symbol": series.symbols,
            "size": [size.get(point.trial.kind, 9) for point in series.points],
            "line": {"width": 1.5, "color": series.colour},
        },
        "hovertext": [_hover(point.trial) for point in series.points],
        "hoverinfo": "text",
    }


def _front_line(name: str, candidates: Sequence[Point], colour: str, *, labelled: bool = False) -> dict[str, Any]:
    rows = front(candidates)
    label = [f"a{p.trial.bits_a}w{p.trial.bits_b}" if p.trial.bits_a and p.trial.bits_b else "" for p in rows]
    return {
        "type": "scatter",
        "mode": "lines+text" if labelled else "lines",
        "name": name,
        "x": [point.energy for point in rows],
        "y": [point.accuracy for point in rows],
        "text": label if labelled else [],
        "textposition": "top left",
        "textfont": {"size": 11, "color": colour},
        "line": {"color": colour, "width": 2, "shape": "hv"},
        "hoverinfo": "skip",
        "showlegend": len(rows) > 1,
        "visible": bool(rows),
    }


def _error_bars(rows: Sequence[Point]) -> dict[str, Any]:
    up, down = [], []
    for trial in (point.trial for point in rows):
        drop, low, high = trial.accuracy_drop_pp, trial.drop_low_pp, trial.drop_high_pp
        known = drop is not None and low is not None and high is not None
        # A low drop is a high accuracy, so the ends change places.
        up.append(max(drop - low, 0.0) if known else 0.0)  # type: ignore[operator]
        down.append(max(high - drop, 0.0) if known else 0.0)  # type: ignore[operator]
    return {"type": "data", "array": up, "arrayminus": down, "thickness": 1.2, "width": 3}


def _hover(trial: Trial) -> str:
    span = interval(trial.drop_low_pp, trial.drop_high_pp)
    lines = [
        f"<b>{text(trial.label)}</b>",
        f"trial {text(trial.trial)}"
        + ("" if trial.retrained is None else ", retrained" if trial.retrained else ", not retrained"),
        f"top-1 {fixed(trial.accuracy_top1)} %",
    ]
    if trial.accuracy_drop_pp is not None:
        lines.append(f"drop {fixed(trial.accuracy_drop_pp)} pp" + (f" ({span})" if span else ""))
    lines.append(f"energy {fixed(trial.multiplier_energy, 3)} (saves {fixed(saving(trial.multiplier_energy), 1)} %)")
    if trial.noise_weight is not None and "noise weight" not in trial.label:
        lines.append(f"noise weight {trial.noise_weight:g}")
    if trial.distinct_multipliers is not None and trial.layers:
        lines.append(f"{trial.distinct_multipliers} distinct multipliers")
    if trial.seed is not None:
        lines.append(f"seed {trial.seed}")
    return "<br>".join(lines)


def _energy_title(record: Record) -> str:
    reference = record.reference_multiplier
    return f"Multiplication energy (1.0 = {text(reference.name) if reference else 'exact reference'})"


def _energy_range(drawn: Sequence[Point]) -> list[float]:
    highest = max(max(point.energy for point in drawn), 1.0)
    return [0.0, highest * 1.06]


def _views(accuracies: Sequence[float], baseline: float | None, label: str) -> list[View]:
    """Zoom and full view where collapsed networks would flatten the picture; none where the full view serves."""
    if baseline is None or min(accuracies) >= baseline - 1.5 * ZOOM_POINTS:
        return []
    best = max([*accuracies, baseline])
    full = [min(accuracies) - 3.0, best + 3.0]
    return [
        View(label, {"yaxis.range": [baseline - ZOOM_POINTS, best + 1.0]}),
        View("Everything", {"yaxis.range": full}),
    ]


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


def _mark_headline(layout: dict[str, Any], record: Record) -> None:
    trial = record.headline_trial
    if trial is None or trial.multiplier_energy is None or trial.accuracy_top1 is None:
        return
    layout["annotations"].append(
        {
            "x": trial.multiplier_energy,
            "y": trial.accuracy_top1,
            "text": "<b>headline</b>",
            "showarrow": True,
            "arrowhead": 2,
            "arrowwidth": 1.4,
            "arrowcolor": KIND_COLOUR[trial.kind],
            "standoff": 9,
            "ax": 44,
            "ay": 56,
            "font": {"color": KIND_COLOUR[trial.kind]},
            "bgcolor": "rgba(255,255,255,0.85)",
        }
    )
