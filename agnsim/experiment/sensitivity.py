"""Measures how much every circuit, in one layer alone, changes the network's outputs; one cached result per layer.

Not the rise of the cross entropy on the labels: of a network that is surer than it is right, as trained ones are, noise
lowers it, so that rough circuits would look better than exact ones. The divergence from the exact network's outputs is
never negative, and is far less noisy, since it does not depend on which images the network gets wrong.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from agnsim.experiment.comparison import PARTS, Comparison
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
    """Return how much loss each circuit adds in each layer, on each part of the images, `[L, C, parts]`, in nats.

    Infinite where a circuit cannot be used. Layers x circuits networks are emulated.

    Args:
        context: The study.
        start: The network with exact products.
        table: Layers and circuits.
        comparison: The images.
        emulate: Makes the networks.
        definition: What defines the measurements, but for the layer.
    """

    @functools.cache
    def exact_outputs() -> Tensor:
        started = time.perf_counter()
        outputs = comparison.outputs(context.restore(start))
        count = int(table.usable.sum())
        minutes = count * (time.perf_counter() - started) / 60
        context.progress.message(
            f"sensitivity: {count} networks on {comparison.images} images each, about {minutes:.1f} min"
        )
        return outputs

    added = np.full((*table.errors.shape, min(PARTS, comparison.images)), np.inf)
    for row, layer in enumerate(table.layers):

        def measure(row: int = row, layer: str = layer) -> tuple[Json, None]:
            outputs = exact_outputs()
            started, losses = time.perf_counter(), {}
            usable = np.flatnonzero(table.usable[row])
            title = f"sensitivity of {layer}"
            with context.progress.stage(title), context.progress.track(len(usable), title) as task:
                for column in usable:
                    model = emulate(layer, int(table.options[row, column]))
                    losses[table.circuits[column]] = comparison.divergence(model, outputs).tolist()
                    task.advance(1)
            return {"losses": losses, "seconds": round(time.perf_counter() - started, 3)}, None

        trial = context.store.get_or_make(context.key("baseline", parents=[start], layer=layer, **definition), measure)
        for circuit, losses in trial.outcome["losses"].items():
            added[row, table.circuits.index(circuit)] = losses
    return added
