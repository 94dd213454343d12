"""Suite `memory`: the most memory that inference holds, each variant in a process of its own."""

from __future__ import annotations

import sys

from agnsim.bench.child import measure_in_child
from agnsim.bench.context import Bench, row
from agnsim.bench.rounds import ratio, spread
from agnsim.bench.subjects import Circuit
from agnsim.bench.variants import FAKE, PLAIN
from agnsim.types import Json

_MOST_ROUNDS = 3
"""Memory hardly varies, and a round takes seconds per variant."""


def memory(bench: Bench) -> list[Json]:
    """Peak memory of inference, against the fake-quantised network."""
    if not bench.on_gpu and sys.platform != "linux":
        return []
    variants: list[tuple[str, Circuit | None]] = [(v, None) for v in PLAIN if v == FAKE or not bench.quick]
    variants += [("auto", circuit) for circuit in bench.circuits]
    rounds = min(1 if bench.quick else _MOST_ROUNDS, bench.rounds)
    peaks: dict[tuple[str, int], list[float]] = {}
    rows = []
    with bench.progress.track(len(bench.networks) * len(variants) * rounds, "memory") as task:
        for name, network in bench.networks.items():
            batch = bench.images_at_once(network)
            facts = {"network": name, "batch": batch}
            for _ in range(rounds):
                for index, (variant, circuit) in enumerate(variants):
                    subject = {"variant": variant, "multiplier": circuit and circuit.name}
                    place = {"device": bench.device.type, "library": bench.library}
                    peak = measure_in_child("memory", facts | subject | place)
                    peaks.setdefault((name, index), []).append(peak)
                    task.advance()
            fake = peaks[name, variants.index((FAKE, None))]
            for index, (variant, circuit) in enumerate(variants):
                found = peaks[name, index]
                figures = {"peak_bytes": spread(found), "memory_vs_fake_quantised": ratio(found, fake)}
                candidate = f"emulated, {variant}" if circuit else variant
                rows.append(row("memory", "inference", candidate, circuit, **figures, **facts))
    return rows
