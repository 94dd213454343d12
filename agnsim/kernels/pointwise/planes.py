"""Codes to float planes and float sums to integers, one pass each. Importing this imports Numba.

A plane holds a table entry per code. A block's planes are written straight into the layout that a channels-last
convolution (or a matrix product) reads, so that neither indices nor single planes are ever stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled

Integers = NDArray[Any]
Floats = NDArray[np.float32]

_TILE = 16


@compiled
def map_rows(
    codes: Integers,
    mask: int,
    sign: int,
    tables: Floats,
    linear: NDArray[np.bool_],
    first: int,
    stop: int,
    planes: Floats,
    origin: int,
    steps: Integers,
) -> None:
    """Write the planes of some rows of codes: `planes[..] = tables[r, codes[n, h, w, c] & mask]`.

    Args:
        codes: Unsigned integers `[N, H, W, C]`, any strides.
        mask: Bits of a code that count.
        sign: Highest bit of a signed code, 0 for an unsigned one.
        tables: `[r, mask + 1]`.
        linear: `[r]`: the plane is the code's value; its table is not read.
        first: First row, counted over images: `n * H + h`.
        stop: Row after the last.
        planes: Result, flat.
        origin: Where the first row's first position goes, in the first plane.
        steps: In `planes`, from one image, row, position and plane to the next.
    """
    height, width, channels = codes.shape[1:]
    row = np.empty(width * channels, codes.dtype)
    for number in range(first, stop):
        image, line = number // height, number % height
        # Along the inner loop the codes of a contiguous tensor are neighbours.
        for channel in range(channels):
            for column in range(width):
                row[np.uintp(column * channels + channel)] = codes[image, line, column, channel] & mask
        _write_row(row, channels, sign, tables, linear, planes, origin + image * steps[0] + line * steps[1], steps)


@compiled
def map_dense_rows(
    codes: Integers,
    width: int,
    mask: int,
    sign: int,
    tables: Floats,
    linear: NDArray[np.bool_],
    first: int,
    stop: int,
    planes: Floats,
    origin: int,
    steps: Integers,
) -> None:
    """Do as `map_rows` for codes `[N, H, W * C]` without gaps in memory."""
    height, size = codes.shape[1:]
    row = np.empty(size, codes.dtype)
    for number in range(first, stop):
        image, line = number // height, number % height
        source = codes[image, line]
        for i in range(size):
            row[i] = source[i] & mask
        _write_row(row, size // width, sign, tables, linear, planes, origin + image * steps[0] + line * steps[1], steps)


@compiled
def _write_row(
    row: Integers,
    channels: int,
    sign: int,
    tables: Floats,
    linear: NDArray[np.bool_],
    planes: Floats,
    start: int,
    steps: Integers,
) -> None:
    position_step, plane_step = steps[2], steps[3]
    run = len(row) if position_step == channels else channels
    # Unsigned indices spare Numba's test for negative ones, slices the time to make them.
    for plane in range(len(tables)):
        table, to = tables[plane], start + plane * plane_step
        for origin in range(0, len(row), run):
            shift = np.uintp(to - origin)
            if linear[plane]:
                for i in range(origin, origin + run):
                    value = np.int32(row[np.uintp(i)])
                    planes[np.uintp(i) + shift] = np.float32((value ^ np.int32(sign)) - np.int32(sign))
            else:
                for i in range(origin, origin + run):
                    planes[np.uintp(i) + shift] = table[np.uintp(row[np.uintp(i)])]
            to += position_step


@compiled
def add_flat(sums: Floats, scale: int, adds: bool, result: Integers) -> None:
    """Write, or add to what is there, `scale * sums` as integers; the same layout on both sides."""
    if adds:
        for i in range(len(sums)):
            result[i] += result.dtype.type(sums[i]) * scale
    else:
        for i in range(len(sums)):
            result[i] = result.dtype.type(sums[i]) * scale


@compiled
def add_transposed(sums: Floats, scale: int, adds: bool, result: Integers) -> None:
    """Write, or add to what is there, `scale * sums` as integers: sums `[N, P, O]`, result `[N, O, P]`."""
    images, positions, outputs = sums.shape
    for image in range(images):
        source, target = sums[image].reshape(-1), result[image].reshape(-1)
        for start in range(0, positions, _TILE):
            stop = min(positions, start + _TILE)
            for output in range(outputs):
                to = output * positions
                for position in range(start, stop):
                    value = result.dtype.type(source[np.uintp(position * outputs + output)]) * scale
                    if adds:
                        value += target[np.uintp(to + position)]
                    target[np.uintp(to + position)] = value
