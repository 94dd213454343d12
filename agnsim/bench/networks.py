"""Suite `networks`: inference of whole networks, float, fake-quantised, quantised, emulated, deployed."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from agnsim.bench.context import Bench, refused, row, scaled_spread
from agnsim.bench.rounds import Candidate, ratio, spread
from agnsim.bench.subjects import Circuit, Network
from agnsim.bench.variants import FAKE, PLAIN, Variants
from agnsim.errors import EngineMismatch
from agnsim.types import Json

_CHECKED_IMAGES = 4


def networks(bench: Bench) -> list[Json]:
    """Inference of whole networks, against the network fake-quantised by PyTorch's own operators."""
    rows = []
    with bench.progress.track(len(bench.networks), "networks") as task:
        for name, network in bench.networks.items():
            rows += _one_network(bench, name, network)
            task.advance()
    return rows


def _one_network(bench: Bench, name: str, network: Network) -> list[Json]:
    variants, batch = Variants(network, bench.device), bench.images_at_once(network)
    x = network.images(batch).to(bench.device)
    facts = {"network": name, "batch": batch}
    rows, owners = [], dict[str, tuple[str, Circuit | None]]()
    models: dict[str, nn.Module] = {}
    for variant in PLAIN:
        models[variant], owners[variant] = variants.plain(variant), (variant, None)
    for circuit in bench.circuits:
        checked: tuple[str, Tensor] | None = None
        for engine in ("auto", *bench.whole_network_engines):
            candidate = f"emulated, {engine}"
            if engine != "auto" and (reason := bench.refusal(engine, circuit)) is not None:
                rows.append(refused("networks", "inference", candidate, circuit, reason, **facts))
                continue
            model = variants.emulated(circuit, engine)
            with torch.no_grad():
                found = model(x[:_CHECKED_IMAGES])
            if checked is not None and not torch.equal(found, checked[1]):
                raise EngineMismatch(
                    f"{name} with {circuit.choice.label}: engines {engine!r} and {checked[0]!r} differ"
                )
            checked = checked or (engine, found)
            key = f"{candidate} {circuit.name}"
            models[key], owners[key] = model, (candidate, circuit)
        key = f"deployed {circuit.name}"
        models[key], owners[key] = variants.deployed(circuit), ("deployed", circuit)
    times = bench.time([Candidate(key, partial(model, x), float(batch)) for key, model in models.items()])
    for key, taken in times.items():
        candidate, circuit_of = owners[key]
        figures = {
            "seconds": spread(taken.seconds),
            "images_per_s": scaled_spread(taken.rates, 1.0),
            "time_vs_fake_quantised": ratio(taken.seconds, times[FAKE].seconds),
        }
        rows.append(row("networks", "inference", candidate, circuit_of, **figures, **facts))
    return rows
