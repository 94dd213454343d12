"""What a layer computes with: one object per layer, float or quantised here, noisy and emulated beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from agnsim.nn.gradients import STRAIGHT_THROUGH
from agnsim.nn.operation import Operation
from agnsim.nn.product import product
from agnsim.quantization import Quantizer
from agnsim.quantization.versioned import Versioned
from agnsim.types import Json


class MultiplyingLayer(Protocol):
    """What an arithmetic sees of its layer: see `agnsim.nn.layers`."""

    weight: Tensor
    bias: Tensor | None
    activation_quantizer: Quantizer
    weight_quantizer: Quantizer
    weight_codes: Versioned[Tensor | None]
    label: str
    training: bool

    @property
    def operation(self) -> Operation:
        """The exact operation."""


class Arithmetic(nn.Module, ABC):
    """How one layer multiplies and accumulates. A layer owns its arithmetic; it is not shared between layers."""

    kind: ClassVar[str]
    """Its name in descriptions."""

    def bind(self, layer: MultiplyingLayer) -> None:
        """Prepare for a layer, when it is given this arithmetic."""

    @abstractmethod
    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """Return the layer's output before the bias, in real units, plus `shift`, `[out_channels]`."""

    def shift(self, layer: MultiplyingLayer) -> Tensor | None:
        """Return what is added to each output channel, `[out_channels]`: the bias, if there is one."""
        return layer.bias

    def forward(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        """Return the layer's output, bias included.

        Args:
            layer: The layer that owns this arithmetic.
            x: Real-valued activations, NCHW for a convolution, `[..., in_features]` for a linear layer.
        """
        return self.product(layer, x, self.shift(layer))

    def describe(self) -> Json:
        """Return plain data from which the arithmetic can be made again, its tensors excepted."""
        return {"kind": self.kind}


class Float(Arithmetic):
    """The layer as PyTorch computes it."""

    kind = "float"

    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """See the base."""
        return shifted(layer, layer.operation.exact(x, layer.weight), shift)


class Quantized(Arithmetic):
    """Integer codes, exact products.

    The sums are those of integers: exact in any order while they stay below 2**24 in float32, so that results do not
    depend on the platform, and equal those of an emulated exact multiplier.

    Attributes:
        multiplier_key: Names the multiplier (`agnsim.nn.live`); empty for exact products.
        engine: Name of the kernel engine.
        gradient: Name of the gradient estimator.
    """

    kind = "quantized"
    multiplier_key: str = ""
    engine: str = "auto"
    gradient: str = STRAIGHT_THROUGH

    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """See the base."""
        a, w = layer.activation_quantizer, layer.weight_quantizer
        codes_w = zero_points = None
        scales = a.valid_scale(), w.valid_scale()
        if not torch.compiler.is_compiling():  # what is kept of tensors goes by their addresses, which graphs lack
            zero_points = [a.zero_points[0], int(any(w.zero_points))]
            codes_w = _kept_codes(layer)
        return product(
            x,
            layer.weight,
            shift,
            scales,
            (a.zero_point, w.zero_point),
            [a.qmin, a.qmax, w.qmin, w.qmax],
            layer.operation.plain,
            multiplier=self.multiplier_key,
            gradient=self.gradient,
            engine=self.engine,
            codes_w=codes_w,
            known_zero_points=zero_points,
        )


def shifted(layer: MultiplyingLayer, y: Tensor, shift: Tensor | None) -> Tensor:
    """Return `y` with a value added to each output channel."""
    return y if shift is None else y + layer.operation.per_channel(shift)


def _kept_codes(layer: MultiplyingLayer) -> Tensor | None:
    """Return the layer's weight codes, kept in evaluation until weight or scale changes; `None` while gradients are on.

    A weight that holds a NaN has none: the product has to see it.
    """
    quantizer, weight = layer.weight_quantizer, layer.weight
    if layer.training or torch.is_grad_enabled():
        layer.weight_codes.clear()
        return None

    def compute() -> Tensor | None:
        return None if bool(weight.isnan().any()) else quantizer.codes(weight.detach(), dtype=quantizer.code_dtype)

    return layer.weight_codes.get((weight, quantizer.scale, quantizer.zero_point), compute)
