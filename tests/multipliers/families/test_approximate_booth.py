"""Approximate Booth multipliers: published entries, rates and errors, at the papers' 16 bits too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.families import families
from agnsim.multipliers.families.r4abm import approximate_term
from agnsim.multipliers.families.r8abm import approximate_triple
from agnsim.multipliers.netlists.builder import NetlistBuilder

SIGNED_16 = operand_values(16, True).astype(np.int64)


def errors(name: str, bits: int, **parameters: int) -> NDArray[np.int64]:
    a, b = operand_values(bits, True)[:, None], operand_values(bits, True)[None, :]
    return families[name].product(a, b, bits_a=bits, bits_b=bits, signed=True, **parameters) - a * b


def sampled_errors(name: str, **parameters: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (errors, true products) of half a million random pairs of 16 bits, none of them zero."""
    a, b = np.random.default_rng(0).integers(-(2**15), 2**15, (2, 500_000))
    a, b = a[a * b != 0], b[a * b != 0]
    return families[name].product(a, b, bits_a=16, bits_b=16, signed=True, **parameters) - a * b, a * b


@pytest.mark.parametrize(("encoder", "to_0", "to_1"), [(1, 4, 0), (2, 2, 6)], ids=["R4ABM1", "R4ABM2"])
def test_encoder_changes_the_published_number_of_entries(encoder: int, to_0: int, to_1: int) -> None:
    build = NetlistBuilder(2, 3)  # a_i a_(i-1), and the digit's bits
    one = build.differ(build.b[1], build.b[0])
    term = approximate_term(build, encoder, one, build.b[2], build.a[1])
    approximate = build.build([term], signed=False).table()
    digits = np.array([0, 1, 1, 2, -2, -1, -1, 0])
    a = np.arange(4)[:, None]
    chosen = np.where(np.abs(digits) == 2, a & 1, (a >> 1) & (digits != 0)) ^ (digits < 0)
    assert np.count_nonzero(approximate < chosen) == to_0
    assert np.count_nonzero(approximate > chosen) == to_1
    assert to_0 + to_1 in (32 * 0.125, 32 * 0.25)


def test_regular_rows_lose_the_one_of_a_negative_last_digit_and_no_more() -> None:
    top_digit = operand_values(8, True) >> 6  # -2..1, then one more where the bit below is 1
    negative = top_digit + (operand_values(8, True) >> 5 & 1) < 0
    for encoder in (1, 2):
        assert np.array_equal(errors("r4abm", 8, encoder=encoder, columns=0), np.tile(-64 * negative, (256, 1)))


def test_second_encoder_errs_both_ways_and_the_first_one_only_down() -> None:
    lost = errors("r4abm", 8, encoder=1, columns=0)
    first, second = (errors("r4abm", 8, encoder=encoder, columns=8) - lost for encoder in (1, 2))
    assert first.max() <= 0
    assert second.min() < 0 < second.max()


def test_sign_bits_stay_exact_with_all_columns_approximate() -> None:
    a = operand_values(8, True)
    row = families["r4abm"].product(a, np.array(1), bits_a=8, bits_b=2, signed=True, encoder=1, columns=10)
    assert np.array_equal(row, a)


def test_16_bit_recoding_adder_has_the_published_pass_rate_and_errors() -> None:
    four, three = (approximate_triple(SIGNED_16, cells) - 3 * SIGNED_16 for cells in (4, 3))
    assert np.count_nonzero(four == 0) / four.size == 0.75**4  # ARA8: 31.64 %
    assert np.abs(four).mean() == pytest.approx(73.41, rel=0.01)  # the paper's is from random operands
    assert np.abs(three).mean() == pytest.approx(18.37, abs=0.01)  # ARA8-2R


def test_recoding_cell_is_wrong_by_2_for_4_of_16_inputs() -> None:
    inputs = np.arange(16)  # a_(i+1), a_i, a_(i-1), carry
    above, bit, below, carry = (inputs >> place & 1 for place in (3, 2, 1, 0))
    error = 4 * bit + 2 * above + (bit ^ below ^ carry) - (2 * above + bit) - (2 * bit + below) - carry
    assert np.abs(error[error != 0]).tolist() == [2, 2, 2, 2]


def test_abm1_has_the_published_errors() -> None:
    error, product = sampled_errors("r8abm", cells=3)
    assert np.count_nonzero(error == 0) / error.size == pytest.approx(0.55937, abs=0.002)
    assert np.abs(error).mean() / 2**30 == pytest.approx(1.92e-5, rel=0.02)
    assert np.count_nonzero(np.abs(error) < 0.02 * np.abs(product)) / error.size == pytest.approx(0.9977, abs=0.0003)


def test_radix_8_without_approximate_cells_is_exact() -> None:
    assert not np.any(errors("r8abm", 7, cells=0))


def test_roup_at_16_bits_has_the_published_mean_relative_error_of_0_23_percent() -> None:
    error, product = sampled_errors("roup", perforated=2, rounded=4)
    assert np.mean(np.abs(error / product)) == pytest.approx(0.0023, abs=0.00005)


def test_roup_rounds_half_up_and_neither_operand_without_need() -> None:
    def product(a: int, b: int, perforated: int, rounded: int) -> int:
        operands = np.array(a), np.array(b)
        parameters: dict[str, Any] = {"perforated": perforated, "rounded": rounded}
        return int(families["roup"].product(*operands, bits_a=8, bits_b=8, signed=True, **parameters))

    assert product(6, 5, 0, 2) == 8 * 5
    assert product(-6, 5, 0, 2) == -4 * 5
    assert product(7, 6, 1, 0) == 7 * 8
    assert product(127, -128, 1, 3) == 128 * -128
    assert not np.any(errors("roup", 8, perforated=0, rounded=0))


def test_rounding_narrows_every_row() -> None:
    sizes = [len(families["roup"].generate(8, 8, True, perforated=1, rounded=bits).gates) for bits in range(1, 6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] > 80


@pytest.mark.parametrize("name", ["roup", "r4abm"])
def test_unsigned_operands_are_refused(name: str) -> None:
    parameters = next(iter(families[name].circuits())).parameters
    with pytest.raises(MultiplierError, match=f"'{name}' multiplies signed operands only"):
        families[name].generate(8, 8, False, **parameters)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        pytest.param("r4abm", {"encoder": 3, "columns": 4}, r"encoder = 3; allowed are 1\.\.2", id="encoder"),
        pytest.param("r4abm", {"encoder": 1, "columns": 17}, r"columns = 17; allowed are 0\.\.16", id="columns"),
        pytest.param("r8abm", {"cells": 4}, r"cells = 4; allowed are 0\.\.3", id="cells"),
        pytest.param("roup", {"perforated": 4, "rounded": 0}, r"perforated = 4; allowed are 0\.\.3", id="perforated"),
        pytest.param("roup", {"perforated": 0, "rounded": 8}, r"rounded = 8; allowed are 0\.\.7", id="rounded"),
    ],
)
def test_wrong_parameters_are_refused_by_generator_and_formula(
    name: str, parameters: dict[str, int], message: str
) -> None:
    with pytest.raises(MultiplierError, match=message):
        families[name].generate(8, 8, True, **parameters)
    with pytest.raises(MultiplierError, match=message):
        errors(name, 8, **parameters)
