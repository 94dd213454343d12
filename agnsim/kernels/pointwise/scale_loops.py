"""The compiled loops from sums to real values, in place. Importing this imports Numba.

The result takes the place of the sums, through a buffer that stays in the cache: LLVM does not vectorise a loop that
reads and writes the same memory as two types.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled

BUFFER = 512

Floats = NDArray[np.float32]
Sums = NDArray[Any]


@compiled
def scale_planes(
    sums: Sums, reals: Floats, run: int, start: int, stop: int, offset: Sums, scale: Floats, shift: Floats
) -> None:
    """Write `float32(sum - offset) * scale + shift` for planes `start` to `stop`, each step rounded by itself.

    Args:
        sums: Flat, int32 or float32, planes of `run` entries, one channel after the other.
        reals: The same memory as float32.
        run: Entries of one plane.
        start: First plane.
        stop: Plane after the last.
        offset: Per channel, of the type of `sums`.
        scale: Per channel.
        shift: Per channel.
    """
    channels = len(scale)
    buffer = np.empty(BUFFER, np.float32)
    for plane in range(start, stop):
        channel = plane % channels
        less, factor, more = offset[channel], scale[channel], shift[channel]
        for at in range(plane * run, (plane + 1) * run, BUFFER):
            count = min(BUFFER, (plane + 1) * run - at)
            source, target = sums[at : at + count], reals[at : at + count]
            for i in range(count):
                buffer[i] = np.float32(source[i] - less) * factor + more
            for i in range(count):
                target[i] = buffer[i]


@compiled
def scale_channels_last(
    sums: Sums, reals: Floats, start: int, stop: int, offset: Sums, scale: Floats, shift: Floats
) -> None:
    """`scale_planes` for entries `start` to `stop` where the channel is the innermost dimension.

    Args:
        sums: Flat.
        reals: The same memory as float32.
        start: First entry, a multiple of the length of `scale`.
        stop: Entry after the last.
        offset: Of all channels, again and again; of the type of `sums`.
        scale: Likewise.
        shift: Likewise.
    """
    period = len(scale)
    buffer = np.empty(period, np.float32)
    for at in range(start, stop, period):
        count = min(period, stop - at)
        source, target = sums[at : at + count], reals[at : at + count]
        for i in range(count):
            buffer[i] = np.float32(source[i] - offset[i]) * scale[i] + shift[i]
        for i in range(count):
            target[i] = buffer[i]
