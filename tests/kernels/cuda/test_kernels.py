"""Every way through the engine, kernels on the CPU: which of them runs, and that its integers are the reference's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import EngineUnavailable
from agnsim.kernels import conv2d, matmul
from agnsim.kernels.cuda import CudaEngine, factored, table
from agnsim.kernels.cuda import engine as engine_module
from agnsim.multipliers import Multiplier
from agnsim.testing import check_engine, engine_cases

GENERATOR = np.random.default_rng(5)


def _multiplier(table: Any, *, signed_a: bool = False, signed_b: bool = True) -> Multiplier:
    bits_a, bits_b = (int(size).bit_length() - 1 for size in table.shape)
    return Multiplier.from_table("t", table, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b)


def _of_rank(rank: int, u: tuple[int, int], v: tuple[int, int]) -> Multiplier:
    left = GENERATOR.integers(u[0], u[1] + 1, (rank, 256))
    right = GENERATOR.integers(v[0], v[1] + 1, (rank, 256))
    return _multiplier(left.T @ right)


ANY = _multiplier(GENERATOR.integers(-30_000, 35_536, (256, 256)))
TWELVE = _multiplier(GENERATOR.integers(-4_000_000, 4_000_000, (1 << 12, 1 << 12)))
EXACT = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
KINDS = {
    "U8": _of_rank(1, (0, 255), (-128, 127)),
    "S8": _of_rank(2, (-100, 100), (-100, 100)),
    "F16": _of_rank(1, (-300, 300), (-150, 150)),
    "F16-split": _of_rank(2, (-300, 300), (-50_000, 50_000)),
}


def _operands(
    multiplier: Multiplier, x: tuple[int, ...], w: tuple[int, ...], seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(shape: tuple[int, ...], limits: tuple[int, int]) -> torch.Tensor:
        return torch.randint(limits[0], limits[1] + 1, shape, generator=generator, dtype=torch.int32)

    return draw(x, multiplier.range_a), draw(w, multiplier.range_b)


def _check(
    engine: CudaEngine, multiplier: Multiplier, x: tuple[int, ...], w: tuple[int, ...], seed: int = 0, **arguments: Any
) -> None:
    a, b = _operands(multiplier, x, w, seed)
    operation = matmul if len(x) == 2 else conv2d
    expected = operation(a, b, multiplier, engine="reference", **arguments)
    assert torch.equal(operation(a, b, multiplier, engine=engine, **arguments), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outputs", [5, 37, 70], ids=lambda n: f"{n}-outputs")
def test_factors_of_every_kind_and_width(kind: str, outputs: int, engine: CudaEngine, launcher: Any) -> None:
    multiplier = KINDS[kind]
    planes = factored.planes_of(multiplier, torch.device("cpu"))
    assert planes is not None
    assert (planes.rank > multiplier.factors.rank) == kind.endswith("-split")
    _check(engine, multiplier, (2, 11, 6, 7), (outputs, 11, 2, 3), padding=1)
    tiles = {5: 1, 37: 2, 70: 4}[outputs]
    assert launcher.launched[-1].defines == (f"KIND={kind}", f"NT={tiles}", "FLUSH=false") or kind.endswith("-split")


def test_float_sums_are_flushed_before_they_round(engine: CudaEngine, launcher: Any) -> None:
    # The sum of an odd number of odd products: one that rounds shows.
    left, right = np.full((1, 256), 251), np.full((1, 256), 2001)
    left[0, 0], right[0, 0] = 2, 4
    multiplier = _multiplier(left.T @ right)
    a, b = torch.zeros(3, 1365, dtype=torch.int32), torch.zeros(1365, 4, dtype=torch.int32)
    a[:, ::7], b[::5] = 1, 1
    expected = matmul(a, b, multiplier, engine="reference")
    assert int(expected.max()) > 1 << 24
    assert int(expected.max()) % 2
    assert torch.equal(matmul(a, b, multiplier, engine=engine), expected)
    assert launcher.launched[-1].defines == ("KIND=F16", "NT=2", "FLUSH=true")


@pytest.mark.parametrize("rank", [2, 4, 5, 9, 16], ids=lambda rank: f"rank-{rank}")
@pytest.mark.parametrize("limit", [2, 600], ids=["bytes", "floats"])
def test_planes_in_one_word_and_in_several(rank: int, limit: int, engine: CudaEngine, kernel_names: Any) -> None:
    multiplier = _of_rank(rank, (-1, 1), (-limit, limit))
    _check(engine, multiplier, (5, 40), (40, 64))
    assert kernel_names() == {"factored_conv2d"}


def test_a_small_shared_memory_holds_fewer_copies(engine: CudaEngine, launcher: Any) -> None:
    multiplier = _of_rank(16, (-1, 1), (-100, 100))
    launcher.limit = 2 * (128 + 64) * 80 + 4 * 256 * 4
    _check(engine, multiplier, (5, 40), (40, 60))
    assert launcher.launched[-1].name == "factored_conv2d"


@pytest.mark.parametrize("per_thread", table.POSITIONS_PER_THREAD, ids=lambda n: f"{n}-positions")
@pytest.mark.parametrize("accumulator", [torch.int32, torch.int64], ids=str)
@pytest.mark.parametrize("pad_value", [0, 200, None], ids=lambda value: f"pad-{value}")
def test_any_table(
    per_thread: int,
    accumulator: torch.dtype,
    pad_value: int | None,
    engine: CudaEngine,
    launcher: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "POSITIONS_PER_THREAD", (per_thread,))
    monkeypatch.setattr(table, "_STEPS_OF_32_BITS", 5)
    arguments = {"padding": (2, 1), "stride": (2, 1), "pad_value": pad_value, "accumulator": accumulator}
    _check(engine, ANY, (2, 13, 9, 31), (9, 13, 3, 2), **arguments)
    assert launcher.launched[-1].defines == (f"PER_THREAD={per_thread}",)
    assert len(launcher.launched) == (4 if accumulator == torch.int64 else 2)


def test_sums_of_entries_less_the_minimum_may_leave_int32(engine: CudaEngine, kernel_names: Any) -> None:
    entries = np.full((256, 256), 1)
    entries[0, 0], entries[1, 0] = -32_768, 32_767
    entries[2:, 2:] = GENERATOR.integers(-32_768, 32_767, (254, 254))
    multiplier = _multiplier(entries)
    a, b = torch.ones(1, 33_000, dtype=torch.uint8), torch.zeros(33_000, 1, dtype=torch.int8)
    assert matmul(a, b, multiplier, engine=engine).item() == 33_000 * 32_767
    assert kernel_names() == {"table_conv2d"}


@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("name", ["conv2d-any_u8xs8", "conv2d-rank3_u8xs8", "conv2d-depthwise-any_u8xs8"])
def test_no_barrier_is_missing(name: str, descending: bool, engine: CudaEngine, launcher: Any) -> None:
    launcher.descending = descending
    case = next(case for case in engine_cases() if case.name == name)
    check_engine(engine, case)


def test_depthwise_and_small_groups(engine: CudaEngine, kernel_names: Any) -> None:
    _check(engine, ANY, (3, 6, 20, 9), (12, 1, 3, 3), groups=6, padding=1, pad_value=9)
    _check(engine, TWELVE, (1, 2, 5, 4), (2, 1, 1, 1), groups=2)
    _check(engine, EXACT, (3, 6, 9, 9), (6, 2, 3, 3), groups=3, padding=2, pad_value=None, stride=2)
    assert kernel_names() == {"depthwise"}


def test_larger_tables(engine: CudaEngine, kernel_names: Any) -> None:
    _check(engine, TWELVE, (2, 3, 5, 6), (11, 3, 3, 3), padding=1, pad_value=4001)
    _check(engine, TWELVE, (2, 3, 5, 6), (11, 3, 3, 3), padding=1, pad_value=None, accumulator=torch.int64)
    assert kernel_names() == {"gather_conv2d"}


@pytest.mark.parametrize("multiplier", [ANY, EXACT, TWELVE], ids=["any", "exact", "12-bit"])
def test_parts_that_memory_holds(
    multiplier: Multiplier, engine: CudaEngine, launcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_OCTETS_AT_ONCE", 150)
    _check(engine, multiplier, (5, 9, 6, 5), (3, 9, 3, 3), padding=1, pad_value=None)
    assert len(launcher.launched) >= 5
    launcher.launched.clear()
    _check(engine, multiplier, (50, 70), (70, 3))
    assert len(launcher.launched) >= 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_geometries(data: st.DataObject, engine: CudaEngine) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    groups, kernel = draw(1, 3), (draw(1, 4), draw(1, 4))
    channels, outputs = draw(1, 19), draw(1, 20)
    dilation, padding = (draw(1, 2), draw(1, 2)), (draw(0, 3), draw(0, 3))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding, strict=True)]
    size = (least[0] + draw(0, 5), least[1] + draw(0, 9))
    multiplier = data.draw(st.sampled_from([ANY, EXACT, KINDS["S8"]]))
    x, w = (draw(1, 3), channels * groups, *size), (outputs * groups, channels, *kernel)
    _check(
        engine,
        multiplier,
        x,
        w,
        seed=draw(0, 99),
        stride=(draw(1, 3), draw(1, 3)),
        padding=padding,
        dilation=dilation,
        groups=groups,
        pad_value=data.draw(st.sampled_from([None, 0, 17])),
    )


def test_a_kernel_that_cannot_run_leaves_it_to_the_next_engine(
    engine: CudaEngine, launcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nand much more")

    monkeypatch.setattr(launcher, "launch", out_of_memory)
    with pytest.raises(EngineUnavailable, match=r"^engine 'cuda': out of GPU memory: CUDA out of memory\.$"):
        _check(engine, ANY, (3, 4), (4, 5))


@pytest.mark.parametrize(
    ("circuit", "kernel"),
    [
        ("any_u8xu8", "table_conv2d"),
        ("any_beyond_16_bits", "gather_conv2d"),
        ("any_u9xs9", "gather_conv2d"),
        ("exact_s8xs8", "factored_conv2d"),
    ],
)
def test_the_kernel_is_chosen_by_the_table(
    circuit: str, kernel: str, engine: CudaEngine, kernel_names: Callable[[], set[str]]
) -> None:
    check_engine(engine, next(case for case in engine_cases() if case.circuit == circuit))
    assert kernel_names() == {kernel}
