"""One training of a study, as its section says, resumable epoch by epoch."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from agnsim.data import Batches
from agnsim.experiment.context import Context
from agnsim.experiment.sections import TrainingSection
from agnsim.experiment.store import ID_LENGTH, address
from agnsim.nn import set_gradient
from agnsim.training import (
    BestEpoch,
    LossFunction,
    Schedule,
    cross_entropy,
    derive_seed,
    distillation,
    evaluate,
    fit,
    make_optimizer,
    make_schedule,
    seed_everything,
)
from agnsim.types import Json


def train(context: Context, model: nn.Module, section: TrainingSection, key: Json) -> list[Json]:
    """Train a trial's network in place and return its history, one row per epoch.

    Args:
        context: The study.
        model: In whatever arithmetic it is to be trained in.
        section: Epochs, optimiser, schedule, loss.
        key: The trial's definition: it names the file that keeps the training's state between epochs.
    """
    set_gradient(model, section.gradient)
    batches = context.training_batches(section)
    optimizer, schedule = make_training(model, section, len(batches))
    trial = address(key)[:ID_LENGTH]
    seed_everything(derive_seed(context.study.seed, trial))
    unfinished = context.store.unfinished(key)
    best = None
    if section.patience is not None:
        file = context.store.checkpoints / f"{trial}.best.safetensors"
        best = BestEpoch(model, lambda: selection_accuracy(context, model), section.patience, file)
    history = fit(
        model,
        batches,
        epochs=section.epochs,
        optimizer=optimizer,
        schedule=schedule,
        loss=training_loss(context, section),
        progress=context.progress,
        description=f"training {trial}",
        on_epoch=best.on_epoch if best else None,
        stop=best.stop if best else None,
        max_steps=section.max_steps,
        resume=unfinished,
    )
    if best is not None:
        history[best.restore(history) - 1]["kept"] = True
    unfinished.unlink(missing_ok=True)
    if best is not None:
        best.file.unlink()
    return history


def selection_accuracy(context: Context, model: nn.Module) -> float:
    """Return the top-1 accuracy of a network, as it is, on the selection images in percent."""
    batches = Batches(context.splits.selection, context.study.data.evaluation_batch_size, device=context.device)
    return evaluate(model, batches).top1


def make_training(model: nn.Module, section: TrainingSection, batches: int) -> tuple[Optimizer, Schedule]:
    """Return the section's optimiser of the model's parameters, and its schedule over so many batches per epoch."""
    optimizer = make_optimizer(
        model, section.optimizer, lr=section.lr, momentum=section.momentum, weight_decay=section.weight_decay
    )
    steps = section.epochs * batches
    steps = steps if section.max_steps is None else min(steps, section.max_steps)
    return optimizer, make_schedule(section.schedule, optimizer, steps)


def training_loss(context: Context, section: TrainingSection) -> LossFunction:
    """Return the section's loss; distillation learns from the study's float network."""
    teacher = context.findings.float_network
    if section.distillation and teacher is not None:
        return distillation(
            context.restore(teacher), weight=section.distillation, label_smoothing=section.label_smoothing
        )
    return cross_entropy(section.label_smoothing)
