from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agnsim.analysis import hypervolume_2d, hypervolume_ratio
from agnsim.errors import InputError

ENERGY = np.array([0.2, 0.4, 0.6, 0.3])
SELECTION = np.array([88.0, 90.0, 91.0, 90.5])
MIXED, NARROW = np.array([True] * 4), np.array([True, True, True, False])


def compare(reported: Any = SELECTION, **more: Any) -> Any:
    groups = {"first": MIXED, "second": NARROW} | more
    return hypervolume_ratio(ENERGY, SELECTION, reported, 92.0, **groups)


def test_where_both_accuracies_agree_it_is_the_ratio_of_plain_hypervolumes() -> None:
    found = compare()
    points = np.column_stack([ENERGY, SELECTION])
    volumes = [hypervolume_2d(points[m], (1.0, 87.0), maximise=(False, True)) for m in (MIXED, NARROW)]
    assert (found.first, found.second) == pytest.approx(tuple(volumes))
    assert found.ratio == pytest.approx(volumes[0] / volumes[1])
    assert found.first_front == (0, 3, 2)
    assert found.second_front == (0, 1, 2)
    assert found.low is None


def test_a_network_that_only_the_selection_images_favour_lowers_the_front() -> None:
    reported = SELECTION.copy()
    reported[3] = 87.5
    found = compare(reported)
    # chosen between energies 0.3 and 0.6, where the narrow front has 88 and then 90
    assert found.first == pytest.approx(0.1 * 1.0 + 0.3 * 0.5 + 0.4 * 4.0)
    assert found.ratio < 1.0


def test_points_right_of_the_corner_and_below_it_add_nothing() -> None:
    assert compare(second=np.array([False] * 4)) is None
    below = hypervolume_ratio([0.5], [80.0], [80.0], 92.0, first=[True], second=[True])
    assert below is None
    assert compare(corner_energy=0.4).first_front == (0, 3)


def outcomes(accuracies: Any, images: int, seed: int = 0) -> Any:
    order = np.random.default_rng(seed).random(images)
    return np.array([order < np.quantile(order, a / 100) for a in accuracies])


def test_the_interval_holds_the_ratio_and_narrows_with_images() -> None:
    widths = []
    for images in (400, 6400):
        rng = np.random.default_rng(1)
        rows = np.array([rng.random(images) < a / 100 for a in [*SELECTION, 92.0]])
        accuracies = 100 * rows.mean(axis=1)
        found = hypervolume_ratio(
            ENERGY,
            SELECTION,
            accuracies[:4],
            accuracies[4],
            first=MIXED,
            second=NARROW,
            outcomes=rows[:4],
            float_outcomes=rows[4],
        )
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.ratio < found.high
        widths.append(found.high - found.low)
    assert widths[1] < 0.5 * widths[0]


def test_the_same_front_twice_is_a_ratio_of_one_without_doubt() -> None:
    rows = outcomes([*SELECTION, 92.0], 500)
    found = compare(100 * rows[:4].mean(axis=1), second=MIXED, outcomes=rows[:4], float_outcomes=rows[4], resamples=50)
    assert (found.low, found.ratio, found.high) == pytest.approx((1.0, 1.0, 1.0))


def test_the_same_seed_gives_the_same_interval() -> None:
    rows = np.random.default_rng(3).random((5, 300)) < 0.9
    given = {"outcomes": rows[:4], "float_outcomes": rows[4], "resamples": 100}
    first, second = (compare(100 * rows[:4].mean(axis=1), **given) for _ in range(2))
    assert (first.low, first.high) == (second.low, second.high)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reported": [1.0]}, r"reported has shape \[1\]"),
        ({"reported": [1.0, 2.0, 3.0, float("nan")]}, "reported is not finite at 3"),
        ({"outcomes": np.ones((4, 3), bool)}, "or neither"),
        ({"outcomes": np.ones((3, 3), bool), "float_outcomes": np.ones(3, bool)}, r"outcomes \[3, 3\] for 4 networks"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare(**given)
