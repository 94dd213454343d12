"""Seeded, stratified choices among labelled images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified(labels: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """Return `count` indices, ascending, in which each class has its share of the whole.

    Shares that are no whole numbers are rounded by the largest remainder, the smaller class number first, so that
    the result depends on labels, count and seed only.

    Args:
        labels: int64 `[N]`, not negative.
        count: 0 to N.
        seed: Of the choice within each class.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * count / len(labels) if len(labels) else sizes.astype(float)
    quotas = np.floor(shares).astype(np.int64)
    largest = np.argsort(-(shares - quotas), kind="stable")
    quotas[largest[: count - int(quotas.sum())]] += 1
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == c))[:quota] for c, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)
