"""Whole-network switches: which arithmetic, and evaluation without side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from agnsim.errors import DataError
from agnsim.nn.arithmetic import Arithmetic, Quantized
from agnsim.nn.emulated import Emulated
from agnsim.nn.gradients import estimator
from agnsim.nn.layers import approx_layers


def set_arithmetic(
    model: nn.Module, factory: Callable[[str], Arithmetic], *, assignable_only: bool = True
) -> dict[str, Arithmetic]:
    """Give every layer a new arithmetic.

    Args:
        model: A converted network, changed in place.
        factory: Called with each layer's name.
        assignable_only: Leave the layers alone that are kept exact.

    Returns:
        The new arithmetics by layer name.
    """
    made = {}
    for name, layer in approx_layers(model).items():
        if layer.assignable or not assignable_only:
            made[name] = layer.arithmetic = factory(name)
    return made


def restore_quantized(model: nn.Module) -> None:
    """Put every layer back into quantised arithmetic with exact products, keeping its quantisers."""
    set_arithmetic(model, lambda name: Quantized(), assignable_only=False)


def set_gradient(model: nn.Module, gradient: str) -> None:
    """Let every emulated layer's backward pass use a gradient estimator, in place.

    Args:
        model: A converted network, or any other.
        gradient: Name, perhaps with parameters: `difference(half_window=8)`.

    Raises:
        UnknownName: There is no such estimator.
        InputError: It does not take such parameters.
    """
    estimator(gradient)
    for layer in approx_layers(model).values():
        if isinstance(layer.arithmetic, Emulated):
            layer.arithmetic.gradient = gradient


@contextmanager
def evaluating(model: nn.Module, arithmetic: Mapping[str, Arithmetic] | None = None) -> Iterator[None]:
    """Within the context: evaluation mode, no gradients, and the given arithmetics; afterwards all as it was."""
    training = {module: module.training for module in model.modules()}
    layers = approx_layers(model)
    before = {name: layers[name].arithmetic for name in arithmetic or {}}
    try:
        for name, replacement in (arithmetic or {}).items():
            layers[name].arithmetic = replacement
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for name, original in before.items():
            layers[name].arithmetic = original
        for module, mode in training.items():
            module.training = mode


def device_of(model: nn.Module) -> torch.device:
    """Return where the model's parameters lie; the CPU if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def inputs_of(batches: object, device: torch.device, *, purpose: str) -> Iterator[Tensor]:
    """Yield the input of every batch, on the device.

    Args:
        batches: An iterable of tensors, or of tuples or lists that begin with one; a single tensor is one batch.
        device: Where to put them.
        purpose: What they are for, for messages.

    Raises:
        DataError: There is no batch, or one is not a floating point tensor or holds NaN or infinite values.
    """
    if isinstance(batches, Tensor):
        batches = [batches]
    if not hasattr(batches, "__iter__"):
        raise DataError(f"{purpose}: {type(batches).__name__} is not an iterable of batches")
    count = 0
    for count, batch in enumerate(batches, start=1):
        x = batch[0] if isinstance(batch, tuple | list) and batch else batch
        where = f"{purpose}, batch {count - 1}"
        if not isinstance(x, Tensor) or not x.is_floating_point():
            found = f"a tensor of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
            raise DataError(
                f"{where}: found {found}; needed is a floating point tensor, or a tuple that begins with one"
            )
        if not bool(torch.isfinite(x).all()):
            raise DataError(f"{where}: it holds NaN or infinite values")
        yield x.to(device)
    if count == 0:
        raise DataError(f"{purpose}: empty; at least one batch is needed")
