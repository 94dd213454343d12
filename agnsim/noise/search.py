"""Learns how much noise every layer tolerates, by training the noise levels along with the weights.

The gradient search of Trommer, Waschneck and Kumar (Combining Gradients and Probabilities for Heterogeneous
Approximation of Neural Networks, ICCAD 2022). Each layer adds Gaussian noise of `sigma` times its output's standard
deviation; the loss is the task's minus `noise_weight * sum_l (macs_l / macs) * min(sigma_l, sigma_max)`, so that noise
is rewarded where it saves most. Unlike there, sigma is learned as its logarithm by an Adam of its own: the weights'
learning rate says nothing about noise levels, and sigma keeps its sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from agnsim.errors import InputError
from agnsim.nn import Noisy, approx_layers
from agnsim.noise.search_state import SIGMA_MIN, SigmaTraining
from agnsim.progress import Progress
from agnsim.training import History, LossFunction, Schedule, cross_entropy, derive_seed, fit, make_optimizer
from agnsim.types import FloatArray, LayerShape


@dataclass(frozen=True)
class NoiseSearch:
    """What a noise search found.

    Attributes:
        sigma: Layer to its tolerated noise: standard deviation over that of the layer's accurate output. Of a search
            per channel: root mean square over the channels of their noise, over that same standard deviation.
        history: One row per epoch: those of `agnsim.training.fit`, `task_loss` (without the reward) and `sigma`.
        channel_sigma: Of a search per channel: layer to `[out_channels]`, the noise of every channel over the standard
            deviation of that channel's accurate output.
    """

    sigma: dict[str, float]
    history: History
    channel_sigma: dict[str, FloatArray] = field(default_factory=dict)


def search_noise(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    shapes: Mapping[str, LayerShape],
    noise_weight: float,
    sigma_max: float = 0.5,
    sigma_init: float = 0.1,
    sigma_lr: float = 0.02,
    epochs: int,
    lr: float = 0.01,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    loss: LossFunction | None = None,
    max_steps: int | None = None,
    std_smoothing: float = 0.0,
    per_channel: bool = False,
    seed: int | None = None,
    resume: Path | str | None = None,
    progress: Progress | None = None,
    description: str = "noise search",
) -> NoiseSearch:
    """Train a converted network, in place, with a learned noise level in every assignable layer.

    The layers have their own arithmetic back afterwards; the weights stay as trained, as in the paper. Begin with a
    network that has been quantised and, better, trained so: the search is then a continuation.

    Args:
        model: A converted network.
        batches: Shuffled training data.
        shapes: Size of every assignable layer. Other multiplying layers may be among them: they count in the sum of
            operations that the shares refer to.
        noise_weight: The paper's lambda: larger means more noise, cheaper circuits, lower accuracy.
        sigma_max: Largest sigma that is rewarded. The paper lets sigma go beyond without a reward; here it is kept
            between `1e-4` and this, since Adam's momentum would carry it past where the task does not care.
        sigma_init: First value of every sigma, at most `sigma_max`.
        sigma_lr: Learning rate of log sigma (Adam).
        epochs: Passes over `batches`.
        lr: Learning rate of the weights (SGD), unless an optimiser is given.
        momentum: Of that SGD.
        weight_decay: Of that SGD.
        optimizer: Optimiser of the network's parameters, made before this call.
        schedule: Learning-rate schedule of `optimizer`.
        loss: The task's loss, cross entropy by default.
        max_steps: Stop after so many steps.
        std_smoothing: Weight of the past in a running average of `std(y)` that scales the noise, 0 to below 1; 0: each
            batch's own (see `agnsim.nn.Noisy`).
        per_channel: Learn a noise level per output channel; a layer's reward is the mean of its channels'.
        seed: Of the noise; by default PyTorch's global generator supplies it.
        resume: File that keeps the state after each epoch. Where it exists, the search goes on from it and ends
            exactly as if it had not been interrupted; remove it afterwards.
        progress: Silent by default.
        description: Title of the progress.

    Raises:
        InputError: A setting is out of range, no layer is assignable, or one has no shape.
        TrainingError: The loss is not finite.
        CheckpointError: The state in `resume` belongs to another search.
    """
    for name, value, least in (
        ("noise_weight", noise_weight, 0.0),
        ("sigma_max", sigma_max, SIGMA_MIN),
        ("sigma_init", sigma_init, SIGMA_MIN),
        ("sigma_lr", sigma_lr, 0.0),
    ):
        if not (math.isfinite(value) and value >= least):
            raise InputError(f"search_noise: {name} is {value}; it must be a finite number of at least {least:g}")
    if sigma_init > sigma_max:
        raise InputError(f"search_noise: sigma_init {sigma_init} exceeds sigma_max {sigma_max}; lower sigma_init")
    layers = {name: layer for name, layer in approx_layers(model).items() if layer.assignable}
    shares = mac_shares(shapes, layers)
    if optimizer is None:
        optimizer = make_optimizer(model, "sgd", lr=lr, momentum=momentum, weight_decay=weight_decay)
    before = {name: layer.arithmetic for name, layer in layers.items()}
    noisy = {
        name: Noisy(
            sigma_init,
            channels=layer.weight.shape[0] if per_channel else None,
            std_smoothing=std_smoothing,
            generator=_generator(seed, name, layer),
        )
        for name, layer in layers.items()
    }
    task = cross_entropy() if loss is None else loss

    identity = {
        "noise_weight": noise_weight,
        "sigma_max": sigma_max,
        "sigma_init": sigma_init,
        "sigma_lr": sigma_lr,
        "std_smoothing": std_smoothing,
        "per_channel": per_channel,
        "seed": seed,
    }

    def rewarded(network: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Any]]:
        task_loss, logs = task(network, x, y)
        reward = noise_reward(noisy, shares, sigma_max)
        return task_loss - noise_weight * reward, {"task_loss": task_loss.detach(), **logs}

    def note_sigma(epoch: int, row: dict[str, Any]) -> None:
        row["sigma"] = _sigmas(noisy)

    try:
        for name, layer in layers.items():
            layer.arithmetic = noisy[name]
        sigmas = SigmaTraining(noisy, lr=sigma_lr, sigma_max=sigma_max, identity=identity)
        history = fit(
            model,
            batches,
            epochs=epochs,
            optimizer=optimizer,
            schedule=schedule,
            loss=rewarded,
            on_step=lambda step, values: sigmas.step(),
            on_epoch=note_sigma,
            progress=progress,
            description=description,
            max_steps=max_steps,
            resume=resume,
            companion=sigmas,
        )
    finally:
        for name, layer in layers.items():
            layer.arithmetic = before[name]
    channel_sigma = {
        name: arithmetic.sigma.detach().double().cpu().numpy() for name, arithmetic in noisy.items() if per_channel
    }
    return NoiseSearch(_sigmas(noisy), history, channel_sigma)


def noise_reward(noisy: Mapping[str, Noisy], shares: Mapping[str, float], sigma_max: float) -> Tensor:
    """Return `sum_l share_l * min(sigma_l, sigma_max)`, a scalar with gradient on every log sigma below the cap.

    A layer with a sigma per channel counts with their mean.
    """
    terms = [shares[name] * arithmetic.sigma.clamp(max=sigma_max).mean() for name, arithmetic in noisy.items()]
    return torch.stack(terms).sum()


def mac_shares(shapes: Mapping[str, LayerShape], layers: Iterable[str]) -> dict[str, float]:
    """Return each layer's share of the operations of all `shapes`.

    Raises:
        InputError: No layers, or one without a shape.
    """
    names = list(layers)
    if not names:
        raise InputError(
            "search_noise: the network has no layer to which a multiplier may be assigned; convert it first"
        )
    missing = [name for name in names if name not in shapes]
    if missing:
        raise InputError(f"search_noise: shapes lack the layers {', '.join(missing)}; use agnsim.nn.layer_shapes")
    total = sum(shape.macs for shape in shapes.values())
    return {name: shapes[name].macs / total for name in names}


def _generator(seed: int | None, name: str, layer: nn.Module) -> torch.Generator | None:
    if seed is None:
        return None
    device = next(layer.parameters()).device
    return torch.Generator(device).manual_seed(derive_seed(seed, "noise", name))


def _sigmas(noisy: Mapping[str, Noisy]) -> dict[str, float]:
    return {name: float(arithmetic.layer_sigma.detach()) for name, arithmetic in noisy.items()}
