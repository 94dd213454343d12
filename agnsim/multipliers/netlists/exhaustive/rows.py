"""Netlist in, table or errors out: the compiled loops shared out among threads."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.metrics import ErrorMetrics
from agnsim.multipliers.netlists.gates import INVERTED, Op
from agnsim.types import Int32Array

if TYPE_CHECKING:
    from agnsim.multipliers.netlists.netlist import Netlist

MIN_BITS_B = 10
"""Narrowest second operand whose rows are long enough to be worth folding the netlist for."""
_BLOCK_BITS = 12  # of the second operand, where errors are added up or compared: they take whole blocks
_ROWS_AT_ONCE = 64


def exhaustive_table(netlist: Netlist) -> Int32Array:
    """Return int32 `[2**bits_a, 2**bits_b]`, the product for every pair of bit patterns.

    Args:
        netlist: Second operand of at least `MIN_BITS_B` bits, product of at most 32 bits that fits int32.
    """
    from agnsim.multipliers.netlists.exhaustive.row_loops import fill_rows

    table = np.empty((2**netlist.bits_a, 2**netlist.bits_b), dtype=np.int32)
    widths, gates, signed = (netlist.bits_a, netlist.bits_b), gate_arrays(netlist), netlist.signed
    _share_out(2**netlist.bits_a, lambda start, stop: fill_rows(start, stop, *widths, *gates, signed, table))
    return table


def exhaustive_metrics(netlist: Netlist, signed_a: bool, signed_b: bool) -> ErrorMetrics:
    """Return the errors over all pairs of operands, each counted once; a 16x16 multiplier takes seconds.

    Args:
        netlist: One operand of at least 12 bits, product of at most 32 bits.
        signed_a: Whether the first operand is in two's complement.
        signed_b: The same of the second operand.
    """
    if netlist.bits_b < _BLOCK_BITS:
        return exhaustive_metrics(netlist.swapped(), signed_b, signed_a)
    from agnsim.multipliers.netlists.exhaustive.row_loops import add_errors

    rows, columns = 2**netlist.bits_a, 2**netlist.bits_b
    values_a, values_b = operand_values(netlist.bits_a, signed_a), operand_values(netlist.bits_b, signed_b)
    sums, relative = np.empty((rows, 7), np.int64), np.empty(rows, np.float64)
    widths, gates, signed = (netlist.bits_a, netlist.bits_b), gate_arrays(netlist), netlist.signed

    def add(start: int, stop: int) -> None:
        add_errors(start, stop, *widths, *gates, signed, values_a, values_b, sums, relative)

    _share_out(rows, add)
    size = rows * columns
    total, magnitudes, wrong, _, high_high, high_low, low_low = (sum(int(part) for part in column) for column in sums.T)
    squares = (high_high << 32) + (high_low << 17) + low_low
    return ErrorMetrics(
        mae=magnitudes / size,
        wce=int(sums[:, 3].max()),
        mre=math.fsum(relative) / size,
        ep=wrong / size,
        mse=squares / size,
        mean_error=total / size,
        error_std=math.sqrt((size * squares - total * total) / (size * size)),
    )


def equals_factors(netlist: Netlist, u: NDArray[np.int64], v: NDArray[np.int64]) -> bool:
    """Return whether all products are `u.T @ v`.

    Args:
        netlist: One operand of at least 12 bits, product of at most 32 bits.
        u: int64 `[r, 2**bits_a]`, C order.
        v: int64 `[r, 2**bits_b]`; no sum of products leaves int64.
    """
    if netlist.bits_b < _BLOCK_BITS:
        return equals_factors(netlist.swapped(), v, u)
    from agnsim.multipliers.netlists.exhaustive.row_loops import rows_equal

    widths, gates, signed = (netlist.bits_a, netlist.bits_b), gate_arrays(netlist), netlist.signed
    by_block = _in_order_of_blocks(v)
    unequal: list[int] = []

    def compare(start: int, stop: int) -> None:
        if not unequal and not rows_equal(start, stop, *widths, *gates, signed, u, by_block):
            unequal.append(start)

    _share_out(2**netlist.bits_a, compare)
    return not unequal


class GateArrays(NamedTuple):
    """A netlist's gates as the compiled loops take them.

    Attributes:
        kinds: uint8 `[G]`, as `folding_loops` numbers them.
        xs: int32 `[G]`, first input wires.
        ys: int32 `[G]`, second input wires.
        outputs: int32 `[P]`, wires of the product.
    """

    kinds: NDArray[np.uint8]
    xs: NDArray[np.int32]
    ys: NDArray[np.int32]
    outputs: NDArray[np.int32]


def gate_arrays(netlist: Netlist) -> GateArrays:
    """Return the gates of a netlist as arrays."""
    from agnsim.multipliers.netlists.exhaustive import folding_loops

    plain = {
        Op.AND: folding_loops.AND,
        Op.OR: folding_loops.OR,
        Op.XOR: folding_loops.XOR,
        Op.BUF: folding_loops.BUF,
        Op.CONST0: folding_loops.CONST0,
    }
    kinds = plain | {inverted: plain[inside] + folding_loops.INVERTED for inverted, inside in INVERTED.items()}
    kinds[Op.NOT] = plain[Op.BUF] + folding_loops.INVERTED
    kinds[Op.CONST1] = plain[Op.CONST0] + folding_loops.INVERTED
    return GateArrays(
        np.array([kinds[gate.op] for gate in netlist.gates], dtype=np.uint8),
        np.array([gate.x for gate in netlist.gates], dtype=np.int32),
        np.array([gate.y for gate in netlist.gates], dtype=np.int32),
        np.array(netlist.outputs, dtype=np.int32),
    )


def _in_order_of_blocks(of_b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `[r, 2**bits_b]` as `[r, blocks, 32, lanes]`, the order in which products are computed."""
    from agnsim.multipliers.netlists.exhaustive.row_loops import LANES

    by_lane = of_b.reshape(len(of_b), -1, LANES, 32)
    return np.ascontiguousarray(by_lane.transpose(0, 1, 3, 2))


def _share_out(rows: int, work: Callable[[int, int], None]) -> None:
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    starts = range(0, rows, _ROWS_AT_ONCE)
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
        for _ in pool.map(lambda start: work(start, min(start + _ROWS_AT_ONCE, rows)), starts):
            pass
