"""`agnsim run`: every file of the run folder, the same figures from the same seeds, and resumption after a kill."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from agnsim.experiment import STAGES, run_study
from agnsim.experiment.results import COLUMNS, KINDS
from agnsim.experiment.store import TrialStore
from agnsim.multipliers import energy_ratio, load_library
from agnsim.progress import SilentProgress, Task


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def figures(run: Path) -> list[dict[str, str]]:
    """Return the results without what may differ between two runs of one study."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows_of(run)]


def record_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "record.json").read_text())


def test_run_folder_has_every_file(tiny_run):
    assert {path.name for path in tiny_run.iterdir()} == {
        "config.yaml",
        "record.json",
        "results.csv",
        "assignment.json",
        "trials",
        "checkpoints",
    }
    assert not list(tiny_run.rglob("*.tmp"))
    assert not list(tiny_run.rglob("*.unfinished*"))
    rows = rows_of(tiny_run)
    assert all((tiny_run / row["checkpoint"]).is_file() for row in rows)
    assert all((tiny_run / "trials" / f"{row['trial']}.json").is_file() for row in rows)


def test_every_kind_of_trial_is_there(tiny_run):
    found = [(row["kind"], row["method"], row["retrained"]) for row in rows_of(tiny_run)]
    assert found == [
        ("float", "trained", "False"),
        ("quantized", "post-training", "False"),
        ("narrow", "post-training", "False"),
        ("narrow", "quantisation-aware", "True"),
        ("uniform", "uniform", "False"),
        ("uniform", "uniform", "False"),
        ("uniform", "uniform", "True"),
        ("uniform", "uniform", "False"),
        ("heterogeneous", "noise search", "False"),
        ("heterogeneous", "noise search", "False"),
        ("heterogeneous", "noise search", "True"),
        ("heterogeneous", "noise search", "True"),
    ]
    assert {kind for kind, _, _ in found} == set(KINDS)


def test_energies_are_ratios_to_the_reference(tiny_run):
    library = load_library("builtin")
    reference = library["mul8u_array"]
    rows = rows_of(tiny_run)
    energies = {(row["kind"], row["multiplier"]): row["multiplier_energy"] for row in rows}
    assert energies["float", ""] == ""
    assert float(energies["quantized", "exact"]) == 1.0
    narrow = pytest.approx(energy_ratio(library["mul5x4u_array"], reference), rel=1e-12)
    assert float(energies["narrow", "exact a5w4"]) == narrow
    for row in rows:
        if row["kind"] == "uniform":
            assert float(row["multiplier_energy"]) == pytest.approx(energy_ratio(library[row["multiplier"]], reference))
    assert all(0 < float(row["multiplier_energy"]) <= 1 for row in rows if row["kind"] == "heterogeneous")
    assert [row["bits_a"] + row["bits_b"] for row in rows if row["kind"] == "narrow"] == ["54", "54"]


def test_exact_circuit_everywhere_changes_nothing(tiny_run):
    rows = {(row["kind"], row["multiplier"]): row for row in rows_of(tiny_run)}
    quantized, uniform = rows["quantized", "exact"], rows["uniform", "mul8u_array"]
    assert uniform["accuracy_top1"] == quantized["accuracy_top1"]
    assert uniform["accuracy_selection"] == quantized["accuracy_selection"]


def test_what_cannot_be_computed_is_empty(tiny_run):
    rows = rows_of(tiny_run)
    assert all(row[name] == "" for row in rows for name in ("on_chip_energy", "system_energy"))
    assert [row["kind"] for row in rows if row["pe_energy"] == ""] == ["float"]
    assert [rows[0][name] for name in ("accuracy_drop_pp", "drop_low_pp", "drop_high_pp")] == ["", "", ""]


def test_drop_is_float_minus_this_within_its_interval(tiny_run):
    rows = rows_of(tiny_run)
    for row in rows[1:]:
        drop = float(row["accuracy_drop_pp"])
        assert drop == pytest.approx(float(rows[0]["accuracy_top1"]) - float(row["accuracy_top1"]))
        assert float(row["drop_low_pp"]) < drop < float(row["drop_high_pp"])


def test_record_and_results_state_the_same(tiny_run):
    record = record_of(tiny_run)
    assert [row["trial"] for row in rows_of(tiny_run)] == [trial["trial"] for trial in record["trials"]]
    for row, trial in zip(rows_of(tiny_run), record["trials"], strict=True):
        assert row == {name: "" if trial[name] is None else str(trial[name]) for name in COLUMNS}


def test_record_says_what_was_run_and_where(tiny_run):
    record = record_of(tiny_run)
    assert record["study"]["config"] == yaml.safe_load((tiny_run / "config.yaml").read_text())
    assert record["study"]["command"].startswith("agnsim run ")
    assert record["environment"]["started"] <= record["environment"]["finished"]
    assert record["seeds"] == {"seed": 0}
    assert (record["data"]["train"], record["data"]["selection"], record["data"]["report"]) == (320, 80, 120)
    assert [timing["stage"] for timing in record["timings"]] == [stage.name for stage in STAGES]
    assert not any(timing["cached"] for timing in record["timings"])
    assert [circuit["name"] for circuit in record["library"]["circuits"]] == [
        "mul8u_array",
        "mul8u_column_truncation_k7",
        "mul8u_operand_truncation_a2b2",
    ]
    assert len(record["searches"]) == 2
    assert {row["layer"] for row in record["predictions"]} == {layer["name"] for layer in record["layers"]}


def test_report_can_be_written_of_the_record(tiny_run):
    from agnsim.report.page import load_record

    assert load_record(tiny_run).headline_trial is not None


def test_assignment_file_is_the_headlines(tiny_run):
    record, assignment = record_of(tiny_run), json.loads((tiny_run / "assignment.json").read_text())
    heterogeneous = {trial["trial"]: trial for trial in record["trials"] if trial["kind"] == "heterogeneous"}
    assert assignment["trial"] == record["headline"]
    assert record["headline"] in heterogeneous
    assert assignment["layers"] == assignment["trials"][record["headline"]]["layers"]
    for trial, found in heterogeneous.items():
        stated = assignment["trials"][trial]["layers"]
        assert list(stated) == [layer["layer"] for layer in found["layers"]]
        for layer in found["layers"]:
            for name in ("multiplier", "digest", "swapped", "encoding_a", "encoding_w"):
                assert stated[layer["layer"]][name] == layer[name]


def test_assigned_circuits_are_the_librarys(tiny_run):
    library = load_library("builtin")
    for trial in json.loads((tiny_run / "assignment.json").read_text())["trials"].values():
        for layer in trial["layers"].values():
            assert library[layer["multiplier"]].digest == layer["digest"]


def test_run_again_makes_nothing_and_states_the_same(own_run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in own_run.rglob("*.json") if path.parent.name == "trials"}
    record, results = record_of(own_run), (own_run / "results.csv").read_bytes()
    run_study(own_run / "config.yaml", out=own_run)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (own_run / "results.csv").read_bytes() == results
    assert record_of(own_run) == record


def test_lost_trial_is_made_again_as_it_was(own_run):
    wanted = figures(own_run)
    lost = next(row["trial"] for row in wanted if row["kind"] == "heterogeneous" and row["retrained"] == "True")
    (own_run / "trials" / f"{lost}.json").unlink()
    run_study(own_run / "config.yaml", out=own_run)
    assert figures(own_run) == wanted
    assert {t["stage"]: t["cached"] for t in record_of(own_run)["timings"]} == {
        stage.name: stage.name not in ("retrain", "baselines") for stage in STAGES
    }


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_run_resumes_and_ends_as_an_uninterrupted_one(tiny_run, write_study, tmp_path):
    study, out = write_study(), tmp_path / "out"
    command = [sys.executable, "-c", "from agnsim.cli import main; main()", "run", str(study), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while process.poll() is None and len(list((out / "trials").glob("*.json"))) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = {path: path.stat().st_mtime_ns for path in (out / "trials").glob("*.json")}
    assert len(finished) >= 3
    assert not (out / "record.json").exists()
    run_study(study, out=out)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert figures(out) == figures(tiny_run)


class Killed(BaseException):
    """Stands for the end of the process."""


class KillingProgress(SilentProgress):
    """Ends the process after so many training steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def track(self, total: int | None, description: str) -> Task:
        killing = self

        class _Task(type(super().track(total, description))):  # type: ignore[misc]
            def advance(self, n: int = 1, **metrics: float) -> None:
                killing.steps -= n if description.startswith("training") else 0
                if killing.steps < 0:
                    raise Killed

        return _Task()


def test_training_killed_between_two_epochs_goes_on_bit_for_bit(write_study, tmp_path):
    study = write_study({"train.epochs": 3, "narrow": None, "uniform": None, "search": None, "retrain": None})
    whole = run_study(study, out=tmp_path / "whole")
    with pytest.raises(Killed):
        run_study(study, out=tmp_path / "killed", progress=KillingProgress(18))  # 8 steps make an epoch
    assert len(list((tmp_path / "killed" / "checkpoints").glob("*.unfinished.safetensors"))) == 1
    resumed = run_study(study, out=tmp_path / "killed")
    assert figures(resumed) == figures(whole)
    assert not list(resumed.rglob("*.unfinished*"))
    checkpoint = rows_of(whole)[0]["checkpoint"]
    assert (resumed / checkpoint).read_bytes() == (whole / checkpoint).read_bytes()
    assert [row["epoch"] for row in record_of(resumed)["trials"][0]["history"]] == [1, 2, 3]


def test_another_seed_is_another_study(write_study, tmp_path):
    changes = {"narrow": None, "uniform": None, "search": None, "retrain": None}
    runs = [
        figures(run_study(write_study(changes | {"seed": seed}), out=tmp_path / str(seed), progress=SilentProgress()))
        for seed in (1, 2)
    ]
    assert {row["digest"] for row in runs[0]}.isdisjoint(row["digest"] for row in runs[1])
    assert runs[0][0]["accuracy_top1"] != runs[1][0]["accuracy_top1"]


def test_two_tolerances_of_one_assignment_are_one_trial(write_study, tmp_path):
    from agnsim.report.page import load_record

    study = write_study(
        {
            "narrow": None,
            "uniform": None,
            "search.noise_weights": [0.1],
            "match.tolerance_scales": [1.0, 1.0000001],
            "match.measure": False,
        }
    )
    run = run_study(study, out=tmp_path / "out")
    assert [row["kind"] for row in rows_of(run)] == ["float", "quantized", "heterogeneous", "heterogeneous"]
    assert [row["retrained"] for row in rows_of(run)[2:]] == ["False", "True"]
    load_record(run)


def test_layers_set_aside_stay_exact_and_count_in_full(write_study, tmp_path):
    study = write_study(
        {
            "quantization.first_layer": "exact",
            "quantization.last_layer": "float",
            "quantization.exclude": ["layer2.0.conv1"],
            "search.noise_weights": [0.5],
            "uniform": {"include": ["*_k7"]},
            "retrain": None,
        }
    )
    run = run_study(study, out=tmp_path / "out")
    record = record_of(run)
    excluded = {layer["name"] for layer in record["layers"] if layer["excluded"]}
    assert excluded == {"conv1", "linear", "layer2.0.conv1"}
    assert set(json.loads((run / "assignment.json").read_text())["layers"]).isdisjoint(excluded)
    library, share = load_library("builtin"), 0.0
    for layer in record["layers"]:
        share += layer["macs"] * (layer["name"] not in excluded) / record["model"]["macs"]
    for row in rows_of(run):
        name = {"narrow": "mul5x4u_array", "uniform": row["multiplier"]}.get(row["kind"])
        if name:
            ratio = energy_ratio(library[name], library["mul8u_array"])
            assert float(row["multiplier_energy"]) == pytest.approx(1 - share + share * ratio)


def test_signed_circuits_get_symmetric_activations(write_study, tmp_path):
    study = write_study(
        {
            "library.include": ["mul8s_array", "mul6s_array"],
            "reference_multiplier": "mul8s_array",
            "narrow": None,
            "uniform": {},
            "search.noise_weights": [0.3],
            "retrain": None,
        }
    )
    run = run_study(study, out=tmp_path / "out")
    rows = {row["multiplier"]: row for row in rows_of(run)}
    assert rows["mul8s_array"]["accuracy_top1"] == rows["exact"]["accuracy_top1"]
    assert (rows["mul6s_array"]["bits_a"], rows["mul6s_array"]["bits_b"]) == ("6", "6")


def test_default_folder_is_named_by_the_study(write_study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = write_study({"narrow": None, "uniform": None, "search": None, "retrain": None})
    assert run_study(study, overrides=["name=other"]) == Path("runs/other")
    assert record_of(Path("runs/other"))["study"]["command"] == f"agnsim run {study} --set name=other"


def test_circuits_kept_out_of_the_matching_are_evaluated_uniformly_only(write_study, tmp_path):
    study = write_study(
        {
            "narrow": None,
            "uniform": {"include": ["*_k7"]},
            "search.noise_weights": [1.0],
            "match.exclude": ["*_k7"],
            "match.fold_mean": "none",
            "match.tolerance_scales": [50.0],
            "retrain": None,
        }
    )
    run = run_study(study, out=tmp_path / "out")
    found = {row["kind"]: row for row in rows_of(run)}
    assert found["uniform"]["multiplier"].endswith("_k7")
    matched = TrialStore(run).find(found["heterogeneous"]["trial"])
    circuits = {layer["multiplier"] for layer in matched.outcome["layers"]}
    assert circuits
    assert not any(name.endswith("_k7") for name in circuits)
    state = TrialStore(run).load_state(matched.digest)
    corrections = [tensor for name, tensor in state.items() if name.endswith("mean_correction")]
    assert corrections
    assert not any(tensor.any() for tensor in corrections)
