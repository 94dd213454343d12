"""Table lookups by the CPU's vector instructions, compiled by Numba when first used."""

from agnsim.kernels.simd.engine import SimdEngine

__all__ = ["SimdEngine"]
