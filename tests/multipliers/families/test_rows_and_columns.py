"""Perforated rows and ORed columns: errors in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.families import families


def errors(name: str, bits: int, *, signed: bool, **parameters: int) -> NDArray[np.int64]:
    a, b = operand_values(bits, signed)[:, None], operand_values(bits, signed)[None, :]
    return families[name].product(a, b, bits_a=bits, bits_b=bits, signed=signed, **parameters) - a * b


@pytest.mark.parametrize(("start", "count"), [(0, 1), (0, 7), (1, 3), (4, 4), (7, 1)])
def test_perforation_has_the_published_mean_error(start: int, count: int) -> None:
    mean = np.abs(errors("perforated", 8, signed=False, start=start, count=count)).mean()
    assert mean / 255**2 == pytest.approx(2**start * (2**count - 1) / (4 * 255), rel=1e-12)


def test_perforation_errs_by_a_times_the_perforated_bits() -> None:
    b = operand_values(8, True)
    error = errors("perforated", 8, signed=True, start=2, count=3)
    assert np.array_equal(error, np.multiply.outer(operand_values(8, True), -(b & 0b11100)))


def test_row_of_the_sign_is_never_perforated() -> None:
    families["perforated"].generate(8, 8, False, start=4, count=4)
    with pytest.raises(MultiplierError, match=r"count = 4; allowed are 1\.\.3"):
        families["perforated"].generate(8, 8, True, start=4, count=4)
    with pytest.raises(MultiplierError, match=r"start = 7; allowed are 0\.\.6"):
        errors("perforated", 8, signed=True, start=7, count=1)


def test_ored_columns_lose_what_a_column_has_above_one() -> None:
    error = errors("lower_or", 8, signed=False, columns=2)
    wrong = {(a, b) for a, b in zip(*np.nonzero(error), strict=True)}
    assert wrong == {(a, b) for a in range(256) for b in range(256) if a & b & 3 == 3}
    assert set(error[error != 0].tolist()) == {-2}


@pytest.mark.parametrize("columns", [1, 3, 8, 15])
def test_ored_columns_never_overestimate(columns: int) -> None:
    error = errors("lower_or", 8, signed=False, columns=columns)
    assert error.max() == 0
    # a column of h ones is worth one of them: the worst case is that of all ones
    heights = [min(column + 1, 15 - column) for column in range(columns)]
    assert -error.min() == sum((height - 1) << column for column, height in enumerate(heights))


def test_signed_or_inverts_the_products_of_one_sign_bit() -> None:
    error = errors("lower_or", 2, signed=True, columns=2)
    # column 1 holds not(a1 b0) and not(a0 b1): they are ORed to one, unless both products are 1
    a, b = (np.arange(4)[:, None] >> 1, np.arange(4)[:, None] & 1), (np.arange(4) >> 1, np.arange(4) & 1)
    expected = np.where((a[0] & b[1]) + (a[1] & b[0]) == 0, -2, 0)
    assert np.array_equal(error, expected)


def test_columns_out_of_range_are_refused_by_generator_and_formula() -> None:
    with pytest.raises(MultiplierError, match=r"columns = 16; allowed are 0\.\.15"):
        families["lower_or"].generate(8, 8, False, columns=16)
    with pytest.raises(MultiplierError, match=r"columns = -1"):
        errors("lower_or", 8, signed=False, columns=-1)
