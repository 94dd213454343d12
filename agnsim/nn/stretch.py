"""Quantisers of another range than the present ones, by a factor: no calibration data is needed."""

from __future__ import annotations

import math

import torch

from agnsim.errors import InputError
from agnsim.multipliers import Choice
from agnsim.multipliers.operands.port_grid import activation_grid, used_codes, weight_grid
from agnsim.nn.layers import ApproxLayer, Formats
from agnsim.quantization import Quantizer


def stretched_quantizers(
    layer: ApproxLayer, choice: Choice, formats: Formats, stretch: tuple[float, float]
) -> tuple[Quantizer, Quantizer]:
    """Return quantisers whose codes are the values that `agnsim.noise.fit_operands` feeds to the circuit's ports.

    Args:
        layer: With its present quantisers.
        choice: The circuit, its orientation and encodings.
        formats: Of the new quantisers.
        stretch: Factors on the steps of the activations' and the weights' grids.

    Raises:
        InputError: A factor is not positive and finite, or the weights have a zero point.
    """
    for factor in stretch:
        if not (math.isfinite(factor) and factor > 0):
            raise InputError(f"layer {layer.label!r}: a stretch is {factor}; it must be positive and finite")
    activation, weight = layer.activation_quantizer, layer.weight_quantizer
    if any(weight.zero_points):
        raise InputError(f"layer {layer.label!r}: affine weights cannot be stretched; quantise them symmetrically")
    effective, place = choice.effective, f"layer {layer.label!r}"
    port, zero_point = effective.range_a, activation.zero_points[0]
    grids = (
        activation_grid(used_codes((activation.qmin, activation.qmax), port, zero_point), port, zero_point),
        weight_grid((weight.qmin, weight.qmax), effective.range_b, place),
    )
    made = layer.new_quantizers(*formats)
    for new, old, grid, factor in zip(made, (activation, weight), grids, stretch, strict=True):
        steps = grid.stretched(factor)
        new.set_range(old.valid_scale().detach() / steps.steps, torch.full_like(new.zero_point, steps.port_zero_point))
    return made
