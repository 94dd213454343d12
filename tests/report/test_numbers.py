from __future__ import annotations

import pytest

from agnsim.report.numbers import duration, fixed, interval, saving, significant


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(None, 2, ""), (-0.5, 2, "−0.50"), (-0.001, 2, "0.00"), (91.726, 2, "91.73"), (3, 0, "3")],
)
def test_fixed_decimals(value: float | None, digits: int, text: str) -> None:
    assert fixed(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (0.012345, "0.0123"), (-1.5, "−1.5"), (20480.0, "20,480"), (1e-5, "1e−05")],
)
def test_significant_digits(value: float | None, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.85, "850 ms"), (12.34, "12.3 s"), (245.0, "4 min 05 s"), (7620, "2 h 07 min")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_savings_and_intervals() -> None:
    assert saving(0.25) == 75.0
    assert saving(None) is None
    assert interval(-0.5, 1.0) == "−0.50 to 1.00"
    assert interval(None, 1.0) == ""
