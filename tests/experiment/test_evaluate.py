"""`agnsim evaluate` recomputes every trial exactly, and tells where the record, the circuits or the images changed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import agnsim.experiment.prepare as prepare_module
from agnsim.errors import CheckpointError, LibraryError, RunFolderError
from agnsim.experiment import evaluate_trial, run_study
from agnsim.multipliers import load_library, write_library
from agnsim.multipliers.multiplier import Multiplier

TRIALS = range(12)


def record_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "record.json").read_text())


@pytest.mark.parametrize("index", TRIALS)
def test_every_trial_is_reproduced_exactly(tiny_run, index):
    trial = record_of(tiny_run)["trials"][index]
    found = evaluate_trial(tiny_run, trial["trial"])
    assert (found["match"], found["exact"]) == (True, True)
    assert (found["trial"], found["total"]) == (trial["trial"], 120)
    assert found["accuracy_top1"] == found["recorded"] == trial["accuracy_top1"] == 100 * found["correct"] / 120
    assert found["selection"]["accuracy_top1"] == trial["accuracy_selection"]
    assert found["selection"]["total"] == 80
    assert found["all"]["accuracy_top1"] == trial["accuracy_top1_all"]


def test_trials_are_all_covered(tiny_run):
    assert len(record_of(tiny_run)["trials"]) == len(TRIALS)


def test_headline_is_evaluated_by_default_and_nothing_is_written(own_run, agnsim_command):
    before = {path: path.stat().st_mtime_ns for path in own_run.rglob("*")}
    result = agnsim_command("evaluate", own_run, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["trial"] == record_of(own_run)["headline"]
    assert {path: path.stat().st_mtime_ns for path in own_run.rglob("*")} == before


def test_float_network_is_evaluated_where_there_is_no_headline(write_study, tmp_path):
    changes = {"narrow": None, "uniform": None, "search": None, "retrain": None}
    run = run_study(write_study(changes), out=tmp_path / "out")
    assert record_of(run)["headline"] is None
    assert evaluate_trial(run)["trial"] == record_of(run)["trials"][0]["trial"]


def test_weights_file_is_not_needed_again(tiny_run, write_study, tmp_path):
    from agnsim.models import build_model, save_weights

    save_weights(build_model("resnet8", in_channels=1, width=4), tmp_path / "w.safetensors")
    changes = {"narrow": None, "uniform": None, "search": None, "retrain": None, "train": None}
    run = run_study(write_study(changes | {"model.weights": str(tmp_path / "w.safetensors")}), out=tmp_path / "out")
    (tmp_path / "w.safetensors").unlink()
    assert evaluate_trial(run)["exact"]


def _alter_trial(run: Path, trial: str) -> None:
    path = run / "trials" / f"{trial}.json"
    content = json.loads(path.read_text())
    part = content["outcome"]["evaluation"]["report"]
    part["correct"] += 6
    part["top1"] = 100 * part["correct"] / part["total"]
    path.write_text(json.dumps(content))


def _alter_record(run: Path, trial: str) -> None:
    record = record_of(run)
    next(row for row in record["trials"] if row["trial"] == trial)["accuracy_top1"] += 5
    (run / "record.json").write_text(json.dumps(record))


def _alter_results(run: Path, trial: str) -> None:
    lines = (run / "results.csv").read_text().splitlines()
    column = lines[0].split(",").index("accuracy_top1")
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] == trial:
            cells[column] = "99.5"
            lines[number] = ",".join(cells)
    (run / "results.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(_alter_trial, id="trial file"),
        pytest.param(_alter_record, id="record.json"),
        pytest.param(_alter_results, id="results.csv"),
    ],
)
def test_altered_accuracy_is_exit_1(own_run, agnsim_command, alter):
    trial = record_of(own_run)["headline"]
    alter(own_run, trial)
    result = agnsim_command("evaluate", own_run, "--trial", trial, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["match"] is False


def test_altered_definition_is_refused(own_run):
    trial = record_of(own_run)["headline"]
    path = own_run / "trials" / f"{trial}.json"
    content = json.loads(path.read_text())
    content["key"]["seed"] = 7
    path.write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match="its content does not match its address"):
        evaluate_trial(own_run, trial)


def test_other_images_are_refused_by_their_digest(tiny_run, monkeypatch):
    original = prepare_module.load_dataset

    def load_other(*arguments: Any, **options: Any) -> Any:
        source = original(*arguments, **options)
        images = np.array(source.test_images)
        images[0, 0, 0, 0] += 0.5
        return replace(source, test_images=images)

    monkeypatch.setattr(prepare_module, "load_dataset", load_other)
    with pytest.raises(RunFolderError, match=r"recorded on other images \(data digest .*\)\. Point AGNSIM_DATA at"):
        evaluate_trial(tiny_run)


def test_unknown_trial_lists_those_there_are(tiny_run):
    with pytest.raises(RunFolderError, match=r"no trial 'ffffff'\. Known: [0-9a-f]{12}, "):
        evaluate_trial(tiny_run, "ffffff")


def test_search_has_no_accuracy_to_recompute(tiny_run):
    listed = {trial["trial"] for trial in record_of(tiny_run)["trials"]}
    search = next(path.stem for path in (tiny_run / "trials").glob("*.json") if path.stem not in listed)
    with pytest.raises(RunFolderError, match=r"\(search\) has no accuracy to recompute"):
        evaluate_trial(tiny_run, search)


def test_unfinished_run_needs_the_trial_named(own_run):
    trial = record_of(own_run)["trials"][0]["trial"]
    (own_run / "record.json").unlink()
    with pytest.raises(RunFolderError, match=r"record\.json: no such file; is this a finished run folder"):
        evaluate_trial(own_run)
    assert evaluate_trial(own_run, trial)["exact"]


@pytest.fixture
def own_library(tmp_path: Path) -> Path:
    circuits = load_library("builtin").select(["mul8u_array", "mul8u_column_truncation_k7"]).values()
    write_library(tmp_path / "circuits", "circuits", circuits, description="Two circuits.", flow="unit")
    return tmp_path / "circuits"


@pytest.fixture
def library_run(own_library: Path, write_study, tmp_path: Path) -> Path:
    changes = {"narrow": None, "search": None, "retrain": None, "uniform": {}}
    library = {"name": str(own_library), "include": ["*"]}
    return run_study(write_study(changes | {"library": library}), out=tmp_path / "out")


def _uniform(run: Path) -> str:
    return next(row["trial"] for row in record_of(run)["trials"] if row["multiplier"] == "mul8u_column_truncation_k7")


def test_circuit_swapped_for_another_of_its_name_is_refused(library_run, own_library):
    array, truncated = (load_library(own_library)[n] for n in ("mul8u_array", "mul8u_column_truncation_k7"))
    table = np.array(truncated.table)
    table[3, 5] += 1
    other = Multiplier.from_table(truncated.name, table, signed_a=False, signed_b=False, cost=truncated.cost)
    write_library(own_library, "circuits", [array, other], description="Two circuits.", flow="unit")
    with pytest.raises(LibraryError, match="the names agree, the circuits do not"):
        evaluate_trial(library_run, _uniform(library_run))


def test_library_that_lies_is_refused(library_run, own_library):
    card = own_library / "column_truncation" / "mul8u_column_truncation_k7.json"
    card.write_text(card.read_text().replace('"wce": ', '"wce": 1'))
    with pytest.raises(LibraryError, match=r"mul8u_column_truncation_k7\.json: errors\.wce: stated 1"):
        evaluate_trial(library_run, _uniform(library_run))


def test_network_described_with_another_table_is_refused(library_run):
    trial = _uniform(library_run)
    path = library_run / "trials" / f"{trial}.json"
    content = json.loads(path.read_text())
    layer = content["outcome"]["network"]["layers"]["conv1"]["arithmetic"]
    layer["effective_digest"] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="layer 'conv1': described with table 0000"):
        evaluate_trial(library_run, trial)
