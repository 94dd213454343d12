"""Exact integer factors of a circuit that is too wide for a table, found from a few rows and columns and then proved.

The proof compares every product, up to 2**32 of them, with the factors: seconds, once, at import.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.factors import MAX_RANK, Factors, Int64Array, lattice_factors, pivots_modulo_prime
from agnsim.multipliers.metrics import is_exhaustible
from agnsim.multipliers.netlists.exhaustive import equals_factors
from agnsim.multipliers.netlists.netlist import Netlist

_SEED = 0
_RANDOM = 64
_CHECKED = 1 << 16


def factorise_netlist(netlist: Netlist, *, max_rank: int = MAX_RANK) -> Factors | None:
    """Return an exact integer factorisation of all products, or `None` where there is none of small rank.

    Args:
        netlist: Operands of at most 16 bits, one of 12 or more.
        max_rank: Largest useful number of terms.
    """
    rows, columns = _sample(netlist.bits_a), _sample(netlist.bits_b)
    pivots = pivots_modulo_prime(_products(netlist, rows, columns), max_rank)
    if pivots is None or not pivots[0]:
        return None
    pivot_rows, pivot_columns = rows[pivots[0]], columns[pivots[1]]
    by_column = _products(netlist, np.arange(2**netlist.bits_a), pivot_columns)
    by_row = _products(netlist, pivot_rows, np.arange(2**netlist.bits_b))
    factors = lattice_factors(by_column, by_row, pivot_rows.tolist(), pivot_columns.tolist())
    if factors is None or not agrees_on_sample(factors, netlist) or not is_proved(factors, netlist):
        return None
    return factors


def agrees_on_sample(factors: Factors, netlist: Netlist) -> bool:
    """Return whether factors and netlist agree on 2**16 random pairs: quick, and no proof."""
    generator = np.random.default_rng(_SEED)
    a, b = (generator.integers(0, 2**bits, _CHECKED) for bits in (netlist.bits_a, netlist.bits_b))
    expected: NDArray[Any] = factors.scale * (factors.u[:, a] * factors.v[:, b]).sum(axis=0)
    return np.array_equal(netlist.product(a, b), expected)


def is_proved(factors: Factors, netlist: Netlist) -> bool:
    """Return whether factors and netlist agree on every pair of operands; False where nobody can tell."""
    is_comparable = is_exhaustible(netlist) and not factors.overflows
    return is_comparable and equals_factors(netlist, factors.u * factors.scale, factors.v)


def _sample(bits: int) -> Int64Array:
    """Bit patterns at random, and those with few ones or few zeros, where structure shows."""
    top = 2**bits - 1
    few = {0, top, *(1 << place for place in range(bits)), *(top ^ (1 << place) for place in range(bits))}
    pairs = {low | 1 << high for low, high in product(range(4), range(bits))}
    random = np.random.default_rng(_SEED).integers(0, 2**bits, _RANDOM).tolist()
    return np.array(sorted(few | pairs | set(random)), dtype=np.int64)


def _products(netlist: Netlist, rows: Int64Array, columns: Int64Array) -> Int64Array:
    a, b = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
    return netlist.product(a, b).reshape(len(rows), len(columns)).astype(np.int64)
