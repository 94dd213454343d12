"""Timing in rounds and its statistics, with a clock that the test turns."""

import pytest
import torch

from agnsim.bench.rounds import Candidate, Times, ratio, spread, time_rounds

CPU = torch.device("cpu")


class Clock:
    """Stands still except while a candidate works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def candidate(self, name: str, *seconds: float, work: float = 1.0) -> Candidate:
        """Return one that takes these seconds, the last of them for ever after."""
        left = list(seconds)

        def call() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return Candidate(name, call, work)


def test_candidates_are_timed_alternately_after_a_warm_up() -> None:
    clock = Clock()
    # the first call compiles (100 s), the second finds out how long a call takes
    candidates = [clock.candidate("a", 100.0, 1.0, 1.0, 2.0), clock.candidate("b", 100.0, 1.0, 3.0, 5.0)]
    times = time_rounds(candidates, 2, CPU, clock=clock)
    assert clock.calls == ["a", "b"] * 4
    assert times["a"].seconds == (1.0, 2.0)
    assert times["b"].seconds == (3.0, 5.0)


def test_short_call_is_repeated_and_divided() -> None:
    clock = Clock()
    times = time_rounds([clock.candidate("a", 0.001)], 3, CPU, clock=clock)
    assert len(clock.calls) == 2 + 3 * 5
    assert times["a"].seconds == pytest.approx((0.001,) * 3)


def test_rates_count_the_work_of_a_call() -> None:
    assert Times((2.0, 4.0), work=8.0).rates == (4.0, 2.0)


def test_spread_is_median_and_quartiles() -> None:
    assert spread([5.0, 1.0, 3.0, 2.0, 4.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert spread([7.0]) == {"median": 7.0, "low": 7.0, "high": 7.0}


def test_ratio_is_of_medians_and_its_spread_of_rounds() -> None:
    # a round that was slow for both says nothing against either
    assert ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == {"median": 2.0, "low": 2.0, "high": 2.0}
    found = ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5)
    assert found == {"median": 3.0, "low": 2.0, "high": 4.0}


def test_spread_of_a_ratio_contains_it() -> None:
    found = ratio([1.0, 2.0, 9.0], [9.0, 1.0, 2.0])  # of medians: 1; of rounds: 0.11, 2, 4.5
    assert found["median"] == 1.0
    assert found["low"] <= 1.0 <= found["high"]


def test_ratio_needs_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])
