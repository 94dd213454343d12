"""The front figure: methods told apart, both energies, and nothing that hides something else."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go
import pytest

from agnsim.report import Record
from agnsim.report.front import front_figure
from agnsim.report.overlay import overlay_figure

METHODS = ("noise search", "noise search, global", "sensitivity", "nsga2", "random")


def trial(name: str, kind: str, energy: float, accuracy: float, **more: Any) -> dict[str, Any]:
    drop = {"accuracy_drop_pp": 92 - accuracy, "drop_low_pp": 91.5 - accuracy, "drop_high_pp": 92.5 - accuracy}
    fixed = {"trial": name, "kind": kind, "retrained": True, "multiplier_energy": energy, "accuracy_top1": accuracy}
    return fixed | drop | more


def make(trials: list[dict[str, Any]], **more: Any) -> Record:
    baseline = {"trial": "f", "kind": "float", "retrained": False, "multiplier_energy": None, "accuracy_top1": 92.0}
    parts = {"format": 1, "study": {"name": "s"}, "data": {"name": "d"}, "model": {"name": "m"}}
    return Record.model_validate(parts | {"trials": [baseline, *trials]} | more)


def drawn(record: Record) -> tuple[Any, Any]:
    figure = front_figure(record, "front")
    assert figure is not None
    spec = json.loads(figure.spec)
    go.Figure(data=spec["data"], layout=spec["layout"])
    return figure, spec


def assignments(**more: Any) -> list[dict[str, Any]]:
    layers = [{"layer": "conv1", "multiplier": "m"}]
    return [
        trial(f"{method} {retrained}", "heterogeneous", 0.2 + 0.1 * i, 91.9 - i / 10 - (not retrained) / 4)
        | {"method": method, "retrained": retrained, "layers": layers}
        | more
        for i, method in enumerate(METHODS)
        for retrained in (True, False)
    ]


def test_every_method_has_an_entry_and_a_filled_and_a_hollow_symbol() -> None:
    _, spec = drawn(make([*assignments(), trial("n", "narrow", 0.9, 91.9, bits_a=8, bits_b=7)]))
    traces = {trace["name"]: trace for trace in spec["data"]}
    for name in ("noise search", "noise search, global", "sensitivity", "NSGA-II", "random"):
        first, second = traces[f"{name} (2)"]["marker"]["symbol"]
        assert second == f"{first}-open"
    assert "hollow: not retrained" in traces


def test_an_exact_width_per_layer_is_part_of_the_rivals_front_and_no_width_is_written_at_it() -> None:
    layers = [{"layer": "conv1", "multiplier": "mul4u_array"}]
    mixed = trial("p", "narrow", 0.3, 91.5, layers=layers, bits_a=8, bits_b=8)
    _, spec = drawn(make([mixed, trial("n", "narrow", 0.6, 91.9, bits_a=6, bits_b=5)]))
    line = spec["data"][0]
    assert (line["x"], line["text"]) == ([0.3, 0.6], ["", "a6w5"])
    assert {"narrow exact, per layer (1)", "narrow exact (1)"} <= {trace["name"] for trace in spec["data"]}


def test_dominated_networks_are_grey_without_bars_and_keep_their_symbol() -> None:
    rows = [trial("n", "narrow", 0.3, 91.5), trial("late", "narrow", 0.5, 91.0), *assignments()]
    _, spec = drawn(make([*rows, trial("u", "uniform", 0.9, 90.0)]))
    grey = next(trace for trace in spec["data"] if trace["name"].startswith("dominated"))
    assert {"circle", "diamond", "triangle-down-open"} <= set(grey["marker"]["symbol"])
    bars = dict(zip(grey["x"], grey["error_y"]["array"], strict=True))
    assert bars[0.9] is None
    assert len({trace["marker"]["color"] for trace in spec["data"] if "marker" in trace}) > 2


def test_no_label_stands_across_the_axis_and_none_on_another() -> None:
    widths = [(a, w) for a in range(3, 9) for w in range(3, 9)]
    rows = [trial(f"{a}{w}", "narrow", a * w / 64, 88 + a * w / 16, bits_a=a, bits_b=w) for a, w in widths]
    rows.append(trial("low", "narrow", 0.08, 87.6, bits_a=2, bits_b=2))
    _, spec = drawn(make(rows))
    line = spec["data"][0]
    shown = [row for row in zip(line["x"], line["y"], line["text"], line["textposition"], strict=True) if row[2]]
    assert shown[0][2:] == ("a2w2", "bottom right")
    assert all(at == "top left" for x, _, _, at in shown if x > 0.15)
    height = spec["layout"]["yaxis"]["range"][1] - spec["layout"]["yaxis"]["range"][0]
    for i, (x, y, *_) in enumerate(shown):
        assert all(abs(x - u) > 0.09 or abs(y - v) > 0.045 * height for u, v, *_ in shown[i + 1 :])


def test_the_other_energy_is_a_switch_that_brings_its_own_dominance_and_headline() -> None:
    rows = [
        trial("n", "narrow", 0.5, 91.5, pe_energy=0.6),
        trial("h", "heterogeneous", 0.4, 91.4, pe_energy=0.7, method="noise search"),
        trial("only", "uniform", 0.9, 91.0),
    ]
    figure, spec = drawn(make(rows, headline="h"))
    switch = figure.switches[0]
    assert [view.label for view in switch.views] == ["Multiplication energy", "MAC energy"]
    visible = [trace["visible"] for trace in spec["data"]]
    assert visible == switch.views[0].visible
    assert [not shown for shown in visible] == switch.views[1].visible
    names = [[t["name"] for t, on in zip(spec["data"], v.visible, strict=True) if on] for v in switch.views]
    assert "noise search (1)" in names[0]
    assert "dominated by the exact front (1)" in names[0]  # the uniform one, which has no MAC energy
    assert "noise search (1)" in names[1]  # the headline is never greyed
    assert switch.views[1].ranges["annotations[1].x"] == 0.7
    assert "exact 8-bit MAC" in switch.views[1].ranges["xaxis.title.text"]


def test_without_the_other_energy_there_is_no_switch() -> None:
    figure, spec = drawn(make([trial("n", "narrow", 0.5, 91.5)]))
    assert figure.switches == []
    assert all(trace["visible"] for trace in spec["data"])


def test_the_energy_axis_begins_where_the_networks_do() -> None:
    _, spec = drawn(make([trial("n", "narrow", 0.5, 91.5)]))
    assert spec["layout"]["xaxis"]["range"] == pytest.approx([0.4, 1.036])
    _, spec = drawn(make([trial("n", "narrow", 0.25, 91.5)]))
    assert spec["layout"]["xaxis"]["range"] == pytest.approx([0.0, 1.06])


def test_two_ranges_where_networks_collapsed() -> None:
    figure, spec = drawn(make([trial("n", "narrow", 0.5, 91.5), trial("u", "uniform", 0.1, 10.0)]))
    assert [view.label for view in figure.switches[0].views] == ["Within 5 points of float", "Everything"]
    assert spec["layout"]["yaxis"]["range"] == pytest.approx([87.0, 93.0])


def test_overlay_switches_energies_too() -> None:
    rows = [trial("n", "narrow", 0.5, 91.5, pe_energy=0.6), trial("h", "uniform", 0.4, 91.4, pe_energy=0.7)]
    figure = overlay_figure([make(rows), make(rows[:1])], ["a", "b"], "overlay")
    assert figure is not None
    multiplication, mac = figure.switches[0].views
    assert multiplication.visible == [True] * 3 + [False] * 3
    assert mac.visible == [False] * 3 + [True] * 3
