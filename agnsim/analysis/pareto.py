"""Pareto fronts of points with two or more objectives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agnsim.errors import InputError
from agnsim.types import FloatArray


def _minimised(points: ArrayLike, maximise: Sequence[bool] | None) -> FloatArray:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise InputError(f"points have shape {list(array.shape)}; they must be [points, objectives]")
    if not np.isfinite(array).all():
        raise InputError(f"point {int(np.argwhere(~np.isfinite(array))[0, 0])} is not finite; leave such points out")
    directions = tuple(maximise) if maximise is not None else (False,) * array.shape[1]
    if len(directions) != array.shape[1]:
        raise InputError(f"maximise has {len(directions)} entries for {array.shape[1]} objectives; one each is needed")
    return array * np.where(directions, -1.0, 1.0)


def dominated(points: ArrayLike, *, maximise: Sequence[bool] | None = None) -> NDArray[np.bool_]:
    """Return which points another point dominates: no worse in every objective and better in at least one.

    Args:
        points: `[N, D]`, one row of objectives per point.
        maximise: Per objective whether larger is better; default: every objective is minimised.

    Returns:
        bool `[N]`. Equal points do not dominate each other.

    Raises:
        InputError: Not `[N, D]`, not finite, or `maximise` of another length.
    """
    costs = _minimised(points, maximise)
    beaten = np.zeros(len(costs), dtype=np.bool_)
    for index, cost in enumerate(costs):
        beaten[index] = bool(np.any((costs <= cost).all(axis=1) & (costs < cost).any(axis=1)))
    return beaten


def pareto_front(points: ArrayLike, *, maximise: Sequence[bool] | None = None) -> NDArray[np.intp]:
    """Return the indices of the points that no other point dominates, ordered by the first objective as given.

    Args:
        points: `[N, D]`, one row of objectives per point; equal points are all kept.
        maximise: Per objective whether larger is better; default: every objective is minimised.

    Raises:
        InputError: As for `dominated`.
    """
    kept = np.flatnonzero(~dominated(points, maximise=maximise))
    return kept[np.argsort(np.asarray(points, dtype=np.float64)[kept, 0], kind="stable")]


def hypervolume_2d(points: ArrayLike, reference: Sequence[float], *, maximise: Sequence[bool] | None = None) -> float:
    """Return the area that the points dominate within the corner given by `reference`.

    Args:
        points: `[N, 2]`, two objectives per point.
        reference: The worst point that still counts; points that are not better in both objectives add nothing.
        maximise: Per objective whether larger is better; default: both are minimised.

    Returns:
        Area in the product of the two objectives' units; 0.0 without points inside the corner.

    Raises:
        InputError: As for `dominated`, or not two objectives.
    """
    costs = _minimised(points, maximise)
    corner = _minimised([list(reference)], maximise)[0]
    if costs.shape[1] != 2:
        raise InputError(f"hypervolume_2d takes two objectives, not {costs.shape[1]}")
    inside = costs[(costs < corner).all(axis=1)]
    area, ceiling = 0.0, float(corner[1])
    for first, second in inside[np.lexsort((inside[:, 1], inside[:, 0]))]:
        if second < ceiling:
            area += float((corner[0] - first) * (ceiling - second))
            ceiling = float(second)
    return area
