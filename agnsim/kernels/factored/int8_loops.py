"""The compiled loops of the 8-bit path. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled
from agnsim.kernels.factored.int8_vectors import (
    LANES,
    MAPPED,
    dot_1x1,
    dot_1x4,
    dot_4x1,
    dot_4x4,
    map_four,
)
from agnsim.kernels.vector_copies import copy_8

Integers = NDArray[Any]


@compiled
def copy_run(source: Integers, at: int, target: Integers, to: int, count: int) -> None:
    """Copy `count` entries between flat arrays of one dtype."""
    done = 0
    while done + 8 <= count:
        copy_8(source, at + done, target, to + done)
        done += 8
    while done < count:
        target[np.uintp(to + done)] = source[np.uintp(at + done)]
        done += 1


@compiled
def lay_activations(
    codes: Integers,
    height: int,
    width: int,
    mask: int,
    table: Integers,
    pad: int,
    channels: int,
    quads: int,
    first: int,
    last: int,
    row_phases: int,
    column_phases: int,
    rows: int,
    columns: int,
    top: int,
    left: int,
    source: Integers,
    at: int,
    image_step: int,
) -> None:
    """Map one plane's codes and lay four channels side by side: `[row phase, column phase, row, column, 4]` per quad.

    Args:
        codes: Flat bytes `[N * groups, channels, height, width]`, with 4 * 64 entries more.
        height: Rows of the input.
        width: Columns of the input.
        mask: Bits of a code that count.
        table: `[257]`, what each pattern is mapped to.
        pad: Byte at padded positions.
        channels: Channels of one group.
        quads: Fours of channels of one group.
        first: First quad, counted over image, group and quad.
        last: Quad after the last.
        row_phases: Vertical stride.
        column_phases: Horizontal stride.
        rows: Rows of one phase.
        columns: Columns of one phase.
        top: Padded rows above.
        left: Padded columns on the left.
        source: Result, flat bytes.
        at: Where the plane begins in it.
        image_step: Bytes from one image's group to the next's.
    """
    size = height * width
    whole = (size + MAPPED - 1) // MAPPED * MAPPED
    mapped = np.empty(4 * whole, np.uint8)
    dwords = mapped.view(np.int32)
    target = source.view(np.int32)
    quad_size = row_phases * column_phases * rows * columns
    padding = pad * 0x01010101
    for number in range(first, last):
        image, quad = number // quads, number % quads
        present = min(4, channels - 4 * quad)
        begin = (image * channels + 4 * quad) * size
        for p in range(0, size, MAPPED):
            # A quad's missing channels are read again from its first: their weights are 0.
            map_four(codes, begin + p, size if present == 4 else 0, mask, table, 0, mapped, 4 * p)
        if present < 4:
            for c in range(1, present):
                for p in range(size):
                    mapped[4 * p + c] = table[codes[begin + c * size + p] & mask]
        to = (at + image * image_step) // 4 + quad * quad_size
        for p in range(quad_size):
            target[to + p] = padding
        for y in range(height):
            row = top + y
            line = to + (row % row_phases * column_phases * rows + row // row_phases) * columns
            if column_phases == 1:
                copy_run(dwords, y * width, target, line + left, width)
            else:
                for phase in range(column_phases):
                    start = (phase - left) % column_phases
                    place = line + phase * rows * columns + (left + start) // column_phases
                    for x in range((width - start + column_phases - 1) // column_phases):
                        target[np.uintp(place + x)] = dwords[np.uintp(y * width + start + x * column_phases)]


@compiled
def lay_weights(indices: Integers, tables: Integers, quads: int, first: int, last: int, laid: Integers) -> None:
    """Map weights and lay them as the dot products read them.

    Args:
        indices: Weight patterns `[O, channels, taps]`.
        tables: int8 `[terms, 2**bits_b]`.
        quads: Fours of channels.
        first: First output.
        last: Output after the last.
        laid: int8, zeros: `[O, terms * quads * taps * 4]`.
    """
    channels, taps = indices.shape[1], indices.shape[2]
    for output in range(first, last):
        for term in range(len(tables)):
            for c in range(channels):
                base = (term * quads + c // 4) * taps * 4 + c % 4
                for tap in range(taps):
                    laid[output, base + tap * 4] = tables[term, indices[output, c, tap]]


@compiled
def _add_pass(
    source: Integers,
    origins: Integers,
    places: Integers,
    vectors: int,
    fields: Integers,
    fours: Integers,
    singles: Integers,
    weights_at: int,
    singles_at: int,
    first_output: int,
    last_output: int,
    starts: Integers,
    starts_at: int,
    is_first: bool,
    scale: int,
    result: Integers,
    to: int,
    step: int,
) -> None:
    """Add one pass at all positions of an image, for outputs `first_output` (a multiple of 4) to `last_output`."""
    count = len(fields)
    in_fours = last_output // 4 * 4
    for vector in range(0, vectors // 4 * 4, 4):
        for o in range(first_output, in_fours, 4):
            dot_4x4(source, origins, vector, fields, count, fours, weights_at + o * count, is_first, starts,
                    starts_at + o, scale, result, places, to + o * step, step)  # fmt: skip
        for o in range(in_fours, last_output):
            dot_4x1(source, origins, vector, fields, count, singles, singles_at + o % 4 * count, is_first, starts,
                    starts_at + o, scale, result, places, to + o * step, step)  # fmt: skip
    for vector in range(vectors // 4 * 4, vectors):
        for o in range(first_output, in_fours, 4):
            dot_1x4(source, origins, vector, fields, count, fours, weights_at + o * count, is_first, starts,
                    starts_at + o, scale, result, places, to + o * step, step)  # fmt: skip
        for o in range(in_fours, last_output):
            dot_1x1(source, origins, vector, fields, count, singles, singles_at + o % 4 * count, is_first, starts,
                    starts_at + o, scale, result, places, to + o * step, step)  # fmt: skip


@compiled
def convolve(
    source: Integers,
    group_bytes: int,
    groups: int,
    vector_origins: Integers,
    places: Integers,
    fields: Integers,
    fours: Integers,
    singles: Integers,
    bounds: Integers,
    scales: Integers,
    starts: Integers,
    outputs: int,
    first_output: int,
    last_output: int,
    first: int,
    last: int,
    pitch: int,
    lines: int,
    columns: int,
    direct: bool,
    result: Integers,
) -> None:
    """Compute outputs of images and groups `first` to `last`, counted over image and group.

    Args:
        source: Flat bytes.
        group_bytes: Bytes of one group of one image.
        groups: Convolution groups.
        vector_origins: `[vectors]`, where each vector of positions begins within a group.
        places: `[vectors]`, where its sums go within an output's plane.
        fields: All passes' field offsets, one pass after the other.
        fours: int32, all passes' weights of outputs in fours: per pass `[groups, outputs // 4, F, 4]`.
        singles: int32, those of up to three outputs left over: per pass `[groups, outputs % 4, F]`.
        bounds: `[passes + 1]`, where each pass's fields begin.
        scales: `[passes]`.
        starts: int64 `[groups * outputs]`.
        outputs: Outputs of one group.
        first_output: First output of a group, a multiple of 4.
        last_output: Output after the last: a multiple of 4, or `outputs`.
        first: First image and group.
        last: The one after the last.
        pitch: Positions from one row to the next, those of padding included.
        lines: Output height.
        columns: Output width.
        direct: Whether places are those of the result; else rows are copied out of a buffer.
        result: Flat `[N, groups * outputs, lines, columns]`, overwritten.
    """
    vectors = len(places)
    in_fours, left_over = outputs // 4 * 4, outputs % 4
    step = lines * columns if direct else vectors * LANES
    buffer = np.empty(0 if direct else outputs * step, result.dtype)
    origins = np.empty(vectors, np.int64)
    for number in range(first, last):
        group = number % groups
        for v in range(vectors):
            origins[v] = vector_origins[v] + number * group_bytes
        to = number * outputs * lines * columns
        for index in range(len(scales)):
            count = bounds[index + 1] - bounds[index]
            _add_pass(
                source,
                origins,
                places,
                vectors,
                fields[bounds[index] : bounds[index + 1]],
                fours,
                singles,
                bounds[index] * groups * in_fours + group * in_fours * count,
                bounds[index] * groups * left_over + group * left_over * count,
                first_output,
                last_output,
                starts,
                group * outputs,
                index == 0,
                scales[index],
                result if direct else buffer,
                to if direct else 0,
                step,
            )
        if not direct:
            for output in range(first_output, last_output):
                for y in range(lines):
                    at, place = output * step + y * pitch, to + (output * lines + y) * columns
                    copy_run(buffer, at, result, place, columns)
