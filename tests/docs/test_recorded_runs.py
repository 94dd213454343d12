"""The runs committed beside their studies: complete, small, and what the README claims of them."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agnsim.experiment.config import load_study
from agnsim.experiment.run_folder import read_study
from agnsim.experiment.store import TrialStore, read_json

ROOT = Path(__file__).resolve().parents[2]
RUNS = sorted(path.parent for path in (ROOT / "experiments").rglob("record.json"))
MEBIBYTE = 2**20
EVALUATED = {"float", "quantized"}  # beside the headline: the slow tier recomputes these too


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=RUNS, ids=lambda run: run.name)
def run(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def test_there_is_one() -> None:
    assert RUNS


def test_it_is_of_the_study_beside_it(run: Path) -> None:
    assert read_study(run) == load_study(run.parent / f"{run.name}.yaml")


def test_checkpoints_are_small(run: Path) -> None:
    sizes = [path.stat().st_size for path in (run / "checkpoints").iterdir()]
    assert max(sizes) <= 2 * MEBIBYTE
    assert sum(sizes) <= 40 * MEBIBYTE


def test_every_row_has_its_trial_and_checkpoint(run: Path) -> None:
    store = TrialStore(run)
    for row in rows(run):
        trial = store.find(row["digest"])
        assert trial.outcome["evaluation"]["report"]["top1"] == float(row["accuracy_top1"])
        assert (run / row["checkpoint"]).is_file()
        assert store.load_state(trial.digest)


def test_record_and_results_agree(run: Path) -> None:
    record = read_json(run / "record.json")
    assert [trial["trial"] for trial in record["trials"]] == [row["trial"] for row in rows(run)]
    assert record["headline"] in {row["trial"] for row in rows(run)}
    assert json.loads((run / "assignment.json").read_text())["trial"] == record["headline"]


CLAIM = re.compile(r"^\| `(?P<trial>[0-9a-f]{12})` \|.*$", re.MULTILINE)


def test_readme_states_what_is_recorded() -> None:
    recorded = {row["trial"]: row for run in RUNS for row in rows(run)}
    claims = list(CLAIM.finditer((ROOT / "README.md").read_text()))
    assert claims, "the README's first screen shows recorded trials, one a table row that begins with its id"
    for claim in claims:
        row = recorded[claim["trial"]]
        cells = [cell.strip() for cell in claim.group().strip("|").split("|")]
        energy = float(row["multiplier_energy"] or "nan")
        expected = [f"{float(row['accuracy_top1']):.2f}", f"{float(row['accuracy_top1_all']):.2f}"]
        expected.append("" if row["kind"] == "float" else f"{100 * (1 - energy):.1f} %")
        assert cells[2:5] == expected, f"README, trial {claim['trial']}"


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("AGNSIM_DATA"), reason="AGNSIM_DATA is not set: no CIFAR-10 to evaluate on")
def test_evaluate_reproduces_headline_and_baselines(run: Path) -> None:
    wanted = [read_json(run / "record.json")["headline"]]
    wanted += [row["trial"] for row in rows(run) if row["kind"] in EVALUATED]
    for trial in wanted:
        command = [sys.executable, "-c", "from agnsim.cli import main; main()", "evaluate", str(run), "--trial", trial]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["match"]
