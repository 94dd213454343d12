import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.analysis import dominated, hypervolume_2d, pareto_front
from agnsim.errors import InputError

_points = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


def test_front_of_energy_and_accuracy() -> None:
    points = [(1.0, 92.0), (0.5, 91.0), (0.6, 90.0), (0.3, 85.0), (0.5, 91.0)]
    front = pareto_front(points, maximise=(False, True))
    assert [points[index] for index in front] == [(0.3, 85.0), (0.5, 91.0), (0.5, 91.0), (1.0, 92.0)]


@given(_points)
@settings(deadline=None)
def test_a_point_is_dominated_exactly_where_another_beats_it(points: list[tuple[int, int]]) -> None:
    expected = [any(x <= p and y <= q and (x, y) != (p, q) for x, y in points) for p, q in points]
    assert dominated(points).tolist() == expected


@given(_points)
@settings(deadline=None)
def test_every_point_is_covered_by_the_front(points: list[tuple[int, int]]) -> None:
    front = [points[index] for index in pareto_front(points)]
    assert all(any(x <= p and y <= q for x, y in front) for p, q in points)


@given(_points)
@settings(deadline=None)
def test_hypervolume_equals_counted_cells(points: list[tuple[int, int]]) -> None:
    cells = sum(any(x <= column and y <= row for x, y in points) for column in range(5) for row in range(5))
    assert hypervolume_2d(points, (5, 5)) == cells


def test_hypervolume_with_a_maximised_objective() -> None:
    assert hypervolume_2d([(0.5, 90.0), (0.2, 80.0)], (1.0, 70.0), maximise=(False, True)) == pytest.approx(13.0)


def test_hypervolume_ignores_points_beyond_the_reference() -> None:
    assert hypervolume_2d([(2.0, 0.0), (0.0, 2.0)], (1.0, 1.0)) == 0.0


def test_no_points_have_an_empty_front() -> None:
    assert pareto_front(np.empty((0, 2))).tolist() == []
    assert hypervolume_2d(np.empty((0, 2)), (1.0, 1.0)) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dominated([1.0, 2.0]), r"\[points, objectives\]"),
        (lambda: dominated([(1.0, float("nan"))]), "point 0 is not finite"),
        (lambda: pareto_front([(1.0, 2.0)], maximise=(True,)), "1 entries for 2 objectives"),
        (lambda: hypervolume_2d([(1.0, 2.0, 3.0)], (5, 5, 5)), "takes two objectives"),
    ],
    ids=["not a matrix", "nan", "directions", "three objectives"],
)
def test_wrong_points_are_explained(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
