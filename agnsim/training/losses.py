"""Losses: functions of (model, x, y) that run the model and return the loss with what else to log.

Logged values are averaged over an epoch, weighted by the batch sizes; accuracies are in percent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agnsim.errors import InputError

Logs = Mapping[str, float | Tensor]
LossFunction = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Logs]]


def cross_entropy(label_smoothing: float = 0.0) -> LossFunction:
    """Return the cross entropy, with its training accuracy in the logs.

    Args:
        label_smoothing: Share of the target spread over all classes (Szegedy et al. 2015), 0 to below 1.

    Raises:
        InputError: The share is out of range.
    """
    _check_share("label_smoothing", label_smoothing, closed=False)

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Logs]:
        logits = _logits(model, x, y)
        return F.cross_entropy(logits, y, label_smoothing=label_smoothing), {"accuracy": _accuracy(logits, y)}

    return loss


def distillation(
    teacher: nn.Module, weight: float = 0.9, temperature: float = 4.0, label_smoothing: float = 0.0
) -> LossFunction:
    """Return `(1 - weight) CE + weight T^2 KL(teacher / T || student / T)` (Hinton, Vinyals, Dean 2015).

    Args:
        teacher: Run in evaluation mode without gradients, on the same batches; switched to evaluation mode here.
        weight: Share of the teacher, 0 to 1.
        temperature: T, positive.
        label_smoothing: Of the cross entropy.

    Raises:
        InputError: A value is out of range.
    """
    _check_share("the distillation's weight", weight, closed=True)
    _check_share("label_smoothing", label_smoothing, closed=False)
    if not temperature > 0:
        raise InputError(f"the distillation's temperature is {temperature}; it must be positive")
    teacher.eval()

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            wanted = F.log_softmax(teacher(x) / temperature, dim=1)
        logits = _logits(model, x, y)
        found = F.log_softmax(logits / temperature, dim=1)
        task = F.cross_entropy(logits, y, label_smoothing=label_smoothing)
        imitation = temperature**2 * F.kl_div(found, wanted, reduction="batchmean", log_target=True)
        total = (1 - weight) * task + weight * imitation
        return total, {"accuracy": _accuracy(logits, y), "task_loss": task.detach()}

    return loss


def _logits(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    logits: Tensor = model(x)
    check_classes(logits, y)
    return logits


def check_classes(logits: Tensor, y: Tensor) -> None:
    """Check that there is one logit per class: on a GPU, a label beyond them ends the process.

    Raises:
        InputError: The network's output does not fit the labels.
    """
    if logits.ndim != 2 or len(logits) != len(y):
        raise InputError(f"the network's output has the shape {list(logits.shape)}; [{len(y)}, classes] is needed")
    if len(y) and int(y.max()) >= logits.shape[1]:
        raise InputError(f"the network has {logits.shape[1]} outputs, but a label is {int(y.max())}; check num_classes")


def _accuracy(logits: Tensor, y: Tensor) -> Tensor:
    return 100.0 * (logits.detach().argmax(1) == y).float().mean()


def _check_share(title: str, value: float, *, closed: bool) -> None:
    if not (0 <= value < 1 or (closed and value == 1)):
        raise InputError(f"{title} is {value}; allowed: 0 to {'1' if closed else 'below 1'}")
