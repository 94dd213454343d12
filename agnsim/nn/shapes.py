"""Sizes of a network's multiplying layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.nn.modes import device_of, evaluating
from agnsim.types import LayerShape


def layer_shapes(model: nn.Module, sample: Tensor) -> dict[str, LayerShape]:
    """Return the size of every convolution and linear layer executed, float or converted, in the order of execution.

    A layer executed several times counts its MACs every time; its shapes are those of the first.

    Args:
        model: Any network; not changed.
        sample: A batch of inputs `[N, ...]`, N at least 1.

    Raises:
        InputError: `sample` is empty.
    """
    if sample.dim() < 2 or sample.shape[0] == 0:
        raise InputError(f"sample of shape {list(sample.shape)}: it must be a batch of at least one input")
    found: dict[str, LayerShape] = {}

    def record(name: str) -> Any:
        def hook(
            module: nn.Conv2d | nn.Linear, arguments: tuple[Any, ...], keywords: dict[str, Any], output: Tensor
        ) -> None:
            x: Tensor = arguments[0] if arguments else keywords["input"]
            shape = _shape(name, module, tuple(x.shape[1:]), tuple(output.shape[1:]))
            known = found.get(name)
            found[name] = shape if known is None else replace(known, macs=known.macs + shape.macs)

        return hook

    hooks = [
        module.register_forward_hook(record(name), with_kwargs=True)
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        with evaluating(model):
            model(sample[:1].to(device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _shape(
    name: str, module: nn.Conv2d | nn.Linear, input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> LayerShape:
    is_conv = isinstance(module, nn.Conv2d)
    fan_in = module.weight[0].numel()
    outputs = 1
    for size in output_shape:
        outputs *= size
    return LayerShape(
        name=name,
        kind="conv2d" if is_conv else "linear",
        macs=outputs * fan_in,
        fan_in=fan_in,
        out_channels=module.weight.shape[0],
        groups=module.groups if isinstance(module, nn.Conv2d) else 1,
        weights=module.weight.numel(),
        input_shape=input_shape,
        output_shape=output_shape,
    )
