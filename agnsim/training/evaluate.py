"""Predictions and accuracy, image by image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.progress import Progress, SilentProgress
from agnsim.training.losses import check_classes

_TOP = 5


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network got right.

    Attributes:
        correct: bool `[N]`, in the order of the images.
        correct_top5: bool `[N]`: the label is among the five likeliest; `None` with fewer than 5 classes.
    """

    correct: NDArray[np.bool_]
    correct_top5: NDArray[np.bool_] | None

    @property
    def total(self) -> int:
        """Number of images."""
        return len(self.correct)

    @property
    def top1(self) -> float:
        """Top-1 accuracy in percent."""
        return 100.0 * int(self.correct.sum()) / self.total

    @property
    def top5(self) -> float | None:
        """Top-5 accuracy in percent, or `None` with fewer than 5 classes."""
        return None if self.correct_top5 is None else 100.0 * int(self.correct_top5.sum()) / self.total


def predict(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    progress: Progress | None = None,
    description: str = "evaluating",
) -> Tensor:
    """Return the logits, float32 `[N, classes]` on the CPU, in evaluation mode; the model's mode is restored.

    Raises:
        InputError: There are no batches.
    """
    return torch.cat([logits for logits, _ in _outputs(model, batches, progress, description)])


def evaluate(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    progress: Progress | None = None,
    description: str = "evaluating",
) -> Evaluation:
    """Return which images `model` classifies rightly.

    Among equal logits, as integer networks have them, the smaller class number counts as the likelier: the result
    is the same on every device.

    Raises:
        InputError: There are no batches, outputs do not fit the labels, or one is not a number (the image is named).
    """
    ranks: list[Tensor] = []
    classes = 0
    for logits, labels in _outputs(model, batches, progress, description):
        check_classes(logits, labels)
        broken = torch.isnan(logits).any(1).nonzero()
        if len(broken):
            index = sum(len(r) for r in ranks) + int(broken[0])
            raise InputError(f"the network's output for image {index} is not a number; its weights are broken")
        classes = logits.shape[1]
        own = logits.gather(1, labels[:, None])
        earlier = torch.arange(classes)[None, :] < labels[:, None]
        ranks.append(((logits > own) | ((logits == own) & earlier)).sum(1))
    rank = torch.cat(ranks).numpy()
    return Evaluation(correct=rank == 0, correct_top5=rank < _TOP if classes >= _TOP else None)


def _outputs(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], progress: Progress | None, description: str
) -> Iterator[tuple[Tensor, Tensor]]:
    first = next(model.parameters(), None)
    total = len(batches) if isinstance(batches, Sized) else None
    seen = 0
    with evaluation_mode(model), (progress or SilentProgress()).track(total, description) as task:
        for x, y in batches:
            with torch.inference_mode():
                logits = model(x if first is None else x.to(first.device)).to("cpu", torch.float32)
            seen += 1
            task.advance(1)
            yield logits, y.cpu()
    if seen == 0:
        raise InputError("there are no batches to evaluate on")


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode; afterwards give every module its own mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
