"""The training loop: one for float, quantised, noisy and emulated networks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sized
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from agnsim.errors import CheckpointError, InputError, TrainingError
from agnsim.progress import Progress, SilentProgress
from agnsim.training.checkpoint import Companion, load_training, save_training
from agnsim.training.losses import LossFunction, cross_entropy
from agnsim.training.schedules import Schedule

History = list[dict[str, Any]]
"""One row per epoch: epoch (from 1), steps, loss, lr, seconds, and what the loss logs (accuracy in percent)."""


@runtime_checkable
class EpochAware(Protocol):
    """Batches that differ from epoch to epoch, such as `agnsim.data.Batches`."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the augmentation of an epoch."""


def fit(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    epochs: int,
    optimizer: Optimizer,
    schedule: Schedule | None = None,
    loss: LossFunction | None = None,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
    on_epoch: Callable[[int, dict[str, Any]], None] | None = None,
    stop: Callable[[History], bool] | None = None,
    progress: Progress | None = None,
    description: str = "training",
    max_steps: int | None = None,
    resume: Path | str | None = None,
    companion: Companion | None = None,
) -> History:
    """Train `model` in place; it is left in evaluation mode.

    Args:
        model: Batches are moved to the device of its first parameter.
        batches: Yields `(x, y)`; `set_epoch` is called where it exists.
        epochs: Passes over `batches`.
        optimizer: Of the model's parameters.
        schedule: Moved on by each step.
        loss: Cross entropy by default.
        on_step: Called after each step with the number of steps done and the step's values.
        on_epoch: Called after each epoch with its number (from 1) and its row of the history, to which it may add
            JSON values.
        stop: Told the history after each epoch, returns whether that was the last one.
        progress: Silent by default.
        description: Title of the progress.
        max_steps: End after so many steps, within an epoch if need be.
        resume: File that keeps the state after each epoch. Where it exists, the training goes on from it and ends
            exactly as if it had not been interrupted (callbacks are called for the rest only).
        companion: What the callbacks change beside `model` and `optimizer`: it is kept in `resume` with them.

    Returns:
        The history, including epochs done before a resumption.

    Raises:
        TrainingError: The loss is not finite (epoch and step are named), or an epoch has no batch.
        CheckpointError: The state in `resume` belongs to another training.
        InputError: `epochs` or `max_steps` is less than 1.
    """
    if epochs < 1 or (max_steps is not None and max_steps < 1):
        raise InputError(f"epochs is {epochs} and max_steps {max_steps}; each must be at least 1")
    device = _device(model)
    loss_function = cross_entropy() if loss is None else loss
    identity = {"epochs": epochs, "max_steps": max_steps, "steps_per_epoch": _length(batches)}
    if companion is not None:
        identity |= companion.identity
    file = None if resume is None else Path(resume)
    history: History = []
    steps = 0
    if file is not None and file.exists():
        facts = load_training(file, model, optimizer, device, companion)
        if facts["identity"] != identity:
            raise CheckpointError(f"{file} is of a training with {facts['identity']}, this one has {identity}")
        history, steps = facts["history"], facts["steps"]
        if schedule is not None:
            schedule.seek(steps)
    total = _total_steps(epochs, identity["steps_per_epoch"], max_steps)
    with (progress or SilentProgress()).track(total, description) as task:
        task.advance(steps)
        for epoch in range(len(history), epochs):
            if (max_steps is not None and steps >= max_steps) or (stop is not None and history and stop(history)):
                break
            if isinstance(batches, EpochAware):
                batches.set_epoch(epoch)
            model.train()
            started, sums, images, before = time.perf_counter(), dict[str, float](), 0, steps
            rate = max(group["lr"] for group in optimizer.param_groups)
            for x, y in batches:
                values = _step(model, x.to(device), y.to(device), optimizer, loss_function, epoch, steps - before)
                steps += 1
                if schedule is not None:
                    schedule.step()
                images += len(y)
                for name, value in values.items():
                    sums[name] = sums.get(name, 0.0) + value * len(y)
                task.advance(1, **{name: sums[name] / images for name in ("loss", "accuracy") if name in sums})
                if on_step is not None:
                    on_step(steps, values)
                if max_steps is not None and steps >= max_steps:
                    break
            if images == 0:
                raise TrainingError(f"epoch {epoch + 1}: the batches are empty; there is nothing to train on")
            row: dict[str, Any] = {"epoch": epoch + 1, "steps": steps, "lr": rate}
            row |= {name: value / images for name, value in sums.items()}
            row["seconds"] = round(time.perf_counter() - started, 3)
            history.append(row)
            if on_epoch is not None:
                on_epoch(epoch + 1, row)
            if file is not None:
                facts = {"identity": identity, "history": history, "steps": steps}
                save_training(file, model, optimizer, facts, device, companion)
    model.eval()
    return history


def _step(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    optimizer: Optimizer,
    loss_function: LossFunction,
    epoch: int,
    step: int,
) -> dict[str, float]:
    optimizer.zero_grad(set_to_none=True)
    loss, logs = loss_function(model, x, y)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"the loss is {value} in epoch {epoch + 1}, step {step + 1}; lower the learning rate, or look for "
            "values in the data or the weights that are far too large"
        )
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return {"loss": value, **{name: _number(logged) for name, logged in logs.items()}}


def _number(logged: float | Tensor) -> float:
    return float(logged.detach()) if isinstance(logged, Tensor) else float(logged)


def _device(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    if first is None:
        raise InputError(f"{type(model).__name__} has no parameters to train")
    return first.device


def _length(batches: Iterable[tuple[Tensor, Tensor]]) -> int | None:
    return len(batches) if isinstance(batches, Sized) else None


def _total_steps(epochs: int, steps_per_epoch: int | None, max_steps: int | None) -> int | None:
    if steps_per_epoch is None:
        return max_steps
    return epochs * steps_per_epoch if max_steps is None else min(max_steps, epochs * steps_per_epoch)
