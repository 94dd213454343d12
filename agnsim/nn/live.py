"""Multipliers by key: how a graph, which holds only tensors and plain values, names one."""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary

from agnsim.errors import InputError
from agnsim.multipliers import Multiplier


class LiveMultiplier:
    """Holds a multiplier, and while it exists `multiplier_of(key)` finds it. Made by `live`; copies are the same one.

    Attributes:
        key: Follows from the multiplier alone, so that it stays true in another process.
        multiplier: The multiplier.
    """

    def __init__(self, key: str, multiplier: Multiplier) -> None:
        self.key = key
        self.multiplier = multiplier

    def __reduce__(self) -> tuple[object, tuple[Multiplier]]:
        return live, (self.multiplier,)


_known: WeakValueDictionary[str, LiveMultiplier] = WeakValueDictionary()
_lock = threading.Lock()


def live(multiplier: Multiplier) -> LiveMultiplier:
    """Return the holder of this multiplier; equal multipliers share one."""
    (low_a, high_a), (low_w, high_w) = multiplier.range_a, multiplier.range_b
    key = f"{multiplier.name}:{multiplier.digest}:{low_a}..{high_a}:{low_w}..{high_w}"
    with _lock:
        found = _known.get(key)
        if found is None:
            found = _known[key] = LiveMultiplier(key, multiplier)
        return found


def multiplier_of(key: str) -> Multiplier:
    """Return the multiplier of a key.

    Raises:
        InputError: No layer holds such a multiplier any more.
    """
    found = _known.get(key)
    if found is None:
        raise InputError(f"multiplier {key!r}: no layer holds it any more; keep the network that the graph was made of")
    return found.multiplier
