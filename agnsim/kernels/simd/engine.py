"""The `simd` engine: checks what the CPU and the table allow, and picks the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from agnsim.errors import EngineUnavailable
from agnsim.kernels.geometry import ConvGeometry, resolve
from agnsim.kernels.simd import columns, permute
from agnsim.kernels.simd.features import cpu_has, numba_unusable
from agnsim.kernels.simd.source import make_source

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

Path = Literal["permute", "columns", "rows"]

_PERMUTE_NEEDS = "avx512vbmi", "avx512bw"
_FEW_POSITIONS = 8
"""Up to so many positions, looking products up one at a time is quicker than loading a weight's whole row."""


class SimdEngine:
    """Vectorised table lookups in Numba on the CPU; any table, no compiler needed.

    Args:
        path: Force one way: `"permute"` (AVX-512 VBMI byte-permutes, activations of at most 8 bits), `"columns"` (16
            products with one load, any CPU) or `"rows"` (a product at a time). By default the quickest that can.
    """

    needs_table = True

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.name = "simd" if path is None else f"simd-{path}"

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Return the reason: another device than the CPU, no Numba, or a forced path that CPU or table rule out."""
        if device.type != "cpu":
            return f"it runs on the CPU, the operands are on {device}; use 'factored' or 'reference' there"
        reason = numba_unusable()
        return reason if reason is not None or self.path != "permute" else _permute_unavailable(multiplier)

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """See `Engine.matmul`; rows of a are the positions of a 1 x 1 convolution over one image."""
        x, w = a.t()[None, :, None, :], b.t()[:, :, None, None]
        geometry = resolve(x.shape, w.shape)
        return self.conv2d(x, w, multiplier, geometry, None, accumulator)[0, :, 0, :].t().contiguous()

    def conv2d(
        self,
        x: Tensor,
        w: Tensor,
        multiplier: Multiplier,
        geometry: ConvGeometry,
        pad_value: int | None,
        accumulator: torch.dtype,
    ) -> Tensor:
        """See `Engine.conv2d`."""
        skip = 1 << multiplier.bits_a
        pad_index = skip if pad_value is None else pad_value & (skip - 1)
        source = make_source(x, geometry, bits=multiplier.bits_a, pad_index=pad_index)
        result = torch.empty(geometry.output_shape, dtype=accumulator)
        skips = pad_value is None and geometry.padded
        path = self.path or self._quickest(multiplier, geometry, skips)
        if path != "permute":
            columns.convolve(source, w, multiplier, geometry, result, single=path == "rows")
        elif skips:
            raise EngineUnavailable(f"engine {self.name!r}: it has no code for padding that is skipped")
        else:
            permute.convolve(source, w, multiplier, geometry, result)
        return result

    def _quickest(self, multiplier: Multiplier, geometry: ConvGeometry, skips: bool) -> Path:
        positions = geometry.batch * geometry.out_height * geometry.out_width
        if skips or positions <= _FEW_POSITIONS or _permute_unavailable(multiplier) is not None:
            return "columns"
        return "permute"


def _permute_unavailable(multiplier: Multiplier | None) -> str | None:
    missing = [feature for feature in _PERMUTE_NEEDS if not cpu_has(feature)]
    if missing:
        return f"the CPU, or what Numba may use of it, lacks {', '.join(missing)}"
    if multiplier is not None and multiplier.bits_a > permute.MAX_BITS:
        return f"its activations have {multiplier.bits_a} bits, a byte holds {permute.MAX_BITS}"
    return None
