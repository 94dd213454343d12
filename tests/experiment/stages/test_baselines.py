"""The baselines stage: budgets, energies, what is kept, and that nothing is measured twice."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from agnsim.errors import ConfigError, MissingDependency
from agnsim.experiment import evaluate_trial, run_study
from agnsim.experiment.comparison import Comparison
from agnsim.experiment.prepare import prepare_evaluation
from agnsim.experiment.run_folder import read_study
from agnsim.experiment.stages import baselines as stage
from agnsim.experiment.store import Trial, TrialStore
from agnsim.progress import SilentProgress

ALONE = {"narrow": None, "uniform": None, "search": None, "retrain": None}
BASELINES = {"energies": [0.72, 0.6], "verify": 3, "images": 50, "population": 8, "generations": 6}
METHODS = {"sensitivity", "nsga2", "random"}


def trials(run: Path, kind: str) -> list[Trial]:
    store = TrialStore(run)
    found = [store.find(path.stem) for path in sorted(store.trials.glob("*.json"))]
    return [trial for trial in found if trial.key["kind"] == kind]


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "results.csv").open() as file:
        found = [row for row in csv.DictReader(file) if row["method"] in METHODS]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


@pytest.fixture(scope="module")
def finished(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run folder of a study of all methods, with retraining."""
    study = yaml.safe_load((tiny_run.parent / "study.yaml").read_text())
    for section in ALONE:
        study.pop(section)
    study["baselines"] = BASELINES | {"retrain": {"epochs": 1, "lr": 0.005, "max_steps": 2}}
    folder = tmp_path_factory.mktemp("baselines")
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return run_study(folder / "study.yaml", out=folder / "run")


def test_every_method_has_a_row_per_energy_within_it(finished: Path) -> None:
    found = rows(finished)
    assert {row["method"] for row in found} == METHODS
    for row in found:
        limit = float(row["multiplier"].rpartition(" ")[2])
        assert row["multiplier"] == f"mix, energy <= {limit:g}"
        assert float(row["multiplier_energy"]) <= limit
        assert row["kind"] == "heterogeneous"
    assert [row["retrained"] for row in found].count("True") == len(found) / 2


def test_budgets_are_equal_and_recorded(finished: Path) -> None:
    compared = [trial.outcome for trial in trials(finished, "baseline") if "method" in trial.key["settings"]]
    assert len(compared) == 6
    for outcome in compared:
        assert outcome["emulated"] == len(outcome["proposals"]) <= 3
        assert outcome["images"] == 50
        accuracies = [(-row["accuracy"], row["loss"]) for row in outcome["proposals"]]
        assert accuracies[outcome["best"]] == min(accuracies)
    layers = len(trials(finished, "heterogeneous")[0].outcome["assignment"]["layers"])
    for trial in trials(finished, "heterogeneous"):
        if not trial.outcome["retrained"]:
            assert trial.outcome["measurements"] == (3 * layers if trial.outcome["method"] == "sensitivity" else 0)
            assert ("added_losses" in trial.outcome) == (trial.outcome["method"] == "sensitivity")


def test_comparison_is_of_the_network_that_is_kept(finished: Path) -> None:
    context = prepare_evaluation(read_study(finished), TrialStore(finished), SilentProgress())
    comparison = Comparison(context, 50)
    for trial in trials(finished, "heterogeneous"):
        if not trial.outcome["retrained"]:
            best = min(trial.outcome["verified"], key=lambda row: (-row["accuracy"], row["loss"]))
            accuracy, loss = comparison.accuracy_and_loss(context.restore(trial))
            assert accuracy == best["accuracy"]
            assert loss == pytest.approx(best["loss"], rel=1e-9)


def test_kept_networks_are_reproduced(finished: Path) -> None:
    for row in rows(finished):
        assert evaluate_trial(finished, row["trial"])["exact"]


def test_only_the_evolved_network_has_other_weights(finished: Path) -> None:
    store = TrialStore(finished)
    (quantized,) = trials(finished, "quantized")
    before = store.load_state(quantized.digest)
    for trial in trials(finished, "heterogeneous"):
        if not trial.outcome["retrained"]:
            after = store.load_state(trial.digest)
            weights = [name for name in before if name.endswith(".weight") and before[name].dim() > 1]
            changed = any(not torch.equal(before[name], after[name]) for name in weights)
            assert changed == (trial.outcome["method"] == "nsga2")


def test_measured_losses_add_nothing_where_the_circuit_is_exact(finished: Path) -> None:
    trial = next(t for t in trials(finished, "heterogeneous") if "added_losses" in t.outcome)
    for losses in trial.outcome["added_losses"].values():
        assert losses.keys() == {"mul8u_array", "mul8u_operand_truncation_a2b2", "mul8u_column_truncation_k7"}
        assert losses["mul8u_array"] == pytest.approx(0.0, abs=1e-6)
        assert min(losses.values()) > -1e-6
        assert losses["mul8u_column_truncation_k7"] > 1e-5


def test_report_and_record_take_them(finished: Path) -> None:
    from agnsim.report.record import load_record

    record = load_record(finished)
    assert {trial.method for trial in record.trials} >= METHODS
    assert all(trial.layers for trial in record.trials if trial.method in METHODS)


class Counting:
    """Counts the networks that are emulated, and ends the process at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: int | None = None) -> None:
        self.count = 0
        self.last = last
        for name in ("divergence", "accuracy_and_loss"):
            monkeypatch.setattr(Comparison, name, self._wrap(getattr(Comparison, name)))

    def _wrap(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            if self.count == self.last:
                raise KeyboardInterrupt
            self.count += 1
            return work(*arguments)

        return counted


def test_killed_run_measures_nothing_twice(write_study, tmp_path: Path) -> None:
    settings = BASELINES | {"energies": [0.7], "methods": ["random", "sensitivity"]}
    circuits = ["mul8u_array", "mul8u_column_truncation_k7"]
    study = write_study(ALONE | {"baselines": settings, "library.include": circuits})
    with pytest.MonkeyPatch.context() as patch:
        whole = Counting(patch)
        expected = rows(run_study(study, out=tmp_path / "whole"))
    with pytest.MonkeyPatch.context() as patch:
        killed = Counting(patch, last=12)
        with pytest.raises(KeyboardInterrupt):
            run_study(study, out=tmp_path / "out")
    with pytest.MonkeyPatch.context() as patch:
        rest = Counting(patch)
        found = rows(run_study(study, out=tmp_path / "out"))
    assert found == expected
    assert whole.count <= killed.count + rest.count < whole.count + 2  # but for the layer that was at work
    with pytest.MonkeyPatch.context() as patch:
        again = Counting(patch)
        run_study(study, out=tmp_path / "out")
    assert again.count == 0


def test_energy_that_no_assignment_reaches_is_said_and_skipped(write_study, tmp_path: Path) -> None:
    said: list[str] = []

    class Listening(SilentProgress):
        def message(self, text: str) -> None:
            said.append(text)

    settings = BASELINES | {"energies": [0.05], "methods": ["random", "nsga2"], "remap_weights": False}
    run = run_study(write_study(ALONE | {"baselines": settings}), out=tmp_path / "out", progress=Listening())
    assert rows(run) == []
    assert "baselines, random: no assignment of at most 0.05 of the energy was found" in said
    assert "baselines, nsga2: no assignment of at most 0.05 of the energy was found" in said


@pytest.mark.parametrize(
    "settings",
    [
        {"max_distinct": 1, "methods": ["nsga2", "random"]},
        {"exclude": ["mul8u_operand*"], "methods": ["random"]},
    ],
)
def test_circuits_are_those_allowed(write_study, tmp_path: Path, settings: dict[str, Any]) -> None:
    changes = {"baselines": BASELINES | {"energies": [0.9]} | settings, "match.fold_mean": "none"}
    run = run_study(write_study(ALONE | changes), out=tmp_path / "out")
    for row in rows(run):
        assert row["distinct_multipliers"] == "1" or "max_distinct" not in settings
        entries = json.loads((run / "assignment.json").read_text())["trials"][row["trial"]]["layers"].values()
        assert "mul8u_operand_truncation_a2b2" not in {e["multiplier"] for e in entries} or "exclude" not in settings
    assert len(rows(run)) == len(settings["methods"])


def test_exact_circuits_alone_make_a_narrow_network(write_study, tmp_path: Path) -> None:
    changes = {
        "library.include": ["mul8u_array", "mul6u_array"],
        "baselines": BASELINES | {"energies": [0.7], "methods": ["random"]},
    }
    (row,) = rows(run_study(write_study(ALONE | changes), out=tmp_path / "out"))
    assert (row["kind"], row["method"]) == ("narrow", "random")


def test_proposals_of_another_error_model_have_another_address(write_study, tmp_path: Path) -> None:
    """They are found, and recorded, with predicted errors."""

    def compared(**match: Any) -> set[str]:
        settings = BASELINES | {"energies": [0.7], "methods": ["random"], "verify": 1}
        changes = {"baselines": settings, **{f"match.{name}": value for name, value in match.items()}}
        run = run_study(write_study(ALONE | changes), out=tmp_path / f"out{len(match)}")
        return {trial.digest for trial in trials(run, "baseline")}

    assert compared().isdisjoint(compared(pairing="random"))


def test_mistakes_are_named(write_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"baselines\.exclude.*mul8x"):
        run_study(write_study(ALONE | {"baselines": BASELINES | {"exclude": ["mul8x"]}}), out=tmp_path / "a")
    with pytest.raises(ConfigError, match=r"baselines\.exclude: \['\*'\] leaves no circuit"):
        run_study(write_study(ALONE | {"baselines": BASELINES | {"exclude": ["*"]}}), out=tmp_path / "b")

    def missing() -> None:
        raise MissingDependency("pymoo")

    monkeypatch.setattr(stage, "check_available", missing)
    with pytest.raises(MissingDependency):
        run_study(write_study(ALONE | {"baselines": BASELINES}), out=tmp_path / "c")
    run_study(write_study(ALONE | {"baselines": BASELINES | {"methods": ["random"]}}), out=tmp_path / "d")
