"""Removes the mean error that a circuit adds to every output channel: it is known beforehand and costs nothing."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from agnsim.errors import InputError, UnknownName, did_you_mean
from agnsim.nn import Emulated, approx_layers
from agnsim.types import FloatArray


def fold_means(model: nn.Module, means: Mapping[str, FloatArray]) -> None:
    """Subtract each output channel's mean error from the layers' outputs, in place; in hardware it joins the bias.

    Args:
        model: A converted network whose named layers emulate a multiplier.
        means: Layer to the mean error of the assigned choice, `[out_channels]`, real units: one row of
            `ErrorPrediction.channel_mean`, predicted or measured. It replaces an earlier correction.

    Raises:
        UnknownName: The network has no converted layer of that name.
        InputError: A layer does not emulate a multiplier, or its means have the wrong shape or are not finite.
    """
    arithmetics = {name: layer.arithmetic for name, layer in approx_layers(model).items()}
    for name, arithmetic in {name: _emulated(name, arithmetics) for name in means}.items():
        try:
            arithmetic.set_mean_correction(torch.as_tensor(means[name], dtype=torch.float32))
        except InputError as error:
            raise InputError(f"layer {name!r}: {error}") from None


def _emulated(name: str, arithmetics: Mapping[str, nn.Module]) -> Emulated:
    if name not in arithmetics:
        raise UnknownName(f"fold_means: no converted layer is named {name!r}.{did_you_mean(name, arithmetics)}")
    arithmetic = arithmetics[name]
    if not isinstance(arithmetic, Emulated):
        raise InputError(
            f"fold_means: layer {name!r} computes in {type(arithmetic).__name__.lower()} arithmetic, which has no mean "
            "error; assign its multiplier first"
        )
    return arithmetic
