from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.errors import EngineUnavailable
from agnsim.kernels import conv2d, matmul
from agnsim.kernels.simd import columns
from agnsim.multipliers import Multiplier

TABLE = np.random.default_rng(1).integers(-32_768, 32_768, (256, 256))
ANY = Multiplier.from_table("any", TABLE, signed_a=False, signed_b=True)


def _operands(
    seed: int, x: tuple[int, ...], w: tuple[int, ...], dtype: torch.dtype = torch.int32
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randint(0, 256, x, generator=generator, dtype=dtype),
        torch.randint(-128, 128, w, generator=generator, dtype=torch.int8),
    )


@pytest.mark.parametrize("path", ["vectors", "rows"])
@pytest.mark.parametrize("pad_value", [0, 200, None], ids=lambda value: f"pad-{value}")
@pytest.mark.parametrize("accumulator", [torch.int32, torch.int64], ids=str)
def test_both_paths(
    path: str, pad_value: int | None, accumulator: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SINGLE", 1e9 if path == "vectors" else 0.0)
    x, w = _operands(0, (3, 5, 9, 7), (18, 5, 3, 3))
    arguments: dict[str, Any] = {"padding": 1, "pad_value": pad_value, "accumulator": accumulator}
    expected = conv2d(x, w, ANY, engine="reference", **arguments)
    assert torch.equal(conv2d(x, w, ANY, engine="simd", **arguments), expected)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_geometries(data: st.DataObject) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    groups, kernel = draw(1, 3), (draw(1, 4), draw(1, 4))
    channels, outputs = draw(1, 3), draw(1, 20)
    dilation, padding = (draw(1, 2), draw(1, 2)), (draw(0, 3), draw(0, 3))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding, strict=True)]
    size = (least[0] + draw(0, 9), least[1] + draw(0, 20))
    x, w = _operands(draw(0, 99), (draw(1, 3), channels * groups, *size), (outputs * groups, channels, *kernel))
    arguments: dict[str, Any] = {
        "stride": (draw(1, 3), draw(1, 3)),
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "pad_value": data.draw(st.sampled_from([None, 0, 17])),
    }
    expected = conv2d(x, w, ANY, engine="reference", **arguments)
    assert torch.equal(conv2d(x, w, ANY, engine="simd", **arguments), expected)


@pytest.mark.parametrize("threads", [1, 2, 3], ids=lambda n: f"{n}-threads")
def test_thread_counts(threads: int) -> None:
    x, w = _operands(2, (3, 4, 20, 21), (17, 4, 3, 3), torch.uint8)
    expected = conv2d(x, w, ANY, engine="reference")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert torch.equal(conv2d(x, w, ANY, engine="simd"), expected)
    finally:
        torch.set_num_threads(before)


def test_concurrent_calls() -> None:
    x, w = _operands(3, (2, 4, 16, 16), (16, 4, 3, 3))
    expected = conv2d(x, w, ANY, engine="reference")
    fresh = [Multiplier.from_table("any", TABLE, signed_a=False, signed_b=True) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda multiplier: conv2d(x, w, multiplier, engine="simd"), fresh):
            assert torch.equal(found, expected)


def test_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_POSITIONS_AT_ONCE", 37)
    x, w = _operands(4, (2, 3, 13, 11), (5, 3, 3, 3))
    assert torch.equal(conv2d(x, w, ANY, engine="simd"), conv2d(x, w, ANY, engine="reference"))


def test_sums_that_wrap_in_between_are_right_at_the_end() -> None:
    # Entries are stored 32,768 too large: the raw sum leaves int32 although the true one does not.
    table = np.full((256, 256), 1, np.int32)
    table[0, 0], table[1, 0] = -32_768, 32_767
    multiplier = Multiplier.from_table("wide", table, signed_a=False, signed_b=False)
    a, b = torch.ones(1, 40_000, dtype=torch.uint8), torch.zeros(40_000, 1, dtype=torch.uint8)
    assert matmul(a, b, multiplier, engine="simd").item() == 40_000 * 32_767


def test_other_devices_are_refused() -> None:
    codes = torch.ones(2, 2, dtype=torch.int8, device="meta")
    with pytest.raises(EngineUnavailable, match="'simd' can't run multiplier 'any' on meta: it runs on the CPU"):
        matmul(codes, codes, ANY, engine="simd", validate=False)


def test_importing_the_kernels_imports_neither_numba_nor_anything_compiled() -> None:
    code = "import agnsim.kernels, sys; sys.exit('numba' in sys.modules or 'llvmlite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
