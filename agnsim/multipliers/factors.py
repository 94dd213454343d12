"""Exact integer factorisation of a table: a lookup product becomes a few ordinary products.

If `table = scale * (u.T @ v)` with r rows in `u` and `v`, an emulated matrix product is r ordinary ones. An integer
factorisation always exists: the rows of the table generate a lattice of dimension r; a basis of it is `v`, and every
row has integer coordinates `u` in it. Hermite normal form finds a basis, LLL (Lenstra, Lenstra, Lovasz, 1982) makes it
short. Where the exact product is one of the r terms and the others are the error's, entries are often shorter still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from flint import fmpz_mat

Int64Array = NDArray[np.int64]

PRIME = 2**31 - 1
MAX_RANK = 16
# Rows and columns of the part of a table that is looked at first: it proves most ranks too large, and its rank is
# nearly always the table's, which saves the elimination of a table that is not small.
_SAMPLE = 96
_SMALL = 1 << 16
_PRODUCTS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class Factors:
    """`table == scale * (u.T @ v)`, exactly.

    Attributes:
        u: int64 `[rank, 2**bits_a]`, read-only, one row per term, indexed by the bit pattern of the first operand.
        v: int64 `[rank, 2**bits_b]`, read-only, indexed by the bit pattern of the second operand.
        scale: Common factor of all table entries, at least 1.
        has_exact_term: Whether the first term is the exact product and the others are the error's.
    """

    u: Int64Array
    v: Int64Array
    scale: int
    has_exact_term: bool = False

    def __post_init__(self) -> None:
        self.u.flags.writeable = self.v.flags.writeable = False

    @property
    def rank(self) -> int:
        """Number of terms, at least 1: the table of zeros has one term of zeros."""
        return int(self.u.shape[0])

    @cached_property
    def max_sum(self) -> int:
        """Largest `sum_r |u[r, a] * v[r, b]|` over all operand pairs, without `scale`.

        `fan_in * max_sum` bounds every partial sum: floating point is exact while it stays below 2**24 (float32).
        """
        return max(int(products.max()) for _, products in _product_rows(np.abs(self.u), np.abs(self.v)))

    @cached_property
    def significant_bits(self) -> int:
        """Most binary digits of any entry of `u` or `v`, without trailing zeros and sign.

        Formats with as many bits of significand hold every entry exactly, as far as their exponent reaches: bfloat16
        8, float16 11, float32 24.
        """
        entries = np.unique(np.abs(np.concatenate([self.u.ravel(), self.v.ravel()])))
        entries = entries[entries > 0]
        return max((int(entry // (entry & -entry)).bit_length() for entry in entries), default=0)

    @property
    def overflows(self) -> bool:
        """Whether a sum of products might leave int64, judged by the largest entries of each term."""
        largest = ([max(int(term.max()), -int(term.min())) for term in terms] for terms in (self.u, self.v))
        return bool(self.scale * sum(left * right for left, right in zip(*largest, strict=True)) >= 2**62)

    def is_of(self, table: NDArray[np.integer[Any]]) -> bool:
        """Return whether these are the factors of `table`."""
        if (self.u.shape[1], self.v.shape[1]) != table.shape or self.overflows:
            return False
        rows = _product_rows(self.u * self.scale, self.v)
        return all(np.array_equal(products, table[part]) for part, products in rows)

    def transposed(self) -> Factors:
        """Return the factors of the transposed table."""
        return Factors(self.v, self.u, self.scale, self.has_exact_term)


def factorise(
    table: NDArray[np.integer[Any]],
    *,
    max_rank: int = MAX_RANK,
    operands: tuple[Int64Array, Int64Array] | None = None,
) -> Factors | None:
    """Return an exact integer factorisation, or `None` where the rank exceeds `max_rank` or it can't be proved.

    The number of terms is the rank, which is the fewest possible. Bases of the row and of the column lattice, and the
    exact product with a basis of the error's, are tried; the one whose entries fit the narrowest floats is returned,
    among these the one of smallest `max_sum`.

    Args:
        table: int `[A, B]`.
        max_rank: Largest useful number of terms.
        operands: Values of the first operand `[A]` and the second `[B]`, whose exact product is `table + error`; `None`
            leaves this form out.
    """
    entries = table.astype(np.int64)
    scale = int(np.gcd.reduce(entries, axis=None))
    if scale == 0:
        # One term of zeros rather than none, so that no engine meets an empty product.
        return Factors(np.zeros((1, entries.shape[0]), np.int64), np.zeros((1, entries.shape[1]), np.int64), 1)
    candidates = list(_shortest_bases(entries // scale, scale, max_rank))
    if operands is not None and candidates and candidates[0].rank > 1:
        candidates += _exact_and_error(entries, operands, candidates[0].rank)
    return min(candidates, key=_cost, default=None)


def _cost(factors: Factors) -> tuple[int, int, int, int]:
    """Order candidates: terms, then the narrowest tensor-core format (bfloat16, float16, none), then the bound."""
    format_bits = next((bits for bits in (8, 11) if factors.significant_bits <= bits), 24)
    return factors.rank, format_bits, factors.max_sum, factors.significant_bits


def _exact_and_error(entries: Int64Array, operands: tuple[Int64Array, Int64Array], rank: int) -> Iterator[Factors]:
    """Yield the exact product with bases of the error's lattices, where these make `rank` terms together."""
    error = entries - np.multiply.outer(*operands)
    scale = int(np.gcd.reduce(error, axis=None)) or 1
    for found in _shortest_bases(error // scale, 1, rank - 1):
        # The common factor goes where entries are small.
        on_u = np.abs(found.u).max() < np.abs(found.v).max()
        u, v = (found.u * scale, found.v) if on_u else (found.u, found.v * scale)
        joined = Factors(np.vstack([operands[0], u]), np.vstack([operands[1], v]), 1, has_exact_term=True)
        if joined.is_of(entries):
            yield joined


def _shortest_bases(entries: Int64Array, scale: int, max_rank: int) -> list[Factors]:
    """Return factors from the row lattice and from the column lattice of `entries`, none beyond `max_rank`."""
    sampled = _pivots_of_sample(entries, max_rank)
    if sampled is None:
        return []
    # A sample of too small a rank fails the comparison with the table; so does a rank that vanishes modulo the prime.
    found = _from_pivots(entries, sampled, scale) if entries.size > _SMALL else []
    if not found:
        pivots = pivots_modulo_prime(entries, max_rank)
        found = [] if pivots is None else _from_pivots(entries, pivots, scale)
    return found


def _from_pivots(entries: Int64Array, pivots: tuple[list[int], list[int]], scale: int) -> list[Factors]:
    rows, columns = pivots
    if not rows:
        return []
    by_rows = lattice_factors(entries[:, columns], entries[rows], rows, columns)
    by_columns = lattice_factors(entries[rows].T, entries[:, columns].T, columns, rows)
    candidates = [*([by_rows] if by_rows else []), *([by_columns.transposed()] if by_columns else [])]
    return [replace(factors, scale=scale) for factors in candidates if factors.is_of(entries)]


def _pivots_of_sample(entries: NDArray[np.integer[Any]], limit: int) -> tuple[list[int], list[int]] | None:
    """Return pivots of some rows and columns, as indices of the whole; `None` proves that its rank exceeds `limit`."""
    generator = np.random.default_rng(0)
    rows, columns = (
        np.sort(generator.choice(size, min(size, _SAMPLE), replace=False)).tolist() for size in entries.shape
    )
    pivots = pivots_modulo_prime(entries[np.ix_(rows, columns)].astype(np.int64), limit)
    return None if pivots is None else ([rows[row] for row in pivots[0]], [columns[column] for column in pivots[1]])


def pivots_modulo_prime(entries: Int64Array, limit: int) -> tuple[list[int], list[int]] | None:
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


def lattice_factors(
    projected: Int64Array, pivot_rows: Int64Array, rows: list[int], columns: list[int]
) -> Factors | None:
    """Return factors where the rows of `v` are a short basis of the lattice that a table's rows generate.

    The row space is determined by its pivot columns, so all lattice work is on rank columns instead of all. The result
    is the table's only if its rank is that of the pivots: compare them.

    Args:
        projected: int64 `[A, r]`, the pivot columns of the table.
        pivot_rows: int64 `[r, B]`, its pivot rows.
        rows: Their indices.
        columns: The pivot columns' indices.
    """
    from flint import fmpz_mat

    rank = len(rows)
    hermite = fmpz_mat(np.unique(projected, axis=0).tolist()).hnf().tolist()[:rank]
    # hermite = x @ projected[rows], so the basis over all columns is x @ entries[rows].
    coordinates: Any = fmpz_mat(projected[rows].T.tolist()).solve(fmpz_mat(hermite).transpose())
    basis, denominator = (coordinates.transpose() * fmpz_mat(pivot_rows.tolist())).numer_denom()
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
    if u is None:
        return None
    return Factors(u, v, 1)


def _to_numpy(matrix: fmpz_mat) -> Int64Array | None:
    """Return a flint integer matrix as int64, or `None` where an entry does not fit."""
    try:
        return np.array([[int(entry) for entry in row] for row in matrix.tolist()], dtype=np.int64)
    except OverflowError:
        return None


def _product_rows(u: Int64Array, v: Int64Array) -> Iterator[tuple[slice, Int64Array]]:
    """Yield slices of rows and these rows of `u.T @ v`, which stay in the cache."""
    rows = max(1, _PRODUCTS_AT_ONCE // v.shape[1])
    for start in range(0, u.shape[1], rows):
        part = slice(start, start + rows)
        yield part, u[:, part].T @ v
