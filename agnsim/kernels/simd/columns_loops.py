"""The compiled loops of the column path. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled
from agnsim.kernels.simd.columns_vectors import LANES, TERMS, add_products, transpose_tile
from agnsim.kernels.simd.source_loops import pack

Integers = NDArray[Any]


@compiled
def add_by_vectors(
    codes: Integers,
    pitch: int,
    count: int,
    table: Integers,
    starts: Integers,
    tiles: int,
    side: int,
    products: Integers,
    sums: Integers,
) -> None:
    """Add the products of 16 outputs for every position: `sums[p * 16 + j] += sum_k table[starts[k * 16 + j] + code]`.

    For four terms k at a time the table columns of the 16 weights are laid side by side (16 products per activation
    code, in the first-level cache), so that one code looks 16 products up with one load.

    Args:
        codes: Flat activation codes, `codes[k * pitch + p]`; their number of rows K is that of `starts`.
        pitch: Entries from one operand's row to the next's.
        count: Positions.
        table: Flat transposed table, a row of activation codes per weight code.
        starts: Flat `[K * 16]`, K a multiple of 4: where the row of each weight begins in `table`.
        tiles: Squares of codes in use.
        side: Codes per square.
        products: Scratch, flat `[4 * tiles * side * 16]`, dtype of `table`.
        sums: Flat `[count * 16]`, int32 or int64, wrapping.
    """
    block = tiles * side * LANES
    for k in range(0, len(starts) // LANES, TERMS):
        for term in range(TERMS):
            for tile in range(tiles):
                for lane in range(0, LANES, side):
                    at = term * block + tile * side * LANES + lane
                    transpose_tile(table, starts, (k + term) * LANES + lane, tile * side, products, at)
        codes0 = codes[k * pitch :]
        codes1 = codes[(k + 1) * pitch :]
        codes2 = codes[(k + 2) * pitch :]
        codes3 = codes[(k + 3) * pitch :]
        for p in range(count):
            add_products(
                sums,
                p * LANES,
                products,
                np.intp(codes0[p]) * LANES,
                np.intp(codes1[p]) * LANES + block,
                np.intp(codes2[p]) * LANES + 2 * block,
                np.intp(codes3[p]) * LANES + 3 * block,
            )


@compiled
def add_by_rows(
    codes: Integers, pitch: int, count: int, table: Integers, starts: Integers, lanes: int, sums: Integers
) -> None:
    """Add the same sums for the first `lanes` outputs, a product at a time: for few positions or few outputs."""
    for k in range(len(starts) // LANES):
        row = codes[k * pitch :]
        for j in range(lanes):
            start = np.uintp(starts[k * LANES + j])
            for p in range(count):
                sums[np.uintp(p * LANES + j)] += table[start + np.uintp(row[p])]


@compiled
def write_back(sums: Integers, shift: int, lanes: int, first_output: int, start: int, out: Integers) -> None:
    """Store `out[image, first_output + j, position] = sums[p * 16 + j] + shift` for consecutive positions.

    Args:
        sums: Flat `[count * 16]`.
        shift: Constant that the table's entries lack, times the fan-in.
        lanes: Outputs in use, at most 16.
        first_output: Output channel of lane 0.
        start: First output position.
        out: `[N, O, out_h * out_w]`.
    """
    count, area = sums.shape[0] // LANES, out.shape[2]
    done = 0
    while done < count:
        image, position = (start + done) // area, (start + done) % area
        run = min(area - position, count - done)
        for j in range(lanes):
            line = out[image, first_output + j, position : position + run]
            at = done * LANES + j
            for p in range(run):
                line[p] = sums[np.uintp(at + p * LANES)] + shift
        done += run


@compiled
def add_block(
    source: Integers,
    image_step: int,
    group_step: int,
    row_step: int,
    lines: int,
    columns: int,
    fields: Integers,
    table: Integers,
    starts: Integers,
    outputs: int,
    shift: int,
    tiles: int,
    side: int,
    start: int,
    count: int,
    codes: Integers,
    result: Integers,
) -> None:
    """Compute all outputs of one block of positions.

    Args:
        source: Flat indices, see `Source`.
        image_step: See `Source`.
        group_step: See `Source`.
        row_step: See `Source`.
        lines: Output height.
        columns: Output width.
        fields: `[fan_in]`, see `Source`.
        table: Flat transposed table, see `Columns`.
        starts: `[groups, vectors, K * 16]`, K at least the fan-in.
        outputs: Output channels of one group.
        shift: Constant added to every sum.
        tiles: Squares of codes in use; 0: look products up one at a time.
        side: Codes per square.
        start: First position.
        count: Positions.
        codes: Scratch of zeros, flat, `K * (count + 16)` and a vector more.
        result: `[N, O, lines * columns]`, overwritten.
    """
    pitch = count + LANES
    sums = np.empty(count * LANES, result.dtype)
    products = np.empty(4 * tiles * side * LANES, table.dtype)
    for group in range(starts.shape[0]):
        pack(source, image_step, row_step, lines, columns, fields, group * group_step, start, count, codes, pitch)
        for vector in range(starts.shape[1]):
            lanes = min(LANES, outputs - vector * LANES)
            sums[:] = 0
            if tiles > 0:
                add_by_vectors(codes, pitch, count, table, starts[group, vector], tiles, side, products, sums)
            else:
                add_by_rows(codes, pitch, count, table, starts[group, vector], lanes, sums)
            write_back(sums, shift, lanes, group * outputs + vector * LANES, start, result)
