"""Which engines this machine can use, and why not the others: rows for `agnsim doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from agnsim.kernels.engine import engines


@dataclass(frozen=True)
class EngineRow:
    """One engine on one device.

    Attributes:
        engine: Public name.
        device: Device type, `"cpu"` or `"cuda"`.
        usable: Whether it runs there at all.
        reason: Why not; empty where it does.
        summary: What the engine is.
    """

    engine: str
    device: str
    usable: bool
    reason: str
    summary: str


def engine_report() -> list[EngineRow]:
    """Return a row for every engine on the CPU and, where one is visible, on the CUDA device."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    rows = []
    for entry in engines.entries():
        for device in devices:
            reason = entry.value.unavailable(None, torch.device(device))
            rows.append(EngineRow(entry.name, device, reason is None, reason or "", entry.summary))
    return rows
