from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers import Factors, Multiplier, factorise
from agnsim.multipliers.encoding import operand_values


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
    rows, columns = rng.integers(-9, 9, shape[0]), rng.integers(-9, 9, shape[1])
    true_rank = np.linalg.matrix_rank(table.astype(float)) if table.any() else 1
    for operands in (None, (rows, columns)):
        factors = check(table, factorise(table, operands=operands))
        assert factors.rank == true_rank
        if factors.has_exact_term:
            assert operands is not None
            np.testing.assert_array_equal(factors.u[0], rows)
            np.testing.assert_array_equal(factors.v[0], columns)


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


def test_error_factors_are_taken_where_their_entries_are_shorter() -> None:
    # Two error terms with common factor 2; a basis of the whole table's lattice mixes them with the exact product.
    values, patterns = operand_values(8, False), np.arange(256)
    table = (
        np.outer(values, values) - 2 * np.outer(patterns & 1, patterns % 3) - 2 * np.outer(patterns & 8, patterns % 5)
    )
    plain = check(table, factorise(table))
    mixed = check(table, factorise(table, operands=(values, values)))
    assert (plain.has_exact_term, mixed.has_exact_term) == (False, True)
    assert plain.rank == mixed.rank == 3
    assert mixed.significant_bits <= 8 < plain.significant_bits


def test_error_factors_are_not_taken_where_they_need_more_terms() -> None:
    values = operand_values(8, False)
    table = np.outer(values & ~7, values & ~3)
    factors = check(table, factorise(table, operands=(values, values)))
    assert (factors.rank, factors.has_exact_term) == (1, False)


@pytest.mark.parametrize(("entry", "bits"), [(1, 1), (3 << 20, 2), (255, 8), (256, 1), (257, 9)])
def test_significant_bits(entry: int, bits: int) -> None:
    assert Factors(np.array([[entry, 0]]), np.array([[1, -1]]), 1).significant_bits == bits


def test_rank_hidden_from_the_sample_is_found() -> None:
    # Only a few of 512 rows and columns leave rank 1: most samples of both miss them.
    table = np.outer(np.arange(512), np.arange(512))
    table[501, 7] += 1
    table[3, 509] += 5
    assert check(table, factorise(table)).rank == 3


def test_rank_is_refused_from_a_sample() -> None:
    assert factorise(np.random.default_rng(0).integers(0, 9, (1024, 1024))) is None


def test_swapped_circuit_has_the_transposed_factors() -> None:
    u, v = np.arange(16)[None] % 3, np.arange(8)[None] + 1
    multiplier = Multiplier.from_table("m", u.T @ v, bits_a=4, bits_b=3, signed_a=False, signed_b=False)
    swapped = multiplier.swapped()
    assert multiplier.factors is not None
    assert swapped.factors is not None
    assert np.shares_memory(swapped.factors.u, multiplier.factors.v)
    check(swapped.table, swapped.factors)


@pytest.mark.parametrize("entry", [2**62, -(2**63)])
def test_factors_that_leave_int64_are_no_ones(entry: int) -> None:
    """Modulo 2**64 their products would be those of the table."""
    u, v = np.array([[entry, 0]], dtype=np.int64), np.array([[4, 0]], dtype=np.int64)
    assert not Factors(u, v, 1).is_of(np.zeros((2, 2), np.int32))
