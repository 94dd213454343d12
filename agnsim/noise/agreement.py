"""How close one way of making an energy/accuracy front comes to another.

Made for the question whether one noise search will do: its tolerances scaled, as in QoS-Nets (arXiv 2410.07762), give a
front in seconds, where a search per noise weight takes a training each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agnsim.analysis import hypervolume_2d, pareto_front
from agnsim.errors import InputError
from agnsim.types import FloatArray

Point = tuple[float, float]
"""Energy (a ratio, less is better) and accuracy (percent, more is better)."""

_DIRECTIONS = (False, True)


@dataclass(frozen=True)
class FrontAgreement:
    """How a front compares with another.

    Attributes:
        hypervolume_ratio: What the front dominates over what the other one does; 1.0 where they agree.
        mean_gap: Percentage points by which the front lies below the other at equal energy, averaged over the energies
            that both reach; negative where it lies above. None where they have no energy in common.
        largest_gap: The same where it lies furthest below.
        energies: Smallest and largest energy that both reach, or None.
    """

    hypervolume_ratio: float
    mean_gap: float | None
    largest_gap: float | None
    energies: tuple[float, float] | None


def compare_fronts(front: Sequence[Point], other: Sequence[Point], worst: Point) -> FrontAgreement:
    """Compare the Pareto front of some points with that of others, such as scaled tolerances with separate searches.

    Between two points of a front its accuracy at equal energy is interpolated linearly.

    Args:
        front: Energies and accuracies; dominated points are left out here.
        other: What it is compared with.
        worst: Energy and accuracy that bound the hypervolumes, such as the exact network's energy and the least
            accuracy of use: points that are not better in both count for nothing.

    Raises:
        InputError: No points, points that are not finite, or none of `other` better than `worst`.
    """
    if not front or not other:
        raise InputError("compare_fronts: a front has no points; give at least one of each")
    volumes = [hypervolume_2d(points, worst, maximise=_DIRECTIONS) for points in (front, other)]
    if volumes[1] == 0.0:
        raise InputError(f"compare_fronts: no point of the other front is better than {worst}; choose a worse one")
    curves = [_curve(points) for points in (front, other)]
    low, high = max(curve[0, 0] for curve in curves), min(curve[-1, 0] for curve in curves)
    ratio = volumes[0] / volumes[1]
    if low > high:
        return FrontAgreement(ratio, None, None, None)
    # Both curves are straight between these energies, so that their mean and extremes follow from the values there.
    knots = np.unique([low, high, *(x for curve in curves for x in curve[:, 0] if low < x < high)])
    below = np.interp(knots, *curves[1].T) - np.interp(knots, *curves[0].T)
    area = ((below[1:] + below[:-1]) / 2 * np.diff(knots)).sum()
    mean = float(area / (high - low)) if high > low else float(below[0])
    return FrontAgreement(ratio, mean, float(below.max()), (float(low), float(high)))


def _curve(points: Sequence[Point]) -> FloatArray:
    """Return the Pareto front `[P, 2]` by rising energy, equal points once."""
    found: FloatArray = np.asarray(points, dtype=np.float64)[pareto_front(points, maximise=_DIRECTIONS)]
    return np.unique(found, axis=0)
