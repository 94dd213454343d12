"""The wheel holds agnsim and its data and nothing else, and works from an empty folder."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, cwd=folder)
    [path] = folder.glob("agnsim-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed") / "site"
    subprocess.run([*PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True)
    return target


def run_installed(target: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command line; the environment gives its dependencies, `target` shadows its own agnsim."""
    environment = {**os.environ, "PYTHONPATH": str(target)}
    code = "from agnsim.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def data_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_top_level_is_agnsim_and_its_metadata(wheel: Path) -> None:
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    version = wheel.name.split("-")[1]
    assert top == {"agnsim", f"agnsim-{version}.dist-info"}


@pytest.mark.parametrize("name", ["multipliers", "kernels"])
def test_data_folder_is_complete(installed: Path, name: str) -> None:
    assert data_files(ROOT / name) == data_files(installed / "agnsim" / "_bundled_data" / name)
    assert (ROOT / name / "README.md").is_file()


def test_installed_package_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    code = "import agnsim; print(agnsim.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_library_is_read_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    listed = run_installed(installed, tmp_path, "multipliers", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)) >= 30
    verified = run_installed(installed, tmp_path, "multipliers", "verify", "--json")
    assert verified.returncode == 0, verified.stderr
    assert data_files(tmp_path) == set()


def test_doctor_finds_the_bundled_folder(installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, tmp_path, "doctor", "--json")
    folder = json.loads(done.stdout)["installation"]["multipliers"]
    assert Path(folder) == installed / "agnsim" / "_bundled_data" / "multipliers"


def test_starter_study_runs_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert run_installed(installed, tmp_path, "init").returncode == 0
    quick = ["train.epochs=1", "search.noise_weights=[0.2]", "search.training.epochs=1", "retrain.max_steps=2"]
    options = [option for setting in quick for option in ("--set", setting)]
    done = run_installed(installed, tmp_path, "run", "study.yaml", "--out", "run", *options)
    assert done.returncode == 0, done.stderr
    assert {"config.yaml", "record.json", "results.csv", "report.html", "assignment.json"} <= data_files(
        tmp_path / "run"
    )
