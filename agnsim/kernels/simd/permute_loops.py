"""The compiled loop over blocks of positions of the byte-permute path. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled
from agnsim.kernels.simd.permute_vectors import (
    MAX_TERMS,
    add_64,
    add_64_below_128,
    add_256,
    add_256_below_128,
)
from agnsim.kernels.simd.source_loops import pack
from agnsim.kernels.vector_copies import copy_16

Integers = NDArray[Any]


@compiled
def _add_output(
    codes: Integers,
    low_rows: Integers,
    high_rows: Integers,
    passes: int,
    starts: Integers,
    at: int,
    terms: int,
    shift: int,
    sums: Integers,
    to: int,
    below_128: bool,
) -> None:
    """Set the sums of one output at 256 positions."""
    for k in range(0, terms, MAX_TERMS):
        now, row = min(MAX_TERMS, terms - k), at + k
        if below_128:
            add_256_below_128(codes, k * 256, low_rows, starts, row, now, k == 0, shift, 0, sums, to)
        else:
            add_256(codes, k * 256, low_rows, starts, row, now, k == 0, shift, 0, sums, to)
        if passes == 2:
            add_256(codes, k * 256, high_rows, starts, row, now, False, 0, 16, sums, to)


@compiled
def _add_narrow(
    codes: Integers,
    low_rows: Integers,
    high_rows: Integers,
    passes: int,
    starts: Integers,
    at: int,
    terms: int,
    shift: int,
    sums: Integers,
    below_128: bool,
) -> None:
    """Set the sums of one output at 64 positions."""
    for k in range(0, terms, MAX_TERMS):
        now, row = min(MAX_TERMS, terms - k), at + k
        if below_128:
            add_64_below_128(codes, k * 64, low_rows, starts, row, now, k == 0, shift, 0, sums, 0)
        else:
            add_64(codes, k * 64, low_rows, starts, row, now, k == 0, shift, 0, sums, 0)
        if passes == 2:
            add_64(codes, k * 64, high_rows, starts, row, now, False, 0, 16, sums, 0)


@compiled
def add_block(
    source: Integers,
    image_step: int,
    group_step: int,
    row_step: int,
    lines: int,
    columns: int,
    fields: Integers,
    groups: int,
    outputs: int,
    low_rows: Integers,
    high_rows: Integers,
    passes: int,
    starts: Integers,
    shift: int,
    block: int,
    below_128: bool,
    first_block: int,
    last_block: int,
    positions: int,
    codes: Integers,
    result: Integers,
) -> None:
    """Compute all outputs of blocks `first_block` to `last_block` of positions.

    Args:
        source: Flat bytes, see `Source`.
        image_step: See `Source`.
        group_step: See `Source`.
        row_step: See `Source`.
        lines: Output height.
        columns: Output width.
        fields: `[K]`, see `Source`.
        groups: Convolution groups.
        outputs: Output channels of one group.
        low_rows: Flat rows of bits 0 to 15 of the products.
        high_rows: The same of bits 16 to 31, used where `passes` is 2.
        passes: 1 or 2.
        starts: Flat `[groups * outputs * K]`, where the row of each weight begins.
        shift: Constant added to every sum.
        block: Positions of a block, 256 or 64.
        below_128: Whether every index is below 128.
        first_block: First block.
        last_block: Block after the last.
        positions: Positions in all, flattened over image, row, column.
        codes: Scratch `[K * block + 64]`, bytes.
        result: Flat `[N, groups * outputs, lines, columns]`, int32 or int64, overwritten.
    """
    terms = len(fields)
    image_size = lines * columns
    image_entries = groups * outputs * image_size
    scratch = np.empty(block, result.dtype)
    for number in range(first_block, last_block):
        start = number * block
        count = min(block, positions - start)
        image, position = start // image_size, start % image_size
        in_place = block == 256 and count == block and position + block <= image_size
        for group in range(groups):
            pack(source, image_step, row_step, lines, columns, fields, group * group_step, start, count, codes, block)
            for output in range(group * outputs, (group + 1) * outputs):
                to = image * image_entries + output * image_size + position
                at = output * terms
                if in_place:
                    _add_output(codes, low_rows, high_rows, passes, starts, at, terms, shift, result, to, below_128)
                elif block == 256:
                    _add_output(codes, low_rows, high_rows, passes, starts, at, terms, shift, scratch, 0, below_128)
                    _scatter(scratch, count, result, to, image_size - position, image_size, image_entries)
                else:
                    _add_narrow(codes, low_rows, high_rows, passes, starts, at, terms, shift, scratch, below_128)
                    _scatter(scratch, count, result, to, image_size - position, image_size, image_entries)


@compiled
def _scatter(
    sums: Integers, count: int, result: Integers, to: int, first_run: int, image_size: int, image_entries: int
) -> None:
    """Copy a block's sums to the images that they belong to."""
    done = 0
    run = min(first_run, count)
    while done < count:
        p = 0
        while p + 16 <= run:
            copy_16(sums, done + p, result, to + p)
            p += 16
        while p < run:
            result[np.uintp(to + p)] = sums[np.uintp(done + p)]
            p += 1
        done += run
        to += run + image_entries - image_size
        run = min(image_size, count - done)
