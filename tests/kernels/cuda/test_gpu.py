"""On a GPU: the public suite, and what only a GPU can show."""

from __future__ import annotations

import pytest
import torch

from agnsim.errors import EngineUnavailable
from agnsim.kernels import conv2d, engine_report, engines
from agnsim.multipliers import Multiplier
from agnsim.testing import EngineCase, check_engine, engine_cases

EXACT = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
REFUSAL = engines["cuda"].unavailable(None, torch.device("cuda"))
needs_gpu = pytest.mark.skipif(REFUSAL is not None, reason=f"no GPU to run kernels on: {REFUSAL}")


@needs_gpu
@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
def test_equals_reference(case: EngineCase) -> None:
    check_engine("cuda", case, device="cuda")


@needs_gpu
def test_kernels_join_the_current_stream() -> None:
    x = torch.randint(0, 256, (64, 32, 32, 32), dtype=torch.uint8, device="cuda")
    w = torch.randint(-127, 128, (32, 32, 3, 3), dtype=torch.int8, device="cuda")
    expected = conv2d(x, w, EXACT, padding=1, engine="reference")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        later = x.clone()
        found = conv2d(later, w, EXACT, padding=1, engine="cuda")
    torch.cuda.current_stream().wait_stream(stream)
    assert torch.equal(found, expected)


def test_operands_elsewhere_are_refused() -> None:
    x, w = torch.ones(1, 3, 4, 4, dtype=torch.uint8), torch.ones(2, 3, 1, 1, dtype=torch.int8)
    with pytest.raises(EngineUnavailable, match="it runs on CUDA devices, the operands are on cpu"):
        conv2d(x, w, EXACT, engine="cuda")


def test_doctor_says_what_is_missing() -> None:
    (row,) = [row for row in engine_report() if row.engine == "cuda"]
    assert row.device == "cuda"
    assert row.reason == (REFUSAL or "")
