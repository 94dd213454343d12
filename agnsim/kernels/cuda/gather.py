"""Tables of any size, looked up entry by entry: `kernels/gather_conv2d` and, for small groups, `kernels/depthwise`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from agnsim.kernels.cuda.arguments import THREADS, Kernel
from agnsim.kernels.cuda.launch import Launcher
from agnsim.kernels.cuda.problem import OCTET, Problem, ceil_div
from agnsim.kernels.patterns import PerMultiplier

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

OUTPUTS = 8
_COLUMNS_BYTES = 96 << 10  # of shared memory: what every GPU since compute capability 8.0 gives to a block
_FEW = 0.25  # of the lanes that an octet kernel would use
_TILES = 2048  # blocks in all, so that each copies its columns for many positions


def _build(multiplier: Multiplier, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(multiplier.table.T.astype(np.int32))).to(device)


_entries = PerMultiplier(_build)


def suits_depthwise(problem: Problem) -> bool:
    """Whether the problem's groups are too small for eights of channels and outputs, and fit into shared memory."""
    channels, outputs = problem.geometry.group_channels, problem.group_outputs
    if problem.by_fields:
        channels = problem.geometry.fan_in
    filled = channels * outputs / (ceil_div(channels, OCTET) * OCTET * ceil_div(outputs, OUTPUTS) * OUTPUTS)
    return filled < _FEW and _columns_bytes(problem) <= _COLUMNS_BYTES


def run(problem: Problem, multiplier: Multiplier, launcher: Launcher) -> None:
    """Write the sums of a problem through any table."""
    conv, codes, device = problem.conv(), problem.codes(), problem.x.device
    weights = problem.weights.to(torch.int16).contiguous()  # the low 16 bits; the kernels read them as unsigned
    entries = _entries(multiplier, device)
    if suits_depthwise(problem):
        channels = problem.geometry.out_channels
        tiles = max(1, min(ceil_div(problem.positions, THREADS), _TILES // channels))
        kernel = Kernel("depthwise/depthwise.cu", "depthwise")
        arguments = (codes, conv, weights, entries, tiles, problem.out)
        launcher.launch(kernel, device, channels * tiles, _columns_bytes(problem), arguments)
    else:
        columns = problem.geometry.groups * ceil_div(problem.group_outputs, OUTPUTS)
        grid = columns * ceil_div(problem.positions, THREADS)
        kernel = Kernel("gather_conv2d/gather_conv2d.cu", "gather_conv2d")
        launcher.launch(kernel, device, grid, 0, (codes, conv, weights, entries, problem.out))


def _columns_bytes(problem: Problem) -> int:
    return (problem.geometry.fan_in << problem.bits_a) * 4
