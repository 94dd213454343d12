"""Multipliers that add a choice of the partial products a_i b_j, unsigned or after Baugh and Wooley.

Source of the signed matrix: C. R. Baugh, B. A. Wooley, "A two's complement parallel array multiplication algorithm",
IEEE Trans. Computers C-22(12), 1973. A product with exactly one sign bit weighs -2^(i+j); it enters inverted, since
-x = (1 - x) - 1, and the -1s of all of them are one constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import carry_save_array
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist

Keep = Callable[[int, int], bool]
"""Whether the partial product of bit i of a and bit j of b is added."""
AddRows = Callable[[NetlistBuilder, Sequence[Bus], int, int], Bus]


def weight(i: int, j: int, bits_a: int, bits_b: int, *, signed: bool) -> int:
    """Return the weight of the partial product a_i b_j: `2**(i + j)`, negative where exactly one is a sign bit."""
    is_negative = signed and ((i == bits_a - 1) != (j == bits_b - 1))
    return -(1 << i + j) if is_negative else 1 << i + j


def sum_of_weights(bits_a: int, bits_b: int, keep: Keep, *, signed: bool) -> int:
    """Return the weights of all kept partial products added up; a quarter of it is their mean for uniform operands."""
    places = ((i, j) for i in range(bits_a) for j in range(bits_b) if keep(i, j))
    return sum(weight(i, j, bits_a, bits_b, signed=signed) for i, j in places)


def partial_product_netlist(
    bits_a: int,
    bits_b: int,
    *,
    signed: bool,
    keep: Keep,
    doubled: Keep = lambda i, j: False,
    constant: int = 0,
    rounded: int = 0,
    add_rows: AddRows = carry_save_array,
) -> Netlist:
    """Return the netlist of `constant` plus all kept partial products.

    Args:
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        signed: Whether the operands are in two's complement.
        keep: Which partial products are added.
        doubled: Which are added one column further left, with twice their weight.
        constant: Added to the sum.
        rounded: Low bits of the sum that are replaced by 0.
        add_rows: How the rows (one per bit of b, and one for its doubled partial products) are added.
    """
    build = NetlistBuilder(bits_a, bits_b)
    rows: list[Bus] = []
    for j, factor in enumerate(build.b):
        for shift, chosen in ((1, doubled), (0, keep)):
            row = [build.zero] * (j + shift)
            for i, bit in enumerate(build.a):
                term = build.both(bit, factor) if chosen(i, j) else build.zero
                value = weight(i, j, bits_a, bits_b, signed=signed)
                if value < 0 and chosen(i, j):
                    term = build.inverted(term)
                    constant += value << shift
                row.append(term)
            rows.append(row)
    product = add_rows(build, rows, build.product_bits, constant)
    return build.build([build.zero] * rounded + product[rounded:], signed=signed)


def partial_product_sum(
    a: NDArray[Any], b: NDArray[Any], bits_a: int, bits_b: int, *, signed: bool, keep: Keep
) -> NDArray[np.int64]:
    """Return int64, broadcast over integer operand values a and b: the weighted sum of the kept partial products."""
    a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    total = np.zeros(np.broadcast_shapes(a.shape, b.shape), dtype=np.int64)
    for i in range(bits_a):
        for j in range(bits_b):
            if keep(i, j):
                total += weight(i, j, bits_a, bits_b, signed=signed) * ((a >> i) & (b >> j) & 1)
    return total
