"""Convolutions and matrix products of any shape: what no list of cases thinks of."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.kernels import engines
from agnsim.kernels.geometry import resolve
from agnsim.testing import EngineCase, check_engine, engine_circuits

CIRCUITS = ["any_u8xs8", "any_s8xs8", "any_u4xs6", "any_u9xs9", "sign_magnitude_both", "rank1_u8xs8", "rank3_u8xs8"]
FACTORED = ["exact_s8xs8", "exact_u6xs5", "rank1_u8xs8", "rank3_u8xs8", "exact_and_rank2_s8xs8"]
LAYOUTS = st.sampled_from(["contiguous", "channels_last", "strided", "transposed"])
ACCUMULATORS = st.sampled_from([torch.int32, torch.int64])
ENGINES = [
    (name, FACTORED if name == "factored" else CIRCUITS) for name in engines if name not in ("reference", "cuda")
]


@st.composite
def convolutions(draw: st.DrawFn, circuits: list[str]) -> EngineCase:
    def pair(least: int, most: int) -> tuple[int, int]:
        return draw(st.integers(least, most)), draw(st.integers(least, most))

    circuit = draw(st.sampled_from(circuits))
    groups, inputs, outputs = (draw(st.integers(1, most)) for most in (4, 5, 19))
    kernel, stride, dilation = pair(1, 4), pair(1, 3), pair(1, 2)
    padding: Any = "same" if stride == (1, 1) and draw(st.booleans()) else pair(0, 4)
    # As small as the kernel allows, or larger, but for images and channels, of which there may be none.
    size = tuple(
        max(draw(st.integers(0, 9)), 1, step * (taps - 1) + 1 - (0 if padding == "same" else 2 * pads))
        for step, taps, pads in zip(dilation, kernel, (0, 0) if padding == "same" else padding, strict=True)
    )
    low, high = engine_circuits()[circuit].range_a
    pad_value = draw(st.none() | st.just(0) | st.integers(low, high))
    arguments = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "pad_value": pad_value}
    x = (draw(st.integers(0, 3)), groups * inputs, *size)
    w = (groups * (outputs // groups), inputs, *kernel)
    name = f"seed {draw(st.integers(0, 99)) * 'x'}"  # the name's length seeds the operands
    return EngineCase(name, circuit, x, w, arguments, (None, None), draw(LAYOUTS), draw(ACCUMULATORS))


@st.composite
def products(draw: st.DrawFn, circuits: list[str]) -> EngineCase:
    m, k, n = (draw(st.integers(0, most)) for most in (70, 40, 35))
    circuit = draw(st.sampled_from(circuits))
    return EngineCase("product", circuit, (m, k), (k, n), {}, (None, None), draw(LAYOUTS), draw(ACCUMULATORS))


@pytest.mark.parametrize(("engine", "circuits"), ENGINES, ids=[name for name, _ in ENGINES])
@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_any_convolution(engine: str, circuits: list[str], data: st.DataObject) -> None:
    case = data.draw(convolutions(circuits))
    geometry = resolve(case.a, case.b, **{k: v for k, v in case.arguments.items() if k != "pad_value"})
    assert min(geometry.out_height, geometry.out_width) > 0
    check_engine(engine, case)


@pytest.mark.parametrize(("engine", "circuits"), ENGINES, ids=[name for name, _ in ENGINES])
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_product(engine: str, circuits: list[str], data: st.DataObject) -> None:
    check_engine(engine, data.draw(products(circuits)))
