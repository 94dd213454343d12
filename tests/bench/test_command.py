"""`agnsim bench`: one JSON document, documents read back, and mistakes refused before anything is measured."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

import agnsim.bench
from agnsim.bench import benchmark

TINY = ("bench", "--suite", "layers", "--suite", "training", "--multiplier", "mul8u_array", "--engines", "factored")


def test_json_is_the_only_thing_on_stdout(
    agnsim_command: Callable[..., Result], tiny_networks: None, tmp_path: Path
) -> None:
    file = tmp_path / "bench.json"
    result = agnsim_command(*TINY, "--repeats", 1, "--quick", "--json", "--out", file)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document == json.loads(file.read_text()) == agnsim.bench.read_document(file)
    assert document["command"] == (
        "agnsim bench --suite layers --suite training --quick --multiplier mul8u_array --engines factored --repeats 1"
    )
    assert document["settings"]["rounds"] == 1
    assert {row["suite"] for row in document["rows"]} == {"layers", "training"}
    assert document["machine"]["threads"] == torch.get_num_threads()
    assert [item["name"] for item in document["multipliers"]] == ["mul8u_array"]
    assert any(goal["met"] is not None for goal in document["goals"])

    shown = agnsim_command("bench", "--from", file)
    assert shown.exit_code == 0, shown.stderr
    assert "Training step" in shown.stdout
    assert "…" not in shown.stdout
    table = agnsim_command("bench", "--from", file, "--markdown").stdout
    assert table.startswith("| work |")
    assert document["command"] in table


def test_threads_are_set_for_the_run_only(tiny_networks: None) -> None:
    before = torch.get_num_threads()
    document = benchmark.run(["training"], multipliers=["mul8u_array"], threads=1, repeats=1)
    assert document["machine"]["threads"] == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--suite", "layer"], "unknown benchmark suite 'layer'. Did you mean 'layers'", id="suite"),
        pytest.param(["--engines", "smid"], "unknown engine 'smid'. Did you mean 'simd'", id="engine"),
        pytest.param(["--multiplier", "mul8u_aray"], "Did you mean 'mul8u_array'", id="multiplier"),
        pytest.param(["--network", "resnet"], "unknown network 'resnet'", id="network"),
        pytest.param(["--device", "gpu"], "device is 'gpu'", id="device"),
        pytest.param(["--batch", "0"], "batch is 0; it must be at least 1", id="batch"),
        pytest.param(["--repeats", "0"], "repeats is 0", id="repeats"),
        pytest.param(["--threads", "-1"], "threads is -1", id="threads"),
        pytest.param(["--library", "nowhere"], "nowhere", id="library"),
        pytest.param(["--from", "missing.json"], "missing.json", id="no document"),
    ],
)
def test_mistake_is_one_message(
    arguments: list[str], message: str, mistake: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "Bench", lambda **_: pytest.fail("measured"))
    assert message in mistake("bench", *arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_missing_gpu_is_one_message(mistake: Callable[..., str]) -> None:
    assert "PyTorch sees no CUDA device" in mistake("bench", "--device", "cuda")


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"format": 99, "rows": []}'])
def test_other_file_is_no_document(text: str, tmp_path: Path, mistake: Callable[..., str]) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    assert "other.json is no" in mistake("bench", "--from", file)
