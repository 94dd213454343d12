import math

import pytest

from agnsim.errors import InputError
from agnsim.noise import compare_fronts

SEPARATE = [(0.3, 88.0), (0.5, 91.0), (0.7, 92.0)]
WORST = (1.0, 80.0)


def test_front_agrees_with_itself_whatever_it_dominates() -> None:
    found = compare_fronts([(0.6, 90.0), *reversed(SEPARATE), SEPARATE[0]], SEPARATE, WORST)
    assert (found.hypervolume_ratio, found.mean_gap, found.largest_gap) == (1.0, 0.0, 0.0)
    assert found.energies == (0.3, 0.7)


def test_gaps_are_those_of_the_interpolated_fronts() -> None:
    found = compare_fronts([(0.4, 89.0), (0.8, 93.0)], SEPARATE, WORST)
    # At 0.4, 0.5, 0.7 the other has 89.5, 91, 92 and this one 89, 90, 92.
    assert found.largest_gap == pytest.approx(1.0)
    assert found.mean_gap == pytest.approx((0.1 * (0.5 + 1.0) / 2 + 0.2 * (1.0 + 0.0) / 2) / 0.3)
    assert found.energies == pytest.approx((0.4, 0.7))


def test_hypervolumes_are_areas_within_the_worst_point() -> None:
    found = compare_fronts([(0.5, 90.0), (1.2, 99.0)], [(0.5, 85.0)], WORST)
    assert found.hypervolume_ratio == pytest.approx((0.5 * 10) / (0.5 * 5))


def test_better_front_has_a_negative_gap() -> None:
    found = compare_fronts([(energy, accuracy + 0.5) for energy, accuracy in SEPARATE], SEPARATE, WORST)
    assert found.hypervolume_ratio > 1
    assert found.mean_gap == pytest.approx(-0.5)
    assert found.largest_gap == pytest.approx(-0.5)


def test_one_common_energy_is_compared_there() -> None:
    found = compare_fronts([(0.5, 90.0)], SEPARATE, WORST)
    assert (found.mean_gap, found.largest_gap, found.energies) == (1.0, 1.0, (0.5, 0.5))


def test_fronts_without_a_common_energy_have_no_gap() -> None:
    found = compare_fronts([(0.1, 85.0), (0.2, 86.0)], SEPARATE, WORST)
    assert (found.mean_gap, found.largest_gap, found.energies) == (None, None, None)
    assert found.hypervolume_ratio > 0


@pytest.mark.parametrize(
    ("front", "other", "message"),
    [
        ([], SEPARATE, "no points"),
        (SEPARATE, [], "no points"),
        ([(0.5, math.nan)], SEPARATE, "not finite"),
        (SEPARATE, [(0.5, 79.0)], "choose a worse one"),
    ],
    ids=["no front", "no other", "nan", "nothing dominated"],
)
def test_wrong_points_are_explained(front, other, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_fronts(front, other, WORST)
