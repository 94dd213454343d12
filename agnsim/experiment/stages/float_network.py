"""Stage: the float network, trained here or loaded."""

from __future__ import annotations

import hashlib

from torch import nn

from agnsim.data_root import find
from agnsim.experiment.context import Context
from agnsim.experiment.train import train
from agnsim.models import load_weights
from agnsim.training import derive_seed, seed_everything
from agnsim.types import Json


def float_network(context: Context) -> None:
    """Train the network, or load the given weights and, where a `train` section is given too, go on training them."""
    study = context.study
    weights, root = study.model.weights, study.data.root
    file = None if weights is None else find(weights, root)
    key = context.key(
        "float",
        training=study.train.definition() if study.train else None,
        weights=hashlib.sha256(file.read_bytes()).hexdigest() if file else None,
    )

    def make() -> tuple[nn.Module, Json]:
        seed_everything(derive_seed(study.seed, "initial weights"))
        model = context.new_model()
        if weights is not None:
            load_weights(model, weights, root=root)
        history = train(context, model, study.train, key) if study.train else []
        return model, {"method": "trained" if study.train else "loaded", "retrained": False, "history": history}

    context.findings.float_network = context.trial(key, "float network", make)
    context.findings.add(context.findings.float_network)
