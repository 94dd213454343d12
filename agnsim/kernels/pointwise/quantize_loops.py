"""The compiled loops between real values and codes. Importing this imports Numba.

Every loop reads and writes once, in the order of memory; all conditions are selects, so that LLVM vectorises them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled

Floats = NDArray[np.float32]
Codes = NDArray[Any]
Bytes = NDArray[np.uint8]


@compiled
def round_to_codes(
    x: Floats, scale: Floats, zero_point: Floats, run: int, low: Any, high: Any, start: int, stop: int, codes: Codes
) -> bool:
    """Write `clamp(round(x / scale) + zero_point)` for entries `start` to `stop`; return whether one is NaN.

    Args:
        x: Flat.
        scale: One per `run` entries of `x`.
        zero_point: Likewise.
        run: Entries that share a scale.
        low: Smallest code, float32.
        high: Largest code, float32.
        start: First entry.
        stop: Entry after the last.
        codes: Flat result; a NaN becomes code 0.
    """
    spoilt = False
    at = start
    while at < stop:
        row = at // run
        end = min(stop, (row + 1) * run)
        step, zero = scale[row], zero_point[row]
        source, target = x[at:end], codes[at:end]
        bad = 0
        for i in range(end - at):
            rounded = np.rint(source[i] / step) + zero
            bad |= rounded != rounded
            code = low if rounded < low else rounded
            code = high if code > high else code
            target[i] = np.int32(code if rounded == rounded else np.float32(0.0))
        spoilt |= bad != 0
        at = end
    return spoilt


@compiled
def round_to_codes_and_mask(
    x: Floats,
    scale: Floats,
    zero_point: Floats,
    run: int,
    low: Any,
    high: Any,
    start: int,
    stop: int,
    codes: Codes,
    inside: Bytes,
) -> bool:
    """`round_to_codes`, and in `inside` 1 where an entry is not clipped, else 0 (NaN included)."""
    spoilt = False
    at = start
    while at < stop:
        row = at // run
        end = min(stop, (row + 1) * run)
        step, zero = scale[row], zero_point[row]
        source, target, mask = x[at:end], codes[at:end], inside[at:end]
        bad = 0
        for i in range(end - at):
            rounded = np.rint(source[i] / step) + zero
            bad |= rounded != rounded
            mask[i] = (rounded >= low) & (rounded <= high)
            code = low if rounded < low else rounded
            code = high if code > high else code
            target[i] = np.int32(code if rounded == rounded else np.float32(0.0))
        spoilt |= bad != 0
        at = end
    return spoilt
