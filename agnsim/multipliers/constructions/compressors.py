"""Multipliers whose partial products are added by 4:2 compressors, approximate ones in the low columns.

A 4:2 compressor turns four bits of a column into a bit of the same and one of the next column; the exact one also
passes a carry along the row. Each stage of the tree halves the height of the columns and, as in Dadda's scheme, takes
no more cells than that needs. A column is ordered: partial products by the bit of b, later what a stage has left over,
its sums and what was carried in; cells take their inputs from the front. Two rows remain for the final adder, which
ripples. Signed: Baugh-Wooley, whose inverted and constant bits are added alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist, weight
from agnsim.multipliers.constructions.trees import add_columns, columns_of
from agnsim.multipliers.constructions.wrapping import wrapped
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire
from agnsim.multipliers.netlists.netlist import Netlist

Bit = TypeVar("Bit")
Bits = NDArray[np.uint8]
_BLOCK = 2**16  # operand pairs at a time: all bits of an 8x8 matrix stay in the cache


@dataclass(frozen=True)
class Compressor:
    """An approximate 4:2 compressor without a carry from its neighbour.

    Attributes:
        values: What it makes of its inputs, `sum + 2 carry`, indexed by `x1 + 2 x2 + 4 x3 + 8 x4`: the definition.
        gates: The same as gates: `(build, x1, x2, x3, x4) -> (sum, carry)`.
    """

    values: tuple[int, ...]
    gates: Callable[[NetlistBuilder, Wire, Wire, Wire, Wire], tuple[Wire, Wire]]


@dataclass(frozen=True)
class Cells(Generic[Bit]):
    """What a tree is made of, for wires or for arrays of bits.

    Attributes:
        zero: The constant 0.
        full_adder: Three bits to (sum, carry).
        compressor: The approximate compressor: four bits to (sum, carry).
    """

    zero: Bit
    full_adder: Callable[[Bit, Bit, Bit], tuple[Bit, Bit]]
    compressor: Callable[[Bit, Bit, Bit, Bit], tuple[Bit, Bit]]


def reduce_columns(columns: Sequence[Sequence[Bit]], approximate: int, cells: Cells[Bit]) -> list[list[Bit]]:
    """Return columns of at most two bits; what is carried out of the last column is dropped.

    Args:
        columns: Bits of each weight, `2**0` first.
        approximate: Columns below this take approximate compressors, the others exact ones.
        cells: What computes sums and carries.
    """
    reduced = [list(column) for column in columns]
    for height in stage_heights(max(map(len, reduced))):
        carries: list[list[Bit]] = [[] for _ in range(len(reduced) + 1)]
        passed_on: list[Bit] = []  # between the exact compressors of a row, within one stage
        for place, column in enumerate(reduced):
            sums: list[Bit] = []
            waiting, carried = column, carries[place]
            passed, passed_on = passed_on, []
            while (surplus := len(waiting) + len(sums) + len(carried) + len(passed) - height) > 0:
                taken = min(surplus + 1, 4)
                if len(waiting) < taken:
                    waiting, passed, sums, carried = waiting + passed + sums + carried, [], [], []
                inputs, waiting = waiting[:taken], waiting[taken:]
                if taken < 4:
                    total, carry = cells.full_adder(*[*inputs, cells.zero][:3])
                elif place < approximate:
                    total, carry = cells.compressor(*inputs)
                else:
                    carry_in = passed.pop(0) if passed and surplus > 3 else cells.zero
                    partial, pass_on = cells.full_adder(*inputs[:3])
                    total, carry = cells.full_adder(partial, inputs[3], carry_in)
                    passed_on.append(pass_on)
                sums.append(total)
                carries[place + 1].append(carry)
            reduced[place] = waiting + sums + carried + passed
    return reduced


def stage_heights(height: int) -> list[int]:
    """Return the heights that the stages of a tree of 4:2 compressors end at: ..., 8, 4, 2."""
    return [2**stage for stage in reversed(range(1, max(height - 1, 0).bit_length()))]


def compressor_netlist(bits_a: int, bits_b: int, compressor: Compressor, *, signed: bool, columns: int) -> Netlist:
    """Return a multiplier with approximate compressors in its low `columns` columns."""

    def add_rows(build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int) -> Bus:
        def approximate(*inputs: Wire) -> tuple[Wire, Wire]:
            return compressor.gates(build, *inputs)

        cells = Cells(build.zero, build.full_adder, approximate)
        return add_columns(build, reduce_columns(columns_of(build, rows, width, constant), columns, cells))

    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=_all, add_rows=add_rows)


def compressor_product(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    bits_a: int,
    bits_b: int,
    compressor: Compressor,
    *,
    signed: bool,
    columns: int,
) -> NDArray[np.int64]:
    """Return int64, broadcast: the products of `compressor_netlist`, from the truth table and integer sums."""
    wide_a, wide_b = np.broadcast_arrays(a, b)
    pairs_a, pairs_b = wide_a.ravel(), wide_b.ravel()
    product = np.empty(pairs_a.size, dtype=np.int64)
    for start in range(0, pairs_a.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        matrix = _partial_products(pairs_a[block], pairs_b[block], bits_a, bits_b, signed=signed)
        product[block] = _sum(reduce_columns(matrix, columns, _array_cells(compressor, matrix[0][0])))
    return wrapped(product, bits_a + bits_b, signed=signed).reshape(wide_a.shape)


def _array_cells(compressor: Compressor, like: Bits) -> Cells[Bits]:
    values = np.array(compressor.values, dtype=np.uint8)

    def split(total: Bits) -> tuple[Bits, Bits]:
        return np.bitwise_and(total, 1, dtype=np.uint8), np.right_shift(total, 1, dtype=np.uint8)

    def add(x: Bits, y: Bits, z: Bits) -> tuple[Bits, Bits]:
        return split(x + y + z)

    def look_up(x1: Bits, x2: Bits, x3: Bits, x4: Bits) -> tuple[Bits, Bits]:
        return split(values[x1 + 2 * x2 + 4 * x3 + 8 * x4])

    return Cells(np.zeros_like(like), add, look_up)


def _sum(columns: Sequence[Sequence[Bits]]) -> NDArray[np.int64]:
    total = np.zeros(columns[0][0].shape, dtype=np.int64)
    for place, column in enumerate(columns):
        for bits in column:
            total += bits.astype(np.int64) << place
    return total


def _partial_products(a: NDArray[Any], b: NDArray[Any], bits_a: int, bits_b: int, *, signed: bool) -> list[list[Bits]]:
    """Return the bits of the (Baugh-Wooley) matrix by column, ordered by the bit of b, constant ones last."""
    columns: list[list[Bits]] = [[] for _ in range(bits_a + bits_b)]
    constant = 0
    for j in range(bits_b):
        for i in range(bits_a):
            value = weight(i, j, bits_a, bits_b, signed=signed)
            constant += min(value, 0)
            columns[i + j].append(((a >> i) & (b >> j) & 1 ^ (value < 0)).astype(np.uint8))
    for place, column in enumerate(columns):
        if constant >> place & 1:
            column.append(np.ones_like(columns[0][0]))
    return columns


def _all(i: int, j: int) -> bool:
    return True
