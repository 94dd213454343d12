"""Which engines this machine can use, and why not the others: rows for `agnsim doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from agnsim.kernels.engine import Engine, engines
from agnsim.kernels.factored import FactoredEngine
from agnsim.kernels.simd import SimdEngine

_WAYS: dict[str, list[tuple[Engine, str]]] = {
    "factored": [
        (FactoredEngine("int8"), "of it: dot products of bytes (AVX-512 VNNI and VBMI)"),
        (FactoredEngine("float"), "of it: PyTorch's own convolution and matmul"),
    ],
    "simd": [
        (SimdEngine("permute"), "of it: byte-permute lookups (AVX-512 VBMI)"),
        (SimdEngine("columns"), "of it: table columns side by side, any CPU"),
    ],
}
"""The ways an engine goes by itself, according to CPU, table and shape: what makes one machine quicker than another."""


@dataclass(frozen=True)
class EngineRow:
    """One engine on one device, or one of the ways it can go.

    Attributes:
        engine: Public name; of a way, the engine's with the way's behind it.
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
    """Return a row for every engine on the CPU and, where one is visible, on the CUDA device, and for its ways."""
    everywhere = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    rows = []
    for entry in engines.entries():
        for device in ["cuda"] if entry.name == "cuda" else everywhere:
            reason = entry.value.unavailable(None, torch.device(device))
            rows.append(EngineRow(entry.name, device, reason is None, reason or "", entry.summary))
        for way, summary in _WAYS.get(entry.name, []):
            reason = way.unavailable(None, torch.device("cpu"))
            rows.append(EngineRow(way.name, "cpu", reason is None, reason or "", summary))
    return rows
