"""The command line: a user's mistake is one message and exit code 2, `--json` is one document."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import agnsim
from agnsim.cli import app

COMMANDS = ["run", "evaluate", "report", "status", "trace", "list", "doctor", "bench", "init", "multipliers"]
KINDS = ["models", "datasets", "engines", "encodings", "families", "lr_schedules"]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def only_message(result: Result) -> str:
    """Return what a mistake printed, having checked that it is a message and nothing else."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_help_names_every_command() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")


def test_version() -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout == f"agnsim {agnsim.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["reprot"], "Did you mean 'report'", id="unknown command"),
        pytest.param(["evaluate"], "Missing argument 'RUN_DIR'", id="missing argument"),
        pytest.param(["doctor", "--jsn"], "No such option: --jsn", id="unknown option"),
        pytest.param(["list", "modles"], "Did you mean 'models'", id="unknown kind"),
        pytest.param(["run", "missing.yaml"], "missing.yaml: no such study file", id="missing study"),
        pytest.param(["evaluate", "nowhere"], "nowhere: no run folder of agnsim", id="evaluate no run folder"),
        pytest.param(["status", "nowhere"], "nowhere: not a run folder", id="status no run folder"),
        pytest.param(["report", "nowhere"], "nowhere", id="report no run folder"),
        pytest.param(["multipliers", "list", "--family", "drums"], "Did you mean 'drum'", id="unknown family"),
        pytest.param(["multipliers", "list", "--sort", "error_sdt"], "Did you mean 'error_std'", id="unknown column"),
        pytest.param(["multipliers", "show", "mul8u_aray"], "Did you mean 'mul8u_array'", id="unknown circuit"),
        pytest.param(["multipliers", "list", "--library", "nowhere"], "nowhere", id="unknown library"),
    ],
)
def test_mistake_is_one_message(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in only_message(invoke(*arguments))


def test_unreadable_path_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert f"error: {tmp_path / 'file'}" in only_message(invoke("init", str(tmp_path / "file")))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["list", "--json"], id="list"),
        *(pytest.param(["list", kind, "--json"], id=f"list {kind}") for kind in KINDS),
        pytest.param(["doctor", "--json"], id="doctor"),
        pytest.param(["multipliers", "list", "--json"], id="multipliers list"),
        pytest.param(["multipliers", "show", "mul8u_array", "--json"], id="multipliers show"),
        pytest.param(["multipliers", "verify", "--json"], id="multipliers verify"),
    ],
)
def test_json_is_the_only_thing_on_stdout(arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_list_names_what_the_registry_holds(kind: str) -> None:
    rows = json.loads(invoke("list", kind, "--json").stdout)
    table = invoke("list", kind).stdout
    assert rows
    assert all(row["name"] in table for row in rows)


def test_families_say_what_their_parameters_mean() -> None:
    rows = {row["name"]: row for row in json.loads(invoke("list", "families", "--json").stdout)}
    assert rows["array"]["parameters"] == {}
    assert rows["drum"]["parameters"] == {"k": "significant bits kept, 3 or more"}
    assert "k=significant bits kept" in invoke("list", "families").stdout


def test_multipliers_list_filters_and_sorts() -> None:
    rows = json.loads(invoke("multipliers", "list", "--family", "drum", "--unsigned", "--sort", "mae", "--json").stdout)
    assert rows
    assert all(row["family"] == "drum" and not row["signed_a"] and not row["signed_b"] for row in rows)
    assert [row["mae"] for row in rows] == sorted(row["mae"] for row in rows)


def test_multipliers_list_keeps_every_figure_in_a_pipe() -> None:
    result = invoke("multipliers", "list", "--family", "drum")
    assert "…" not in result.stdout
    assert result.stdout.splitlines()[0].split()[0] == "name"


def test_multipliers_show_gives_the_digest() -> None:
    circuit = agnsim.load_library("builtin")["mul8u_array"]
    assert json.loads(invoke("multipliers", "show", "mul8u_array", "--json").stdout)["digest"] == circuit.digest
    assert circuit.digest in invoke("multipliers", "show", "mul8u_array").stdout


def test_doctor_reports_a_data_root_that_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNSIM_DATA", str(tmp_path / "missing"))
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "problem: AGNSIM_DATA=" in result.stderr


def test_init_writes_a_valid_study_once(tmp_path: Path) -> None:
    from agnsim.experiment.config import load_study

    assert invoke("init", str(tmp_path / "new")).exit_code == 0
    path = tmp_path / "new" / "study.yaml"
    assert load_study(path).name == "digits"
    path.write_text("mine")
    assert "is left as it is" in only_message(invoke("init", str(tmp_path / "new")))
    assert path.read_text() == "mine"


def test_status_counts_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    (tmp_path / "config.yaml").write_text("name: x\n")
    (tmp_path / "trials" / "0123456789ab.json").write_text("{}")
    status = json.loads(invoke("status", str(tmp_path), "--json").stdout)
    assert (status["trials"], status["finished"]) == (1, False)


@pytest.mark.parametrize("match", [True, False])
def test_evaluate_exits_by_whether_the_accuracy_matches(match: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import agnsim.experiment.evaluate as module

    found = {
        "trial": "0123456789ab",
        "correct": 9,
        "total": 10,
        "accuracy_top1": 90.0,
        "recorded": 90.0,
        "match": match,
    }
    monkeypatch.setattr(module, "evaluate_trial", lambda *_, **__: found)
    result = invoke("evaluate", "run", "--json")
    assert json.loads(result.stdout) == found
    assert result.exit_code == (0 if match else 1)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupted_run_says_that_it_resumes(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time, types\nfrom agnsim.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background shell has it ignored
        "stub = sys.modules['agnsim.experiment.run'] = types.ModuleType('run')\n"
        "stub.run_study = lambda *_, **__: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60))\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code, "run", "x.yaml"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 128 + signal.SIGINT
    assert done.stdout == ""
    assert done.stderr.endswith("the same command resumes the run.\n")
    assert "Traceback" not in done.stderr
