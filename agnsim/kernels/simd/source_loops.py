"""The compiled loops that lay activations out. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled
from agnsim.kernels.vector_copies import copy_32, split_16

Integers = NDArray[Any]

PIECE = 32
"""Operands copied at once when a block is packed."""


@compiled
def fill(
    codes: Integers,
    start: int,
    stop: int,
    flat: Integers,
    rows: int,
    columns: int,
    phases: int,
    top: int,
    left: int,
    mask: int,
    pad_index: int,
) -> int:
    """Write planes `start` to `stop` of a source; return the bitwise or of all indices that are no padding.

    Args:
        codes: `[planes, H, W]`.
        start: First plane.
        stop: Plane after the last.
        flat: Result, see `Source`.
        rows: Padded rows.
        columns: Padded columns.
        phases: Horizontal stride.
        top: Padded rows above.
        left: Padded columns on the left.
        mask: What makes a code an index.
        pad_index: Index at padded positions.
    """
    height, width = codes.shape[1], codes.shape[2]
    pitch = (columns + phases - 1) // phases
    plane = phases * rows * pitch
    indices = np.empty(width, flat.dtype)
    seen = 0
    for p in range(start, stop):
        if phases > 1 or height < rows or width < columns:
            flat[p * plane : (p + 1) * plane] = pad_index
        for row in range(height):
            at = p * plane + (top + row) * pitch
            line = codes[p, row]
            if phases == 1:
                target = flat[at + left : at + left + width]
                for column in range(width):
                    index = line[column] & mask
                    seen |= index
                    target[column] = index
            else:
                for column in range(width):
                    index = line[column] & mask
                    seen |= index
                    indices[column] = index
                _split(indices, width, phases, left, flat, at, rows * pitch)
    return seen


@compiled
def _split(indices: Integers, width: int, phases: int, left: int, flat: Integers, at: int, phase_step: int) -> None:
    """Sort a row by the remainder of its padded column modulo `phases`, `phase_step` entries apart."""
    first = 0
    if phases == 2:
        even, odd = at + left % 2 * phase_step + left // 2, at + (left + 1) % 2 * phase_step + (left + 1) // 2
        while first + 16 <= width:
            split_16(indices, first, flat, even + first // 2, flat, odd + first // 2)
            first += 16
    for phase in range(phases):
        column = first + (phase - left - first) % phases  # the next one of this phase
        to = at + phase * phase_step + (left + column) // phases
        for number in range((width - column + phases - 1) // phases):
            flat[np.uintp(to + number)] = indices[np.uintp(column + number * phases)]


@compiled
def pack(
    source: Integers,
    image_step: int,
    row_step: int,
    lines: int,
    columns: int,
    fields: Integers,
    group_offset: int,
    start: int,
    count: int,
    flat: Integers,
    pitch: int,
) -> None:
    """Gather the operands of consecutive output positions: `flat[k * pitch + p]`.

    Args:
        source: Flat indices, see `Source`.
        image_step: Entries from one image to the next.
        row_step: Entries from one output row's operands to the next row's.
        lines: Output height.
        columns: Output width.
        fields: `[K]`, where each operand of a receptive field lies.
        group_offset: Where the group's first channel lies.
        start: First output position (flattened over image, row, column).
        count: Positions.
        flat: Result, with at least `PIECE` entries more than its rows; what a row holds from `count` on is unspecified.
        pitch: Entries from one operand's row to the next's, at least `count`.
    """
    # The pieces of rows that the block consists of are the same for every operand but for its offset.
    origins = np.empty(count // PIECE + 2 * (count // columns) + 4, np.int64)
    places = np.empty(len(origins), np.int64)
    pieces = 0
    column, line = start % columns, start // columns % lines
    row = group_offset + start // columns // lines * image_step + line * row_step
    done = 0
    while done < count:
        run = min(columns - column, count - done)
        for p in range(0, run, PIECE):
            origins[pieces], places[pieces] = row + column + p, done + p
            pieces += 1
        done += run
        column = 0
        row += row_step
        line += 1
        if line == lines:
            line = 0
            row += image_step - lines * row_step
    for k in range(len(fields)):
        # Entries past a piece's end are overwritten by the next piece, by the next row, or lie in the scratch.
        for piece in range(pieces):
            copy_32(source, fields[k] + origins[piece], flat, k * pitch + places[piece])
