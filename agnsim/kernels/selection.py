"""Which engines `auto` tries, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from agnsim.kernels.engine import Engine, engines
from agnsim.kernels.factored import int8
from agnsim.kernels.factored.int8_terms import byte_terms_of
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.simd.features import cpu_has, numba_unusable

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

# Up to where `factored` is at least as fast as `simd`, measured on ResNet-20's convolutions, see kernels/README.md: by
# 8-bit dot products, so many terms; by float convolutions, ranks, by what the processor has for `simd`.
FACTORED_UP_TO_TERMS = 3
FACTORED_UP_TO_RANK = {"avx512vbmi": 1, "any": 2}


def preferred(multiplier: Multiplier, device: torch.device, geometry: ConvGeometry | None = None) -> list[Engine]:
    """Return the engines for a multiplier on a device, fastest first; the last one can always run.

    Args:
        multiplier: The table.
        device: Where the operands lie.
        geometry: The convolution; `None` is a matmul.
    """
    if device.type != "cpu":
        order = ["cuda", "factored", "reference"]
    elif _factored_is_faster(multiplier, device, geometry):
        order = ["factored", "simd", "reference"]
    else:
        order = ["simd", "factored", "reference"]
    return [engines[name] for name in order]


def quicker_than_float(multiplier: Multiplier, device: torch.device, *, depthwise: bool) -> bool:
    """Return whether `auto` sums a table's products in less time than PyTorch sums float32 ones.

    Args:
        multiplier: The table, of one 8-bit term.
        device: Where the operands lie.
        depthwise: Whether every output channel has one input channel.
    """
    return not depthwise and int8.unavailable(multiplier, device) is None


def _factored_is_faster(multiplier: Multiplier, device: torch.device, geometry: ConvGeometry | None) -> bool:
    if multiplier.factors is None:
        return False
    if geometry is not None and geometry.group_channels == 1 and geometry.groups > 1:
        return False  # depthwise: nothing to multiply matrices of
    if int8.unavailable(multiplier, device) is None:
        terms = byte_terms_of(multiplier, device)
        return terms is not None and terms.count <= FACTORED_UP_TO_TERMS
    permutes = numba_unusable() is None and cpu_has("avx512vbmi")
    return multiplier.factors.rank <= FACTORED_UP_TO_RANK["avx512vbmi" if permutes else "any"]
