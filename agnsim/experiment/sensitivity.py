"""Measures what every circuit, in one layer alone, adds to the network's loss; one cached result per layer."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from torch import nn

from agnsim.experiment.comparison import Comparison
from agnsim.experiment.context import Context
from agnsim.experiment.store import Trial
from agnsim.noise.baselines import CircuitTable
from agnsim.types import FloatArray, Json

EmulateLayer = Callable[[str, int], nn.Module]
"""Returns the network with the candidate at an index in one layer, all other layers exact."""


def layer_losses(
    context: Context,
    start: Trial,
    table: CircuitTable,
    comparison: Comparison,
    emulate: EmulateLayer,
    definition: Json,
) -> FloatArray:
    """Return how much loss each circuit adds in each layer, on each part of the images, `[L, C, parts]`.

    Infinite where a circuit cannot be used. Layers x circuits networks are emulated.

    Args:
        context: The study.
        start: The network with exact products.
        table: Layers and circuits.
        comparison: The images.
        emulate: Makes the networks.
        definition: What defines the measurements, but for the layer.
    """

    def exact() -> tuple[Json, None]:
        started = time.perf_counter()
        losses = comparison.losses(context.restore(start)).tolist()
        seconds = time.perf_counter() - started
        count = int(table.usable.sum())
        context.progress.message(
            f"sensitivity: {count} networks on {comparison.images} images each, about {count * seconds / 60:.1f} min"
        )
        return {"losses": losses, "seconds": round(seconds, 3)}, None

    base = context.store.get_or_make(context.key("baseline", parents=[start], layer=None, **definition), exact)
    added = np.full((*table.errors.shape, len(base.outcome["losses"])), np.inf)
    for row, layer in enumerate(table.layers):

        def measure(row: int = row, layer: str = layer) -> tuple[Json, None]:
            started, losses = time.perf_counter(), {}
            usable = np.flatnonzero(table.usable[row])
            title = f"sensitivity of {layer}"
            with context.progress.stage(title), context.progress.track(len(usable), title) as task:
                for column in usable:
                    model = emulate(layer, int(table.options[row, column]))
                    losses[table.circuits[column]] = comparison.losses(model).tolist()
                    task.advance(1)
            return {"losses": losses, "seconds": round(time.perf_counter() - started, 3)}, None

        trial = context.store.get_or_make(context.key("baseline", parents=[start], layer=layer, **definition), measure)
        for circuit, losses in trial.outcome["losses"].items():
            added[row, table.circuits.index(circuit)] = np.subtract(losses, base.outcome["losses"])
    return added
