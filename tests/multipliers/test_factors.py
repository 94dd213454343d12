from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers import Factors, Multiplier, factorise


def check(table: np.ndarray, factors: Factors | None) -> Factors:
    assert factors is not None
    assert factors.u.dtype == factors.v.dtype == np.int64
    assert factors.u.shape == (factors.rank, table.shape[0])
    assert factors.v.shape == (factors.rank, table.shape[1])
    np.testing.assert_array_equal(factors.scale * (factors.u.T @ factors.v), table)
    assert factors.max_sum == int((np.abs(factors.u).T @ np.abs(factors.v)).max())
    return factors


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(0, 6), shape=st.tuples(st.integers(1, 24), st.integers(1, 24)))
def test_any_integer_table_of_low_rank_factors_exactly(seed: int, rank: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(-40, 40, (shape[0], rank)) @ rng.integers(-40, 40, (rank, shape[1]))
    factors = check(table, factorise(table))
    assert factors.rank == (np.linalg.matrix_rank(table.astype(float)) if table.any() else 1)


def test_exact_products_are_one_term() -> None:
    for signed in (False, True):
        factors = check(table := Multiplier.exact(signed_a=signed, signed_b=signed).table, factorise(table))
        assert (factors.rank, factors.scale, factors.max_sum) == (1, 1, int(np.abs(table).max()))


def test_common_factor_goes_into_the_scale() -> None:
    table = 12 * Multiplier.exact(4, 4, signed_a=False, signed_b=False).table
    assert check(table, factorise(table)).scale == 12


def test_table_of_zeros_has_one_term_of_zeros() -> None:
    table = np.zeros((8, 4), np.int32)
    factors = check(table, factorise(table))
    assert (factors.rank, factors.max_sum, factors.scale) == (1, 0, 1)


def test_rank_above_the_limit_is_none() -> None:
    table = np.eye(17, dtype=np.int32)
    assert factorise(table) is None
    assert check(table, factorise(table, max_rank=17)).rank == 17


def test_rank_that_vanishes_modulo_the_prime_is_not_believed() -> None:
    prime = 2**31 - 1
    table = np.array([[1, 1], [1, 1 + prime]])
    assert factorise(table) is None


def test_factors_are_read_only_and_cached() -> None:
    multiplier = Multiplier.exact(4, 4, signed_a=False, signed_b=False)
    assert multiplier.factors is multiplier.factors
    assert multiplier.factors is not None
    with pytest.raises(ValueError, match="read-only"):
        multiplier.factors.u[0, 0] = 1
