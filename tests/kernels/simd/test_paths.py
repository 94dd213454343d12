"""Every path of the engine, forced, equals the reference on the whole public suite."""

from __future__ import annotations

import pytest
import torch

from agnsim.errors import EngineUnavailable
from agnsim.kernels import conv2d, matmul
from agnsim.kernels.simd import SimdEngine, features
from agnsim.multipliers import Multiplier
from agnsim.testing import EngineCase, check_engine, engine_cases

EXACT = Multiplier.exact(8, 8, signed_a=False, signed_b=True)


@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
@pytest.mark.parametrize("path", ["permute", "columns", "rows"])
def test_forced_path_equals_reference(path: str, case: EngineCase) -> None:
    engine = SimdEngine(path)
    reason = case.unavailable(engine)
    if reason is not None:
        pytest.skip(reason)
    try:
        check_engine(engine, case)
    except EngineUnavailable as refusal:  # found out only now: padding that is skipped
        pytest.skip(str(refusal))


@pytest.mark.parametrize("largest", [127, 128, 255])
@pytest.mark.parametrize("positions", [9, 64, 65, 129, 256, 257, 700])
@pytest.mark.parametrize("fan_in", [1, 255, 256, 257, 600])
def test_permute_blocks_and_chunks(largest: int, positions: int, fan_in: int) -> None:
    if SimdEngine("permute").unavailable(EXACT, torch.device("cpu")):
        pytest.skip("the CPU has no AVX-512 VBMI")
    generator = torch.Generator().manual_seed(positions * fan_in)
    a = torch.randint(0, largest + 1, (positions, fan_in), generator=generator, dtype=torch.uint8)
    b = torch.randint(-128, 128, (fan_in, 3), generator=generator, dtype=torch.int8)
    a[-1], b[:, 0] = largest, -128
    for accumulator in (torch.int32, torch.int64):
        found = matmul(a, b, EXACT, engine=SimdEngine("permute"), accumulator=accumulator)
        assert torch.equal(found, a.to(accumulator) @ b.to(accumulator))


def test_a_missing_feature_is_named_and_the_next_path_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.config.CPU_FEATURES", "+avx2")
    features.cpu_has.cache_clear()
    try:
        x = torch.randint(0, 256, (2, 3, 9, 9), dtype=torch.uint8)
        w = torch.randint(-127, 128, (4, 3, 3, 3), dtype=torch.int8)
        with pytest.raises(EngineUnavailable, match="lacks avx512vbmi, avx512bw"):
            conv2d(x, w, EXACT, engine=SimdEngine("permute"))
        assert torch.equal(conv2d(x, w, EXACT, engine="simd"), conv2d(x, w, EXACT, engine="reference"))
    finally:
        features.cpu_has.cache_clear()


def test_a_switched_off_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    with pytest.raises(EngineUnavailable, match="unset NUMBA_DISABLE_JIT"):
        matmul(torch.ones(1, 1, dtype=torch.uint8), torch.ones(1, 1, dtype=torch.int8), EXACT, engine="simd")


def test_wide_activations_are_no_bytes() -> None:
    nine = Multiplier.exact(9, 8, signed_a=False, signed_b=True)
    reason = SimdEngine("permute").unavailable(nine, torch.device("cpu"))
    assert reason is not None
    assert "9 bits" in reason or "lacks" in reason
