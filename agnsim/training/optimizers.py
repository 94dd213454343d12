"""Optimisers with the usual exceptions: what is no weight matrix is not decayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import torch
from torch import nn
from torch.optim import Optimizer

from agnsim.errors import InputError, UnknownName, did_you_mean

OptimizerName = Literal["sgd", "adam"]
Members = Callable[[str, nn.Parameter], bool] | Iterable[nn.Parameter]


def make_optimizer(
    model: nn.Module,
    name: OptimizerName = "sgd",
    *,
    lr: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    groups: Sequence[tuple[Members, float]] = (),
) -> Optimizer:
    """Return an optimiser over the model's trainable parameters.

    Weight decay applies to parameters of two and more dimensions: not to biases, batch norm, noise levels or
    quantisers' scales.

    Args:
        model: Whose parameters are trained.
        name: `"sgd"` or `"adam"` (with decoupled weight decay, Loshchilov, Hutter 2017).
        lr: Learning rate, positive.
        momentum: Of SGD; Adam's first moment.
        weight_decay: Not negative.
        groups: Parameters with a learning rate of their own: `(members, lr)`, where members are parameters or a
            function of name and parameter; the first group that has a parameter takes it.

    Raises:
        UnknownName: No such optimiser.
        InputError: A value is out of range, a group has no member, or there is nothing to train.
    """
    if name not in get_args(OptimizerName):
        raise UnknownName(f"unknown optimizer {name!r}.{did_you_mean(name, get_args(OptimizerName))}")
    for value in (lr, *(rate for _, rate in groups)):
        if not 0 < value < float("inf"):
            raise InputError(f"a learning rate is {value}; it must be positive and finite")
    if not 0 <= momentum < 1:
        raise InputError(f"momentum is {momentum}; allowed: 0 to below 1")
    if not 0 <= weight_decay < float("inf"):
        raise InputError(f"weight_decay is {weight_decay}; it must not be negative")
    sorted_groups = _sort(model, [(_predicate(members), rate) for members, rate in groups], lr)
    parameters = [
        {"params": members, "lr": rate, "weight_decay": decay}
        for rate, parameters in sorted_groups
        for decay, members in (
            (weight_decay, [p for p in parameters if p.ndim >= 2]),
            (0.0, [p for p in parameters if p.ndim < 2]),
        )
        if members
    ]
    if not parameters:
        raise InputError(f"{type(model).__name__} has no trainable parameters")
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=momentum)
    return torch.optim.AdamW(parameters, lr=lr, betas=(momentum, 0.999))


def _predicate(members: Members) -> Callable[[str, nn.Parameter], bool]:
    if callable(members):
        return members
    ids = {id(parameter) for parameter in members}
    return lambda name, parameter: id(parameter) in ids


def _sort(
    model: nn.Module, groups: Sequence[tuple[Callable[[str, nn.Parameter], bool], float]], lr: float
) -> list[tuple[float, list[nn.Parameter]]]:
    """Return `(learning rate, parameters)` of the rest, then of each group."""
    lists: list[list[nn.Parameter]] = [[] for _ in range(len(groups) + 1)]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            hits = (i + 1 for i, (holds, _) in enumerate(groups) if holds(name, parameter))
            lists[next(hits, 0)].append(parameter)
    for index, members in enumerate(lists[1:]):
        if not members:
            raise InputError(f"optimizer group {index} has no trainable parameter of the model")
    return list(zip([lr, *(rate for _, rate in groups)], lists, strict=True))
