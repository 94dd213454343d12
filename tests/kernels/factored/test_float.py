"""What makes the factored engine exact: the split of long sums, and float arithmetic that nobody's switches touch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from agnsim.errors import EngineUnavailable
from agnsim.kernels import conv2d, matmul
from agnsim.kernels.exact_float import exact_float
from agnsim.kernels.factored import FactoredEngine, blocked, engine, unfolded
from agnsim.kernels.factored.terms import split, terms_of
from agnsim.multipliers import Multiplier

EXACT = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
UNSIGNED = Multiplier.exact(8, 8, signed_a=False, signed_b=False)
CPU = torch.device("cpu")
FLOAT = FactoredEngine("float")
# Products up to 9 million: two of them are beyond single precision.
LARGE = Multiplier.from_table(
    "large", np.outer(np.arange(256) * 11 + 199, np.arange(256) * 11 + 197), signed_a=False, signed_b=False
)

# Products up to 1.2 million: a dozen of them are beyond single precision.
MEDIUM = Multiplier.from_table(
    "medium", np.outer(np.arange(256) * 4 + 99, np.arange(256) * 4 + 97), signed_a=False, signed_b=False
)
RANK2 = Multiplier.from_table(
    "rank2",
    np.stack([np.arange(256) & ~7, np.arange(256) % 3 + 1]).T
    @ np.stack([np.arange(256) - 100, np.arange(256) % 5 - 2]),
    signed_a=False,
    signed_b=True,
)


def _codes(shape: tuple[int, ...], low: int, high: int) -> torch.Tensor:
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(3), dtype=torch.int32)


def _split(weights: torch.Tensor, multiplier: Multiplier) -> tuple[list[slice], torch.dtype]:
    return split(weights & 255, terms_of(multiplier, CPU))


def test_few_terms_need_no_split_and_no_look_at_the_weights() -> None:
    assert _split(_codes((4, 9, 9), -128, 127), EXACT) == ([slice(0, 9)], torch.float32)


def test_small_weights_need_no_split() -> None:
    assert _split(torch.ones(2, 600, 9, dtype=torch.int32), EXACT) == ([slice(0, 600)], torch.float32)


def test_large_weights_split_the_channels() -> None:
    parts, dtype = _split(torch.full((2, 100, 9), 127, dtype=torch.int32), EXACT)
    assert dtype == torch.float32
    assert len(parts) == 2


def test_one_channel_too_large_for_single_precision_takes_double() -> None:
    assert _split(torch.full((1, 2, 4), 255, dtype=torch.int32), LARGE)[1] == torch.float64


@pytest.mark.parametrize("channels", [28, 61, 300], ids=lambda n: f"{n}-channels")
@pytest.mark.parametrize("groups", [1, 2], ids=lambda n: f"{n}-groups")
def test_worst_case_sums_are_exact(channels: int, groups: int) -> None:
    x = torch.full((1, channels * groups, 3, 3), 255, dtype=torch.uint8)
    x[:, ::3] = 254
    w = torch.full((2 * groups, channels, 3, 3), 255, dtype=torch.uint8)
    w[:, ::7] = 253
    expected = torch.nn.functional.conv2d(x.double(), w.double(), groups=groups).to(torch.int32)
    assert torch.equal(conv2d(x, w, UNSIGNED, groups=groups, engine=FLOAT), expected)
    if groups == 1:
        rows, columns = x.flatten(1), w.flatten(1).t()
        assert torch.equal(matmul(rows, columns, UNSIGNED, engine=FLOAT), expected.flatten(1))


def test_large_products_in_double_precision() -> None:
    a, b = _codes((5, 70), 200, 255), _codes((70, 3), 200, 255)
    assert torch.equal(matmul(a, b, LARGE, engine=FLOAT), matmul(a, b, LARGE, engine="reference"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"padding": 1},
        {"padding": "same", "dilation": 2},
        {"stride": 2, "padding": (2, 1), "groups": 2, "pad_value": 9},
        {"padding": 1, "groups": 2, "pad_value": None},
    ],
    ids=str,
)
def test_unfolded_columns_as_on_a_gpu(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = _codes((3, 4, 7, 6), 0, 255), _codes((6, 4 // arguments.get("groups", 1), 3, 3), -128, 127)
    expected = conv2d(x, w, RANK2, engine="reference", **arguments)
    monkeypatch.setattr(engine, "_DIRECT_CONVOLUTION", False)
    monkeypatch.setattr(unfolded, "_FLOATS_PER_THREAD", 1)
    assert torch.equal(conv2d(x, w, RANK2, engine=FLOAT, **arguments), expected)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize(
    "arguments",
    [
        {"padding": 1, "pad_value": 7},
        {"padding": 1, "pad_value": None, "stride": 2},
        {"padding": "same", "pad_value": 7},
        {"padding": "same", "pad_value": None},
        {"padding": 1, "groups": 2, "pad_value": 7},
        {"padding": 1, "groups": 4},
    ],
    ids=str,
)
def test_blocks_of_few_images(
    arguments: dict[str, Any], layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The border that the first block wrote serves the next ones, of which the last has fewer images.
    monkeypatch.setattr(blocked, "_FLOATS_PER_THREAD", 2 * 2 * 4 * 9 * 9)
    x = _codes((5, 4, 7, 6), 0, 255).to(torch.uint8).contiguous(memory_format=layout)
    w = _codes((6 if arguments.get("groups") != 4 else 8, 4 // arguments.get("groups", 1), 2, 3), -128, 127)
    expected = conv2d(x, w, RANK2, engine="reference", **arguments)
    found = conv2d(x, w, RANK2, engine=FLOAT, **arguments)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("pad_value", [0, 3, None])
@pytest.mark.parametrize("groups", [1, 2])
def test_parts_of_the_channels_with_stored_padding(
    groups: int, pad_value: int | None, layout: torch.memory_format
) -> None:
    x = _codes((3, 29 * groups, 4, 3), 250, 255).contiguous(memory_format=layout)
    w = _codes((4 * groups, 29, 1, 2), 250, 255)
    assert len(split(w.flatten(2), terms_of(MEDIUM, CPU))[0]) > 2  # of different sizes: 29 is prime
    arguments: dict[str, Any] = {"padding": (1, 2), "groups": groups, "pad_value": pad_value}
    found = conv2d(x, w, MEDIUM, engine=FLOAT, **arguments)
    assert torch.equal(found, conv2d(x, w, MEDIUM, engine="reference", **arguments))


@pytest.mark.parametrize("kernel", [(1, 2), (1, 3), (2, 2)], ids=str)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_one_channel_and_one_output_column(stride: int, kernel: tuple[int, int]) -> None:
    x, w = _codes((2, 1, 8, 1), 0, 255), _codes((2, 1, *kernel), -128, 127)
    arguments: dict[str, Any] = {"stride": (1, stride), "padding": (2, 1), "pad_value": 127}
    expected = conv2d(x, w, EXACT, engine="reference", **arguments)
    assert torch.equal(conv2d(x, w, EXACT, engine=FLOAT, **arguments), expected)


def test_matmul_in_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "_FLOATS_PER_THREAD", 64)
    a, b = _codes((7, 13), 0, 255), _codes((13, 5), -128, 127)
    expected = matmul(a, b, RANK2, engine="reference")
    for rows in (a, a.to(torch.uint8), a.t().contiguous().t(), a.repeat_interleave(2, dim=1)[:, ::2]):
        assert torch.equal(matmul(rows, b, RANK2, engine=FLOAT), expected)


def test_narrow_dtypes_of_a_wider_port() -> None:
    wide = Multiplier.exact(9, 8, signed_a=True, signed_b=True)
    codes = torch.tensor([[-128, 127, -1]])
    for dtype in (torch.int8, torch.int16, torch.int32):
        assert matmul(codes.to(dtype), codes.t().to(dtype), wide, engine=FLOAT).item() == 128**2 + 127**2 + 1


def test_convolution_is_direct(capfd: pytest.CaptureFixture[str]) -> None:
    if not engine._DIRECT_CONVOLUTION:
        pytest.skip("this processor's convolutions are not asked")
    mkldnn: Any = torch.backends.mkldnn
    x, w = _codes((16, 16, 12, 12), 0, 255), _codes((16, 16, 3, 3), -128, 127)
    with mkldnn.verbose(mkldnn.VERBOSE_ON):
        conv2d(x, w, EXACT, padding=1, engine=FLOAT)
    ran = [line for line in capfd.readouterr().out.splitlines() if "exec" in line and ",convolution," in line]
    assert len(ran) == 1
    assert "alg:convolution_direct" in ran[0]
    assert "wino" not in ran[0]


@contextmanager
def _careless_caller() -> Iterator[None]:
    mkldnn: Any = torch.backends.mkldnn
    torch.set_float32_matmul_precision("medium")
    mkldnn.enabled = False
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            yield
    finally:
        mkldnn.enabled = True
        torch.set_float32_matmul_precision("highest")


def test_exact_under_autocast_low_precision_and_transform_convolutions() -> None:
    # Without oneDNN PyTorch convolves 16 images and more by NNPACK's Winograd, which rounds.
    x, w = _codes((16, 16, 12, 12), 0, 255), _codes((16, 16, 3, 3), -128, 127)
    expected = conv2d(x, w, EXACT, padding=1, engine="reference")
    with _careless_caller():
        found = conv2d(x, w, EXACT, padding=1, engine=FLOAT)
        rows = matmul(x.flatten(1), w.flatten(1).repeat(1, 16).t(), EXACT, engine=FLOAT)
        assert torch.get_float32_matmul_precision() == "medium"
    assert torch.equal(found, expected)
    assert torch.equal(rows, matmul(x.flatten(1), w.flatten(1).repeat(1, 16).t(), EXACT, engine="reference"))


def test_switches_are_restored_by_the_last_of_several_threads() -> None:
    nnpack: Any = torch.backends.nnpack
    before = nnpack.set_flags(True)[0]
    outer, inner = exact_float(CPU), exact_float(CPU)
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert nnpack.set_flags(False)[0] is False
    inner.__exit__(None, None, None)
    assert nnpack.set_flags(before)[0] is True


def test_concurrent_calls() -> None:
    x, w = _codes((4, 8, 9, 9), 0, 255), _codes((8, 8, 3, 3), -128, 127)
    expected = conv2d(x, w, EXACT, engine="reference")
    fresh = [Multiplier.exact(8, 8, signed_a=False, signed_b=True) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda multiplier: conv2d(x, w, multiplier, engine=FLOAT), fresh):
            assert torch.equal(found, expected)


def test_memory_kept_from_inference_mode_serves_outside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "_kept", threading.local())
    x, w = _codes((2, 3, 5, 5), 0, 255), _codes((4, 3, 3, 3), -128, 127)
    expected = conv2d(x, w, RANK2, padding=1, pad_value=9, engine="reference")
    with torch.inference_mode():
        assert torch.equal(conv2d(x, w, RANK2, padding=1, pad_value=9, engine=FLOAT), expected)
    assert torch.equal(conv2d(x, w, RANK2, padding=1, pad_value=9, engine=FLOAT), expected)
    with torch.inference_mode():
        assert torch.equal(conv2d(x, w, RANK2, padding=1, pad_value=9, engine=FLOAT), expected)


def test_a_table_of_full_rank_is_refused_with_the_reason() -> None:
    table = np.random.default_rng(0).integers(-99, 99, (256, 256))
    multiplier = Multiplier.from_table("noise", table, signed_a=True, signed_b=True)
    codes = torch.ones(2, 2, dtype=torch.int8)
    with pytest.raises(EngineUnavailable, match=r"'factored' can't run multiplier 'noise' on cpu: .*factorisation"):
        matmul(codes, codes, multiplier, engine="factored")


def test_pad_value_beyond_the_dtype_of_the_codes() -> None:
    biased = Multiplier.from_table(
        "biased", np.arange(1, 257)[:, None] * np.arange(256), signed_a=False, signed_b=False
    )
    x, w = _codes((1, 2, 3, 3), 0, 127).to(torch.int8), _codes((1, 2, 3, 3), 0, 255)
    expected = conv2d(x, w, biased, padding=1, pad_value=250, engine="reference")
    for name in ("factored", "simd"):
        assert torch.equal(conv2d(x, w, biased, padding=1, pad_value=250, engine=name), expected)


def test_an_equal_table_of_a_wider_range_does_not_inherit_what_a_narrower_one_may_assume() -> None:
    # Linear but for the pattern of -128, which sign-magnitude never feeds; encoded, the table stays the same.
    table = np.multiply.outer(np.r_[0:128, 0, -127:0], np.r_[0:128, -128:0])
    natural = Multiplier.from_table("saturating", table, signed_a=True, signed_b=True)
    narrow = natural.encoded("sign_magnitude", "twos_complement")
    assert narrow == natural
    a, b = torch.tensor([[-127, 5]]).int(), torch.tensor([[3], [2]]).int()
    assert matmul(a, b, narrow, engine=FLOAT).item() == -371
    assert matmul(a - 1, b, natural, engine=FLOAT).item() == 8
