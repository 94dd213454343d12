"""Real factors and offsets around integer sums, in double precision: scales, bias, batch norm."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agnsim.errors import ConversionError
from agnsim.nn.layers import ApproxLayer


@dataclass(frozen=True)
class Affine:
    """`y = factor * x + offset` per channel.

    Attributes:
        factor: float64 `[channels]`.
        offset: float64 `[channels]`.
    """

    factor: Tensor
    offset: Tensor

    def then(self, after: Affine) -> Affine:
        """Return the two, one after the other."""
        return Affine(self.factor * after.factor, self.offset * after.factor + after.offset)


def batch_norm_affine(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> Affine:
    """Return what a batch norm does in evaluation.

    Raises:
        ConversionError: It keeps no running statistics.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ConversionError(
            "batch norm without running statistics normalises by the batch at hand; make it with "
            "track_running_stats=True and train, or remove it."
        )
    mean, variance = (t.detach().double().cpu() for t in (norm.running_mean, norm.running_var))
    factor = 1.0 / torch.sqrt(variance + norm.eps)
    if norm.weight is not None:
        factor = norm.weight.detach().double().cpu() * factor
    offset = -mean * factor
    if norm.bias is not None:
        offset = offset + norm.bias.detach().double().cpu()
    return Affine(factor, offset)


def layer_affine(layer: ApproxLayer, codes: Tensor) -> Affine:
    """Return what makes a layer's output of its sums, `sum T[q_a, q_w] - z_w sum(q_a - z_a)` per output channel.

    The terms of the zero points that depend on no activation are in the offset: `z_a sum(q_w)`.

    Args:
        layer: A converted layer.
        codes: Its weight codes, dimension 0 the channels.
    """
    channels = len(codes)
    scale_a, scale_w = (
        quantizer.scale.detach().double().cpu() for quantizer in (layer.activation_quantizer, layer.weight_quantizer)
    )
    scale = (scale_a * scale_w).expand(channels)
    constant = -layer.activation_quantizer.zero_points[0] * codes.cpu().flatten(1).sum(1, dtype=torch.int64)
    offset = constant.double() * scale
    for shift, sign in ((layer.bias, 1.0), (getattr(layer.arithmetic, "mean_correction", None), -1.0)):
        if shift is not None:
            offset = offset + sign * shift.detach().double().cpu()
    return Affine(scale, offset)
