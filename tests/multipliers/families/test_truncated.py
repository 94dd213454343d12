"""Truncated and broken arrays: errors in closed form, corrections without bias, and what each correction is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from agnsim.multipliers.families.column_truncation import CONSTANT, NO_CORRECTION, VARIABLE, compensation

ErrorsOf = Callable[..., Any]
CORRECTIONS = pytest.mark.parametrize("correction", [CONSTANT, VARIABLE], ids=["constant", "variable"])
SIGNS = pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])


def truncated(columns: int, correction: int, rounded: int = 0) -> dict[str, Any]:
    return {"family": "column_truncation", "columns": columns, "correction": correction, "rounded": rounded}


@pytest.mark.parametrize(("columns", "mae"), [(4, 12.25), (6, 80.25), (8, 448.25)])
def test_error_without_correction_in_closed_form(columns: int, mae: float, errors_of: ErrorsOf) -> None:
    # sum over columns c < k of (c + 1) 2^c, each a_i b_j being 1 in a quarter of all pairs
    assert sum((column + 1) * 2**column for column in range(columns)) / 4 == mae
    assert np.abs(errors_of(**truncated(columns, NO_CORRECTION))).mean() == mae


@pytest.mark.parametrize(
    ("correction", "signed"),
    [(CONSTANT, False), (CONSTANT, True), (VARIABLE, True)],
    ids=["constant unsigned", "constant signed", "variable signed"],
)
@pytest.mark.parametrize("columns", range(1, 15))
def test_correction_leaves_less_than_half_a_unit_of_bias(
    columns: int, correction: int, signed: bool, errors_of: ErrorsOf
) -> None:
    assert abs(errors_of(signed=signed, **truncated(columns, correction)).mean()) <= 0.5


@SIGNS
@pytest.mark.parametrize("columns", [0, 7, 14])
def test_constant_correction_moves_every_product_by_the_constant(
    columns: int, signed: bool, errors_of: ErrorsOf
) -> None:
    plain, corrected = (
        errors_of(signed=signed, **truncated(columns, correction)) for correction in (NO_CORRECTION, CONSTANT)
    )
    constant = compensation(8, 8, signed=signed, columns=columns, correction=CONSTANT, rounded=0)
    assert np.array_equal(corrected - plain, np.full_like(plain, constant))


@pytest.mark.parametrize("columns", range(1, 9))
def test_unsigned_variable_correction_overestimates_by_a_quarter_of_the_lowest_column(
    columns: int, errors_of: ErrorsOf
) -> None:
    # it can't take a negative constant
    assert errors_of(**truncated(columns, VARIABLE)).mean() == (2**columns - 1) / 4


@CORRECTIONS
@pytest.mark.parametrize("columns", [5, 6, 7, 8])
def test_fixed_width_product_has_8_bits_and_half_a_kept_column_of_bias_at_most(
    columns: int, correction: int, errors_of: ErrorsOf
) -> None:
    error = errors_of(**truncated(columns, correction, rounded=8))
    products = error + np.multiply.outer(np.arange(256), np.arange(256))
    assert not np.any(products % 256)
    # the outputs cut off count as uniform bits, which they are not quite
    assert abs(error.mean()) <= 2**columns / 2 + 8


def test_constants_counted_by_hand() -> None:
    # 8x8, columns 0..5 dropped: weights (c + 1) 2^c add up to 321; outputs 6 and 7 are cut off: 64 + 128
    chosen = {"signed": False, "columns": 6, "correction": CONSTANT}
    assert compensation(8, 8, **chosen, rounded=0) == round(321 / 4)
    assert compensation(8, 8, **chosen, rounded=8) == 64 * round((321 / 4 + 192 / 2) / 64)


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_constant_beside_variable_correction_is_ones_in_the_kept_columns_below_the_rounded_one(kept: int) -> None:
    # The dropped column counts twice, so the rest is -2^k / 4; with the rounding that is 1s in columns n-k .. n-2.
    found = compensation(8, 8, signed=False, columns=8 - kept, correction=VARIABLE, rounded=8)
    assert found == sum(2**column for column in range(8 - kept, 7))


@pytest.mark.parametrize("rounded", [0, 8], ids=["full", "fixed width"])
@SIGNS
def test_variable_correction_errs_less_than_the_constant(signed: bool, rounded: int, errors_of: ErrorsOf) -> None:
    constant, variable = (
        np.square(errors_of(signed=signed, **truncated(8, correction, rounded))).mean()
        for correction in (CONSTANT, VARIABLE)
    )
    assert variable < constant


def test_fixed_width_without_dropped_columns_is_the_correctly_rounded_product(errors_of: ErrorsOf) -> None:
    exact = np.multiply.outer(np.arange(256), np.arange(256))
    # 127.5 is the mean of the 8 outputs cut off; its nearest integer is a half of the lowest one kept
    assert np.array_equal(errors_of(**truncated(0, CONSTANT, rounded=8)) + exact, (exact + 128) // 256 * 256)


def test_broken_array_without_horizontal_break_is_column_truncation(errors_of: ErrorsOf) -> None:
    broken = errors_of("broken_array", signed=True, horizontal=0, vertical=7)
    assert np.array_equal(broken, errors_of(signed=True, **truncated(7, NO_CORRECTION)))


def test_broken_array_without_vertical_break_is_operand_truncation(errors_of: ErrorsOf) -> None:
    broken = errors_of("broken_array", horizontal=3, vertical=0)
    assert np.array_equal(broken, errors_of("operand_truncation", drop_a=0, drop_b=3))
