"""Codes to planes and sums to integers: every layout, sign and width against NumPy's indexing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agnsim.kernels.pointwise.planes import add_flat, add_transposed, map_dense_rows, map_rows
from agnsim.multipliers.encoding import operand_values

SHAPE = (2, 3, 5, 7)  # images, rows, columns, channels


def _codes(bits: int, dtype: Any, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return codes as unsigned integers of the dtype's size, and their patterns."""
    values = operand_values(bits, signed)
    drawn = np.random.default_rng(bits).choice(values, SHAPE).astype(dtype)
    return drawn.view(f"u{drawn.itemsize}"), drawn.astype(np.int64) & ((1 << bits) - 1)


@pytest.mark.parametrize("linear", [(False, False), (True, False)], ids=["tables", "linear"])
@pytest.mark.parametrize("interleaved", [True, False], ids=["interleaved", "apart"])
@pytest.mark.parametrize("order", ["channels_last", "contiguous", "strided"])
@pytest.mark.parametrize(
    ("bits", "dtype", "signed"),
    [
        (8, np.uint8, False),
        (8, np.int8, True),
        (5, np.int8, True),
        (4, np.int16, True),
        (9, np.int32, True),
        (3, np.uint8, False),
    ],
    ids=str,
)
def test_planes(bits: int, dtype: Any, signed: bool, order: str, interleaved: bool, linear: tuple[bool, ...]) -> None:
    codes, patterns = _codes(bits, dtype, signed)
    tables = np.random.default_rng(0).integers(-999, 999, (2, 1 << bits)).astype(np.float32)
    entries = tables[:, patterns]
    for plane, is_linear in enumerate(linear):
        if is_linear:
            entries[plane] = operand_values(bits, signed)[patterns]
    images, height, width, channels = SHAPE
    position = channels * (2 if interleaved else 1)
    plane = channels if interleaved else codes.size
    steps = np.array([height * width * position, width * position, position, plane])
    planes = np.full(2 * codes.size, np.nan, np.float32)
    constants = ((1 << bits) - 1, 1 << (bits - 1) if signed else 0, tables, np.array(linear))
    for first, stop in ((0, 4), (4, images * height)):  # shares of several threads
        if order == "channels_last":
            flat = codes.reshape(images, height, -1)
            map_dense_rows(flat, width, *constants, first, stop, planes, 0, steps)
        else:
            other = np.ascontiguousarray(codes.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
            other = np.repeat(codes, 2, axis=3)[..., ::2] if order == "strided" else other
            map_rows(other, *constants, first, stop, planes, 0, steps)
    expected = np.moveaxis(entries, 0, 3) if interleaved else entries
    np.testing.assert_array_equal(planes, expected.ravel())


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("adds", [False, True])
def test_sums_become_integers(dtype: Any, adds: bool) -> None:
    sums = np.random.default_rng(0).integers(-(2**24), 2**24, (2, 37, 5)).astype(np.float32)
    before = np.random.default_rng(1).integers(-99, 99, sums.shape).astype(dtype)
    expected = sums.astype(np.int64) * 60 + (before if adds else 0)
    flat, transposed = before.copy(), np.ascontiguousarray(before.transpose(0, 2, 1))
    add_flat(sums.ravel(), 60, adds, flat.reshape(-1))
    add_transposed(sums, 60, adds, transposed)
    np.testing.assert_array_equal(flat, expected)
    np.testing.assert_array_equal(transposed.transpose(0, 2, 1), expected)
