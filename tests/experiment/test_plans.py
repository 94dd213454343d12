"""Plans of matching: what they are called, and which are refused before anything is matched."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agnsim.errors import ConfigError
from agnsim.experiment.plans import check_plans, plan_label, shared_layers
from agnsim.experiment.sections import MatchSection, PlanSection
from agnsim.multipliers import load_library

LAYERS = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "linear"]


@pytest.mark.parametrize(
    ("settings", "scale", "label"),
    [
        ({}, 1.0, "mix noise weight 0.3"),
        ({}, 2.5, "mix noise weight 0.3 tolerance x2.5"),
        ({"method": "global", "max_distinct": 3}, 2.0, "mix noise weight 0.3 tolerance x2, at most 3 circuits"),
        ({"method": "global", "max_distinct": 1}, 1.0, "mix noise weight 0.3, at most 1 circuit"),
        (
            {"method": "global", "max_delay": 1.05, "max_area": 2.0, "shared": [["layer1.*"], ["conv1", "linear"]]},
            1.0,
            "mix noise weight 0.3, delay at most 1.05, area at most 2, shared by layer1.*; conv1 linear",
        ),
        (
            {"include": ["mul8u_*", "*array"], "exclude": ["*_k7"]},
            1.0,
            "mix noise weight 0.3, of mul8u_* *array, without *_k7",
        ),
    ],
)
def test_label_tells_plans_apart(settings: dict[str, Any], scale: float, label: str) -> None:
    assert plan_label(PlanSection(**settings), 0.3, scale) == label


def test_patterns_stand_for_layers_in_the_networks_order() -> None:
    assert shared_layers("here", [["*.conv2", "conv1"], ["lin*"]], LAYERS) == [["conv1", "layer1.0.conv2"], ["linear"]]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"include": ["mul9u_nothing"]}, r"match\.plans\.1: .*mul9u_nothing"),
        ({"include": ["*_k7"]}, r"match\.plans\.1: greedy needs an exact circuit"),
        ({"include": ["*_k7"], "exclude": ["mul8u_*"]}, r"match\.plans\.1: no circuit matches include"),
        ({"method": "global", "shared": [["layer2.*"]]}, r"match\.plans\.1\.shared\.0: 'layer2\.\*' fits no layer"),
        (
            {"method": "global", "shared": [["layer1.*"], ["*.conv1"]]},
            r"match\.plans\.1\.shared\.1: layer1\.0\.conv1 is in another group",
        ),
        (
            {"max_delay": 0.01},
            r"match\.plans\.1\.max_delay: none of the circuits keeps 0\.01; the least is 1, of mul8u",
        ),
        (
            {"method": "global", "max_area": 0.01, "include": ["*_array"]},
            r"match\.plans\.1\.max_area: none of the circuits keeps 0\.01; the least is 1, of mul8u_array",
        ),
    ],
    ids=["unknown circuit", "nothing exact", "nothing left", "unknown layer", "layer twice", "slow", "large"],
)
def test_plans_that_cannot_be_are_refused(plan: dict[str, Any], message: str) -> None:
    library = load_library("builtin").select(["mul8u_array", "mul8u_column_truncation_k7"])
    study: Any = SimpleNamespace(match=MatchSection(plans=[PlanSection(), PlanSection(**plan)]))
    with pytest.raises(ConfigError, match=message):
        check_plans(study, library, [library["mul8u_array"]], LAYERS)


def test_a_limit_on_a_cost_that_is_not_known_is_refused() -> None:
    library = load_library("builtin").select(["mul8u_array"])
    exact = library["mul8u_array"]
    assert exact.cost is not None
    reference = replace(exact, cost=replace(exact.cost, relative_area=None))
    study: Any = SimpleNamespace(match=MatchSection(plans=[PlanSection(method="global", max_area=2.0)]))
    with pytest.raises(ConfigError, match=r"match\.plans\.0\.max_area: .*no area figure.*or set no limit"):
        check_plans(study, library, [reference], LAYERS)


def test_a_global_plan_does_without_an_exact_circuit() -> None:
    library = load_library("builtin").select(["mul8u_array", "mul8u_column_truncation_k7"])
    plan = PlanSection(method="global", include=["*_k7"], shared=[["layer1.*"]])
    study: Any = SimpleNamespace(match=MatchSection(plans=[plan]))
    check_plans(study, library, [library["mul8u_array"]], LAYERS)
