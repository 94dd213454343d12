"""Suite `training`: one step of retraining, float, fake-quantised, quantised, emulated."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agnsim.bench.context import Bench, row
from agnsim.bench.rounds import Candidate, ratio, spread
from agnsim.bench.subjects import Circuit, Network
from agnsim.bench.variants import FAKE, PLAIN, Variants
from agnsim.types import Json


def training(bench: Bench) -> list[Json]:
    """One training step: forward, cross entropy, backward, SGD."""
    rows = []
    with bench.progress.track(len(bench.networks), "training") as task:
        for name, network in bench.networks.items():
            rows += _one_network(bench, name, network)
            task.advance()
    return rows


def _one_network(bench: Bench, name: str, network: Network) -> list[Json]:
    variants, batch = Variants(network, bench.device), bench.images_at_once(network)
    x, y = network.images(batch).to(bench.device), network.labels(batch).to(bench.device)
    owners: dict[str, Circuit | None] = dict.fromkeys(PLAIN)
    models = {variant: variants.plain(variant) for variant in PLAIN}
    for circuit in bench.circuits:
        key = f"emulated {circuit.name}"
        models[key], owners[key] = variants.emulated(circuit, "auto"), circuit
    times = bench.time([Candidate(key, training_step(model, x, y), float(batch)) for key, model in models.items()])
    return [
        row(
            "training",
            "step",
            "emulated, auto" if owners[key] else key,
            owners[key],
            seconds=spread(taken.seconds),
            time_vs_fake_quantised=ratio(taken.seconds, times[FAKE].seconds),
            network=name,
            batch=batch,
        )
        for key, taken in times.items()
    ]


def training_step(model: nn.Module, x: Tensor, y: Tensor) -> Callable[[], None]:
    """Return a function that trains a copy of the model by one step on the batch each time it is called."""
    trained = copy.deepcopy(model).train()
    # so small that hundreds of steps on random labels leave the network what it is
    optimizer = torch.optim.SGD(trained.parameters(), lr=1e-5, momentum=0.9)

    def step() -> None:
        with torch.enable_grad():
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(trained(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return step
