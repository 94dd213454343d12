"""Column truncation: the least significant columns of partial products are left out, and what they add is estimated.

A partial product a_i b_j with i + j < `columns` is dropped. `correction` 1 adds a constant, the mean of what is
missing for uniform operands (each a_i b_j is 1 in a quarter of all pairs). `correction` 2 adds the partial products of
the highest dropped column one column further left, where they stand for the dropped part by twice their own weight,
and the constant for the rest.

`rounded` 0 keeps all outputs: the constant is rounded to an integer, and its bits below the remaining columns are tied
to the outputs, so they cost nothing. Otherwise the product's bits below that place are replaced by 0, which for an
n x n multiplier and `rounded` n is a fixed-width multiplier, `n - columns` columns wider inside. Then the constant also
makes up for the mean of the outputs cut off, and is rounded to the remaining columns, as in both papers.

Sources: M. J. Schulte, E. E. Swartzlander, "Truncated multiplication with correction constant", VLSI Signal Processing
VI, 1993 (constant). E. J. King, E. E. Swartzlander, "Data-dependent truncation scheme for parallel multipliers",
Asilomar Conf. on Signals, Systems and Computers, 1997 (variable). Their operands are unsigned; the signed array is
Baugh and Wooley's, truncated the same way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import (
    Keep,
    partial_product_netlist,
    partial_product_sum,
    sum_of_weights,
)
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.netlist import Netlist

NO_CORRECTION, CONSTANT, VARIABLE = range(3)
_TAGS = ("", "c", "v")


def netlist(bits_a: int, bits_b: int, *, signed: bool, columns: int, correction: int, rounded: int) -> Netlist:
    """Return the array without its low columns, with the correction."""
    _check(bits_a, bits_b, columns, correction, rounded)
    return partial_product_netlist(
        bits_a,
        bits_b,
        signed=signed,
        keep=lambda i, j: i + j >= columns,
        doubled=_doubled(columns, correction),
        constant=compensation(bits_a, bits_b, signed=signed, columns=columns, correction=correction, rounded=rounded),
        rounded=rounded,
    )


def formula(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    *,
    bits_a: int,
    bits_b: int,
    signed: bool,
    columns: int,
    correction: int,
    rounded: int,
) -> NDArray[np.int64]:
    """Return a * b less the dropped partial products, plus the correction, with the low bits cleared."""
    _check(bits_a, bits_b, columns, correction, rounded)
    dropped, doubled = (
        partial_product_sum(a, b, bits_a, bits_b, signed=signed, keep=keep)
        for keep in (lambda i, j: i + j < columns, _doubled(columns, correction))
    )
    constant = compensation(bits_a, bits_b, signed=signed, columns=columns, correction=correction, rounded=rounded)
    return (a * b - dropped + 2 * doubled + constant) >> rounded << rounded


def compensation(bits_a: int, bits_b: int, *, signed: bool, columns: int, correction: int, rounded: int) -> int:
    """Return the constant: the mean of what is missing, to the nearest integer or multiple of the lowest column.

    That of an unsigned product is never negative: 0 x 0 would be.
    """
    if correction == NO_CORRECTION:
        return 0
    dropped, doubled = (
        sum_of_weights(bits_a, bits_b, keep, signed=signed)
        for keep in (lambda i, j: i + j < columns, _doubled(columns, correction))
    )
    cut_off = max((1 << rounded) - (1 << columns), 0)  # twice the mean of the outputs between columns and rounded
    quarters = dropped - 2 * doubled + 2 * cut_off
    step = 1 << columns if rounded else 1
    constant = (quarters + 2 * step) // (4 * step) * step
    return constant if signed else max(constant, 0)


def circuits() -> tuple[Circuit, ...]:
    """Return truncated multipliers with all outputs, and fixed-width ones (r)."""
    plain, constant, variable = (
        [(columns, correction, 0) for columns in chosen]
        for correction, chosen in ((NO_CORRECTION, range(4, 10)), (CONSTANT, range(4, 11)), (VARIABLE, range(6, 11)))
    )
    fixed = [(5, CONSTANT, 8), (7, CONSTANT, 8), (5, VARIABLE, 8), (6, VARIABLE, 8), (7, VARIABLE, 8)]
    return (
        instances("column_truncation", _tagged(plain + constant + variable + fixed))
        + instances("column_truncation", _tagged([(2, 0, 0), (3, 1, 0), (3, 2, 0)]), ((4, 4), (8, 4)))
        + instances("column_truncation", _tagged([(4, 0, 0), (5, 1, 0), (5, 2, 0), (5, 2, 6)]), ((6, 6),))
        + instances("column_truncation", _tagged([(8, 0, 0), (10, 1, 0), (10, 2, 0), (10, 2, 12)]), ((12, 12),))
    )


def _tagged(chosen: list[tuple[int, int, int]]) -> dict[str, dict[str, int]]:
    return {
        f"k{columns}{_TAGS[correction]}" + (f"r{rounded}" if rounded else ""): {
            "columns": columns,
            "correction": correction,
            "rounded": rounded,
        }
        for columns, correction, rounded in chosen
    }


def _doubled(columns: int, correction: int) -> Keep:
    return lambda i, j: correction == VARIABLE and i + j == columns - 1


def _check(bits_a: int, bits_b: int, columns: int, correction: int, rounded: int) -> None:
    check_parameter("column_truncation", "columns", columns, 0, bits_a + bits_b - 2)
    check_parameter("column_truncation", "correction", correction, NO_CORRECTION, VARIABLE)
    check_parameter("column_truncation", "rounded", rounded, 0, max(bits_a, bits_b))


register(
    Family(
        name="column_truncation",
        citation='M. J. Schulte, E. E. Swartzlander, "Truncated multiplication with correction constant", '
        'VLSI Signal Processing VI, 1993; E. J. King, E. E. Swartzlander, "Data-dependent truncation scheme for '
        'parallel multipliers", Asilomar Conf. on Signals, Systems and Computers, 1997',
        summary="low partial-product columns dropped, optionally with constant or variable correction",
        parameters={
            "columns": "low columns dropped",
            "correction": "0 none, 1 a constant, 2 the highest dropped column doubled and a constant",
            "rounded": "low product bits replaced by 0; 0 keeps all, the operands' width gives a fixed-width product",
        },
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
