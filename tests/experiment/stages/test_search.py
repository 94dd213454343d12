"""The search stage: what a search's trial records and keeps, and that a killed search goes on where it was."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from agnsim.experiment import run_study
from agnsim.experiment.prepare import prepare_evaluation
from agnsim.experiment.run_folder import read_study
from agnsim.experiment.store import Trial, TrialStore
from agnsim.experiment.train import selection_accuracy
from agnsim.progress import SilentProgress, Task

ALONE = {"narrow": None, "uniform": None, "retrain": None, "search.noise_weights": [0.5], "match.ranges": "calibrated"}


def trials(run: Path, kind: str) -> list[Trial]:
    store = TrialStore(run)
    found = [store.find(path.stem) for path in sorted(store.trials.glob("*.json"))]
    return [trial for trial in found if trial.key["kind"] == kind]


def without_time(outcome: dict[str, Any]) -> dict[str, Any]:
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in outcome["history"]]
    return outcome | {"history": history, "seconds": 0}


def test_default_keys_are_no_part_of_the_address(tiny_run: Path) -> None:
    for trial in trials(tiny_run, "search"):
        assert trial.key["settings"].keys() == {"noise_weight", "sigma_max", "sigma_init", "sigma_lr", "training"}
        assert "channel_sigma" not in trial.outcome


def test_searched_weights_are_judged_on_the_selection_images_in_exact_arithmetic(tiny_run: Path) -> None:
    context = prepare_evaluation(read_study(tiny_run), TrialStore(tiny_run), SilentProgress())
    for trial in trials(tiny_run, "search"):
        assert trial.outcome["selection"] == selection_accuracy(context, context.restore(trial))


def test_searches_of_earlier_versions_are_recorded_without_that(own_run: Path) -> None:
    for trial in trials(own_run, "search"):
        path = own_run / "trials" / f"{trial.id}.json"
        content = json.loads(path.read_text())
        del content["outcome"]["selection"]
        path.write_text(json.dumps(content))
    run_study(own_run / "config.yaml", out=own_run)
    searches = json.loads((own_run / "record.json").read_text())["searches"]
    assert [search.keys() for search in searches] == [{"noise_weight", "sigma_max", "sigma", "history"}] * 2


def test_kept_weights_are_those_before_the_search(write_study, tmp_path: Path) -> None:
    runs = {
        weights: run_study(write_study(ALONE | {"search.weights": weights}), out=tmp_path / weights)
        for weights in ("trained", "kept")
    }
    found = {weights: trials(run, "search")[0] for weights, run in runs.items()}
    assert found["kept"].digest != found["trained"].digest
    assert found["kept"].outcome["sigma"] == found["trained"].outcome["sigma"]
    assert found["kept"].outcome["selection"] == found["trained"].outcome["selection"]
    for weights, run in runs.items():
        store = TrialStore(run)
        before = store.load_state(trials(run, "quantized")[0].digest)
        assert _same(before, store.load_state(found[weights].digest)) == (weights == "kept")
        assigned = trials(run, "heterogeneous")[0]
        assert assigned.key["parents"] == [found[weights].digest]
        assert _same(before, store.load_state(assigned.digest)) == (weights == "kept")


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Return whether all that both hold is equal (a circuit's digest is new)."""
    return all(torch.equal(a[name], b[name]) for name in a.keys() & b.keys())


def test_search_per_channel_records_every_channel(write_study, tmp_path: Path) -> None:
    changes = {"search.per_channel": True, "search.std_smoothing": 0.9}
    run = run_study(write_study(ALONE | changes), out=tmp_path / "out")
    (trial,) = trials(run, "search")
    assert trial.key["settings"].items() >= {"per_channel": True, "std_smoothing": 0.9}.items()
    shapes = {name: len(state) for name, state in trial.outcome["channel_sigma"].items()}
    weights = TrialStore(run).load_state(trial.digest)
    assert shapes == {name: len(weights[f"{name}.weight"]) for name in trial.outcome["sigma"]}
    values = [value for layer in trial.outcome["channel_sigma"].values() for value in layer]
    assert all(value == float(f"{value:.6g}") for value in values)
    assert len(set(values)) > len(shapes)


class Killed(BaseException):
    """Stands for the end of the process."""


class KillingProgress(SilentProgress):
    """Ends the process after so many steps of a search."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def track(self, total: int | None, description: str) -> Task:
        killing = self

        class _Task(type(super().track(total, description))):  # type: ignore[misc]
            def advance(self, n: int = 1, **metrics: float) -> None:
                killing.steps -= n if description.startswith("noise search") else 0
                if killing.steps < 0:
                    raise Killed

        return _Task()


@pytest.mark.parametrize("per_channel", [False, True], ids=["per layer", "per channel"])
def test_killed_search_goes_on_bit_for_bit(write_study, tmp_path: Path, per_channel: bool) -> None:
    smoothed = {"search.per_channel": True, "search.std_smoothing": 0.9} if per_channel else {}
    study = write_study(ALONE | smoothed | {"search.training.epochs": 3})
    whole = run_study(study, out=tmp_path / "whole")
    with pytest.raises(Killed):
        run_study(study, out=tmp_path / "killed", progress=KillingProgress(11))  # 8 steps make an epoch
    assert len(list((tmp_path / "killed" / "checkpoints").glob("*.unfinished.safetensors"))) == 1
    resumed = run_study(study, out=tmp_path / "killed")
    (expected,), (found,) = trials(whole, "search"), trials(resumed, "search")
    assert without_time(found.outcome) == without_time(expected.outcome)
    assert [row["epoch"] for row in found.outcome["history"]] == [1, 2, 3]
    states = [TrialStore(run).load_state(found.digest) for run in (whole, resumed)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not list(resumed.rglob("*.unfinished*"))
