"""How much one group of networks adds to the energy/accuracy front of another, with its uncertainty over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agnsim.analysis.pareto import pareto_front
from agnsim.errors import InputError
from agnsim.types import FloatArray

CORNER_ENERGY = 1.0
CORNER_DROP_PP = 5.0
RESAMPLES = 1000


@dataclass(frozen=True)
class HypervolumeRatio:
    """Hypervolume of one front over that of another.

    Attributes:
        ratio: First over second.
        low: Lower limit of its bootstrap interval over images; None without per-image outcomes.
        high: Upper limit.
        first: Hypervolume of the first front: energy ratio times percentage points.
        second: That of the second front.
        first_front: Indices of the networks on the first front, cheapest first.
        second_front: Those on the second.
        corner_energy: Energy of the reference corner.
        corner_drop_pp: Accuracy of the reference corner, in points below the float network.
    """

    ratio: float
    low: float | None
    high: float | None
    first: float
    second: float
    first_front: tuple[int, ...]
    second_front: tuple[int, ...]
    corner_energy: float
    corner_drop_pp: float


def hypervolume_ratio(
    energy: ArrayLike,
    selection: ArrayLike,
    reported: ArrayLike,
    float_accuracy: float,
    *,
    first: ArrayLike,
    second: ArrayLike,
    outcomes: NDArray[np.bool_] | None = None,
    float_outcomes: NDArray[np.bool_] | None = None,
    corner_energy: float = CORNER_ENERGY,
    corner_drop_pp: float = CORNER_DROP_PP,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> HypervolumeRatio | None:
    """Compare the fronts of two groups of networks.

    A front is what an architect gets who looks at the selection images only: for every energy, the network that is
    best on them among those that cost no more. Its hypervolume is the area below these networks' accuracies on the
    reported images, above the corner's accuracy and left of its energy. A network that was chosen and is no better
    on the reported images therefore lowers it: a front that holds more networks can have less.

    The interval resamples the reported images, the same for all networks (paired; Efron and Tibshirani, An
    Introduction to the Bootstrap, chapter 13, percentiles), and moves the corner with the float network. Which
    networks are chosen stays as it is.

    Args:
        energy: `[N]`, ratio to the reference.
        selection: `[N]`, accuracy on the selection images in percent.
        reported: `[N]`, accuracy on the reported images in percent.
        float_accuracy: The float network's on the reported images, in percent.
        first: bool `[N]`, which networks the first group has.
        second: bool `[N]`, which the second has.
        outcomes: bool `[N, images]`, per-image correctness on the reported images.
        float_outcomes: bool `[images]`, the float network's.
        corner_energy: Energy of the reference corner.
        corner_drop_pp: Its accuracy, in points below float.
        confidence: Coverage of the interval.
        resamples: Bootstrap resamples.
        seed: Of the resampling.

    Returns:
        The comparison, or None where the second front has no area, so that there is no ratio.

    Raises:
        InputError: Shapes differ, a value is not finite, or only one of the two outcomes is given.
    """
    points = np.column_stack([_vector("energy", energy), _vector("selection", selection, energy)])
    accuracies = _vector("reported", reported, energy)
    groups = [np.flatnonzero(_vector(name, mask, energy) != 0) for name, mask in (("first", first), ("second", second))]
    fronts = [_chosen(points, group, corner_energy) for group in groups]
    floor = np.array([float_accuracy - corner_drop_pp])
    areas = [float(_area(points[f, 0], accuracies[f][None, :], floor, corner_energy)[0]) for f in fronts]
    if areas[1] == 0:
        return None
    low = high = None
    if (outcomes is None) != (float_outcomes is None):
        raise InputError("hypervolume_ratio: give the outcomes of all networks and of the float network, or neither")
    if outcomes is not None and float_outcomes is not None:
        corner = corner_energy, corner_drop_pp
        ratios = _resampled(points[:, 0], fronts, outcomes, float_outcomes, corner, resamples, seed)
        if ratios.size:
            tail = 50.0 * (1.0 - confidence)
            low, high = (float(value) for value in np.percentile(ratios, [tail, 100.0 - tail]))
    return HypervolumeRatio(
        ratio=areas[0] / areas[1],
        low=low,
        high=high,
        first=areas[0],
        second=areas[1],
        first_front=tuple(int(index) for index in fronts[0]),
        second_front=tuple(int(index) for index in fronts[1]),
        corner_energy=corner_energy,
        corner_drop_pp=corner_drop_pp,
    )


def _chosen(points: FloatArray, group: NDArray[np.intp], corner_energy: float) -> NDArray[np.intp]:
    """Return the group's front on the selection images left of the corner, cheapest first, one of equal points."""
    inside: NDArray[np.intp] = group[points[group, 0] < corner_energy]
    if not inside.size:
        return inside
    front: NDArray[np.intp] = inside[pareto_front(points[inside], maximise=(False, True))]
    _, first = np.unique(points[front, 0], return_index=True)
    return np.asarray(front[first], dtype=np.intp)


def _area(energy: FloatArray, accuracy: FloatArray, floor: FloatArray, corner_energy: float) -> FloatArray:
    """Return the areas `[B]` below the steps of accuracies `[B, points]` above `floor` `[B]`."""
    widths = np.diff(np.append(energy, corner_energy))
    return np.asarray(np.maximum(accuracy - floor[:, None], 0.0) @ widths, dtype=np.float64)


def _resampled(
    energy: FloatArray,
    fronts: Sequence[NDArray[np.intp]],
    outcomes: NDArray[np.bool_],
    float_outcomes: NDArray[np.bool_],
    corner: tuple[float, float],
    resamples: int,
    seed: int,
) -> FloatArray:
    if outcomes.shape != (energy.size, float_outcomes.size):
        raise InputError(
            f"hypervolume_ratio: outcomes {list(outcomes.shape)} for {energy.size} networks and "
            f"{float_outcomes.size} images"
        )
    images = float_outcomes.size
    # Only how often an image is drawn matters, and counts make resampling one product of matrices.
    counts = np.random.default_rng(seed).multinomial(images, np.full(images, 1.0 / images), size=resamples)
    weights = counts.astype(np.float32) * np.float32(100.0 / images)
    floor = (weights @ float_outcomes.astype(np.float32)).astype(np.float64) - corner[1]
    first, second = (
        _area(energy[front], (weights @ outcomes[front].T.astype(np.float32)).astype(np.float64), floor, corner[0])
        for front in fronts
    )
    defined = second > 0
    return np.asarray(first[defined] / second[defined], dtype=np.float64)


def _vector(name: str, values: ArrayLike, like: ArrayLike | None = None) -> FloatArray:
    vector = np.asarray(values, dtype=np.float64)
    expected = vector.shape if like is None else np.shape(like)
    if vector.ndim != 1 or vector.shape != expected:
        raise InputError(f"hypervolume_ratio: {name} has shape {list(vector.shape)}; it must be {list(expected)}")
    if not np.isfinite(vector).all():
        raise InputError(f"hypervolume_ratio: {name} is not finite at {int(np.flatnonzero(~np.isfinite(vector))[0])}")
    return vector
