"""A run's document for readers: tables of texts, and the goals as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agnsim.types import Json

_TITLES = {
    "layers": "Convolutions (speeds relative to torch's float32 conv2d and to the scalar table loop; > 1 is faster)",
    "networks": "Inference of whole networks (time relative to the fake-quantised network; < 1 is faster)",
    "training": "Training step (time relative to the fake-quantised step)",
    "memory": "Peak memory of inference",
    "startup": "First call in a fresh process, compiled code on disk",
    "matmul": "Matrix product",
}
_HIDDEN = ("suite", "kind", "count", "macs", "signed", "unavailable")
_FIRST = ("network", "batch", "work", "candidate", "multiplier", "rank")
_WITHOUT_QUARTILES = ("speed_vs_float_channels_last", "speed_vs_scalar", "speed_vs_scalar_one_thread")
"""Columns of a table that is wide enough; the document has their quartiles."""
_UNITS = {"seconds": ("ms", 1e3), "peak_bytes": ("MiB", 2.0**-20), "over_reference_s": ("s over reference", 1.0)}


def figure(measured: Json | None, factor: float = 1.0) -> str:
    """Return a measured value as `median (low to high)`, three digits each; `-` for none."""
    if measured is None or measured.get("median") is None:
        return "-"
    median, low, high = (f"{measured[key] * factor:.3g}" for key in ("median", "low", "high"))
    return f"{median} ({low} to {high})"


def tables(document: Json) -> Iterator[tuple[str, list[Json]]]:
    """Yield a title and the rows of every table: circuits, a table a suite, and what could not run."""
    yield "Circuits", [{key: item[key] for key in ("name", "use", "rank")} for item in document["multipliers"]]
    for suite, title in _TITLES.items():
        rows = [row for row in document["rows"] if row["suite"] == suite and "unavailable" not in row]
        if not rows:
            continue
        found = dict.fromkeys(key for row in rows for key in row if key not in _HIDDEN)
        columns = [*(key for key in _FIRST if key in found), *(key for key in found if key not in _FIRST)]
        yield title, [{_heading(key): _text(key, row.get(key)) for key in columns} for row in rows]
    refusals = {
        (row["candidate"], row["multiplier"], row["unavailable"]): None
        for row in document["rows"]
        if "unavailable" in row
    }
    if refusals:
        yield "Not run", [{"engine": engine, "multiplier": name, "why": why} for engine, name, why in refusals]
    if document["goals"]:
        yield "Goals", [goal_texts(goal) for goal in document["goals"]]


def goal_texts(goal: Json) -> Json:
    """Return a goal's line as texts."""
    reached = {"median": goal["reached"], "low": goal["low"], "high": goal["high"]}
    verdict = {True: "yes", False: "no", None: "not measured"}[goal["met"]]
    names = {"work": goal["work"], "figure": goal["figure"], "goal": goal["goal"]}
    return names | {"reached": figure(reached), "met": verdict}


def markdown(document: Json) -> str:
    """Return the goals that the run measured as a Markdown table, with the machine and the command below."""
    lines = ["| work | figure | goal | reached | met |", "|---|---|---|---|---|"]
    for goal in document["goals"]:
        if goal["met"] is not None:
            lines.append("| " + " | ".join(goal_texts(goal).values()) + " |")
    return "\n".join([*lines, "", f"{machine_text(document['machine'])}; `{document['command']}`."])


def machine_text(machine: Json) -> str:
    """Return the machine in one line."""
    features = machine["cpu_features"]
    parts = [
        machine["gpu"],
        f"{machine['cpu']}" + (f" ({features[-1]})" if features else ""),
        f"{machine['threads']} threads",
        f"torch {machine['torch']}",
        machine["commit"] and f"commit {machine['commit']}",
    ]
    return ", ".join(part for part in parts if part)


def _heading(key: str) -> str:
    if key in _UNITS:
        return _UNITS[key][0]
    return (
        key.replace("speed_vs", "/")
        .replace("time_vs", "/")
        .replace("memory_vs", "/")
        .replace("_per_", "/")
        .replace("_", " ")
    )


def _text(key: str, value: Any) -> str:
    if isinstance(value, dict):
        if key in _WITHOUT_QUARTILES:
            return f"{value['median']:.3g}"
        return figure(value, _UNITS[key][1] if key in _UNITS else 1.0)
    return "-" if value is None else str(value)
