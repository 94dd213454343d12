"""Multipliers by logarithms, leading ones and powers of two: published errors, bounds, and how they relate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from agnsim.multipliers.constructions.logarithms import antilogarithm, logarithm

EXACT = np.multiply.outer(np.arange(256), np.arange(256))
POWERS = 2 ** np.arange(8)


def mean_relative_error(error: Any) -> float:
    return float((np.abs(error[1:, 1:]) / EXACT[1:, 1:]).mean())


def test_logarithm_and_its_inverse() -> None:
    x = np.arange(256)
    assert logarithm(np.array([0, 1, 6, 7]), 3).tolist() == [0, 0, 2 * 8 + 4, 2 * 8 + 6]
    assert np.array_equal(antilogarithm(logarithm(x, 7), 7)[1:], x[1:])


def test_mitchell_never_overestimates_and_errs_by_a_ninth_at_most(errors_of: Callable[..., Any]) -> None:
    error = errors_of("mitchell", fraction=7)
    assert error.max() == 0
    assert np.all(-9 * error <= EXACT)
    assert -9 * error[3, 3] == EXACT[3, 3]  # the paper's 11.1 %


def test_mitchell_of_powers_of_two_is_exact(errors_of: Callable[..., Any]) -> None:
    assert not errors_of("mitchell", fraction=1)[np.ix_(POWERS, POWERS)].any()


@pytest.mark.parametrize("set_one", [0, 1])
def test_alm_without_low_bits_is_mitchell(set_one: int, errors_of: Callable[..., Any]) -> None:
    assert np.array_equal(errors_of("alm", low=0, set_one=set_one), errors_of("mitchell", fraction=7))


def test_ones_in_the_low_bits_make_up_for_some_of_what_mitchell_underestimates(errors_of: Callable[..., Any]) -> None:
    biases = [errors_of("alm", low=low, set_one=1).mean() for low in (0, 2, 3, 4)]
    assert biases == sorted(biases)
    assert biases[-1] < 0
    assert mean_relative_error(errors_of("alm", low=3, set_one=1)) < mean_relative_error(
        errors_of("alm", low=3, set_one=0)
    )


def test_alm_product_by_hand(errors_of: Callable[..., Any]) -> None:
    # 12 x 10: logarithms 3 + 64/128 and 3 + 32/128; the low bits of their sum 6 + 96/128 are set to 111
    product = errors_of("alm", low=3, set_one=1)[12, 10] + 120
    assert product == 64 * (128 + 96 + 7) // 128


@pytest.mark.parametrize(("blocks", "percent"), [(1, 8.9131), (2, 0.8337)])
def test_iterative_logarithmic_8x8_has_the_published_average_relative_error(
    blocks: int, percent: float, errors_of: Callable[..., Any]
) -> None:
    assert round(100 * mean_relative_error(errors_of("iterative_logarithmic", blocks=blocks)), 4) == percent


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_iterative_logarithmic_misses_less_than_the_published_bound(blocks: int, errors_of: Callable[..., Any]) -> None:
    error = errors_of("iterative_logarithmic", blocks=blocks)
    assert error.max() == 0
    assert np.all(-error[1:, 1:] * 4**blocks < EXACT[1:, 1:])
    few_ones = [x for x in range(256) if x.bit_count() <= blocks]
    assert not error[few_ones].any()


def test_roba_errs_by_the_published_11_1_percent_at_most(errors_of: Callable[..., Any]) -> None:
    relative = errors_of("roba")[1:, 1:] / EXACT[1:, 1:]
    assert np.abs(relative).max() == pytest.approx(1 / 9)
    assert relative.max() > 0.1  # unlike Mitchell's it errs both ways


def test_roba_rounds_to_the_nearest_power_of_two_and_3_to_2(errors_of: Callable[..., Any]) -> None:
    x = np.array([0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 191, 192, 255])
    rounding = errors_of("roba")[x, 3]  # the product of both roundings is missing, and 3 is rounded by -1
    assert (x + rounding).tolist() == [0, 1, 2, 2, 4, 4, 8, 8, 8, 16, 128, 256, 256]


def test_roba_is_exact_where_one_operand_is_a_power_of_two(errors_of: Callable[..., Any]) -> None:
    assert not errors_of("roba")[POWERS].any()
