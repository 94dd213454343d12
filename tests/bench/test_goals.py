"""What the goals read from rows, and the tables made of them."""

from typing import Any

import pytest

from agnsim.bench.goals import GOALS, judge
from agnsim.bench.tables import markdown, tables


def figure(median: float, spread: float = 0.1) -> dict[str, float]:
    return {"median": median, "low": median - spread, "high": median + spread}


def layer(candidate: str, circuit: str | None, speed: float, **facts: Any) -> dict[str, Any]:
    row = {"suite": "layers", "network": "resnet20", "kind": "3x3", "work": "x", "candidate": candidate}
    row |= {"multiplier": circuit, "rank": None, "count": 1, "macs": 100, "gmac_per_s": figure(speed)}
    return row | {"speed_vs_float": figure(speed), "speed_vs_scalar": figure(10 * speed)} | facts


def line(rows: list[dict[str, Any]], work: str, index: int = 0, *, gpu: bool = False) -> dict[str, Any]:
    return [goal for goal in judge(rows, gpu=gpu) if work in goal["work"]][index]


def test_nothing_measured_is_not_met() -> None:
    assert {goal["met"] for goal in judge([], gpu=False)} == {None}
    assert len(judge([], gpu=False)) + len(judge([], gpu=True)) == len(GOALS)


def test_layers_are_weighted_by_their_time_in_the_network() -> None:
    # both of equal size; the second occurs three times. Per MAC: own 1/1 + 3/4, float's 1/1 * 1 + 3/4 * 0.5
    rows = [layer("simd", "a", 1.0), layer("simd", "a", 0.5, count=3, gmac_per_s=figure(4.0))]
    found = line(rows, "`simd`, 3x3")
    assert found["reached"] == pytest.approx((1 + 0.375) / 1.75)
    assert (found["low"], found["high"]) == (0.5, 1.0)
    assert found["met"]


def test_slowest_circuit_decides() -> None:
    rows = [layer("simd", "a", 0.9), layer("simd", "b", 0.4), layer("float", None, 0.1)]
    found = line(rows, "`simd`, 3x3")
    assert (found["reached"], found["met"]) == (pytest.approx(0.4), False)


def test_factored_is_judged_per_rank_and_others_are_not_mixed_in() -> None:
    rows = [
        layer("factored", "a", 0.9, rank=1),
        layer("factored", "b", 0.45, rank=2),
        layer("factored", "c", 0.01, rank=3, kind="depthwise"),
        layer("factored", "c", 0.01, rank=3, network="resnet18"),
    ]
    assert line(rows, "`factored`")["reached"] == pytest.approx(0.9)


def test_network_is_judged_by_each_circuits_best_engine() -> None:
    def row(circuit: str, engine: str, ratio: float) -> dict[str, Any]:
        return {
            "suite": "networks",
            "network": "resnet20",
            "candidate": engine,
            "multiplier": circuit,
            "time_vs_fake_quantised": figure(ratio),
        }

    rows = [row("a", "emulated, x", 3.0), row("a", "emulated, y", 1.2), row("b", "emulated, x", 1.4)]
    rows += [row("b", "deployed", 0.1), {"suite": "networks", "network": "resnet20", "unavailable": "no"}]
    found = line(rows, "ResNet-20, emulated inference, best")
    assert (found["reached"], found["met"]) == (1.4, True)
    assert (found["low"], found["high"]) == (pytest.approx(1.1), pytest.approx(1.5))


def test_gpu_goals_read_their_rows() -> None:
    def product(engine: str, rate: float) -> dict[str, Any]:
        return {
            "suite": "matmul",
            "work": "matmul 4096^3",
            "candidate": engine,
            "multiplier": "a",
            "tmac_per_s": figure(rate),
        }

    found = line([product("x", 2.0), product("y", 6.0)], "4096", gpu=True)
    assert (found["reached"], found["met"]) == (6.0, True)


def test_resnet18_on_a_gpu_is_judged_by_sign() -> None:
    rows = [
        {
            "suite": "networks",
            "network": "resnet18",
            "batch": 64,
            "candidate": "emulated, auto",
            "multiplier": name,
            "signed": signed,
            "time_vs_fake_quantised": figure(ratio),
        }
        for name, signed, ratio in (("s", True, 1.2), ("u", False, 2.5))
    ]
    assert line(rows, ", signed", gpu=True)["reached"] == 1.2
    assert line(rows, ", unsigned", gpu=True)["reached"] == 2.5
    assert line([rows[0] | {"batch": 8}], ", signed", gpu=True)["met"] is None


MACHINE = {
    "gpu": None,
    "cpu": "Some CPU",
    "cpu_features": ["avx2", "avx512vbmi"],
    "threads": 2,
    "torch": "2.14",
    "commit": "abc",
}


def test_markdown_has_the_measured_goals_with_machine_and_command() -> None:
    document = {
        "machine": MACHINE,
        "command": "agnsim bench",
        "rows": [],
        "goals": judge([layer("simd", "a", 0.6)], gpu=False),
    }
    lines = markdown(document).splitlines()
    assert len(lines) == 2 + 2 + 2
    assert lines[2].endswith("| >= 0.5 | 0.6 (0.6 to 0.6) | yes |")
    assert lines[3].endswith("| >= 15 | 6 (6 to 6) | no |")
    assert lines[-1] == "Some CPU (avx512vbmi), 2 threads, torch 2.14, commit abc; `agnsim bench`."


def test_tables_show_figures_and_refusals() -> None:
    refused = {
        "suite": "layers",
        "work": "x",
        "candidate": "factored",
        "multiplier": "a",
        "rank": None,
        "unavailable": "because",
    }
    document = {"multipliers": [], "rows": [layer("simd", "a", 0.6), refused, dict(refused)], "goals": []}
    found = dict(tables(document))
    assert found["Not run"] == [{"engine": "factored", "multiplier": "a", "why": "because"}]
    (shown,) = next(rows for title, rows in found.items() if title.startswith("Convolutions"))
    assert shown["gmac/s"] == "0.6 (0.5 to 0.7)"
    assert shown["/ scalar"] == "6"
