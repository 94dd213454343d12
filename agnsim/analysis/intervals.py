"""Confidence interval of an accuracy difference measured on the same images."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agnsim.errors import InputError


class PairedInterval(NamedTuple):
    """An accuracy drop with its confidence limits, all in percentage points.

    Attributes:
        drop: Accuracy of the baseline minus accuracy of the other network; positive = the other one is worse.
        low: Lower confidence limit of the drop.
        high: Upper confidence limit of the drop.
    """

    drop: float
    low: float
    high: float


def _correctness(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.dtype != np.bool_ or array.ndim != 1 or array.size == 0:
        raise InputError(
            f"paired_interval: {name} is {array.dtype} {list(array.shape)}; it must be a boolean vector with one "
            "entry per image (True = classified correctly)"
        )
    return array


def paired_interval(baseline: ArrayLike, other: ArrayLike, *, confidence: float = 0.95) -> PairedInterval:
    """Return the accuracy drop from `baseline` to `other` and its paired confidence interval.

    Only images on which the two networks disagree carry information. With `lost` images that only the baseline
    gets right, `won` that only the other one does and N in all, the drop is `(lost - won) / N` and the Wald
    interval of a difference of correlated proportions has standard error
    `sqrt(lost + won - (lost - won)**2 / N) / N` (Agresti, Categorical Data Analysis, section 10.1.1).
    Where the networks agree on every image that error is zero, which claims too much: the exact (Clopper-Pearson)
    bound on the rate of disagreement after none in N, `1 - (alpha / 2)**(1 / N)`, is the half-width then. It is
    the smallest half-width in every case, so that a single disagreement never narrows the interval.

    Args:
        baseline: bool `[N]`, per-image correctness of the network compared with.
        other: bool `[N]`, per-image correctness on the same images in the same order.
        confidence: Coverage, between 0 and 1.

    Raises:
        InputError: Not boolean vectors of one length, or a confidence outside (0, 1).
    """
    first, second = _correctness("baseline", baseline), _correctness("other", other)
    if first.size != second.size:
        raise InputError(
            f"paired_interval: baseline has {first.size} images and other {second.size}; both must be evaluated "
            "on the same images in the same order"
        )
    if not 0.0 < confidence < 1.0:
        raise InputError(f"paired_interval: confidence {confidence} must lie between 0 and 1 (0.95, say)")
    images = first.size
    lost, won = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    drop = (lost - won) / images
    standard_error = float(np.sqrt(lost + won - (lost - won) ** 2 / images)) / images
    tail = (1.0 - confidence) / 2.0
    half_width = max(NormalDist().inv_cdf(1.0 - tail) * standard_error, 1.0 - tail ** (1.0 / images))
    return PairedInterval(100.0 * drop, 100.0 * max(drop - half_width, -1.0), 100.0 * min(drop + half_width, 1.0))
