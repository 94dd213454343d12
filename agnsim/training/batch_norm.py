"""Batch norm's statistics, estimated anew: a cheap repair after the arithmetic has changed."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from agnsim.errors import InputError
from agnsim.training.evaluate import evaluation_mode


def reestimate_batch_norm(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], max_batches: int | None = None
) -> int:
    """Replace running means and variances by their plain average over the batches, in place.

    Only batch norm runs in training mode: noise and dropout stay off. Weights do not change.

    Args:
        model: Its modules' modes and momenta are restored.
        batches: Un-augmented training images and labels.
        max_batches: At most so many batches.

    Returns:
        The number of batches used: 0 where the model has no batch norm with running statistics.

    Raises:
        InputError: There are no batches.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return 0
    device = next(model.parameters()).device
    momenta = [norm.momentum for norm in norms]
    used = 0
    with evaluation_mode(model), torch.no_grad():
        try:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a cumulative average
                norm.train()
            for x, _ in batches:
                if max_batches is not None and used >= max_batches:
                    break
                model(x.to(device))
                used += 1
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
    if used == 0:
        raise InputError("there are no batches to estimate batch norm's statistics on")
    return used
