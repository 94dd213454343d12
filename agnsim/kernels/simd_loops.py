"""The compiled loops of the `simd` engine: pack, add, write back. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.kernels.compiled import compiled
from agnsim.kernels.simd_vectors import LANES, TERMS, add_products, copy_lanes, transpose_tile

Integers = NDArray[Any]


@compiled
def pack(
    source: Integers,
    image_size: int,
    line_step: int,
    column_step: int,
    lines: int,
    columns: int,
    fields: Integers,
    start: int,
    count: int,
    codes: Integers,
) -> None:
    """Gather the operands of consecutive output positions: `codes[k, p]`.

    Args:
        source: Padded bit patterns, flat, with at least 16 entries more than are read.
        image_size: Entries of one image.
        line_step: Entries between the receptive fields of two output rows.
        column_step: Entries between those of two output columns.
        lines: Output height.
        columns: Output width.
        fields: `[K]`, where each operand of a receptive field lies, relative to its first.
        start: First output position (flattened over image, row, column).
        count: Positions.
        codes: Result `[>= K, >= count + 16]`; entries from `count` on are scratch.
    """
    flat, pitch = codes.reshape(-1), codes.shape[1]
    done = 0
    while done < count:
        position = start + done
        column, line = position % columns, position // columns
        first = (line // lines) * image_size + (line % lines) * line_step + column * column_step
        run = min(columns - column, count - done)
        for k in range(len(fields)):
            at, to = first + fields[k], k * pitch + done
            if column_step == 1:
                # Writes past the run's end are overwritten by the next run, or lie in the scratch.
                for p in range(0, run, LANES):
                    copy_lanes(source, at + p, flat, to + p)
            else:
                for p in range(run):
                    flat[np.uintp(to + p)] = source[np.uintp(at + p * column_step)]
        done += run


@compiled
def add_by_vectors(
    codes: Integers,
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
        codes: Activation codes `[K, >= count]`, K a multiple of 4.
        count: Positions.
        table: Flat transposed table, a row of activation codes per weight code.
        starts: Flat `[K * 16]`, where the row of each weight begins in `table`.
        tiles: Squares of codes in use.
        side: Codes per square.
        products: Scratch, flat `[4 * tiles * side * 16]`, dtype of `table`.
        sums: Flat `[count * 16]`, int32 or int64, wrapping.
    """
    block = tiles * side * LANES
    for k in range(0, codes.shape[0], TERMS):
        for term in range(TERMS):
            for tile in range(tiles):
                for lane in range(0, LANES, side):
                    at = term * block + tile * side * LANES + lane
                    transpose_tile(table, starts, (k + term) * LANES + lane, tile * side, products, at)
        codes0, codes1, codes2, codes3 = codes[k], codes[k + 1], codes[k + 2], codes[k + 3]
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
def add_by_rows(codes: Integers, count: int, table: Integers, starts: Integers, lanes: int, sums: Integers) -> None:
    """Add the same sums for the first `lanes` outputs, a product at a time: for few positions or few outputs."""
    for k in range(codes.shape[0]):
        row = codes[k]
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
