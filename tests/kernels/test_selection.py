from __future__ import annotations

import numpy as np
import pytest
import torch

from agnsim.errors import EngineUnavailable, UnknownName
from agnsim.kernels import Engine, engine_report, engines, matmul
from agnsim.kernels.geometry import resolve
from agnsim.kernels.selection import preferred
from agnsim.kernels.simd import SimdEngine
from agnsim.multipliers import Multiplier

EXACT = Multiplier.exact(4, 4, signed_a=False, signed_b=False)
NOISE = Multiplier.from_table(
    "noise", np.random.default_rng(0).integers(0, 99, (256, 256)), signed_a=False, signed_b=False
)
CODES = torch.ones(2, 2, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("multiplier", "device", "first"),
    [(EXACT, "cpu", "factored"), (NOISE, "cpu", "simd"), (EXACT, "cuda", "cuda"), (NOISE, "cuda", "cuda")],
    ids=["rank1-cpu", "any-cpu", "rank1-cuda", "any-cuda"],
)
def test_auto_prefers(multiplier: Multiplier, device: str, first: str) -> None:
    order = [engine.name for engine in preferred(multiplier, torch.device(device))]
    assert order[0] == first
    assert order[-1] == "reference"


def test_depthwise_convolutions_are_looked_up() -> None:
    geometry = resolve((2, 4, 8, 8), (4, 1, 3, 3), groups=4)
    assert preferred(EXACT, torch.device("cpu"), geometry)[0].name == "simd"


def test_auto_falls_through_an_engine_that_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimdEngine, "unavailable", lambda *_: "not today")
    assert torch.equal(matmul(CODES, CODES, NOISE), matmul(CODES, CODES, NOISE, engine="reference"))
    with pytest.raises(EngineUnavailable, match="'simd' can't run multiplier 'noise' on cpu: not today"):
        matmul(CODES, CODES, NOISE, engine="simd")


def test_auto_falls_through_an_engine_that_fails_late(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object) -> None:
        raise EngineUnavailable("found out late")

    monkeypatch.setattr(SimdEngine, "matmul", late)
    assert torch.equal(matmul(CODES, CODES, NOISE), matmul(CODES, CODES, NOISE, engine="reference"))


def test_unknown_engine_is_named_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"unknown engine 'factred'\. Did you mean 'factored'"):
        matmul(CODES, CODES, EXACT, engine="factred")


def test_report_names_every_engine() -> None:
    rows = engine_report()
    names = [row.engine for row in rows]
    assert set(names) > set(engines)
    assert names.index("simd-permute") == names.index("simd") + 1
    assert all(row.summary and row.usable == (not row.reason) for row in rows)


@pytest.mark.parametrize("name", list(engines))
def test_engines_follow_the_protocol(name: str) -> None:
    assert isinstance(engines[name], Engine)
    assert engines[name].name == name
