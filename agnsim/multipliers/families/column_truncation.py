"""Column truncation: the least significant columns of partial products are left out.

A partial product a_i b_j with i + j < columns is dropped. With compensation a constant takes their place: their mean
for uniform operands, a quarter of their weights, rounded to an integer. Its bits below the remaining columns are
tied to the outputs, so they cost nothing.

Source: M. J. Schulte, E. E. Swartzlander, "Truncated multiplication with correction constant", VLSI Signal
Processing VI, 1993 (which rounds the constant to the remaining columns).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.families.family import Circuit, Family, check_parameter, circuits_8x8, register
from agnsim.multipliers.netlist import Netlist
from agnsim.multipliers.partial_products import partial_product_netlist, partial_product_sum, sum_of_weights


def netlist(bits_a: int, bits_b: int, *, signed: bool, columns: int, compensated: int) -> Netlist:
    """Return the array without its low columns, plus the constant if `compensated`."""
    _check(bits_a, bits_b, columns, compensated)
    constant = compensation(bits_a, bits_b, signed=signed, columns=columns) if compensated else 0
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: i + j >= columns, constant=constant)


def formula(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    *,
    bits_a: int,
    bits_b: int,
    signed: bool,
    columns: int,
    compensated: int,
) -> NDArray[np.int64]:
    """Return a * b less the dropped partial products, plus the constant if `compensated`."""
    _check(bits_a, bits_b, columns, compensated)
    dropped = partial_product_sum(a, b, bits_a, bits_b, signed=signed, keep=lambda i, j: i + j < columns)
    constant = compensation(bits_a, bits_b, signed=signed, columns=columns) if compensated else 0
    return a * b - dropped + constant


def compensation(bits_a: int, bits_b: int, *, signed: bool, columns: int) -> int:
    """Return the mean of the dropped part for uniform operands (each a_i b_j is 1 in a quarter), to the nearest."""
    return (sum_of_weights(bits_a, bits_b, lambda i, j: i + j < columns, signed=signed) + 2) // 4


def circuits() -> tuple[Circuit, ...]:
    """Return the 8x8 circuits of the built-in library."""
    plain = {f"k{columns}": {"columns": columns, "compensated": 0} for columns in range(4, 10)}
    compensated = {f"k{columns}c": {"columns": columns, "compensated": 1} for columns in range(4, 11)}
    return circuits_8x8("column_truncation", plain | compensated)


def _check(bits_a: int, bits_b: int, columns: int, compensated: int) -> None:
    check_parameter("column_truncation", "columns", columns, 0, bits_a + bits_b - 2)
    check_parameter("column_truncation", "compensated", compensated, 0, 1)


register(
    Family(
        name="column_truncation",
        citation='M. J. Schulte, E. E. Swartzlander, "Truncated multiplication with correction constant", '
        "VLSI Signal Processing VI, 1993",
        summary="low partial-product columns dropped, optionally replaced by their mean",
        parameters={"columns": "low columns dropped", "compensated": "1 adds the dropped part's mean, 0 does not"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
