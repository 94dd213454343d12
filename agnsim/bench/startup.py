"""Suite `startup`: what an engine's first call costs in a fresh process, its compiled code being on disk."""

from __future__ import annotations

from agnsim.bench.child import measure_in_child
from agnsim.bench.context import DEFINITION, Bench, refused, row
from agnsim.bench.rounds import spread
from agnsim.types import Json

_MOST_ROUNDS = 5


def startup(bench: Bench) -> list[Json]:
    """First emulated call of a process, over that of the reference; the smallest circuit that every engine can run."""
    work = "first convolution"
    circuit = min(bench.circuits, key=lambda circuit: circuit.rank or 256)
    rows, usable = [], [DEFINITION]
    for engine in (name for name in bench.engines if name != DEFINITION):
        if (reason := bench.refusal(engine, circuit)) is None:
            usable.append(engine)
        else:
            rows.append(refused("startup", work, engine, circuit, reason))
    place = {"device": bench.device.type, "multiplier": circuit.name, "library": bench.library}
    rounds = min(1 if bench.quick else _MOST_ROUNDS, bench.rounds)
    seconds: dict[str, list[float]] = {engine: [] for engine in usable}
    with bench.progress.track((rounds + 1) * len(usable), "startup") as task:
        for counted in (False, *[True] * rounds):  # the first round fills the cache on disk
            for engine in usable:
                taken = measure_in_child("startup", place | {"engine": engine})
                if counted:
                    seconds[engine].append(taken)
                task.advance()
    for engine, found in seconds.items():
        over = [mine - base for mine, base in zip(found, seconds[DEFINITION], strict=True)]
        rows.append(row("startup", work, engine, circuit, seconds=spread(found), over_reference_s=spread(over)))
    return rows
