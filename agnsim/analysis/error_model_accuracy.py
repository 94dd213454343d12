"""Is the error model to be trusted? Its predictions against what full emulation measures, over layers and circuits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agnsim.errors import InputError
from agnsim.types import FloatArray


@dataclass(frozen=True)
class ErrorModelAccuracy:
    """How well predictions meet measurements. Ratios and shares are fractions, 0.03 = 3 %.

    Attributes:
        compared: Pairs whose predicted and measured std are both positive.
        exact: Pairs without any error, predicted and measured; they take no part in what follows.
        std_median: Median of |predicted std / measured std - 1|.
        std_p95: Its 95th percentile.
        std_within_10_percent: Share of pairs where it is at most 0.1.
        mean_median: Median of |predicted mean - measured mean| / output std; None without means or output stds.
        mean_p95: Its 95th percentile.
        mean_largest: Its largest value.
        rank_median: Spearman's rank correlation of the stds of one layer's choices, median over the layers; None
            where no layer has three choices that err.
        rank_smallest: The smallest of them.
        rank_smallest_layer: The layer it is of.
    """

    compared: int
    exact: int
    std_median: float
    std_p95: float
    std_within_10_percent: float
    mean_median: float | None
    mean_p95: float | None
    mean_largest: float | None
    rank_median: float | None
    rank_smallest: float | None
    rank_smallest_layer: str | None


def error_model_accuracy(
    layers: Sequence[str],
    predicted_std: ArrayLike,
    measured_std: ArrayLike,
    *,
    predicted_mean: ArrayLike | None = None,
    measured_mean: ArrayLike | None = None,
    output_std: ArrayLike | None = None,
) -> ErrorModelAccuracy | None:
    """Compare predicted and measured errors of pairs of layer and choice (circuit, orientation, encoding).

    Args:
        layers: `[pairs]`, the layer of each pair.
        predicted_std: `[pairs]`, std of the layer's output error by the error model, in real output units.
        measured_std: `[pairs]`, the same from emulation; NaN in either: not compared.
        predicted_mean: `[pairs]`, mean of the error by the model.
        measured_mean: `[pairs]`, the same from emulation.
        output_std: `[pairs]`, std of the layer's accurate output, the unit of means.

    Returns:
        The figures, or None where no pair has two positive stds.

    Raises:
        InputError: The lengths differ.
    """
    predicted, measured = _column("predicted_std", predicted_std, layers), _column("measured_std", measured_std, layers)
    with np.errstate(invalid="ignore"):
        erring = (predicted > 0) & (measured > 0)
    if not erring.any():
        return None
    deviation = np.abs(predicted[erring] / measured[erring] - 1.0)
    names = np.asarray(layers, dtype=np.str_)
    ranks: dict[str, float] = {}
    for name in dict.fromkeys(names[erring].tolist()):
        own = erring & (names == name)
        value = spearman(predicted[own], measured[own])
        if value is not None:
            ranks[name] = value
    worst = min(ranks, key=ranks.__getitem__) if ranks else None
    means = _mean_deviation(layers, erring, predicted_mean, measured_mean, output_std)
    return ErrorModelAccuracy(
        compared=int(erring.sum()),
        exact=int(((predicted == 0) & (measured == 0)).sum()),
        std_median=float(np.median(deviation)),
        std_p95=float(np.percentile(deviation, 95)),
        std_within_10_percent=float((deviation <= 0.1).mean()),
        mean_median=float(np.median(means)) if means.size else None,
        mean_p95=float(np.percentile(means, 95)) if means.size else None,
        mean_largest=float(means.max()) if means.size else None,
        rank_median=float(np.median(list(ranks.values()))) if ranks else None,
        rank_smallest=ranks[worst] if worst is not None else None,
        rank_smallest_layer=worst,
    )


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the rank correlation of two float `[N]`, ties at their mean rank; None below three rows or if constant.

    Raises:
        InputError: The lengths differ.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(f"spearman: shapes {list(a.shape)} and {list(b.shape)}; give two vectors of one length")
    if a.size < 3:
        return None
    a, b = _ranks(a), _ranks(b)
    spread = float(a.std() * b.std())
    return None if spread == 0 else float(((a - a.mean()) * (b - b.mean())).mean()) / spread


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=np.float64)


def _mean_deviation(layers: Sequence[str], erring: ArrayLike, *columns: ArrayLike | None) -> FloatArray:
    names = ("predicted_mean", "measured_mean", "output_std")
    if any(column is None for column in columns):
        return np.zeros(0)
    predicted, measured, scale = (
        _column(name, column, layers) for name, column in zip(names, columns, strict=True) if column is not None
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.abs(predicted - measured) / scale
    return np.asarray(deviation[np.asarray(erring) & np.isfinite(deviation)], dtype=np.float64)


def _column(name: str, values: ArrayLike, layers: Sequence[str]) -> FloatArray:
    column = np.asarray(values, dtype=np.float64)  # None becomes NaN
    if column.shape != (len(layers),):
        raise InputError(f"error_model_accuracy: {name} has shape {list(column.shape)} for {len(layers)} layers' names")
    return column
