"""The `factored` engine: any table of small integer rank as one ordinary convolution or matmul, exactly.

`T[a, w] = scale * sum_r U[r, a] * V[r, w]`: activations are mapped through U into r planes, weights through V, and an
ordinary float operation sums integers that it can represent. A bound from the weights at hand, which covers every
partial sum in any order, proves that per call.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from agnsim.errors import EngineUnavailable
from agnsim.kernels.exact_float import exact_float, onednn_enabled
from agnsim.kernels.factored import blocked, int8, unfolded
from agnsim.kernels.factored.terms import Terms, split, terms_of
from agnsim.kernels.geometry import ConvGeometry, resolve
from agnsim.kernels.patterns import patterns
from agnsim.kernels.simd.features import numba_unusable

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

Arithmetic = Literal["int8", "float"]

# PyTorch asks oneDNN for direct convolution by name; libraries of other processors may choose transform algorithms.
_DIRECT_CONVOLUTION = platform.machine().lower() in ("x86_64", "amd64")


class FactoredEngine:
    """Exact integer factors mapped into ordinary products, 8-bit or float; any device, low-rank tables.

    Args:
        arithmetic: Force one: `"int8"` (dot products of bytes, AVX-512 VNNI) or `"float"` (PyTorch's own matmul and
            convolution, any device). By default `int8` where CPU, table and shape allow it.
    """

    needs_table = False

    def __init__(self, arithmetic: Arithmetic | None = None) -> None:
        self.arithmetic = arithmetic
        self.name = "factored" if arithmetic is None else f"factored-{arithmetic}"

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Return the reason: tables without a small exact integer factorisation, or a forced arithmetic ruled out."""
        if multiplier is not None and multiplier.factors is None:
            return "its table has no exact integer factorisation of small rank"
        return int8.unavailable(multiplier, device) if self.arithmetic == "int8" else None

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """See `Engine.matmul`."""
        if self.arithmetic != "float" and int8.unavailable(multiplier, a.device) is None:
            # Rows of a are the positions of a 1 x 1 convolution over one image.
            x, w = a.t()[None, :, None, :], b.t()[:, :, None, None]
            geometry = resolve(x.shape, w.shape)
            if self._by_bytes(multiplier, x, geometry, accumulator, skips=False):
                sums = int8.conv2d(x, patterns(w, multiplier.bits_b), multiplier, geometry, None, accumulator)
                return sums[0, :, 0, :].t().contiguous()
        terms = terms_of(multiplier, a.device)
        indices = patterns(b, multiplier.bits_b)
        parts, dtype = split(indices.t()[:, :, None], terms)
        multiply = blocked.matmul if _can_block(a, dtype) else unfolded.matmul
        with exact_float(a.device):
            return multiply(a, indices, multiplier, terms, parts, dtype, accumulator)

    def conv2d(
        self,
        x: Tensor,
        w: Tensor,
        multiplier: Multiplier,
        geometry: ConvGeometry,
        pad_value: int | None,
        accumulator: torch.dtype,
    ) -> Tensor:
        """See `Engine.conv2d`; the result has the memory format of x."""
        indices = patterns(w, multiplier.bits_b)
        skips = pad_value is None and geometry.padded
        if self._by_bytes(multiplier, x, geometry, accumulator, skips=skips):
            return int8.conv2d(x, indices, multiplier, geometry, pad_value, accumulator)
        terms = terms_of(multiplier, x.device)
        parts, dtype = split(indices.flatten(2), terms)
        direct = _DIRECT_CONVOLUTION and onednn_enabled() and _can_block(x, dtype)
        convolve = blocked.conv2d if direct else unfolded.conv2d
        if pad_value is not None and _is_zero(terms, pad_value & ((1 << multiplier.bits_a) - 1)):
            pad_value = None  # what is skipped adds the same zeros
        with exact_float(x.device):
            return convolve(x, indices, multiplier, terms, parts, dtype, geometry, pad_value, accumulator)

    def _by_bytes(
        self, multiplier: Multiplier, x: Tensor, geometry: ConvGeometry, accumulator: torch.dtype, *, skips: bool
    ) -> bool:
        if self.arithmetic == "float" or int8.unavailable(multiplier, x.device) is not None:
            return False
        reason = int8.unsuitable(multiplier, geometry, accumulator, skips=skips)
        if reason is not None and self.arithmetic == "int8":
            raise EngineUnavailable(f"engine {self.name!r}: {reason}")
        return reason is None


def _can_block(codes: Tensor, dtype: torch.dtype) -> bool:
    return codes.device.type == "cpu" and dtype == torch.float32 and numba_unusable() is None


def _is_zero(terms: Terms, pattern: int) -> bool:
    return not terms.activation[:, pattern].any()
