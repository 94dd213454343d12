"""Every suite's rows: who is measured, against whom, and that a wrong result is never timed."""

from collections.abc import Callable
from typing import Any

import pytest

from agnsim.bench import child, memory, startup, suites
from agnsim.bench.context import Bench
from agnsim.errors import EngineMismatch

MakeBench = Callable[..., Bench]


def names(rows: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    return {(row["candidate"], row["multiplier"]) for row in rows}


def is_figure(value: Any) -> bool:
    return isinstance(value, dict) and value["low"] <= value["median"] <= value["high"]


def test_layers_measures_engines_beside_float_and_scalar(make_bench: MakeBench) -> None:
    rows = suites["layers"](make_bench())
    refused = [row for row in rows if "unavailable" in row]
    measured = [row for row in rows if "unavailable" not in row]
    plain = {(name, None) for name in ("float", "float channels_last", "scalar", "scalar one thread")}
    kulkarni = {("reference", "mul8u_kulkarni_d7"), ("factored", "mul8u_kulkarni_d7")}
    assert names(measured) == plain | kulkarni | {("reference", "mul8u_mitchell_f7")}
    assert names(refused) == {("factored", "mul8u_mitchell_f7")}
    assert all("factorisation" in row["unavailable"] for row in refused)
    for row in measured:
        figures = {key: value for key, value in row.items() if isinstance(value, dict)}
        assert set(figures) == {
            "seconds",
            "gmac_per_s",
            *(f"speed_vs_{name.replace(' ', '_')}" for name, _ in plain),
        }
        assert all(is_figure(value) for value in figures.values())
        assert row["count"] >= 1
    assert all(row["speed_vs_float"]["median"] == 1.0 for row in measured if row["candidate"] == "float")


@pytest.mark.parametrize("suite", ["layers", "networks", "matmul"])
def test_wrong_result_is_not_timed(
    suite: str, make_bench: MakeBench, liar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bench, "time", lambda *_: pytest.fail("timed"))
    with pytest.raises(EngineMismatch, match="'liar'"):
        suites[suite](make_bench(engines=["factored", liar], engines_named=True, quick=True))


def test_networks_compares_with_the_fake_quantised_one(make_bench: MakeBench) -> None:
    rows = suites["networks"](make_bench(engines_named=False))
    assert names(rows) >= {
        *((name, None) for name in ("float", "fake-quantised", "quantised")),
        ("emulated, auto", "mul8u_kulkarni_d7"),
        ("emulated, factored", "mul8u_kulkarni_d7"),
        ("emulated, auto", "mul8u_mitchell_f7"),
        ("deployed", "mul8u_mitchell_f7"),
    }
    assert "emulated, reference" not in {row["candidate"] for row in rows}
    measured = [row for row in rows if "unavailable" not in row]
    assert all(is_figure(row["time_vs_fake_quantised"]) for row in measured)
    assert [row["time_vs_fake_quantised"]["median"] for row in rows if row["candidate"] == "fake-quantised"] == [1.0]


def test_definition_is_timed_in_networks_where_it_is_named(make_bench: MakeBench) -> None:
    bench = make_bench(engines=["reference"], engines_named=True)
    assert ("emulated, reference", "mul8u_kulkarni_d7") in names(suites["networks"](bench))


def test_training_measures_a_step_of_each(make_bench: MakeBench) -> None:
    rows = suites["training"](make_bench())
    assert [row["candidate"] for row in rows] == ["float", "fake-quantised", "quantised", *["emulated, auto"] * 2]


def test_training_step_changes_a_copy() -> None:
    import torch

    from agnsim.bench.training import training_step

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3)).eval()
    before = [parameter.clone() for parameter in model.parameters()]
    step = training_step(model, torch.randn(4, 3, 2, 2), torch.tensor([0, 1, 2, 0]))
    with torch.no_grad():
        step()
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))
    assert not model.training


def test_memory_and_startup_compare_processes(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measured(task: str, facts: dict[str, Any]) -> float:
        asked.append((task, facts.get("variant", facts.get("engine")), facts["multiplier"]))
        return float(len(asked))

    monkeypatch.setattr(memory, "measure_in_child", measured)
    monkeypatch.setattr(startup, "measure_in_child", measured)
    bench = make_bench()
    rows = suites["memory"](bench)
    assert asked == [
        *(("memory", name, None) for name in ("float", "fake-quantised", "quantised")),
        *(("memory", "auto", circuit.name) for circuit in bench.circuits),
    ]
    assert [row["memory_vs_fake_quantised"]["median"] for row in rows] == [0.5, 1.0, 1.5, 2.0, 2.5]
    asked.clear()
    rows = suites["startup"](bench)
    order = [("startup", name, "mul8u_kulkarni_d7") for name in ("reference", "factored")]
    assert asked == order * 2  # the first round is not counted
    assert [row["over_reference_s"]["median"] for row in rows] == [0.0, 1.0]


@pytest.mark.skipif(not child.Path("/proc/self/clear_refs").exists(), reason="peak memory needs Linux")
@pytest.mark.parametrize(("variant", "circuit"), [("fake-quantised", None), ("factored", "mul8u_kulkarni_d7")])
def test_peak_memory_holds_at_least_the_images(variant: str, circuit: str | None, tiny_networks: None) -> None:
    batch = 4096
    assert child.memory("resnet20", batch, variant, "cpu", circuit, "builtin") > 4 * batch * 3 * 8 * 8


def test_failed_process_is_one_message() -> None:
    with pytest.raises(child.ChildFailed, match=r"measures startup failed .*unknown engine 'fatcored'"):
        child.measure_in_child(
            "startup", {"engine": "fatcored", "device": "cpu", "multiplier": "mul8u_array", "library": "builtin"}
        )


def test_every_suite_is_registered() -> None:
    assert list(suites) == ["layers", "networks", "training", "memory", "startup", "matmul"]
