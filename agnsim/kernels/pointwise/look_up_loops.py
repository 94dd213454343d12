"""The compiled loops of gradients on codes. Importing this imports Numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@compiled
def map_bytes(codes: Bytes, table: Floats, values: Floats) -> None:
    """Write `table[code]` for every code."""
    for i in range(len(codes)):
        values[i] = table[codes[i]]


@compiled
def zero_outside(values: Floats, inside: Bytes) -> None:
    """Multiply every value by its mask, in place."""
    for i in range(len(values)):
        values[i] *= np.float32(inside[i])
