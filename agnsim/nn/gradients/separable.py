"""Slope tables as sums of few separable terms, so that a gradient is as many ordinary convolutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agnsim.multipliers import Multiplier
from agnsim.multipliers.encoding import operand_values
from agnsim.types import FloatArray

TOLERANCE = 0.05
"""Error of a factorisation that is let pass, relative to the table, both in the Frobenius norm."""
MAX_RANK = 4
"""Terms at most, whatever the error: each costs a backward convolution."""


@dataclass(frozen=True)
class Factored:
    """`slope[a, w] = sum_r u[r, a] * v[r, w]`, indexed by bit patterns as the multiplier's table is.

    Attributes:
        u: `[rank, 2**bits_a]`.
        v: `[rank, 2**bits_b]`.
    """

    u: FloatArray
    v: FloatArray


def factor(slope: FloatArray) -> Factored:
    """Return the truncated singular value decomposition of a table `[2**bits_a, 2**bits_b]`.

    As many terms as keep the error within `TOLERANCE`, at least one and at most `MAX_RANK`. A table that depends on one
    operand alone is factored exactly.
    """
    if (slope == slope[:1]).all():
        return Factored(np.ones((1, slope.shape[0])), slope[:1].copy())
    if (slope == slope[:, :1]).all():
        return Factored(slope[:, :1].T.copy(), np.ones((1, slope.shape[1])))
    u, singular, v = np.linalg.svd(slope, full_matrices=False)
    left = np.sqrt(np.append(np.cumsum(singular[::-1] ** 2)[::-1], 0.0))
    rank = min(MAX_RANK, max(1, int(np.argmax(left <= TOLERANCE * left[0]))))
    return Factored((u[:, :rank] * singular[:rank]).T.copy(), v[:rank].copy())


def by_value(multiplier: Multiplier) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the operand values a layer may hold, ascending, and the products of all pairs of them.

    Returns:
        Values of a, values of w, products `[values of a, values of w]`.
    """
    (low_a, high_a), (low_w, high_w) = multiplier.range_a, multiplier.range_b
    a, w = np.arange(low_a, high_a + 1), np.arange(low_w, high_w + 1)
    products = multiplier.table[np.ix_(a % (1 << multiplier.bits_a), w % (1 << multiplier.bits_b))]
    return a.astype(np.float64), w.astype(np.float64), products.astype(np.float64)


def by_pattern(multiplier: Multiplier, slope: FloatArray) -> FloatArray:
    """Return a table of values, as `by_value` orders them, indexed by patterns; unused ones take their neighbour's."""
    places = []
    for bits, signed, (low, high) in (
        (multiplier.bits_a, multiplier.signed_a, multiplier.range_a),
        (multiplier.bits_b, multiplier.signed_b, multiplier.range_b),
    ):
        places.append(operand_values(bits, signed).clip(low, high) - low)
    found: FloatArray = slope[np.ix_(*places)]
    return found
