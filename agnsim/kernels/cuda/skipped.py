"""Skipped padding: kernels that read octets sum its products as if its code were 0; here they are taken off again.

What a padded position added depends on the output pixel, channel and tap alone, not on the image: a small product of
"tap lies outside" `[pixels, taps]` and "sum of the products of code 0" `[taps, outputs]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from agnsim.kernels.cuda.problem import Problem
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import PerMultiplier

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


def _build(multiplier: Multiplier, device: torch.device) -> Tensor:
    return torch.from_numpy(multiplier.table[0].astype(np.float64)).to(device)


_products_of_code_0 = PerMultiplier(_build)


def take_off(problem: Problem, multiplier: Multiplier) -> None:
    """Subtract from the sums what padded positions added."""
    geometry, device = problem.geometry, problem.x.device
    # Integers in double precision: exact below 2^53, which 8-bit tables of any entries can't reach.
    by_tap = _products_of_code_0(multiplier, device)[problem.weights].sum(dim=2).flatten(0, 1)
    rows = _inside(geometry, 0, geometry.out_height, geometry.height, device)
    columns = _inside(geometry, 1, geometry.out_width, geometry.width, device)
    outside = ~(rows[:, None, :, None] & columns[None, :, None, :])
    added = torch.matmul(by_tap, outside.flatten(2).flatten(0, 1).to(torch.float64).t())
    problem.out.sub_(added.view(problem.out.shape[1:]).to(problem.out.dtype))


def _inside(geometry: ConvGeometry, axis: int, count: int, size: int, device: torch.device) -> Tensor:
    """Return `[count, taps]`, whether a tap of an output row (axis 0) or column lies on a real one of the input."""
    first = torch.arange(count, device=device) * geometry.stride[axis] - geometry.pads[2 * axis]
    at = first[:, None] + torch.arange(geometry.kernel[axis], device=device) * geometry.dilation[axis]
    return (at >= 0) & (at < size)
