"""Operand values to bit patterns (table indices), and per-multiplier data that engines keep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

T = TypeVar("T")


def patterns(codes: Tensor, bits: int) -> Tensor:
    """Return `codes & (2**bits - 1)` as int32, the table index of every operand value; any shape."""
    if bits == 8 and codes.dtype == torch.int8:
        return codes.view(torch.uint8).to(torch.int32)
    indices = codes.to(torch.int32)
    if bits == 8 and codes.dtype == torch.uint8:
        return indices
    return indices & ((1 << bits) - 1)


class PerMultiplier(Generic[T]):
    """What an engine derives from a table once per device; dropped together with the multiplier.

    Args:
        build: Makes the data from multiplier and device.
    """

    def __init__(self, build: Callable[[Multiplier, torch.device], T]) -> None:
        self._build = build
        self._lock = threading.RLock()
        self._kept: WeakKeyDictionary[Multiplier, dict[torch.device, T]] = WeakKeyDictionary()

    def __call__(self, multiplier: Multiplier, device: torch.device) -> T:
        """Return the data, building it the first time. Safe to call from several threads."""
        with self._lock:
            by_device = self._kept.setdefault(multiplier, {})
            if device not in by_device:
                by_device[device] = self._build(multiplier, device)
            return by_device[device]
