"""Compares networks on a few selection images, all on the same ones."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agnsim.data import Batches
from agnsim.experiment.context import Context
from agnsim.training import derive_seed, predict
from agnsim.types import FloatArray

PARTS = 10
"""Parts of the images whose divergences are kept apart."""


class Comparison:
    """The images that networks are compared on: drawn at random from the selection images, by the study's seed.

    Args:
        context: The study.
        images: How many, or all where there are fewer.
    """

    def __init__(self, context: Context, images: int) -> None:
        selection, seed = context.splits.selection, derive_seed(context.study.seed, "baselines", "images")
        drawn = np.random.default_rng(seed).permutation(len(selection))[:images]
        chosen = selection.subset(torch.from_numpy(drawn))
        self._batches = Batches(chosen, context.study.data.evaluation_batch_size, device=context.device)
        self._labels = chosen.labels.cpu()

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self._labels)

    def accuracy_and_loss(self, model: nn.Module) -> tuple[float, float]:
        """Return top-1 accuracy in percent and mean cross entropy of a network, as it is."""
        logits = predict(model, self._batches)
        correct = int((logits.argmax(1) == self._labels).sum())
        return 100.0 * correct / self.images, float(F.cross_entropy(logits.double(), self._labels))

    def outputs(self, model: nn.Module) -> Tensor:
        """Return the logarithms of a network's class probabilities, float64 `[images, classes]`."""
        return F.log_softmax(predict(model, self._batches).double(), dim=1)

    def divergence(self, model: nn.Module, outputs: Tensor) -> FloatArray:
        """Return how far a network's outputs are from those of another, on each part of the images.

        The Kullback-Leibler divergence in nats, float64 `[min(PARTS, images)]`: what the cross entropy grows by where
        the other network's outputs are the truth.
        """
        own = F.kl_div(self.outputs(model), outputs, reduction="none", log_target=True).sum(1).numpy()
        parts = min(PARTS, self.images)
        return np.array([own[part::parts].mean() for part in range(parts)])
