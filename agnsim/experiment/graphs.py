"""Which graph of a trial's network is evaluated: the deployed one, integers only, wherever it can be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from agnsim.data import Batches, Splits
from agnsim.errors import ConversionError, InputError
from agnsim.experiment.config import Study
from agnsim.experiment.results import graph_of, pack
from agnsim.experiment.store import Trial
from agnsim.nn.deploy import DeployedNetwork, LayerDifference, compare_deployed, deploy
from agnsim.progress import Progress
from agnsim.training import evaluate
from agnsim.types import Json

DEPLOYED = "deployed"
LOSS_PP = 0.1
"""Percentage points on the selection images from which on a trial says where its two graphs come apart."""


def evaluated_graph(kind: str, model: nn.Module) -> tuple[nn.Module, Json]:
    """Return the network that a trial is judged by, and what to record of that choice.

    Args:
        kind: The trial's; a float network is its own graph.
        model: The network as it was made or trained.

    Returns:
        The network, and `graph`; `graph_note` where deployment was refused: why.
    """
    if kind == "float":
        return model, {"graph": "float"}
    try:
        return deploy(model), {"graph": DEPLOYED}
    except (ConversionError, InputError) as refusal:
        return model, {"graph": "training", "graph_note": f"Not deployed: {refusal}"}


def recorded_graph(trial: Trial, model: nn.Module) -> nn.Module:
    """Return the network that a finished trial was judged by, from its restored training graph."""
    return deploy(model) if graph_of(trial) == DEPLOYED else model


def training_graph(
    model: nn.Module,
    network: nn.Module,
    evaluation: Json,
    splits: Splits,
    study: Study,
    progress: Progress,
    calibration: Callable[[], Sequence[Tensor]],
) -> Json:
    """Return, for a deployed network, what its training graph reaches on the selection images, and where codes differ.

    Args:
        model: The training graph.
        network: What was evaluated.
        evaluation: Its outcome.
        splits: Images.
        study: The configuration.
        progress: Where progress is shown.
        calibration: Makes the images for the comparison, where the two accuracies are apart.
    """
    if not isinstance(network, DeployedNetwork):
        return {}
    batches = Batches(splits.selection, study.data.evaluation_batch_size, device=torch.device(study.device))
    correct = evaluate(model, batches, progress=progress).correct
    selection = {key: value for key, value in pack(correct, None).items() if key in ("correct", "total", "top1")}
    found: Json = {"training_graph": {"selection": selection}}
    top1 = evaluation["selection"]["top1"]
    if abs(top1 - selection["top1"]) > LOSS_PP:
        worst = max(compare_deployed(model, network, calibration()), key=lambda layer: layer.differing)
        found["graph_note"] = _note(selection["top1"], top1, worst)
    return found


def _note(training: float, deployed: float, worst: LayerDifference) -> str:
    return (
        f"The training graph has {training:.2f} % on the selection images, the deployed one {deployed:.2f} %; "
        f"activation codes differ most at the input of layer {worst.layer!r}: {100 * worst.differing:.2f} % of them, "
        f"by {worst.mean_magnitude / worst.differing if worst.differing else 0.0:.2f} steps on average."
    )
