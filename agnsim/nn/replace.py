"""Find the layers that can be emulated, and put emulated ones in their place."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from agnsim.nn.layers import ApproxConv2d, ApproxLayer, ApproxLinear, Formats


def convertible_layers(model: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Return the convolutions and linear layers that compute as PyTorch's own do, by name; a shared one once.

    Left out: subclasses with a forward of their own, and the projections of `nn.MultiheadAttention`, which reads their
    weights without calling them.
    """
    inside_attention = {
        id(child)
        for module in model.modules()
        if isinstance(module, nn.MultiheadAttention)
        for child in module.modules()
    }
    found: dict[str, nn.Conv2d | nn.Linear] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            kind = type(module)
            plain = kind.forward is nn.Conv2d.forward and kind._conv_forward is nn.Conv2d._conv_forward
        elif isinstance(module, nn.Linear):
            plain = type(module).forward is nn.Linear.forward
        else:
            continue
        if plain and id(module) not in inside_attention:
            found[name] = module
    return found


def make_layer(module: nn.Conv2d | nn.Linear, formats: Formats, name: str) -> ApproxLayer:
    """Return the emulated layer that has this module's parameters.

    Raises:
        ConversionError: It cannot be emulated.
    """
    if isinstance(module, nn.Conv2d):
        return ApproxConv2d.from_float(module, formats, label=name)
    return ApproxLinear.from_float(module, formats, label=name)


def replace_modules(model: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """Put every module's replacement where it stands, everywhere it is shared; return the (perhaps replaced) root."""
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in replacements:
                parent._modules[name] = replacements[child]
    return replacements.get(model, model)
