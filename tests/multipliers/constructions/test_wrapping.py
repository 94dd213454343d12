"""What a bus of given width holds of an integer."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim.multipliers.constructions.wrapping import wrapped


@pytest.mark.parametrize(
    ("signed", "expected"), [(False, [0, 7, 0, 7, 3, 4]), (True, [0, -1, 0, -1, 3, -4])], ids=["unsigned", "signed"]
)
def test_low_bits_and_their_sign(signed: bool, expected: list[int]) -> None:
    assert wrapped(np.array([0, 7, 8, -1, 3, -4]), 3, signed=signed).tolist() == expected


@pytest.mark.parametrize("bits", [1, 32, 62])
def test_values_that_fit_are_kept(bits: int) -> None:
    extremes = np.array([-(1 << bits - 1), (1 << bits - 1) - 1])
    assert wrapped(extremes, bits, signed=True).tolist() == extremes.tolist()
