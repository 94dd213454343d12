from __future__ import annotations

from typing import Any

import pytest
import torch

from agnsim.errors import InputError
from agnsim.kernels.geometry import resolve


@pytest.mark.parametrize(
    ("size", "kernel", "arguments"),
    [
        ((9, 7), (3, 3), {}),
        ((9, 7), (3, 2), {"stride": 2, "padding": 1}),
        ((9, 12), (3, 3), {"stride": (3, 1), "padding": (2, 0), "dilation": (1, 2)}),
        ((8, 5), (5, 3), {"padding": "same"}),
        ((8, 5), (3, 4), {"padding": "same", "dilation": 2}),
        ((8, 5), (3, 4), {"padding": "valid", "stride": 2}),
    ],
    ids=str,
)
def test_output_size_is_torch_conv2ds(
    size: tuple[int, int], kernel: tuple[int, int], arguments: dict[str, Any]
) -> None:
    x, w = torch.zeros(2, 6, *size), torch.zeros(4, 3, *kernel)
    expected = torch.nn.functional.conv2d(x, w, groups=2, **arguments)
    assert resolve(x.shape, w.shape, groups=2, **arguments).output_shape == tuple(expected.shape)


def test_same_padding_of_an_even_kernel_is_larger_below_and_right() -> None:
    assert resolve((1, 1, 8, 8), (1, 1, 4, 2), padding="same").pads == (1, 2, 0, 1)


@pytest.mark.parametrize(
    ("x", "w", "arguments", "message"),
    [
        ((2, 3, 5), (4, 3, 3, 3), {}, "must be \\[N, C, H, W\\]"),
        ((2, 3, 5, 5), (4, 3, 3), {}, "w has shape"),
        ((2, 3, 5, 5), (4, 2, 3, 3), {}, "takes 2 channels per group"),
        ((2, 3, 5, 5), (4, 1, 3, 3), {"groups": 3}, "groups=3 divides not both"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"groups": 0}, "groups is 0"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"stride": 0}, "stride is 0"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"stride": (1, 2, 3)}, "stride is"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"stride": 1.5}, "stride is 1.5"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"padding": None}, "padding is None"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"padding": -1}, "padding is -1"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"padding": "full"}, "allowed are an integer"),
        ((2, 3, 5, 5), (4, 3, 3, 3), {"padding": "same", "stride": 2}, "needs stride 1"),
        ((2, 3, 5, 2), (4, 3, 3, 3), {}, "reaches over 3 positions in width"),
        ((2, 3, 5, 5), (4, 3, 0, 3), {}, "at least 1 x 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_contradictions_are_named(
    x: tuple[int, ...], w: tuple[int, ...], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        resolve(x, w, **arguments)
