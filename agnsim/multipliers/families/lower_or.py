"""Lower-part-OR accumulation: the partial products of a low column are ORed instead of added, and carry nothing.

After the lower-part-OR adder, which adds two numbers so and takes one carry into the exact upper part; carrying it
over to the many rows of a multiplier, without that carry, is a choice. Of the signed (Baugh-Wooley) matrix the bits
are ORed as they are, inverted ones too, and the constant is added exactly.

Source: H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-inspired imprecise computational blocks for
efficient VLSI implementation of soft-computing applications", IEEE Trans. Circuits and Systems I 57(4), 2010.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import carry_save_array
from agnsim.multipliers.constructions.partial_products import Keep, partial_product_netlist, partial_product_sum, weight
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, columns: int) -> Netlist:
    """Return OR trees in the low columns and an array of the rest."""
    _check(bits_a, bits_b, columns)

    def add_rows(build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int) -> Bus:
        lower = [build.any_of([build.bit(row, place) for row in rows]) for place in range(columns)]
        upper = [[build.zero] * columns + row[columns:] for row in rows]
        return carry_save_array(build, [lower, *upper], width, constant)

    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: True, add_rows=add_rows)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, columns: int
) -> NDArray[np.int64]:
    """Return a * b, the sum of every low column replaced by 1 if a bit of it is 1, else by 0."""
    _check(bits_a, bits_b, columns)
    product = a * b
    for column in range(columns):
        product -= partial_product_sum(a, b, bits_a, bits_b, signed=signed, keep=_in_column(column))
        any_bit = np.zeros(product.shape, dtype=bool)
        for i in range(max(0, column - bits_b + 1), min(bits_a, column + 1)):
            negative = weight(i, column - i, bits_a, bits_b, signed=signed) < 0
            any_bit |= ((a >> i) & (b >> (column - i)) & 1) != negative
            product -= negative << column  # an inverted bit is worth 2**column more than the product it stands for
        product += any_bit.astype(np.int64) << column
    return product


def circuits() -> tuple[Circuit, ...]:
    """Return circuits of the built-in library."""
    chosen = instances("lower_or", _tagged(5, 6, 7, 8, 9))
    for bits_a, bits_b in ((4, 4), (6, 6), (12, 12), (8, 4)):
        chosen += instances("lower_or", _tagged((bits_a + bits_b) // 2 - 1), ((bits_a, bits_b),))
    return chosen


def _tagged(*columns: int) -> dict[str, dict[str, int]]:
    return {f"k{count}": {"columns": count} for count in columns}


def _in_column(column: int) -> Keep:
    return lambda i, j: i + j == column


def _check(bits_a: int, bits_b: int, columns: int) -> None:
    check_parameter("lower_or", "columns", columns, 0, bits_a + bits_b - 1)


register(
    Family(
        name="lower_or",
        citation='H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-inspired imprecise computational blocks '
        'for efficient VLSI implementation of soft-computing applications", IEEE Trans. Circuits and Systems I '
        "57(4), 2010",
        summary="low partial-product columns ORed instead of added",
        parameters={"columns": "low columns whose bits are ORed"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
