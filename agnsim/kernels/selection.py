"""Which engines `auto` tries, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from agnsim.kernels.engine import Engine, engines
from agnsim.kernels.simd.features import cpu_has, numba_unusable

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

# The largest rank at which `factored` is at least as fast as `simd`, by what the processor has; measured on ResNet-20's
# convolutions, see kernels/README.md.
FACTORED_UP_TO_RANK = {"avx512vbmi": 1, "any": 2}


def preferred(multiplier: Multiplier, device: torch.device) -> list[Engine]:
    """Return the engines for a multiplier on a device, fastest first; the last one can always run."""
    if device.type != "cpu":
        order = ["factored", "reference"]
    elif multiplier.factors is not None and multiplier.factors.rank <= _largest_rank():
        order = ["factored", "simd", "reference"]
    else:
        order = ["simd", "factored", "reference"]
    return [engines[name] for name in order]


def _largest_rank() -> int:
    permutes = numba_unusable() is None and cpu_has("avx512vbmi")
    return FACTORED_UP_TO_RANK["avx512vbmi" if permutes else "any"]
