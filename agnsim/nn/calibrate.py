"""Passes over calibration data: who is executed, and what ranges the layers see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from agnsim.errors import ConversionError, DataError
from agnsim.nn.arithmetic import Float, Quantized
from agnsim.nn.layers import ApproxLayer, Formats, approx_layers
from agnsim.nn.modes import evaluating
from agnsim.quantization import Quantizer

QuantizerPair = tuple[Quantizer, Quantizer]


def execution_order(model: nn.Module, layers: Mapping[str, nn.Module], x: Tensor) -> list[str]:
    """Return the layers' names in the order of their first execution on `x`."""
    order: dict[str, None] = {}
    hooks = [
        layer.register_forward_pre_hook(lambda module, inputs, name=name: order.setdefault(name))
        for name, layer in layers.items()
    ]
    try:
        with evaluating(model):
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return list(order)


def calibrate(model: nn.Module, formats: Mapping[str, Formats], inputs: Iterable[Tensor]) -> dict[str, QuantizerPair]:
    """Return calibrated quantisers of the given formats, without installing them.

    The layers concerned compute in float meanwhile, all others with exact products of their present codes.

    Args:
        model: A converted network.
        formats: Of activation and weight, by layer name.
        inputs: Batches on the model's device.

    Raises:
        DataError: A weight, a bias or an activation is NaN or infinite.
        ConversionError: A layer is never executed.
    """
    layers = approx_layers(model)
    made: dict[str, QuantizerPair] = {}
    for name, (activation, weight) in formats.items():
        made[name] = layers[name].new_quantizers(activation, weight)
        _check_bias(name, layers[name].bias)
        made[name][1].observe(layers[name].weight)
        made[name][1].freeze()
    executed: set[str] = set()

    def observe(name: str) -> Any:
        def hook(module: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
            executed.add(name)
            made[name][0].observe(arguments[0] if arguments else keywords["input"])

        return hook

    hooks = [layers[name].register_forward_pre_hook(observe(name), with_kwargs=True) for name in formats]
    arithmetic = {name: Float() if name in formats else Quantized() for name in layers}
    try:
        with evaluating(model, arithmetic):
            for x in inputs:
                model(x)
    finally:
        for hook in hooks:
            hook.remove()
    never = [name for name in formats if name not in executed]
    if never:
        raise ConversionError(f"layer {never[0]!r} is never executed on the calibration data; exclude it.")
    for activation_quantizer, _ in made.values():
        activation_quantizer.freeze()
    return made


def _check_bias(name: str, bias: Tensor | None) -> None:
    if bias is not None and not bool(torch.isfinite(bias).all()):
        raise DataError(f"layer {name!r}, bias: NaN or infinite values. Check where the weights come from.")


def install(layer: ApproxLayer, quantizers: Sequence[Quantizer]) -> None:
    """Give a layer its quantisers; its arithmetic must be set anew afterwards if it is emulated."""
    layer.activation_quantizer, layer.weight_quantizer = quantizers
    layer.activation_quantizer.train(layer.training)
    layer.weight_quantizer.train(layer.training)
