"""The definition against two things that share no code with it: Python loops, and PyTorch's float convolution."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from agnsim.kernels import conv2d, matmul
from agnsim.kernels import reference as reference_module
from agnsim.multipliers import Multiplier

GENERATOR = np.random.default_rng(5)


def _any(bits_a: int, bits_b: int, signed_a: bool, signed_b: bool) -> Multiplier:
    table = GENERATOR.integers(-999, 999, (1 << bits_a, 1 << bits_b))
    return Multiplier.from_table("any", table, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b)


def _codes(shape: tuple[int, ...], limits: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(GENERATOR.integers(limits[0], limits[1] + 1, shape)).to(torch.int32)


@pytest.mark.parametrize(
    "widths", [(8, 8, False, True), (8, 4, True, True), (3, 5, True, False), (9, 2, False, False)], ids=str
)
def test_matmul_is_the_sum_of_products(widths: tuple[int, int, bool, bool]) -> None:
    multiplier = _any(*widths)
    a, b = _codes((4, 6), multiplier.range_a), _codes((6, 3), multiplier.range_b)
    found = matmul(a, b, multiplier, engine="reference")
    for m, n in itertools.product(range(4), range(3)):
        assert found[m, n] == sum(int(multiplier.product(int(a[m, k]), int(b[k, n]))) for k in range(6))


@pytest.mark.parametrize("pad_value", [0, 3, -8, None], ids=lambda value: f"pad-{value}")
def test_conv2d_is_the_sum_of_products_with_padding(pad_value: int | None) -> None:
    multiplier = _any(4, 6, True, True)
    x, w = _codes((2, 4, 4, 5), multiplier.range_a), _codes((2, 2, 3, 2), multiplier.range_b)
    arguments: dict[str, Any] = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    found = conv2d(x, w, multiplier, pad_value=pad_value, engine="reference", **arguments)
    for n, o, row, column in itertools.product(*map(range, found.shape)):
        total = 0
        for c, i, j in itertools.product(range(2), range(3), range(2)):
            at = (row * 2 + i - 1, column + 2 * j - 2)
            inside = 0 <= at[0] < 4 and 0 <= at[1] < 5
            if inside or pad_value is not None:
                code = int(x[n, o * 2 + c, at[0], at[1]]) if inside else pad_value
                total += int(multiplier.product(code, int(w[o, c, i, j])))
        assert found[n, o, row, column] == total


@pytest.mark.parametrize("arguments", [{}, {"padding": "same"}, {"stride": 2, "padding": 1, "groups": 2}], ids=str)
def test_with_exact_products_it_is_an_ordinary_convolution(arguments: dict[str, Any]) -> None:
    multiplier = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
    x = _codes((2, 4, 7, 6), (0, 255))
    w = _codes((6, 4 // arguments.get("groups", 1), 3, 3), (-128, 127))
    expected = torch.nn.functional.conv2d(x.double(), w.double(), **arguments).to(torch.int32)
    assert torch.equal(conv2d(x, w, multiplier, engine="reference", **arguments), expected)


def test_small_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    multiplier = _any(8, 8, False, True)
    x, w = _codes((2, 3, 6, 5), (0, 255)), _codes((4, 3, 3, 3), (-128, 127))
    whole = conv2d(x, w, multiplier, engine="reference")
    monkeypatch.setattr(reference_module, "_PRODUCTS_AT_ONCE", 10)
    assert torch.equal(conv2d(x, w, multiplier, engine="reference"), whole)
