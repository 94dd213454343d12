import numpy as np
import pytest

from agnsim.analysis import paired_interval
from agnsim.errors import InputError


def _networks(both: int, lost: int, won: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    baseline = np.repeat([True, True, False, False], [both, lost, won, neither])
    other = np.repeat([True, False, True, False], [both, lost, won, neither])
    return baseline, other


def test_drop_is_in_percentage_points_and_positive_when_the_other_network_is_worse() -> None:
    interval = paired_interval(*_networks(880, 40, 10, 70))
    assert interval.drop == pytest.approx(3.0)
    assert interval.low < 3.0 < interval.high


def test_hand_computed_standard_error() -> None:
    interval = paired_interval(*_networks(880, 40, 10, 70))
    half_width = 1.959964 * 100 * np.sqrt(50 - 30**2 / 1000) / 1000
    assert interval.high - interval.drop == pytest.approx(half_width, rel=1e-5)
    assert interval.drop - interval.low == pytest.approx(half_width, rel=1e-5)


def test_interval_agrees_with_bootstrap() -> None:
    baseline, other = _networks(1750, 70, 40, 140)
    difference = baseline.astype(float) - other
    draws = np.random.default_rng(0).integers(0, 2000, size=(4000, 2000))
    low, high = 100 * np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    interval = paired_interval(baseline, other)
    assert interval.low == pytest.approx(low, abs=0.06)
    assert interval.high == pytest.approx(high, abs=0.06)


def test_identical_networks_have_the_exact_bound_instead_of_no_width() -> None:
    interval = paired_interval(*_networks(900, 0, 0, 100))
    assert interval.drop == 0.0
    assert interval.high == pytest.approx(100 * (1 - 0.025 ** (1 / 1000)))
    assert interval.low == -interval.high


def test_one_disagreement_is_no_narrower_than_none() -> None:
    none, one = paired_interval(*_networks(900, 0, 0, 100)), paired_interval(*_networks(899, 1, 0, 100))
    assert one.high - one.low >= none.high - none.low


def test_interval_stays_within_possible_drops() -> None:
    interval = paired_interval(np.array([True]), np.array([False]))
    assert interval == (100.0, pytest.approx(100 * (1 - (1 - 0.025))), 100.0)


def test_swapping_the_networks_mirrors_the_interval() -> None:
    forth, back = paired_interval(*_networks(80, 9, 3, 8)), paired_interval(*reversed(_networks(80, 9, 3, 8)))
    assert (back.drop, back.low, back.high) == pytest.approx((-forth.drop, -forth.high, -forth.low))


@pytest.mark.parametrize(
    ("baseline", "other", "confidence", "message"),
    [
        ([1, 0], [True, False], 0.95, "baseline is int64"),
        ([True, False], [True], 0.95, "baseline has 2 images and other 1"),
        ([], [], 0.95, "one entry per image"),
        ([True], [True], 1.0, "confidence 1.0"),
    ],
    ids=["not boolean", "lengths differ", "empty", "confidence"],
)
def test_wrong_input_is_explained(baseline: list, other: list, confidence: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        paired_interval(baseline, other, confidence=confidence)
