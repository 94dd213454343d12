"""The compiled loops of requantisation. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled

Integers = NDArray[Any]


@compiled
def requantize_rows(
    sums: Integers,
    multiplier: Integers,
    addend: Integers,
    shift: Integers,
    low: int,
    high: int,
    result: Integers,
    start: int,
    stop: int,
) -> None:
    """Requantise rows `start` to `stop` of `sums` `[rows, inner]`; row r is of channel `r % channels`."""
    for row in range(start, stop):
        channel = row % len(multiplier)
        factor, added, bits = np.int64(multiplier[channel]), addend[channel], np.int64(shift[channel])
        for i in range(sums.shape[1]):
            value = (np.int64(sums[row, i]) * factor + added) >> bits
            result[row, i] = min(max(value, low), high)


@compiled
def requantize_columns(
    sums: Integers,
    multiplier: Integers,
    addend: Integers,
    shift: Integers,
    low: int,
    high: int,
    result: Integers,
    start: int,
    stop: int,
) -> None:
    """Requantise rows `start` to `stop` of `sums` `[rows, channels]`."""
    for row in range(start, stop):
        for channel in range(sums.shape[1]):
            product = np.int64(sums[row, channel]) * np.int64(multiplier[channel])
            value = (product + addend[channel]) >> np.int64(shift[channel])
            result[row, channel] = min(max(value, low), high)
