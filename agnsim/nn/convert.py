"""Turn a float network into one whose multiplications are quantised and can be emulated."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

from agnsim.errors import ConversionError, InputError, UnknownName, did_you_mean
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.calibrate import calibrate, execution_order, install
from agnsim.nn.emulated import Emulated
from agnsim.nn.formats import as_choice, check_layers, formats_for
from agnsim.nn.gradients import STRAIGHT_THROUGH
from agnsim.nn.layers import approx_layers
from agnsim.nn.modes import device_of, inputs_of
from agnsim.nn.replace import convertible_layers, make_layer, replace_modules
from agnsim.quantization import Quantization


def convert(
    model: nn.Module,
    *,
    quantization: Quantization,
    assignment: Mapping[str, Choice | Multiplier] | None = None,
    calibration: Iterable[Any],
    engine: str = "auto",
    gradient: str = STRAIGHT_THROUGH,
) -> nn.Module:
    """Return a copy of the network whose `nn.Conv2d` and `nn.Linear` layers compute on integer codes.

    Every other module is copied untouched, shared modules stay shared, training modes are kept. Layers that an
    assignment names are emulated and quantised as their multiplier needs; the others have exact products.

    Args:
        model: A float network; not changed.
        quantization: Formats, calibration, excluded layers.
        assignment: Choice by layer name; a bare multiplier means natural encodings.
        calibration: Batches of inputs: tensors, or tuples that begin with one; a single tensor is one batch. Read once.
        engine: Kernel engine of the emulated layers.
        gradient: Their gradient estimator, perhaps with parameters: `difference(half_window=8)`.

    Raises:
        ConversionError: There is nothing to convert, a layer cannot be emulated or is never executed, or a
            multiplier's widths do not fit.
        UnknownName: A pattern in `exclude` matches no layer, the assignment names none, or there is no such engine or
            estimator.
        DataError: Calibration data is empty, or data or weights are NaN or infinite.
    """
    if not isinstance(quantization, Quantization):
        raise InputError(f"quantization: {type(quantization).__name__} is not a Quantization")
    if approx_layers(model):
        raise ConversionError("the model is converted already; use agnsim.nn.assign to change its multipliers.")
    copied = _copy(model)
    layers = convertible_layers(copied)
    if not layers:
        raise ConversionError("nothing to convert: the model has no nn.Conv2d or nn.Linear layer.")
    inputs = inputs_of(calibration, device_of(copied), purpose="calibration data")
    first = next(inputs)
    excluded = _excluded(quantization.exclude, layers)
    exact, as_float = _first_and_last(quantization, copied, layers, first)
    chosen = {name: layer for name, layer in layers.items() if name not in excluded | as_float}
    if not chosen:
        raise ConversionError("nothing to convert: every layer is excluded.")
    check_layers(assignment or {}, {name: name not in exact for name in chosen})
    choices = {name: as_choice(entry, name) for name, entry in (assignment or {}).items()}

    formats = {}
    for name in chosen:
        settings = replace(quantization, activation_bits=8, weight_bits=8) if name in exact else quantization
        base = settings.activation_spec(), settings.weight_spec()
        formats[name] = formats_for(choices[name], base, name) if name in choices else base
    made = {name: make_layer(module, formats[name], name) for name, module in chosen.items()}
    converted = replace_modules(copied, {chosen[name]: layer for name, layer in made.items()})
    for name, quantizers in calibrate(converted, formats, itertools.chain([first], inputs)).items():
        made[name].assignable = name not in exact
        install(made[name], quantizers)
        if name in choices:
            made[name].arithmetic = Emulated(choices[name], engine, gradient=gradient)
    return converted


def _copy(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except RuntimeError as error:  # PyTorch's, of tensors that a graph has computed
        raise ConversionError(
            "the model cannot be copied: it holds tensors that were computed with gradients, such as the weights of "
            f"weight norm or a pruning mask; remove these first. PyTorch says: {error}"
        ) from error


def _excluded(patterns: Iterable[str], layers: Mapping[str, nn.Module]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        matching = {name for name in layers if fnmatchcase(name, pattern)}
        if not matching:
            raise UnknownName(f"quantization.exclude: no layer matches {pattern!r}.{did_you_mean(pattern, layers)}")
        found |= matching
    return found


def _first_and_last(
    quantization: Quantization, model: nn.Module, layers: Mapping[str, nn.Module], x: Tensor
) -> tuple[set[str], set[str]]:
    """Return the layers kept exact and those kept in float because they are executed first or last."""
    roles = quantization.first_layer, quantization.last_layer
    if roles == ("same", "same"):
        return set(), set()
    order = execution_order(model, layers, x)
    named = list(zip(roles, (order[0], order[-1]), strict=True)) if order else []
    as_float = {name for role, name in named if role == "float"}
    return {name for role, name in named if role == "exact"} - as_float, as_float
