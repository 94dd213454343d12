"""Multipliers of short segments: published errors, where they are exact, and how they relate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from agnsim.multipliers.constructions.segments import every_place, segment_value, spread_places

EXACT = np.multiply.outer(np.arange(256), np.arange(256))


def test_drum6_at_16_bits_has_the_published_mean_relative_error_of_1_47_percent(
    relative_errors_of_16_bits: Callable[..., Any],
) -> None:
    relative = relative_errors_of_16_bits("drum", k=6)
    assert abs(np.abs(relative).mean() - 0.0147) < 0.0002
    assert abs(relative.mean()) < 0.001


def test_drum_is_exact_below_its_window(errors_of: Callable[..., Any]) -> None:
    assert not errors_of("drum", k=4)[:16, :16].any()


def test_three_static_segments_of_8_in_16_bits_err_by_the_published_1_percent(
    relative_errors_of_16_bits: Callable[..., Any],
) -> None:
    assert round(100 * np.abs(relative_errors_of_16_bits("static_segment", length=8, places=3)).mean()) == 1


@pytest.mark.parametrize("length", [3, 4, 5])
def test_truncated_segments_never_overestimate_and_lose_less_than_two_units_of_the_last_place(
    length: int, errors_of: Callable[..., Any]
) -> None:
    error = errors_of("dynamic_segment", length=length)
    assert error.max() == 0
    assert np.all(-error * 2 ** (length - 2) <= EXACT)  # a segment of a keeps more than (1 - 2**(1 - length)) a


def test_static_segments_of_half_the_width_are_exact_for_small_operands_and_for_high_ones_with_low_zeros(
    errors_of: Callable[..., Any],
) -> None:
    error = errors_of("static_segment", length=4, places=2)
    exact = [*range(16), *range(0, 256, 16)]
    assert not error[np.ix_(exact, exact)].any()
    assert error[17, 1] == -1


def test_a_static_segment_at_every_place_is_the_dynamic_one(errors_of: Callable[..., Any]) -> None:
    assert np.array_equal(errors_of("static_segment", length=5, places=4), errors_of("dynamic_segment", length=5))


def test_places_are_spread_from_the_lowest_to_the_highest() -> None:
    assert every_place(8, 5) == [0, 1, 2, 3]
    assert every_place(4, 6) == [0]
    assert spread_places(16, 8, 3) == [0, 4, 8]
    assert spread_places(8, 5, 3) == [0, 1, 3]
    assert spread_places(4, 6, 3) == [0]


def test_segment_values_by_hand() -> None:
    x = np.array([0b1011, 0b10111, 0b1011011])
    assert segment_value(x, 4, every_place(8, 4)).tolist() == [0b1011, 0b10110, 0b1011000]
    assert segment_value(x, 4, every_place(8, 4), rounding_bit=True).tolist() == [0b1011, 0b10110, 0b1011000]
    assert segment_value(x, 4, spread_places(8, 4, 2)).tolist() == [0b1011, 0b10000, 0b1010000]


def test_error_tolerant_multiplier_is_exact_for_small_operands(errors_of: Callable[..., Any]) -> None:
    error = errors_of("error_tolerant", low=4)
    assert not error[:16, :16].any()
    assert error[16, 0] == 0
    assert error[16, 1] == 2**5 - 1 - 16


def test_error_tolerant_product_by_hand(errors_of: Callable[..., Any]) -> None:
    # high parts 2 x 3 exactly; low parts 0010 | 0100: the first 1 is at place 2, so 0111 1111
    a, b = 0b0010_0010, 0b0011_0100
    assert errors_of("error_tolerant", low=4)[a, b] + a * b == 0b0000_0110_0111_1111
