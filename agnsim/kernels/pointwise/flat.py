"""Tensors as the compiled pointwise loops see them: flat, in the order of memory, shared out among threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.simd.features import numba_unusable
from agnsim.kernels.threads import run_parts

_ENTRIES_PER_PART = 1 << 16
"""Below it, waking a thread costs more than the loop."""


def memory_format(x: Tensor) -> torch.memory_format:
    """Return the memory format that results take from `x`: channels last, or contiguous."""
    last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def compilable(x: Tensor, *dtypes: torch.dtype) -> bool:
    """Return whether the compiled loops take this tensor: on the CPU, of one of the types, Numba at hand."""
    return x.device.type == "cpu" and x.dtype in dtypes and numba_unusable() is None


def flat(x: Tensor) -> NDArray[Any]:
    """View a CPU tensor, contiguous or channels last, as a flat array in the order of memory."""
    x = x.detach() if x.requires_grad else x
    if not x.is_contiguous():
        x = x.permute(0, 2, 3, 1)
    return x.numpy().reshape(-1)


def in_parts(entries: int, work: Callable[[int, int], object], unit: int = 1) -> None:
    """Call `work(start, stop)` on ranges of whole units that together cover all entries, on several threads."""
    units = -(-entries // unit)
    parts = min(max(1, entries // _ENTRIES_PER_PART), 2 * torch.get_num_threads(), units)
    if parts <= 1:
        work(0, entries)
        return
    run_parts(lambda part: work(units * part // parts * unit, min(entries, units * (part + 1) // parts * unit)), parts)
