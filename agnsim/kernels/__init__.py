"""Emulated integer matmul and conv2d with approximate multipliers.

`matmul` and `conv2d` give the sums of table entries that the hardware would; the engine decides only how fast.
"""

from __future__ import annotations

from agnsim.kernels.cuda import CudaEngine
from agnsim.kernels.emulation import conv2d, matmul
from agnsim.kernels.engine import Engine, engines
from agnsim.kernels.factored import FactoredEngine
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.reference import ReferenceEngine
from agnsim.kernels.report import EngineRow, engine_report
from agnsim.kernels.selection import quicker_than_float
from agnsim.kernels.simd import SimdEngine

__all__ = ["ConvGeometry", "Engine", "EngineRow", "conv2d", "engine_report", "engines", "matmul", "quicker_than_float"]

engines.add("reference", ReferenceEngine())
engines.add("factored", FactoredEngine())
engines.add("simd", SimdEngine())
engines.add("cuda", CudaEngine())
