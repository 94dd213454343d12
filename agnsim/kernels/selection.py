"""Which engines `auto` tries, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from agnsim.kernels.engine import Engine, engines

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


def preferred(multiplier: Multiplier, device: torch.device) -> list[Engine]:
    """Return the engines for a multiplier on a device, fastest first; the last one can always run.

    On a CPU `factored` beats `simd` at rank 1 only; at rank 2 a Zen 3 core takes equal time for both.
    """
    if device.type != "cpu":
        order = ["factored", "reference"]
    elif multiplier.is_separable:
        order = ["factored", "simd", "reference"]
    else:
        order = ["simd", "factored", "reference"]
    return [engines[name] for name in order]
