from __future__ import annotations

import numpy as np
import pytest
import torch

from agnsim.errors import AccumulatorOverflow, InputError, OperandRangeError
from agnsim.kernels import conv2d, matmul
from agnsim.multipliers import Multiplier

U8S8 = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
U5S3 = Multiplier.exact(5, 3, signed_a=False, signed_b=True)


def _codes(*values: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    return torch.tensor([values], dtype=dtype)


def test_lists_are_refused() -> None:
    with pytest.raises(InputError, match=r"a is a list; it must be a torch\.Tensor of integer codes"):
        matmul([[1]], _codes(1), Multiplier.exact(8, 8, signed_a=True, signed_b=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool], ids=str)
def test_other_dtypes_are_refused_with_the_remedy(dtype: torch.dtype) -> None:
    a, b = torch.ones(2, 3, dtype=dtype), torch.ones(3, 2, dtype=torch.int8)
    with pytest.raises(InputError, match=f"a has dtype {dtype}.*torch.int32"):
        matmul(a, b, U8S8)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (_codes(0, 32), _codes(1, 1), r"^a holds 32, outside 0\.\.31, .*'exact"),
        (_codes(0, -1), _codes(1, 1), r"^a holds -1, outside 0\.\.31"),
        (_codes(0, 31), _codes(1, 4), r"^b holds 4, outside -4\.\.3"),
        (_codes(0, 200, dtype=torch.uint8), _codes(1, 1), r"^a holds 200"),
    ],
    ids=["a-above", "a-below", "b-above", "uint8"],
)
def test_values_outside_the_port_are_named(a: torch.Tensor, b: torch.Tensor, message: str) -> None:
    with pytest.raises(OperandRangeError, match=message):
        matmul(a, b.t(), U5S3)


def test_sign_magnitude_excludes_the_most_negative_pattern() -> None:
    encoded = Multiplier.exact(8, 8, signed_a=False, signed_b=False).encoded(w="sign_magnitude")
    with pytest.raises(OperandRangeError, match=r"b holds -128, outside -127\.\.127"):
        matmul(_codes(1), _codes(-128, dtype=torch.int8), encoded)


def test_validate_false_skips_ranges_but_not_the_accumulator() -> None:
    matmul(_codes(40), _codes(1), U5S3, validate=False)
    huge = Multiplier.from_table(
        "huge", np.full((4, 4), 2**30, np.int32), bits_a=2, bits_b=2, signed_a=False, signed_b=False
    )
    with pytest.raises(AccumulatorOverflow, match=r"'huge'.* 2147483648 over fan_in 2.*accumulator=torch\.int64"):
        matmul(_codes(1, 1), _codes(1, 1).t(), huge, validate=False)
    assert matmul(_codes(1, 1), _codes(1, 1).t(), huge, accumulator=torch.int64).item() == 2**31


def test_the_bound_is_that_of_the_weights_at_hand() -> None:
    table = np.zeros((4, 4), np.int32)
    table[3, 3] = 2**30
    rare = Multiplier.from_table("rare", table, bits_a=2, bits_b=2, signed_a=False, signed_b=False)
    x = torch.full((1, 3, 1, 1), 3, dtype=torch.uint8)
    w = torch.tensor([[3, 0, 2], [0, 3, 1]], dtype=torch.uint8)[:, :, None, None]
    assert conv2d(x, w, rare).flatten().tolist() == [2**30, 2**30]
    w[0, 1] = 3
    with pytest.raises(AccumulatorOverflow, match="fan_in 3"):
        conv2d(x, w, rare)


def test_devices_must_be_equal() -> None:
    with pytest.raises(InputError, match=r"a is on cpu, b on meta"):
        matmul(_codes(1), _codes(1).to("meta"), U8S8)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (2, 3)), ((3,), (3, 2)), ((2, 3), (3,))], ids=str)
def test_matmul_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="must be \\[M, K\\] and \\[K, N\\]"):
        matmul(torch.zeros(a, dtype=torch.int8), torch.zeros(b, dtype=torch.int8), U8S8)


def test_pad_value_and_accumulator() -> None:
    x, w = torch.zeros(1, 1, 3, 3, dtype=torch.int8), torch.zeros(1, 1, 3, 3, dtype=torch.int8)
    with pytest.raises(OperandRangeError, match=r"pad_value holds 32, outside 0\.\.31"):
        conv2d(x, w, U5S3, padding=1, pad_value=32)
    with pytest.raises(InputError, match=r"pad_value is 1\.5"):
        conv2d(x, w, U5S3, padding=1, pad_value=1.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"accumulator is torch\.int16"):
        conv2d(x, w, U5S3, accumulator=torch.int16)
