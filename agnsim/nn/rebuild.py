"""Describe a converted network as plain data, and make it again without calibration data."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import nn

from agnsim.errors import CheckpointError, InputError, did_you_mean
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.arithmetic import Arithmetic, Float, Quantized
from agnsim.nn.emulated import Emulated
from agnsim.nn.formats import as_choice
from agnsim.nn.layers import approx_layers
from agnsim.nn.noisy import Noisy
from agnsim.nn.replace import convertible_layers, make_layer, replace_modules
from agnsim.quantization import QuantizerSpec
from agnsim.types import Json

FORMAT = 1

_STATELESS: dict[str, type[Arithmetic]] = {kind.kind: kind for kind in (Float, Quantized, Noisy)}


def describe(model: nn.Module) -> Json:
    """Return what `rebuild` needs beside the float network, a state dict and the circuits: plain JSON data.

    Per layer: the formats of activation and weight, whether a multiplier may be assigned, and the arithmetic with, if
    emulated, the circuit's name, digest, orientation and encodings.
    """
    layers = {
        name: {
            "activation": asdict(layer.activation_quantizer.spec),
            "weight": asdict(layer.weight_quantizer.spec),
            "assignable": layer.assignable,
            "arithmetic": layer.arithmetic.describe(),
        }
        for name, layer in approx_layers(model).items()
    }
    return {"format": FORMAT, "layers": layers}


def rebuild(
    model: nn.Module,
    description: Mapping[str, Any],
    assignment: Mapping[str, Choice | Multiplier] | None = None,
    *,
    engine: str = "auto",
) -> nn.Module:
    """Return a converted copy of a float network, its quantisers uncalibrated: load the state dict next.

    Args:
        model: The float network; its values do not matter. Not changed.
        description: From `describe`, perhaps through JSON.
        assignment: Choice of every layer described as emulated.
        engine: Kernel engine.

    Raises:
        CheckpointError: The description does not fit the network, is of another format, or names a multiplier that the
            assignment lacks or has with another table.
    """
    if description.get("format") != FORMAT:
        raise CheckpointError(f"description of format {description.get('format')!r}; this version reads {FORMAT}.")
    copied = copy.deepcopy(model)
    available = convertible_layers(copied)
    replacements: dict[nn.Module, nn.Module] = {}
    for name, entry in description["layers"].items():
        if name not in available:
            raise CheckpointError(f"description: the network has no layer {name!r}.{did_you_mean(name, available)}")
        try:
            formats = QuantizerSpec(**entry["activation"]), QuantizerSpec(**entry["weight"])
            layer = make_layer(available[name], formats, name)
            layer.assignable = entry["assignable"]
            arithmetic = _arithmetic(entry["arithmetic"], assignment or {}, name, engine)
        except (KeyError, TypeError, InputError) as error:
            raise CheckpointError(f"description of layer {name!r} is damaged: {error!r}") from error
        layer.arithmetic = arithmetic
        replacements[available[name]] = layer
    return replace_modules(copied, replacements)


def _arithmetic(entry: Json, assignment: Mapping[str, Choice | Multiplier], layer: str, engine: str) -> Arithmetic:
    if entry["kind"] in _STATELESS:
        return _STATELESS[entry["kind"]](**{name: value for name, value in entry.items() if name != "kind"})
    if entry["kind"] != Emulated.kind:
        raise CheckpointError(f"description of layer {layer!r}: unknown arithmetic {entry['kind']!r}.")
    if layer not in assignment:
        raise CheckpointError(f"layer {layer!r} is emulated by {entry['multiplier']!r}; the assignment lacks it.")
    arithmetic = Emulated(as_choice(assignment[layer], layer), engine)
    if arithmetic.multiplier.digest != entry["effective_digest"]:
        raise CheckpointError(
            f"layer {layer!r}: described with table {entry['effective_digest']} ({entry['multiplier']!r}), assigned "
            f"{arithmetic.multiplier.digest} ({arithmetic.multiplier.name!r})."
        )
    return arithmetic
