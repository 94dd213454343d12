"""What all tests share: one thread per process, and one tiny finished run per session."""

import copy
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start, too

import pytest
import torch
import yaml
from typer.testing import CliRunner, Result

torch.set_num_threads(1)  # small tensors: several threads only contend, and tests take five times as long

TINY = {
    "name": "tiny",
    "claim": "Every stage of a study runs.",
    "model": {"name": "resnet8", "options": {"width": 4}},
    "data": {
        "name": "digits",
        "options": {"train_limit": 400, "test_limit": 120},
        "validation": 80,
        "calibration": 64,
        "batch_size": 40,
    },
    "library": {"include": ["mul8u_array", "mul8u_operand_truncation_a2b2", "mul8u_column_truncation_k7"]},
    "reference_multiplier": "mul8u_array",
    "train": {"epochs": 1, "lr": 0.05},
    "narrow": {"widths": ["a5w4"], "retrain": {"epochs": 1, "lr": 0.01}},
    "uniform": {"retrain": {"epochs": 1, "lr": 0.01}, "retrain_include": ["*_k7"]},
    "search": {"noise_weights": [0.1, 0.5], "training": {"epochs": 1, "lr": 0.01}},
    "match": {"rows": 64},
    "retrain": {"epochs": 1, "lr": 0.005},
}


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    """Write the tiny study with some keys changed, `write_study({"train.epochs": 2, "narrow": None})`."""

    def write(changes: dict[str, Any] | None = None, name: str = "study.yaml") -> Path:
        study: dict[str, Any] = copy.deepcopy(TINY)
        for key, value in (changes or {}).items():
            *parents, last = key.split(".")
            target = study
            for parent in parents:
                target = target.setdefault(parent, {})
            if value is None:
                target.pop(last, None)
            else:
                target[last] = value
        path = tmp_path / name
        path.write_text(yaml.safe_dump(study, sort_keys=False))
        return path

    return write


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run folder of the tiny study, finished. Tests that change it take a copy: `own_run`."""
    from agnsim.experiment import run_study

    folder = tmp_path_factory.mktemp("tiny")
    study = folder / "study.yaml"
    study.write_text(yaml.safe_dump(TINY, sort_keys=False))
    return run_study(study, out=folder / "run")


@pytest.fixture
def own_run(tiny_run: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished run that a test may spoil."""
    return Path(shutil.copytree(tiny_run, tmp_path / "own_run"))


@pytest.fixture
def agnsim_command() -> Callable[..., Result]:
    """Run the command line in this process, `agnsim_command("run", path)`."""
    from agnsim.cli import app

    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def mistake(agnsim_command: Callable[..., Result]) -> Callable[..., str]:
    """Run a command that is refused; return its message, having checked that it is one and nothing else is printed."""

    def run(*arguments: object) -> str:
        result = agnsim_command(*arguments)
        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert result.stdout == ""
        progress, *messages = re.split("^error: ", result.stderr, flags=re.MULTILINE)
        assert len(messages) == 1
        assert all(line.startswith("verifying ") for line in progress.splitlines())
        assert "Traceback" not in result.stderr
        return messages[0].rstrip("\n")

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's working folder, without a data root."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("AGNSIM_DATA", raising=False)
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def refused(home: Path, write_study, mistake) -> Callable[..., str]:
    """Run the tiny study with some keys changed; return the message it is refused with."""

    def run(changes: dict[str, Any] | None = None, *arguments: str) -> str:
        study, out = write_study(changes), home.parent / "out"
        message = mistake("run", study, "--out", out, *arguments)
        assert not out.exists()
        assert not (home / "runs").exists()
        return message

    return run
