"""What each layer multiplies with, and how much noise it was found to bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agnsim.report.figure import INK, Figure, axis, build, colorscale, ramp, rounded, text
from agnsim.report.methods import method_of
from agnsim.report.numbers import count, fixed, percent, saving, significant
from agnsim.report.record import Layer, Placement, Record, Trial

ROW_HEIGHT = 22
MAX_ROWS = 40
LETTERS = {"unsigned": "u", "twos_complement": "tc", "sign_magnitude": "sm", "offset": "off"}


@dataclass(frozen=True)
class LayerRow:
    """One line of an assignment table; empty strings where the layer stays exact or a value is missing."""

    layer: str
    macs: str
    share: float | None
    multiplier: str
    operands: str
    energy: float | None
    cells: list[str]
    is_exact: bool


@dataclass(frozen=True)
class AssignmentTable:
    """The assignment of one heterogeneous trial."""

    key: str
    trial: str
    title: str
    summary: str
    rows: list[LayerRow]
    is_headline: bool


def assigned_trials(record: Record) -> list[Trial]:
    """Return the trials that have an assignment: the headline first, then by energy, retrained ones first."""
    return sorted(
        (trial for trial in record.trials if trial.layers),
        key=lambda t: (t.trial != record.headline, t.multiplier_energy or 0.0, not t.retrained, t.trial),
    )


def assignment_tables(record: Record, key: str) -> list[AssignmentTable]:
    """Tabulate every assignment: all layers of the network, those left out as exact."""
    tables: list[AssignmentTable] = []
    for trial in assigned_trials(record):
        placed = {placement.layer: placement for placement in trial.layers}
        rows = [_row(record, layer.name, layer, placed.pop(layer.name, None)) for layer in record.layers]
        rows += [_row(record, name, None, placement) for name, placement in placed.items()]
        facts = [f"top-1 {percent(trial.accuracy_top1, 2)}", f"drop {fixed(trial.accuracy_drop_pp)} pp"]
        if trial.multiplier_energy is not None:
            facts.append(f"saves {percent(saving(trial.multiplier_energy))}")
        if trial.distinct_multipliers:
            facts.append(f"{trial.distinct_multipliers} distinct multipliers")
        tables.append(
            AssignmentTable(
                key=f"{key}-{len(tables)}",
                trial=trial.trial,
                title=f"{_titled(trial)}{'' if trial.retrained else ', not retrained'}",
                summary=", ".join(facts),
                rows=rows,
                is_headline=trial.trial == record.headline,
            )
        )
    return tables


def _titled(trial: Trial) -> str:
    """Return a trial's label with how it was found, unless the label says so."""
    method = trial.method or ""
    return trial.label if trial.kind == "narrow" or method in ("", trial.kind) else f"{trial.label}, {method}"


def _row(record: Record, name: str, layer: Layer | None, placement: Placement | None) -> LayerRow:
    share = record.mac_share.get(name)
    macs = count(layer.macs) if layer else ""
    if placement is None:
        return LayerRow(name, macs, share, "exact", "", 1.0, [""] * 6, True)
    relative = [
        _relative(value, placement.output_std)
        for value in (
            placement.predicted_std,
            placement.measured_std,
            placement.predicted_mean,
            placement.measured_mean,
        )
    ]
    cells = [fixed(placement.sigma, 4), significant(placement.tolerance), *(fixed(v, 4) for v in relative)]
    return LayerRow(name, macs, share, placement.multiplier, operands(placement), placement.energy_ratio, cells, False)


def operands(choice: Any) -> str:
    """Write orientation and encodings in short: `a:u w:sm, swapped`."""
    parts = [
        f"{side}:{LETTERS.get(value, value)}"
        for side, value in (("a", choice.encoding_a), ("w", choice.encoding_w))
        if value
    ]
    return " ".join(parts) + (" \N{RIGHTWARDS ARROW OVER LEFTWARDS ARROW}" if choice.swapped else "")


def _relative(value: float | None, scale: float | None) -> float | None:
    return None if value is None or not scale else value / scale


def assignment_figure(record: Record, key: str) -> Figure | None:
    """Draw all assignments as one map, trials by layers, coloured by the energy of the multiplier."""
    # A trial before and after retraining has one assignment; the first of each is drawn.
    different: dict[tuple[tuple[object, ...], ...], Trial] = {}
    for trial in assigned_trials(record):
        chosen = tuple((p.layer, p.multiplier, p.swapped, p.encoding_a, p.encoding_w) for p in trial.layers)
        different.setdefault(chosen, trial)
    trials = sorted(different.values(), key=lambda trial: -(trial.multiplier_energy or 0.0))
    if len(trials) < 2:
        return None
    total = len(trials)
    if total > MAX_ROWS:
        rows = set(np.linspace(0, total - 1, MAX_ROWS).round().astype(int).tolist())
        trials = [trial for i, trial in enumerate(trials) if i in rows or trial.trial == record.headline]
    several = len({method_of(trial) for trial in trials}) > 1
    names = [layer.name for layer in record.layers] or [placement.layer for placement in trials[0].layers]
    ratios: list[list[float | None]] = []
    hover: list[list[str]] = []
    for trial in trials:
        placed = {placement.layer: placement for placement in trial.layers}
        ratios.append(rounded([placed[name].energy_ratio if name in placed else 1.0 for name in names]))
        hover.append([text(placed[name].multiplier) if name in placed else "exact" for name in names])
    ticks = [
        f"{text(_short(trial, several))} {'<b>◄</b>' if trial.trial == record.headline else ''}" for trial in trials
    ]
    trace = {
        "type": "heatmap",
        "x": list(range(len(names))),
        "y": list(range(len(trials))),
        "z": ratios,
        "text": hover,
        "hovertemplate": "%{text}<br>energy ratio %{z}<extra></extra>",
        "colorscale": colorscale(),
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"title": {"text": "energy ratio", "side": "right"}, "thickness": 12, "len": 1},
    }
    height = 230 + max(ROW_HEIGHT * len(trials), 150)
    layout = {
        "xaxis": axis(
            "", tickvals=list(range(len(names))), ticktext=[text(name) for name in names], tickangle=-60, showgrid=False
        ),
        "yaxis": axis("", tickvals=list(range(len(trials))), ticktext=ticks, showgrid=False),
    }
    caption = (
        "A row an assignment, cheapest at the top, a column a layer in network order; dark is cheap, ◄ the headline."
    )
    if len(trials) < total:
        caption += f" {len(trials)} of {total} different assignments, evenly from the cheapest to the dearest."
    alt = f"Map of {len(trials)} different assignments over {len(names)} layers, coloured by energy ratio."
    return Figure(
        key, "All assignments at a glance", alt, caption, build([trace], layout, height=height), height, wide=True
    )


def _short(trial: Trial, with_method: bool) -> str:
    weight = "" if trial.noise_weight is None else f"λ {trial.noise_weight:g}  "
    saved = "" if trial.multiplier_energy is None else f"saves {percent(saving(trial.multiplier_energy))}"
    method = f"{method_of(trial).name}  " if with_method else ""
    return f"{method}{weight}{saved}" or trial.trial


def sigma_figure(record: Record, key: str) -> Figure | None:
    """Draw the learned sigma of every layer for each noise weight, above each layer's share of the MACs."""
    searches = sorted((s for s in record.searches if s.sigma), key=lambda search: search.noise_weight)
    if not searches:
        return None
    names = [layer.name for layer in record.layers if any(layer.name in search.sigma for search in searches)]
    names = names or list(searches[0].sigma)
    positions = list(range(len(names)))
    traces: list[dict[str, Any]] = []
    for index, search in enumerate(searches):
        colour = ramp(index / max(len(searches) - 1, 1))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"noise weight {search.noise_weight:g}",
                "x": positions,
                "y": rounded([abs(search.sigma[name]) if name in search.sigma else None for name in names]),
                "line": {"color": colour, "width": 2},
                "marker": {"color": colour, "size": 6},
                "customdata": [text(name) for name in names],
                "hovertemplate": "%{customdata}: sigma %{y}<extra>%{fullData.name}</extra>",
            }
        )
    traces.append(
        {
            "type": "bar",
            "name": "MAC share",
            "x": positions,
            "y": rounded([100.0 * record.mac_share.get(name, 0.0) for name in names]),
            "yaxis": "y2",
            "marker": {"color": "#9aa5b5"},
            "customdata": [text(name) for name in names],
            "hovertemplate": "%{customdata}: %{y} % of the MACs<extra></extra>",
            "showlegend": False,
        }
    )
    height = 540
    layout = {
        "xaxis": axis("", anchor="y2", tickvals=positions, ticktext=[text(name) for name in names], tickangle=-60),
        "yaxis": axis("Sigma (noise std / output std)", domain=[0.34, 1.0], rangemode="tozero"),
        "yaxis2": axis("MACs (%)", domain=[0.0, 0.24], rangemode="tozero", nticks=4),
        "bargap": 0.35,
    }
    limits = sorted({search.sigma_max for search in searches if search.sigma_max is not None})
    if len(limits) == 1:
        layout["shapes"] = [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": limits[0],
                "y1": limits[0],
                "line": {"color": INK, "width": 1, "dash": "dot"},
            }
        ]
    caption = "Layers in network order. A layer with many multiplications is pushed harder towards noise."
    if len(limits) == 1:
        caption += f" Dotted: sigma_max = {limits[0]:g}, beyond which noise earns nothing."
    alt = (
        f"Learned sigma of {len(names)} layers for {len(searches)} noise weights, with each layer's share of the MACs."
    )
    return Figure(
        key, "Noise each layer was found to bear", alt, caption, build(traces, layout, height=height), height, wide=True
    )
