"""What a bus of given width holds of an integer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def wrapped(values: NDArray[np.int64], bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Return what the low `bits` bits of int64 values mean, unsigned or in two's complement."""
    low = values & ((1 << bits) - 1)
    return low - ((low >> (bits - 1)) << bits) if signed else low
