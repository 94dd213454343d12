"""What a suite is given, and the registry of suites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from agnsim.bench.rounds import Candidate, Times, spread, time_rounds
from agnsim.bench.subjects import Circuit, Network
from agnsim.kernels import engines
from agnsim.progress import Progress
from agnsim.registry import Registry
from agnsim.types import Json

DEFINITION = "reference"
"""The engine that the others must equal; too slow for whole networks, where it is timed on request only."""


@dataclass(frozen=True)
class Bench:
    """Settings of one run, resolved.

    Attributes:
        circuits: Circuits.
        library: Where they come from, for child processes.
        engines: Names of the engines.
        engines_named: Whether the user has named them.
        networks: Networks by name.
        device: Where to compute.
        batch: Images at once; `None`: each network's own.
        rounds: Measurements of each candidate.
        quick: Keep it short.
        progress: Where to report.
    """

    circuits: Sequence[Circuit]
    library: str
    engines: Sequence[str]
    engines_named: bool
    networks: Mapping[str, Network]
    device: torch.device
    batch: int | None
    rounds: int
    quick: bool
    progress: Progress

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    @property
    def whole_network_engines(self) -> list[str]:
        """The engines that large work is given to: without the definition, unless the user has named it."""
        return [name for name in self.engines if self.engines_named or name != DEFINITION]

    def images_at_once(self, network: Network) -> int:
        """Return the batch size for a network."""
        if self.batch is not None:
            return self.batch
        usual = network.gpu_batch if self.on_gpu else network.batch
        return max(1, usual // 4) if self.quick else usual

    def refusal(self, engine: str, circuit: Circuit) -> str | None:
        """Say why an engine can't run a circuit here, or `None`."""
        return engines[engine].unavailable(circuit.multiplier, self.device)

    def time(self, candidates: Sequence[Candidate]) -> dict[str, Times]:
        """Time candidates in rounds, without gradients unless they switch them on."""
        with torch.no_grad():
            return time_rounds(candidates, self.rounds, self.device)


Suite = Callable[[Bench], list[Json]]
suites: Registry[Suite] = Registry("benchmark suite")
"""The suites by name; each returns its rows."""


def row(suite: str, work: str, candidate: str, circuit: Circuit | None = None, **figures: Any) -> Json:
    """Return a row of the document: what was done, by whom, and its figures.

    Args:
        suite: The suite.
        work: What was done.
        candidate: What did it.
        circuit: The circuit, if one was emulated.
        **figures: Further columns; a measured one holds `median`, `low` and `high`.
    """
    names = {"multiplier": circuit and circuit.name, "rank": circuit and circuit.rank}
    names |= {"signed": circuit and circuit.choice.multiplier.signed_b}
    return {"suite": suite, "work": work, "candidate": candidate, **names, **figures}


def refused(suite: str, work: str, candidate: str, circuit: Circuit, reason: str, **facts: Any) -> Json:
    """Return the row of something that can't be run here, with the reason."""
    return row(suite, work, candidate, circuit, **facts, unavailable=reason)


def scaled_spread(values: Sequence[float], factor: float) -> Json:
    """Return the spread of the values times a factor."""
    return spread([value * factor for value in values])
