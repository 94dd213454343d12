"""Curves of what was trained: the noise searches and every trial that has a history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agnsim.report.figure import GREY, Choice, Figure, axis, build, ramp, rounded, text
from agnsim.report.methods import method_of
from agnsim.report.record import Epoch, Record, Search, Trial

HEIGHT = 400


def training_figures(record: Record, key: str) -> list[Figure]:
    """Draw loss and accuracy of all trials, a line each."""
    trials = [trial for trial in record.trials if trial.history]
    # The headline is drawn last, on top of the others.
    trials.sort(key=lambda trial: trial.trial == record.headline)
    figures = []
    for quantity, title, unit in (("loss", "Training loss", "Loss"), ("accuracy", "Training accuracy", "Accuracy (%)")):
        traces: list[dict[str, Any]] = []
        named: set[str] = set()
        for trial in trials:
            values = [getattr(epoch, quantity) for epoch in trial.history]
            if all(value is None for value in values):
                continue
            traces.append(_trial_curve(trial, values, record.headline, named))
        if not traces:
            continue
        layout = {"xaxis": axis("Epochs trained, all stages"), "yaxis": axis(unit), "hovermode": "closest"}
        if quantity == "loss":
            layout["yaxis"] = axis(unit, rangemode="tozero")
        alt = f"{title} of {len(traces)} trials over their epochs."
        caption = "A line a trial, coloured by method; the headline is the thick line. Hover for trial and stage."
        name = f"{title} of the trials"
        figures.append(Figure(f"{key}-{quantity}", name, alt, caption, build(traces, layout, height=HEIGHT), HEIGHT))
    return figures


def _trial_curve(trial: Trial, values: Sequence[float | None], headline: str | None, named: set[str]) -> dict[str, Any]:
    is_headline = trial.trial == headline
    group = "headline" if is_headline else method_of(trial).name
    first = group not in named
    named.add(group)
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(values) < 3 else "lines",
        "name": group,
        "legendgroup": group,
        "showlegend": first,
        "x": list(range(1, len(values) + 1)),
        "y": rounded(values),
        "opacity": 1.0 if is_headline else 0.7,
        "line": {"color": method_of(trial).colour, "width": 3.5 if is_headline else 1.4},
        "customdata": [text(epoch.stage or f"epoch {epoch.epoch:g}") for epoch in trial.history],
        "hovertemplate": f"{text(trial.label)} ({text(trial.trial)})<br>%{{customdata}}: %{{y}}<extra></extra>",
    }


def search_figures(record: Record, key: str) -> list[Figure]:
    """Draw loss, accuracy and mean sigma of the searches, then sigma layer by layer for one search at a time."""
    searches = sorted((s for s in record.searches if s.history), key=lambda search: search.noise_weight)
    if not searches:
        return []
    panels = (
        (
            "loss",
            "Task loss in the search",
            "Loss",
            [[e.loss if e.task_loss is None else e.task_loss for e in s.history] for s in searches],
        ),
        (
            "accuracy",
            "Accuracy under noise in the search",
            "Accuracy (%)",
            [[e.accuracy for e in s.history] for s in searches],
        ),
        (
            "sigma",
            "Sigma in the search, averaged by MACs",
            "Sigma",
            [[_mean_sigma(record, e) for e in s.history] for s in searches],
        ),
    )
    figures = []
    for quantity, title, unit, rows in panels:
        if all(value is None for row in rows for value in row):
            continue
        traces = [
            _search_curve(search, values, ramp(index / max(len(searches) - 1, 1)))
            for index, (search, values) in enumerate(zip(searches, rows, strict=True))
        ]
        layout = {"xaxis": axis("Epoch"), "yaxis": axis(unit, rangemode="tozero" if quantity == "sigma" else "normal")}
        alt = f"{title}, a line for each of {len(searches)} noise weights."
        caption = "A line a noise weight."
        figures.append(Figure(f"{key}-{quantity}", title, alt, caption, build(traces, layout, height=HEIGHT), HEIGHT))
    layered = _layer_sigma(record, searches, f"{key}-layers")
    return [*figures, layered] if layered else figures


def _mean_sigma(record: Record, epoch: Epoch) -> float | None:
    if not epoch.sigma:
        return None
    shares = {name: record.mac_share.get(name, 0.0) for name in epoch.sigma}
    total = sum(shares.values())
    if total == 0:
        return sum(abs(value) for value in epoch.sigma.values()) / len(epoch.sigma)
    return sum(abs(value) * shares[name] for name, value in epoch.sigma.items()) / total


def _search_curve(search: Search, values: Sequence[float | None], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(values) < 3 else "lines",
        "name": f"noise weight {search.noise_weight:g}",
        "x": rounded([epoch.epoch for epoch in search.history], 6),
        "y": rounded(values),
        "line": {"color": colour, "width": 2},
    }


def _layer_sigma(record: Record, searches: Sequence[Search], key: str) -> Figure | None:
    traces: list[dict[str, Any]] = []
    choices: list[Choice] = []
    order = {name: index for index, name in enumerate(record.mac_share)}
    for search in searches:
        names = sorted({name for e in search.history for name in e.sigma}, key=lambda name: order.get(name, len(order)))
        if not names:
            continue
        choices.append(
            Choice(f"noise weight {search.noise_weight:g}", list(range(len(traces), len(traces) + len(names))))
        )
        for index, name in enumerate(names):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers" if len(search.history) < 3 else "lines",
                    "name": text(name),
                    "showlegend": False,
                    "visible": len(choices) == 1,
                    "x": rounded([epoch.epoch for epoch in search.history], 6),
                    "y": rounded([abs(e.sigma[name]) if name in e.sigma else None for e in search.history]),
                    "line": {"color": ramp(index / max(len(names) - 1, 1)) if name in order else GREY, "width": 1.8},
                }
            )
    if not traces:
        return None
    layout = {"xaxis": axis("Epoch"), "yaxis": axis("Sigma", rangemode="tozero"), "hovermode": "closest"}
    alt = "Sigma of every layer over the epochs of one search."
    caption = "A line a layer, dark first, light last; hover for its name."
    title = "Sigma of each layer in the search"
    return Figure(key, title, alt, caption, build(traces, layout, height=HEIGHT), HEIGHT, choices=choices)
