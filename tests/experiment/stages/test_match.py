"""The match stage: one trial per search, plan and scale, from one error table per search."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agnsim.errors import ConfigError
from agnsim.experiment import load_study, run_study
from agnsim.experiment.assigned import assigned_network
from agnsim.experiment.context import Context
from agnsim.experiment.stages import match as stage
from agnsim.experiment.store import TrialStore, address
from agnsim.progress import SilentProgress

ALONE = {"narrow": None, "uniform": None, "search.noise_weights": [0.5], "match.measure": False}
RECORDED = Path(__file__).parents[3] / "experiments/cifar10/resnet20_mul8s"


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_plan_is_matched_on_one_error_table(write_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []

    def counted(*arguments: Any, **options: Any) -> Any:
        tables.append(stage_table(*arguments, **options))
        return tables[-1]

    stage_table = stage.error_table
    monkeypatch.setattr(stage, "error_table", counted)
    plans = [
        {"tolerance_scales": [0.5]},
        {"method": "global", "exclude": ["*_a2b2"], "max_distinct": 1, "max_delay": 2.0, "shared": [["layer*"]]},
        {"method": "global", "include": ["mul8u_array"], "tolerance_scales": [1.0, 2.0], "retrain": False},
    ]
    run = run_study(write_study(ALONE | {"match.plans": plans, "match.tolerance_scales": [30.0]}), out=tmp_path / "out")
    assert len(tables) == 1
    found = [
        (row["kind"], row["method"], row["multiplier"], row["retrained"])
        for row in rows_of(run)
        if row["kind"] not in ("float", "quantized")
    ]
    assert found[:3] == [
        ("heterogeneous", "noise search", "mix noise weight 0.5 tolerance x0.5", "False"),
        (
            "heterogeneous",
            "noise search, global",
            "mix noise weight 0.5 tolerance x30, without *_a2b2, at most 1 circuit, delay at most 2, shared by layer*",
            "False",
        ),
        # Exact everywhere, at either scale the same network; not retrained.
        ("narrow", "noise search, global", "mix noise weight 0.5, of mul8u_array", "False"),
    ]
    assert [row[1:] for row in found[3:]] == [(*row[1:3], "True") for row in found[:2]]
    trials = {row["multiplier"]: TrialStore(run).find(row["trial"]) for row in rows_of(run)[2:5]}
    limited = trials[found[1][2]].outcome
    assert limited["distinct_multipliers"] == 1
    assert 0 < limited["predicted_degradation"] <= limited["degradation_budget"] * (1 + 1e-6)
    assert limited["proven_optimal"] is True
    assert sum(layer["predicted_degradation"] for layer in limited["layers"]) == pytest.approx(
        limited["predicted_degradation"]
    )
    greedy = trials[found[0][2]].outcome
    assert greedy["proven_optimal"] is None
    assert limited["degradation_budget"] == pytest.approx(60**2 * greedy["degradation_budget"])


def test_limit_that_cannot_be_kept_names_the_plan(write_study, tmp_path: Path) -> None:
    plans = [{}, {"method": "global", "include": ["*_k7"], "tolerance_scales": [1e-6]}]
    study = write_study(ALONE | {"match.plans": plans, "retrain": None})
    with pytest.raises(ConfigError, match=r"match\.plans\.1, noise weight 0\.5, scale 1e-06: .*no assignment degrades"):
        run_study(study, out=tmp_path / "out")


def test_shared_layer_that_is_set_aside_is_named_before_anything_is_trained(write_study, tmp_path: Path) -> None:
    plans = [{"method": "global", "shared": [["conv1"]]}]
    study = write_study({"match.plans": plans, "quantization": {"first_layer": "exact"}})
    with pytest.raises(ConfigError, match=r"match\.plans\.0\.shared\.0: 'conv1' fits no layer that may hold a circuit"):
        run_study(study, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Addresses(Context):
    """Makes no network; returns the definition of each."""

    def trial(self, key: Any, *_: Any, **__: Any) -> Any:
        """Return the key alone."""
        return key


def test_recorded_assignment_of_the_default_plan_keeps_its_address() -> None:
    store = TrialStore(RECORDED)
    recorded = [json.loads(path.read_text()) for path in sorted(store.trials.glob("*.json"))]
    (matched,) = (t for t in recorded if t["key"]["kind"] == "heterogeneous" and not t["outcome"]["retrained"])
    study = load_study(RECORDED.with_suffix(".yaml"))
    source: Any = SimpleNamespace(digest=matched["key"]["data"]["digest"])
    nothing: Any = None
    context = Addresses(study, source, nothing, nothing, (), {}, store, SilentProgress())
    start = store.find(matched["key"]["parents"][0])
    assignment: Any = SimpleNamespace(to_json=lambda: matched["outcome"]["assignment"])
    record = {name: matched["outcome"][name] for name in ("method", "multiplier")}
    key: Any = assigned_network(context, start, assignment, kind="heterogeneous", record=record, means={})
    assert address(key) == matched["digest"]
    (plan,) = study.match.plans
    assert stage.METHODS[plan.method] == matched["outcome"]["method"]
    label = stage.plan_label(plan, start.outcome["noise_weight"], matched["outcome"]["tolerance_scale"])
    assert label == matched["outcome"]["multiplier"]


def test_default_plan_is_no_part_of_the_address(tiny_run: Path) -> None:
    store = TrialStore(tiny_run)
    found = [store.find(path.stem) for path in store.trials.glob("*.json")]
    matched = [trial for trial in found if trial.outcome.get("method") == "noise search"]
    keys = {frozenset(trial.key["settings"]) for trial in matched if not trial.outcome["retrained"]}
    assert all(names <= {"assignment", "fold_mean", "batch_norm_images", "rows", "stretches"} for names in keys)
    assert keys
