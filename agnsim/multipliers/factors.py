"""Exact integer factorisation of a table: a lookup product becomes a few ordinary products.

If `table = scale * (u.T @ v)` with r rows in `u` and `v`, an emulated matrix product is r ordinary ones. An integer
factorisation always exists: the rows of the table generate a lattice of dimension r; a basis of it is `v`, and every
row has integer coordinates `u` in it. Hermite normal form finds a basis, LLL (Lenstra, Lenstra, Lovasz, 1982) makes it
short.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from flint import fmpz_mat

Int64Array = NDArray[np.int64]

PRIME = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Factors:
    """`table == scale * (u.T @ v)`, exactly.

    Attributes:
        u: int64 `[rank, 2**bits_a]`, read-only, one row per term, indexed by the bit pattern of the first operand.
        v: int64 `[rank, 2**bits_b]`, read-only, indexed by the bit pattern of the second operand.
        scale: Common factor of all table entries, at least 1.
    """

    u: Int64Array
    v: Int64Array
    scale: int

    @property
    def rank(self) -> int:
        """Number of terms, at least 1: the table of zeros has one term of zeros."""
        return int(self.u.shape[0])

    @cached_property
    def max_sum(self) -> int:
        """Largest `sum_r |u[r, a] * v[r, b]|` over all operand pairs, without `scale`.

        `fan_in * max_sum` bounds every partial sum: floating point is exact while it stays below 2**24 (float32).
        """
        return int((np.abs(self.u).T @ np.abs(self.v)).max())


def factorise(table: NDArray[np.integer[Any]], *, max_rank: int = 16) -> Factors | None:
    """Return an exact integer factorisation, or `None` where the rank exceeds `max_rank` or it can't be proved.

    Both the row and the column lattice are tried; the one with the smaller `max_sum` is returned.

    Args:
        table: int `[A, B]`.
        max_rank: Largest useful number of terms.
    """
    entries = table.astype(np.int64)
    scale = int(np.gcd.reduce(entries, axis=None))
    if scale == 0:
        # One term of zeros rather than none, so that no engine meets an empty product.
        return _frozen(np.zeros((1, entries.shape[0]), np.int64), np.zeros((1, entries.shape[1]), np.int64), 1)
    entries //= scale
    pivots = _pivots(entries, max_rank)
    if pivots is None:
        return None
    rows, columns = pivots
    candidates = []
    by_rows = _lattice_factors(entries, rows, columns)
    if by_rows is not None:
        candidates.append(_frozen(*by_rows, scale))
    by_columns = _lattice_factors(entries.T, columns, rows)
    if by_columns is not None:
        candidates.append(_frozen(by_columns[1], by_columns[0], scale))
    return min(candidates, key=lambda factors: factors.max_sum, default=None)


def rank_exceeds(table: NDArray[np.integer[Any]], limit: int) -> bool:
    """Return whether the table's rank is proved to be above `limit`; far quicker than factors of a small rank."""
    return _pivots(table.astype(np.int64), limit) is None


def _frozen(u: Int64Array, v: Int64Array, scale: int) -> Factors:
    u.flags.writeable = v.flags.writeable = False
    return Factors(u, v, scale)


def _pivots(entries: Int64Array, limit: int) -> tuple[list[int], list[int]] | None:
    """Return rows and columns of a largest invertible minor by elimination modulo a prime, or `None` beyond `limit`.

    The rank modulo a prime never exceeds the true rank, so `None` is a proof; a rank that is too small shows when the
    factors are verified.
    """
    residual = entries % PRIME
    rows: list[int] = []
    columns: list[int] = []
    while True:
        row, column = divmod(int(np.argmax(residual != 0)), residual.shape[1])
        pivot = int(residual[row, column])
        if pivot == 0:
            return rows, columns
        if len(rows) == limit:
            return None
        rows.append(row)
        columns.append(column)
        multiples = residual[:, column] * pow(pivot, -1, PRIME) % PRIME
        active = np.flatnonzero(multiples)
        residual[active] = (residual[active] - np.outer(multiples[active], residual[row])) % PRIME


def _lattice_factors(entries: Int64Array, rows: list[int], columns: list[int]) -> tuple[Int64Array, Int64Array] | None:
    """Return `u`, `v` where the rows of `v` are a short basis of the lattice that the rows of `entries` generate."""
    from flint import fmpz_mat

    rank = len(rows)
    # The row space is determined by its pivot columns, so all lattice work is on rank columns instead of all.
    projected = entries[:, columns]
    hermite = fmpz_mat(np.unique(projected, axis=0).tolist()).hnf().tolist()[:rank]
    # hermite = x @ projected[rows], so the basis over all columns is x @ entries[rows].
    coordinates: Any = fmpz_mat(projected[rows].T.tolist()).solve(fmpz_mat(hermite).transpose())
    basis, denominator = (coordinates.transpose() * fmpz_mat(entries[rows].tolist())).numer_denom()
    if denominator != 1:
        return None
    reduced = _to_numpy(basis.lll())
    if reduced is None:
        return None
    content = np.gcd.reduce(reduced, axis=1)
    v = reduced // content[:, None]
    coordinates = fmpz_mat(v[:, columns].T.tolist()).solve(fmpz_mat(projected.T.tolist()))
    numerators, denominator = coordinates.numer_denom()
    if denominator != 1:
        return None
    u = _to_numpy(numerators)
    if u is None or _worst_sum(u, v) >= 2**62 or not np.array_equal(u.T @ v, entries):
        return None
    return u, v


def _to_numpy(matrix: fmpz_mat) -> Int64Array | None:
    """Return a flint integer matrix as int64, or `None` where an entry does not fit."""
    try:
        return np.array([[int(entry) for entry in row] for row in matrix.tolist()], dtype=np.int64)
    except OverflowError:
        return None


def _worst_sum(u: Int64Array, v: Int64Array) -> int:
    return sum(int(np.abs(left).max()) * int(np.abs(right).max()) for left, right in zip(u, v, strict=True))
