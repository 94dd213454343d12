"""The 8-bit path, forced, equals the reference; what it can't take it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agnsim.errors import EngineUnavailable
from agnsim.kernels import conv2d, matmul
from agnsim.kernels.factored import FactoredEngine, int8
from agnsim.kernels.factored.int8_terms import MAX_TERMS, byte_terms_of
from agnsim.kernels.simd import features
from agnsim.multipliers import Multiplier
from agnsim.testing import EngineCase, check_engine, engine_cases

CPU = torch.device("cpu")
INT8 = FactoredEngine("int8")
EXACT = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
SIGNED = Multiplier.exact(8, 8, signed_a=True, signed_b=True)
RANDOM = np.random.default_rng(7)

needs_instructions = pytest.mark.skipif(
    int8.unavailable(None, CPU) is not None, reason="the CPU has no AVX-512 VNNI and VBMI"
)


def _low_rank(entries_u: int, entries_v: int, rank: int = 2) -> Multiplier:
    u = RANDOM.integers(-entries_u, entries_u + 1, (rank, 256))
    v = RANDOM.integers(-entries_v, entries_v + 1, (rank, 256))
    return Multiplier.from_table("low_rank", 3 * u.T @ v, signed_a=False, signed_b=True)


@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
def test_equals_reference(case: EngineCase) -> None:
    reason = case.unavailable(INT8)
    if reason is not None:
        pytest.skip(reason)
    try:
        check_engine(INT8, case)
    except EngineUnavailable as refusal:  # found out only now: shapes that leave vectors empty
        pytest.skip(str(refusal))


@needs_instructions
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["nchw", "nhwc"])
@pytest.mark.parametrize("multiplier", [EXACT, SIGNED, _low_rank(60, 90), _low_rank(100, 3000)], ids=repr)
@pytest.mark.parametrize(
    ("x", "w", "arguments"),
    [
        ((3, 5, 16, 16), (8, 5, 3, 3), {"padding": 1, "pad_value": 3}),
        ((3, 5, 32, 32), (6, 5, 3, 3), {"padding": 1, "stride": 2}),
        ((2, 8, 17, 13), (10, 8, 3, 3), {"padding": (2, 1), "stride": (2, 3), "dilation": (2, 1), "pad_value": 100}),
        ((9, 4, 7, 7), (5, 4, 1, 1), {}),
        ((1, 7, 8, 8), (16, 7, 3, 3), {"padding": 1}),
        ((1, 3, 33, 31), (64, 3, 5, 7), {"padding": "same"}),
        ((2, 12, 9, 10), (21, 4, 3, 2), {"groups": 3, "padding": 1, "pad_value": 1}),
        ((5, 6, 64, 48), (4, 6, 2, 2), {"stride": 4}),
        ((2, 3, 224, 20), (4, 3, 7, 7), {"padding": 3, "stride": 2}),
    ],
    ids=str,
)
def test_shapes(
    x: tuple[int, ...], w: tuple[int, ...], arguments: dict[str, Any], multiplier: Multiplier, layout: Any
) -> None:
    low, high = multiplier.range_a
    codes = torch.randint(low, high + 1, x, dtype=torch.int16).contiguous(memory_format=layout)
    weights = torch.randint(-128, 128, w, dtype=torch.int8)
    found = conv2d(codes, weights, multiplier, engine=INT8, **arguments)
    assert torch.equal(found, conv2d(codes, weights, multiplier, engine="reference", **arguments))


@needs_instructions
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_few_images_on_many_threads(threads: int) -> None:
    x = torch.randint(0, 256, (1, 5, 20, 16), dtype=torch.uint8)
    w = torch.randint(-128, 128, (23, 5, 3, 3), dtype=torch.int8)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = conv2d(x, w, EXACT, engine=INT8)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found, conv2d(x, w, EXACT, engine="reference"))


@needs_instructions
@pytest.mark.parametrize("fan_in", [3, 4, 5, 999])
@pytest.mark.parametrize("rows", [1, 15, 16, 17, 130])
def test_matmul(rows: int, fan_in: int) -> None:
    a = torch.randint(-128, 128, (rows, fan_in), dtype=torch.int8)
    b = torch.randint(-128, 128, (fan_in, 11), dtype=torch.int8)
    a[0], b[:, 0] = -128, -128
    for accumulator in (torch.int32, torch.int64):
        found = matmul(a, b, SIGNED, engine=INT8, accumulator=accumulator)
        assert torch.equal(found, a.to(accumulator) @ b.to(accumulator))


def test_terms_make_the_table() -> None:
    multiplier = _low_rank(100, 3000)
    terms = byte_terms_of(multiplier, CPU)
    assert terms is not None
    assert 2 < terms.count <= MAX_TERMS  # entries beyond a byte take digits
    total = np.tile(terms.constant, (256, 1))
    for one in terms.passes:
        for plane, weight in zip(one.activation, one.weight, strict=True):
            total += one.scale * np.outer(terms.planes[plane, :256].astype(np.int64), weight.astype(np.int64))
    assert np.array_equal(total, multiplier.table)


@needs_instructions
def test_what_it_cannot_take_is_said_and_done_in_float() -> None:
    x = torch.randint(0, 256, (2, 6, 9, 9), dtype=torch.uint8)
    w = torch.randint(-128, 128, (6, 1, 3, 3), dtype=torch.int8)
    with pytest.raises(EngineUnavailable, match="1 input and 1 output channels leave vectors empty"):
        conv2d(x, w, EXACT, groups=6, engine=INT8)
    depthwise = conv2d(x, w, EXACT, groups=6, engine="factored")
    assert torch.equal(depthwise, conv2d(x, w, EXACT, groups=6, engine="reference"))
    long = torch.ones(1, 70_000, dtype=torch.uint8)
    with pytest.raises(EngineUnavailable, match="70000 times 1 products of bytes can leave 32 bits"):
        matmul(long, long.t().repeat(1, 4).to(torch.int8), EXACT, engine=INT8, accumulator=torch.int64)


def test_a_missing_feature_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.config.CPU_FEATURES", "+avx512vbmi,+avx512bw")
    features.cpu_has.cache_clear()
    try:
        assert "lacks avx512vnni" in str(INT8.unavailable(EXACT, CPU))
        assert FactoredEngine().unavailable(EXACT, CPU) is None
    finally:
        features.cpu_has.cache_clear()
