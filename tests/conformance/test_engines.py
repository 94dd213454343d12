"""Every registered engine equals the reference on every case of the public suite."""

from __future__ import annotations

import pytest

from agnsim.kernels import engines
from agnsim.testing import EngineCase, check_engine, engine_cases

CASES = engine_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("engine", [name for name in engines if name not in ("reference", "cuda")])
def test_engine_equals_reference(engine: str, case: EngineCase) -> None:
    reason = case.unavailable(engines[engine])
    if reason is not None:
        pytest.skip(reason)
    check_engine(engine, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.name.startswith("conv2d-skip")], ids=lambda c: c.name)
def test_auto_equals_reference(case: EngineCase) -> None:
    check_engine("auto", case)
