"""Compiled: one row of products, and the errors of many rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnsim.compiled import compiled
from agnsim.multipliers.netlists.exhaustive.folding_loops import INVERTED, ONE, OR, XOR, ZERO, fold

WORDS = 64  # of a wire in a block: 4096 values of the second operand
LANES = 2 * WORDS
BLOCK = 64 * WORDS
_MASKS = np.array([2**32 + 1], dtype=np.uint64) * np.array(
    [0x55555555, 0x33333333, 0x0F0F0F0F, 0x00FF00FF, 0x0000FFFF], dtype=np.uint64
)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
# By kind: masks of x & y, of x ^ y, and what the result is inverted with. x | y is the XOR of both.
_GATES = np.array(
    [
        [0 if kind & 7 == XOR else _ALL, _ALL if kind & 7 in (XOR, OR) else 0, _ALL if kind >= INVERTED else 0]
        for kind in range(2 * INVERTED)
    ],
    dtype=np.uint64,
)


@compiled
def run_program(program: Any, length: int, slots: Any) -> None:
    """Evaluate a folded netlist for one block: uint64 `slots[slot, WORDS]`.

    Every gate is `((x & y) & both) ^ ((x ^ y) & differ) ^ inverted`: no branch has to guess its kind.
    """
    for step in range(length):
        kind = np.uint64(program[step, 0])
        both, differ, inverted = _GATES[kind, 0], _GATES[kind, 1], _GATES[kind, 2]
        x, y, out = np.uint64(program[step, 1]), np.uint64(program[step, 2]), np.uint64(program[step, 3])
        for word in range(np.uint64(WORDS)):
            left, right = slots[x, word], slots[y, word]
            slots[out, word] = ((left & right) & both) ^ ((left ^ right) & differ) ^ inverted


@compiled
def transpose_stage(planes: Any, swapped: Any, stage: int) -> None:
    """Exchange blocks of `2**stage` bits between rows of one array, into another: the loops know they don't overlap."""
    step = 1 << stage
    shift = np.uint64(step)
    low = _MASKS[stage]
    high = ~low
    for row in range(32):
        other = row ^ step
        if row & step:
            for word in range(WORDS):
                swapped[row, word] = ((planes[other, word] >> shift) & low) | (planes[row, word] & high)
        else:
            for word in range(WORDS):
                swapped[row, word] = ((planes[other, word] & low) << shift) | (planes[row, word] & low)


@compiled
def transpose(planes: Any, numbers: Any) -> None:
    """Turn 32 planes of bits into numbers: row j, lane l becomes the number of pair 32 l + j.

    Args:
        planes: uint64 `[32, WORDS]`, two lanes a word: bit j of lane l of row k is bit k of that number. Written over.
        numbers: Result, uint64 `[32, WORDS]`.
    """
    transpose_stage(planes, numbers, 4)
    transpose_stage(numbers, planes, 3)
    transpose_stage(planes, numbers, 2)
    transpose_stage(numbers, planes, 1)
    transpose_stage(planes, numbers, 0)


@compiled
def first_planes(slots: Any, bits_b: int) -> None:
    """Fill the slots of the second operand's bits that are the same in every block."""
    pattern = np.empty(6, dtype=np.uint64)
    for place in range(6):
        word = np.uint64(0)
        for bit in range(64):
            if (bit >> place) & 1:
                word |= np.uint64(1) << np.uint64(bit)
        pattern[place] = word
    for place in range(min(bits_b, 12)):
        for word_index in range(WORDS):
            if place < 6:
                slots[place, word_index] = pattern[place]
            else:
                slots[place, word_index] = _ALL if (word_index >> (place - 6)) & 1 else np.uint64(0)


@compiled
def work_arrays(bits_a: int, bits_b: int, gates: int, outputs: int) -> Any:
    """Return what `fold_row` and `row_block` write to, the second operand's slots filled."""
    wires = bits_a + bits_b + gates
    slots = np.empty((wires, WORDS), np.uint64)
    first_planes(slots, bits_b)
    return (
        np.empty(wires, np.int32),
        np.empty(wires, np.int32),
        np.empty(wires, np.int32),
        np.empty(wires, np.int32),
        np.empty((gates, 3), np.int32),
        np.empty((gates, 4), np.int32),
        np.empty(outputs, np.int32),
        slots,
        np.empty((32, WORDS), np.uint64),
        np.empty((32, WORDS), np.uint64),
    )


@compiled
def fold_row(a: int, bits_a: int, bits_b: int, kinds: Any, xs: Any, ys: Any, outputs: Any, work: Any) -> int:
    """Fold the netlist for one value of the first operand; return the length of its program."""
    carries, uses, places, free, folded, program, output_slots, _, _, _ = work
    return fold(a, bits_a, bits_b, kinds, xs, ys, outputs, carries, folded, uses, places, free, program, output_slots)


@compiled
def row_block(work: Any, length: int, block: int, bits_b: int) -> Any:
    """Return a block of the folded netlist's products, for the second operand's values from `block * BLOCK` on.

    The result is uint32 `[32, LANES]`, in the order that `transpose` gives; the next call writes over it.
    """
    _, _, _, _, _, program, output_slots, slots, planes, numbers = work
    for place in range(12, bits_b):
        slots[place, :] = _ALL if (block >> (place - 12)) & 1 else np.uint64(0)
    run_program(program, length, slots)
    for place in range(32):
        slot = output_slots[place] if place < len(output_slots) else ZERO
        if slot >= 0:
            planes[place, :] = slots[slot, :]
        else:
            planes[place, :] = _ALL if slot == ONE else np.uint64(0)
    transpose(planes, numbers)
    return numbers.view(np.uint32)


@compiled
def fill_rows(
    start: int,
    stop: int,
    bits_a: int,
    bits_b: int,
    kinds: Any,
    xs: Any,
    ys: Any,
    outputs: Any,
    signed: bool,
    table: Any,
) -> None:
    """Write rows `start .. stop` of the table, int32 `[2**bits_a, 2**bits_b]`; products of at most 32 bits."""
    work = work_arrays(bits_a, bits_b, len(kinds), len(outputs))
    unused = np.int64(64 - len(outputs)) if signed else np.int64(0)
    columns = 1 << bits_b
    for a in range(start, stop):
        length = fold_row(a, bits_a, bits_b, kinds, xs, ys, outputs, work)
        for block in range((columns + BLOCK - 1) // BLOCK):
            products = row_block(work, length, block, bits_b)
            for lane in range(min(LANES, (columns - block * BLOCK) // 32)):
                for bit in range(32):
                    value = np.int64(products[bit, lane])
                    table[a, block * BLOCK + lane * 32 + bit] = (value << unused) >> unused


@compiled
def add_errors(
    start: int,
    stop: int,
    bits_a: int,
    bits_b: int,
    kinds: Any,
    xs: Any,
    ys: Any,
    outputs: Any,
    signed: bool,
    operands_a: Any,
    operands_b: Any,
    sums: Any,
    relative: Any,
) -> None:
    """Add up errors of rows `start .. stop`; one row of results per value of the first operand.

    Args:
        start: First row.
        stop: Behind the last row.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand, at least 12.
        kinds: As `fold`.
        xs: As `fold`.
        ys: As `fold`.
        outputs: As `fold`; at most 32.
        signed: Whether the product is in two's complement.
        operands_a: int64 `[2**bits_a]`, values by bit pattern.
        operands_b: int64 `[2**bits_b]`.
        sums: Result int64 `[2**bits_a, 7]`: sum, sum of magnitudes, errors that are not 0, largest magnitude, and the
            sums of high * high, high * low and low * low, with magnitude = 65536 high + low.
        relative: Result float64 `[2**bits_a]`: sum of magnitude / max(1, |exact|).
    """
    work = work_arrays(bits_a, bits_b, len(kinds), len(outputs))
    unused = np.int64(64 - len(outputs))
    # A lane of pairs in the order of `planes`: [block][bit][lane], so that the loops below read ahead.
    blocks = (1 << bits_b) // BLOCK
    values = np.empty((blocks, 32, LANES), np.int64)
    inverses = np.empty((blocks, 32, LANES), np.float64)
    for block in range(blocks):
        for bit in range(32):
            for lane in range(LANES):
                value = operands_b[block * BLOCK + lane * 32 + bit]
                values[block, bit, lane] = value
                inverses[block, bit, lane] = 1.0 / max(1, abs(value))
    by_lane = np.empty(LANES, np.float64)
    for a in range(start, stop):
        length = fold_row(a, bits_a, bits_b, kinds, xs, ys, outputs, work)
        factor = operands_a[a]
        total, magnitudes, wrong, worst = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        high_high, high_low, low_low = np.int64(0), np.int64(0), np.int64(0)
        by_lane[:] = 0.0
        of_zero = np.int64(0)
        for block in range(blocks):
            products = row_block(work, length, block, bits_b)
            if block == 0:
                of_zero = (np.int64(products[0, 0]) << unused) >> unused if signed else np.int64(products[0, 0])
            for bit in range(32):
                of_bit, factors, inverse = products[bit], values[block, bit], inverses[block, bit]
                for lane in range(LANES):
                    product = np.int64(of_bit[lane])
                    if signed:
                        product = (product << unused) >> unused
                    error = product - factor * factors[lane]
                    magnitude = abs(error)
                    total += error
                    magnitudes += magnitude
                    wrong += np.int64(error != 0)
                    worst = max(worst, magnitude)
                    high, low = magnitude >> np.int64(16), magnitude & np.int64(0xFFFF)
                    high_high += high * high
                    high_low += high * low
                    low_low += low * low
                    by_lane[lane] += magnitude * inverse[lane]
        sums[a, 0], sums[a, 1], sums[a, 2], sums[a, 3] = total, magnitudes, wrong, worst
        sums[a, 4], sums[a, 5], sums[a, 6] = high_high, high_low, low_low
        added = 0.0
        for lane in range(LANES):
            added += by_lane[lane]
        # The lanes divide by |b| alone; where an operand is 0 the denominator is 1, whatever the other is.
        with_zero = abs(of_zero)
        relative[a] = (added - with_zero) / abs(factor) + with_zero if factor else magnitudes


@compiled
def rows_equal(
    start: int,
    stop: int,
    bits_a: int,
    bits_b: int,
    kinds: Any,
    xs: Any,
    ys: Any,
    outputs: Any,
    signed: bool,
    u: Any,
    v: Any,
) -> bool:
    """Return whether rows `start .. stop` are `u.T @ v`: int64 `[r, 2**bits_a]`, `[r, 2**bits_b]`; 12 bits or more."""
    work = work_arrays(bits_a, bits_b, len(kinds), len(outputs))
    unused = np.int64(64 - len(outputs))
    blocks = (1 << bits_b) // BLOCK
    expected = np.empty((32, LANES), np.int64)
    for a in range(start, stop):
        length = fold_row(a, bits_a, bits_b, kinds, xs, ys, outputs, work)
        for block in range(blocks):
            products = row_block(work, length, block, bits_b)
            expected[:] = 0
            for term in range(len(u)):
                factor = u[term, a]
                for bit in range(32):
                    for lane in range(LANES):
                        expected[bit, lane] += factor * v[term, block, bit, lane]
            wrong = False
            for bit in range(32):
                for lane in range(LANES):
                    product = np.int64(products[bit, lane])
                    if signed:
                        product = (product << unused) >> unused
                    wrong |= product != expected[bit, lane]
            if wrong:
                return False
    return True
