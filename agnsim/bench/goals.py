"""What emulation has to reach, and whether a run's rows say that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agnsim.types import Json

Rows = Sequence[Json]


@dataclass(frozen=True)
class Reached:
    """A figure of a run.

    Attributes:
        value: The figure that the goal is about, the least favourable where there are several circuits.
        low: The least of the single figures behind it: of shapes, circuits, or rounds.
        high: The greatest.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Goal:
    """One line of the table.

    Attributes:
        work: What is done.
        figure: What is measured.
        limit: What it must reach.
        at_least: Whether the figure must be at least the limit, else at most.
        find: Reads the figure from the rows; `None` where the run does not have it.
        gpu: Whether it is a goal on a GPU, else on a CPU.
    """

    work: str
    figure: str
    limit: float
    at_least: bool
    find: Callable[[Rows], Reached | None]
    gpu: bool = False

    def judge(self, rows: Rows) -> Json:
        """Return the line as plain data."""
        reached = self.find(rows)
        line = {"work": self.work, "figure": self.figure, "goal": f"{'>=' if self.at_least else '<='} {self.limit:g}"}
        if reached is None:
            return line | {"reached": None, "low": None, "high": None, "met": None}
        met = reached.value >= self.limit if self.at_least else reached.value <= self.limit
        return line | {"reached": reached.value, "low": reached.low, "high": reached.high, "met": met}


def judge(rows: Rows, *, gpu: bool) -> list[Json]:
    """Return a line for every goal on that kind of device; `reached` and `met` are `None` where it was not measured."""
    return [goal.judge(rows) for goal in GOALS if goal.gpu == gpu]


def _select(rows: Rows, suite: str, **wanted: object) -> list[Json]:
    return [
        row
        for row in rows
        if row["suite"] == suite
        and "unavailable" not in row
        and all(row.get(key) == value for key, value in wanted.items())
    ]


def _by_circuit(rows: Rows) -> Iterator[list[Json]]:
    for name in dict.fromkeys(row["multiplier"] for row in rows):
        yield [row for row in rows if row["multiplier"] == name]


def _worst(found: Sequence[Json], *, least: bool) -> Reached | None:
    """Return the least favourable of several measured figures."""
    if not found:
        return None
    medians = [figure["median"] for figure in found]
    value = min(medians) if least else max(medians)
    return Reached(value, min(figure["low"] for figure in found), max(figure["high"] for figure in found))


def layer_speed(engine: str, figure: str, *, times_rank: bool = False) -> Callable[[Rows], Reached | None]:
    """Return what reads an engine's speed over the 3 x 3 convolutions of ResNet-20, the slowest circuit's.

    The convolutions are weighted as they occur in the network: time of all of them over time of all of them.

    Args:
        engine: The engine.
        figure: Column with the ratio of speeds of single shapes.
        times_rank: Multiply by the circuit's rank.
    """

    def find(rows: Rows) -> Reached | None:
        chosen = [
            row
            for row in _select(rows, "layers", network="resnet20", kind="3x3", candidate=engine)
            if row["multiplier"] is not None and (not times_rank or row["rank"] is not None) and figure in row
        ]
        totals, singles = [], []
        for of_circuit in _by_circuit(chosen):
            factor = of_circuit[0]["rank"] if times_rank else 1
            speeds = [factor * row[figure]["median"] for row in of_circuit]
            # seconds of this engine, and, by the ratio of speeds, of what it is compared with
            own = [row["count"] * row["macs"] / row["gmac_per_s"]["median"] for row in of_circuit]
            others = [seconds * speed for seconds, speed in zip(own, speeds, strict=True)]
            totals.append(sum(others) / sum(own))
            singles += speeds
        return Reached(min(totals), min(singles), max(singles)) if totals else None

    return find


def network_time(suite: str, network: str, figure: str, **wanted: object) -> Callable[[Rows], Reached | None]:
    """Return what reads the emulated network's ratio to the fake-quantised one, the worst circuit's by its best engine.

    Args:
        suite: The suite.
        network: The network.
        figure: Column with the ratio.
        **wanted: Further columns and their values.
    """

    def find(rows: Rows) -> Reached | None:
        chosen = [row for row in _select(rows, suite, network=network, **wanted) if row["multiplier"] is not None]
        emulated = [row for row in chosen if row["candidate"].startswith("emulated")]
        best = [min((r[figure] for r in rows), key=lambda f: f["median"]) for rows in _by_circuit(emulated)]
        return _worst(best, least=False)

    return find


def _startup(rows: Rows) -> Reached | None:
    found = [r["over_reference_s"] for r in _select(rows, "startup") if r["candidate"] != "reference"]
    return _worst(found, least=False)


def _table_product(rows: Rows) -> Reached | None:
    of_circuits = [row for row in _select(rows, "matmul", work="matmul 4096^3") if row["multiplier"] is not None]
    best = [max((r["tmac_per_s"] for r in rs), key=lambda f: f["median"]) for rs in _by_circuit(of_circuits)]
    return _worst(best, least=True)


def _rank_one(rows: Rows) -> Reached | None:
    found = [row for row in _select(rows, "matmul") if "rank 1" in row["work"] and row["multiplier"] is not None]
    best = [max((r["speed_vs_bfloat16"] for r in rs), key=lambda f: f["median"]) for rs in _by_circuit(found)]
    return _worst(best, least=True)


_TIMES_FAKE = "time / fake-quantised network's"
GOALS = (
    Goal(
        "`simd`, 3x3 convolutions of ResNet-20, any table",
        "speed / torch float32 conv2d's",
        0.5,
        True,
        layer_speed("simd", "speed_vs_float"),
    ),
    Goal(
        "`simd`, the same",
        "speed / scalar table loop's",
        15.0,
        True,
        layer_speed("simd", "speed_vs_scalar"),
    ),
    Goal(
        "`factored`, rank r, the same",
        "r x speed / torch float32 conv2d's",
        0.8,
        True,
        layer_speed("factored", "speed_vs_float", times_rank=True),
    ),
    Goal(
        "ResNet-20, emulated inference, best engine",
        _TIMES_FAKE,
        1.5,
        False,
        network_time("networks", "resnet20", "time_vs_fake_quantised"),
    ),
    Goal(
        "ResNet-20, emulated training step",
        "time / fake-quantised step's",
        1.5,
        False,
        network_time("training", "resnet20", "time_vs_fake_quantised"),
    ),
    Goal(
        "ResNet-20, emulated inference, peak memory",
        "bytes / fake-quantised network's",
        1.25,
        False,
        network_time("memory", "resnet20", "memory_vs_fake_quantised"),
    ),
    Goal("first call in a fresh process, code on disk", "seconds over the reference's", 1.0, False, _startup),
    Goal("table matrix product 4096^3", "TMAC/s", 5.0, True, _table_product, gpu=True),
    Goal("convolution, rank 1", "speed / bfloat16 conv2d's", 0.7, True, _rank_one, gpu=True),
    *(
        Goal(
            f"ResNet-18 at 224, batch 64, emulated inference, {sign} circuits",
            _TIMES_FAKE,
            limit,
            False,
            network_time("networks", "resnet18", "time_vs_fake_quantised", batch=64, signed=sign == "signed"),
            gpu=True,
        )
        for sign, limit in (("signed", 1.3), ("unsigned", 3.0))
    ),
)
