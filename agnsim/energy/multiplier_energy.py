"""The literature's energy figure: the multipliers' ratios weighted by multiply-accumulate operations."""

from __future__ import annotations

import math
from collections.abc import Mapping

from agnsim.errors import InputError, UnknownName, did_you_mean
from agnsim.types import LayerShape


def multiplier_energy(shapes: Mapping[str, LayerShape], ratios: Mapping[str, float]) -> float:
    """Return `sum_l macs_l * ratio_l / sum_l macs_l`, 1.0 where every layer uses the reference multiplier.

    This is the relative multiplication energy of Trommer, Waschneck and Kumar (ICCAD 2022) with the study's exact
    reference circuit as the denominator. It ignores sign handling, accumulation, registers and memory.

    Args:
        shapes: Size of every multiplying layer by name, those included that keep the exact multiplier.
        ratios: Energy of the layer's circuit over the reference circuit's, within one flow. A layer left out
            counts as exact (1.0).

    Raises:
        UnknownName: A ratio names no layer.
        InputError: No layers, no operations, or a ratio that is negative or not finite.
    """
    total = sum(shape.macs for shape in shapes.values())
    if total <= 0:
        raise InputError("multiplier_energy: the network has no multiply-accumulate operations to weight by")
    for layer, ratio in ratios.items():
        if layer not in shapes:
            raise UnknownName(f"multiplier_energy: no layer is named {layer!r}.{did_you_mean(layer, shapes)}")
        if not math.isfinite(ratio) or ratio < 0:
            raise InputError(f"multiplier_energy: layer {layer!r} has ratio {ratio}; it must be a finite number >= 0")
    return sum(shape.macs * ratios.get(name, 1.0) for name, shape in shapes.items()) / total
