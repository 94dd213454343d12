from __future__ import annotations

import pytest

from agnsim.kernels.cuda import CudaEngine
from agnsim.testing import EngineCase, check_engine, engine_cases


@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
def test_kernels_run_on_the_cpu(case: EngineCase, engine: CudaEngine) -> None:
    check_engine(engine, case)
