"""The headline is chosen on selection images alone."""

from typing import Any

import pytest

from agnsim.experiment.record import HEADLINE_RULE, choose_headline


def row(trial: str, kind: str, selection: float, energy: float | None, top1: float = 50.0) -> dict[str, Any]:
    return {
        "trial": trial,
        "kind": kind,
        "method": "noise search",
        "accuracy_selection": selection,
        "accuracy_top1": top1,
        "accuracy_top5": top1,
        "accuracy_top1_all": top1,
        "multiplier_energy": energy,
    }


FLOAT = row("float", "float", 90.0, None)
ROWS = [
    FLOAT,
    row("quantized", "quantized", 90.0, 1.0),
    row("uniform", "uniform", 90.0, 0.1),
    row("good", "heterogeneous", 89.5, 0.6),
    row("cheaper", "heterogeneous", 89.0, 0.5),
    row("cheap", "heterogeneous", 88.9, 0.2),
]


def test_cheapest_of_those_within_the_drop_is_named():
    assert choose_headline(ROWS, 1.0) == "cheaper"
    assert choose_headline(ROWS, 0.5) == "good"
    assert choose_headline(ROWS, 2.0) == "cheap"


def test_most_accurate_on_selection_is_named_where_none_is_within():
    assert choose_headline(ROWS, 0.1) == "good"


def test_of_equal_energies_the_more_accurate_on_selection_is_named():
    rows = [FLOAT, row("a", "heterogeneous", 89.2, 0.5), row("b", "heterogeneous", 89.6, 0.5)]
    assert choose_headline(rows, 1.0) == "b"


@pytest.mark.parametrize("max_drop_pp", [0.0, 0.5, 1.0, 5.0])
def test_reported_accuracy_has_no_say(max_drop_pp):
    wanted = choose_headline(ROWS, max_drop_pp)
    for favoured in range(len(ROWS)):
        changed = [r | dict.fromkeys(("accuracy_top1", "accuracy_top5", "accuracy_top1_all"), 0.0) for r in ROWS]
        changed[favoured] |= {"accuracy_top1": 100.0, "accuracy_top5": 100.0, "accuracy_top1_all": 100.0}
        assert choose_headline(changed, max_drop_pp) == wanted


def test_study_without_an_assignment_has_no_headline():
    assert choose_headline(ROWS[:3], 1.0) is None


def test_a_baseline_is_named_only_where_the_search_found_nothing():
    baseline = row("evolved", "heterogeneous", 90.0, 0.1) | {"method": "nsga2"}
    assert choose_headline([*ROWS, baseline], 1.0) == "cheaper"
    assert choose_headline([*ROWS[:3], baseline], 1.0) == "evolved"


def test_rule_says_which_images_and_how_much():
    assert "accuracy on the selection images is at most 0.5 points below" in HEADLINE_RULE.format(0.5)
