from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agnsim.report import Record, load_record
from agnsim.report.headline import headline
from agnsim.report.limits import limit_table
from agnsim.report.record import Trial
from agnsim.report.rival import MAC, Point, cheapest_exact_as_accurate, dominated_by_exact, flows, front, points

Write = Callable[..., Path]


def trial(name: str, kind: str, energy: float | None, accuracy: float | None, **more: Any) -> dict[str, Any]:
    fixed = {"trial": name, "kind": kind, "retrained": True, "multiplier_energy": energy, "accuracy_top1": accuracy}
    return fixed | more


def make(*trials: dict[str, Any], **more: Any) -> Record:
    parts = {"format": 1, "study": {"name": "s"}, "data": {"name": "d"}, "model": {"name": "m"}}
    return Record.model_validate(parts | {"trials": list(trials)} | more)


def test_dominated_means_no_cheaper_and_no_more_accurate_and_worse_in_one() -> None:
    record = make(
        trial("f", "float", None, 92.0),
        trial("q", "quantized", 1.0, 91.9),
        trial("n", "narrow", 0.5, 91.0),
        trial("equal", "heterogeneous", 0.5, 91.0),
        trial("cheaper", "heterogeneous", 0.4, 90.0),
        trial("better", "uniform", 0.6, 91.5),
        trial("same energy", "uniform", 0.5, 90.9),
        trial("same accuracy", "uniform", 0.6, 91.0),
        trial("both", "heterogeneous", 0.9, 80.0),
        trial("as dear as 8 bits", "uniform", 1.0, 91.5),
        trial("no energy", "uniform", None, 10.0),
        trial("no accuracy", "uniform", 0.9, None),
    )
    found = {point.trial.trial: by.trial.trial for point, by in dominated_by_exact(record)}
    assert found == {"same energy": "n", "same accuracy": "n", "both": "n", "as dear as 8 bits": "q"}


def test_without_exact_networks_nothing_is_dominated() -> None:
    record = make(trial("u", "uniform", 0.9, 50.0), trial("h", "heterogeneous", 0.1, 90.0))
    assert dominated_by_exact(record) == []


def test_front_is_ordered_by_energy_and_has_no_dominated_point() -> None:
    def point(energy: float, accuracy: float) -> Point:
        return Point(Trial.model_validate(trial("t", "narrow", energy, accuracy)), energy, accuracy)

    rows = [point(0.5, 90.0), point(0.2, 80.0), point(0.6, 89.0), point(1.0, 92.0), point(0.2, 79.0)]
    assert [(p.energy, p.accuracy) for p in front(rows)] == [(0.2, 80.0), (0.5, 90.0), (1.0, 92.0)]
    assert front([]) == []


def test_points_leave_out_what_lacks_a_coordinate_and_flows_are_listed_once() -> None:
    record = make(
        trial("f", "float", None, 92.0, energy_flow="none"),
        trial("n", "narrow", 0.5, 91.0, energy_flow="unit"),
        trial("u", "uniform", 0.5, 91.0, energy_flow="evo"),
        trial("v", "uniform", 0.4, 91.0, energy_flow="evo"),
    )
    assert [p.trial.trial for p in points(record.trials)] == ["n", "u", "v"]
    assert flows(record.trials) == ["evo", "unit"]


def test_the_cheapest_exact_network_at_the_same_accuracy_is_the_rival() -> None:
    head = trial("h", "heterogeneous", 0.3, 91.0)
    record = make(
        trial("a", "narrow", 0.6, 91.5), trial("b", "narrow", 0.4, 91.0), trial("c", "narrow", 0.2, 90.9), head
    )
    best = cheapest_exact_as_accurate(record, record.trials[-1])
    assert best is not None
    assert best.trial.trial == "b"


@pytest.mark.parametrize(
    ("energy", "verdict", "words"),
    [
        (0.30, "ahead", "the approximate multipliers are ahead by 10.0 points"),
        (0.55, "behind", "the exact rival wins by 15.0 points"),
        (0.40, "behind", "nothing is gained"),
    ],
)
def test_headline_says_plainly_who_wins(energy: float, verdict: str, words: str) -> None:
    record = make(
        trial("n", "narrow", 0.4, 91.2, bits_a=5, bits_b=5),
        trial("h", "heterogeneous", energy, 91.0, accuracy_drop_pp=0.7, drop_low_pp=0.3, drop_high_pp=1.1),
        headline="h",
    )
    found = headline(record)
    assert found.verdict == verdict
    assert words in found.rival
    assert "A narrow exact a5w5 network" in found.rival
    assert "loses 0.70 points" in found.result
    assert "0.30 to 1.10" in found.result


def test_headline_without_narrow_networks_says_that_the_rival_was_not_met() -> None:
    record = make(trial("h", "heterogeneous", 0.3, 91.0, accuracy_drop_pp=-0.2), headline="h")
    found = headline(record)
    assert "has not met its honest rival" in found.rival
    assert found.verdict == ""
    assert "gains 0.20 points" in found.result


def test_headline_that_no_exact_network_reaches_is_ahead() -> None:
    record = make(trial("n", "narrow", 0.4, 90.0), trial("h", "heterogeneous", 0.6, 91.0), headline="h")
    assert headline(record).verdict == "ahead"


@pytest.mark.parametrize("accuracy", [91.0, 92.0], ids=["an exact rival", "no exact rival"])
def test_headline_says_what_exact_multipliers_reach_for_its_energy(accuracy: float) -> None:
    record = make(
        trial("a", "narrow", 0.9, 91.0),
        trial("b", "narrow", 0.3, 90.8, bits_a=4, bits_b=4),
        trial("c", "narrow", 0.2, 90.0),
        trial("h", "heterogeneous", 0.3, accuracy),
        headline="h",
    )
    found = headline(record)
    assert found.verdict == "ahead"
    words = f"narrow exact a4w4 reaches 90.80\xa0%, {accuracy - 90.8:.2f} points less, and saves 70.0"
    assert f"For no more energy, {words}" in found.rival


def test_equal_energies_within_a_limit_are_decided_on_selection_images() -> None:
    record = make(
        trial("f", "float", None, 92.0, accuracy_selection=92.0),
        trial("chosen", "narrow", 0.5, 90.0, accuracy_selection=91.9, accuracy_drop_pp=2.0, bits_a=3, bits_b=3),
        trial("lucky", "narrow", 0.5, 91.9, accuracy_selection=91.6, accuracy_drop_pp=0.1, retrained=False),
    )
    table = limit_table(record)
    assert table is not None
    (cell, *_) = dict(table.rows)["Exact, 8 bits and narrower"]
    assert (cell.trial, cell.label, cell.drop) == ("chosen", "narrow exact a3w3, retrained", "2.00")


def test_limits_are_decided_on_selection_images_and_drops_are_of_the_report_images() -> None:
    record = make(
        trial("f", "float", None, 92.0, accuracy_selection=92.0),
        trial("n", "narrow", 0.5, 91.0, accuracy_selection=91.2, accuracy_drop_pp=1.0),
        trial("lucky", "narrow", 0.4, 91.9, accuracy_selection=90.5, accuracy_drop_pp=0.1),
        trial("h", "heterogeneous", 0.45, 91.5, accuracy_selection=91.6, accuracy_drop_pp=0.5),
    )
    table = limit_table(record)
    assert table is not None
    rows = dict(table.rows)
    assert [cell.trial for cell in rows["Exact, 8 bits and narrower"]] == ["", "n", "lucky"]
    assert [cell.trial for cell in rows["A multiplier per layer, retrained"]] == ["h", "h", "h"]
    assert [cell.is_best for cell in rows["A multiplier per layer, retrained"]] == [True, True, False]
    assert rows["Exact, 8 bits and narrower"][2].drop == "0.10"
    assert "selection" in table.chosen_on


def test_synthetic_study_loses_or_wins_as_it_was_made(
    record: dict[str, Any], winning_record: dict[str, Any], write_run: Write
) -> None:
    assert headline(load_record(write_run(record, "a"))).verdict == "behind"
    assert headline(load_record(write_run(winning_record, "b"))).verdict == "ahead"


def test_both_energies_meet_their_own_rival() -> None:
    record = make(
        trial("n", "narrow", 0.4, 91.2, bits_a=5, bits_b=5, pe_energy=0.5),
        trial("h", "heterogeneous", 0.3, 91.0, pe_energy=0.6),
        headline="h",
    )
    found = headline(record)
    assert (found.verdict, found.mac_verdict) == ("ahead", "behind")
    assert found.mac_rival.startswith("By MAC energy, of which it saves 40.0\xa0%: a narrow exact a5w5 network is")
    assert "the exact rival wins by 10.0 points" in found.mac_rival
    assert "MAC energy saved" in [tile.label for tile in found.tiles]
    without = make(trial("n", "narrow", 0.4, 91.2), trial("h", "heterogeneous", 0.3, 91.0, pe_energy=0.6), headline="h")
    assert headline(without).mac_rival == ""


def test_a_width_per_layer_is_named_as_such() -> None:
    layers = [{"layer": "conv1", "multiplier": "mul4u_array"}]
    record = make(
        trial("n", "narrow", 0.2, 91.2, layers=layers, multiplier="mix noise weight 0.3"),
        trial("h", "heterogeneous", 0.3, 91.0),
        headline="h",
    )
    assert "exact multipliers, a width per layer (mix noise weight 0.3)" in headline(record).rival


def test_methods_are_groups_of_their_own_where_there_are_several() -> None:
    layers = [{"layer": "conv1", "multiplier": "m"}]
    record = make(
        trial("f", "float", None, 92.0, accuracy_selection=92.0),
        trial("n", "narrow", 0.5, 91.8, accuracy_selection=91.8),
        trial("p", "narrow", 0.4, 91.8, accuracy_selection=91.8, layers=layers),
        trial("g", "heterogeneous", 0.3, 91.8, accuracy_selection=91.8, method="noise search, global"),
        trial("r", "heterogeneous", 0.6, 91.8, accuracy_selection=91.8, method="random", pe_energy=0.9),
        trial("s", "heterogeneous", 0.7, 91.8, accuracy_selection=91.8, method="random", retrained=False),
    )
    table = limit_table(record)
    assert table is not None
    assert {name: cells[0].trial for name, cells in table.rows} == {
        "Exact, one width": "n",
        "Exact, a width per layer": "p",
        "A multiplier per layer, noise search, global": "g",
        "A multiplier per layer, random": "r",
    }
    by_mac = limit_table(record, MAC)
    assert by_mac is not None
    assert by_mac.energy == "MAC energy"
    assert [name for name, _ in by_mac.rows] == ["A multiplier per layer, random"]
