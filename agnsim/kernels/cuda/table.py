"""Any 8-bit table whose entries span at most 16 bits: `kernels/table_conv2d`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agnsim.kernels.cuda.arguments import THREADS, Kernel
from agnsim.kernels.cuda.launch import Launcher
from agnsim.kernels.cuda.problem import OCTET, Problem, ceil_div
from agnsim.kernels.patterns import PerMultiplier

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

OUTPUTS = 8
POSITIONS_PER_THREAD = (8, 2)
_ENOUGH_BLOCKS = 256  # for every multiprocessor of the largest GPUs, two at a time on the smaller ones
_STEPS_OF_32_BITS = 65_536 // OCTET  # below 2^16 terms a sum of 16-bit products stays below 2^32


@dataclass(frozen=True)
class Table:
    """A table on a device, as the kernel reads it.

    Attributes:
        entries: int16 (read as unsigned) `[256 weight codes, 256 activation codes]`, minus `minimum`.
        minimum: Smallest entry.
    """

    entries: Tensor
    minimum: int


def _build(multiplier: Multiplier, device: torch.device) -> Table | None:
    minimum, maximum = int(multiplier.table.min()), int(multiplier.table.max())
    if max(multiplier.bits_a, multiplier.bits_b) > 8 or maximum - minimum > 0xFFFF:
        return None
    entries = np.zeros((256, 256), np.uint16)
    rows, columns = multiplier.table.shape
    entries[:columns, :rows] = (multiplier.table.astype(np.int64) - minimum).T
    return Table(torch.from_numpy(entries.view(np.int16)).to(device), minimum)


table_of = PerMultiplier(_build)
"""The table as the kernel reads it, `None` where it doesn't fit 8-bit operands and 16-bit entries."""


def run(problem: Problem, table: Table, launcher: Launcher) -> None:
    """Write the sums of a problem through a table."""
    octets, conv, patterns = problem.packed(launcher)
    groups, outputs, taps, _ = patterns.shape
    blocks = ceil_div(outputs, OUTPUTS)
    weights = functional.pad(patterns.clamp_min(0), (0, 0, 0, 0, 0, blocks * OUTPUTS - outputs))
    weights = weights.view(groups, blocks, OUTPUTS, taps, conv.octets, OCTET).permute(0, 1, 3, 4, 5, 2)
    weights = weights.to(torch.uint8, memory_format=torch.contiguous_format)
    for per_thread in POSITIONS_PER_THREAD:
        grid = groups * blocks * ceil_div(problem.positions, THREADS * per_thread)
        if grid >= _ENOUGH_BLOCKS:
            break
    kernel = Kernel("table_conv2d/table_conv2d.cu", "table_conv2d", (f"PER_THREAD={per_thread}",))
    steps = taps * conv.octets
    at_once = _STEPS_OF_32_BITS if conv.wide else steps  # an int32 result may wrap on the way
    for first in range(0, steps, at_once):
        arguments = (conv, octets, weights, table.entries, table.minimum, first, min(first + at_once, steps))
        launcher.launch(kernel, octets.device, grid, 0, (*arguments, problem.out))
