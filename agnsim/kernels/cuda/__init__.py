"""The `cuda` engine: kernels compiled at first use by NVRTC and launched on PyTorch's current stream (ADR-0008)."""

from agnsim.kernels.cuda.engine import CudaEngine

__all__ = ["CudaEngine"]
