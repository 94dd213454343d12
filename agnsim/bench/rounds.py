"""Timing in rounds, A B C A B C, and what is said of the times: medians, quartiles, ratios within one run."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from agnsim.types import Json

_SHORTEST_S = 0.005
"""A shorter call is repeated within a round until it takes so long, since a clock reading costs a microsecond."""


@dataclass(frozen=True)
class Candidate:
    """One way of doing a piece of work.

    Attributes:
        name: Unique among those that are timed together.
        call: Does it once.
        work: How much one call does (MACs, images): rates compare candidates that do different amounts.
    """

    name: str
    call: Callable[[], object]
    work: float = 1.0


@dataclass(frozen=True)
class Times:
    """What one candidate took.

    Attributes:
        seconds: Of one call, one value a round.
        work: How much one call does.
    """

    seconds: tuple[float, ...]
    work: float = 1.0

    @property
    def rates(self) -> tuple[float, ...]:
        """Work per second, one value a round."""
        return tuple(self.work / seconds for seconds in self.seconds)


def time_rounds(
    candidates: Sequence[Candidate],
    rounds: int,
    device: torch.device,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Times]:
    """Return the times of all candidates, taken alternately, so that a slow moment of the machine meets all of them.

    Each is called once before, unmeasured: what is compiled, cached or allocated at a first call is not timed. On a GPU
    a measurement ends when the work has.

    Args:
        candidates: With distinct names.
        rounds: Measurements of each.
        device: Where they compute.
        clock: Seconds since some instant; tests pass their own.
    """

    def measure(candidate: Candidate, calls: int) -> float:
        _synchronize(device)
        started = clock()
        for _ in range(calls):
            candidate.call()
        _synchronize(device)
        return (clock() - started) / calls

    for candidate in candidates:
        candidate.call()
    calls = {c.name: max(1, math.ceil(_SHORTEST_S / max(measure(c, 1), 1e-6))) for c in candidates}
    seconds: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    for _ in range(rounds):
        for candidate in candidates:
            seconds[candidate.name].append(measure(candidate, calls[candidate.name]))
    return {candidate.name: Times(tuple(seconds[candidate.name]), candidate.work) for candidate in candidates}


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def spread(values: Sequence[float]) -> Json:
    """Return the median and the quartiles of the values, as `median`, `low`, `high`."""
    if len(values) == 1:
        return {"median": values[0], "low": values[0], "high": values[0]}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def ratio(over: Sequence[float], under: Sequence[float]) -> Json:
    """Return the ratio of the two medians, and as `low` and `high` the quartiles of the ratios of single rounds.

    Args:
        over: One value a round.
        under: Of the same rounds, none of them 0.
    """
    by_round = spread([a / b for a, b in zip(over, under, strict=True)])
    median = statistics.median(over) / statistics.median(under)
    return {"median": median, "low": min(by_round["low"], median), "high": max(by_round["high"], median)}
