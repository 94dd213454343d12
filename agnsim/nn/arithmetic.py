"""What a layer computes with: one object per layer, float or quantised here, noisy and emulated beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from agnsim.nn.operation import Operation
from agnsim.nn.product import Operand, StraightThroughProduct, quantize, scaled
from agnsim.quantization import Quantizer
from agnsim.quantization.versioned import Versioned
from agnsim.types import Json


class MultiplyingLayer(Protocol):
    """What an arithmetic sees of its layer: see `agnsim.nn.layers`."""

    weight: Tensor
    bias: Tensor | None
    activation_quantizer: Quantizer
    weight_quantizer: Quantizer
    weight_codes: Versioned[Operand]
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
    def product(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        """Return the layer's output before the bias, in real units."""

    def forward(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        """Return the layer's output, bias included.

        Args:
            layer: The layer that owns this arithmetic.
            x: Real-valued activations, NCHW for a convolution, `[..., in_features]` for a linear layer.
        """
        y = self.product(layer, x)
        return y if layer.bias is None else y + layer.operation.per_channel(layer.bias)

    def describe(self) -> Json:
        """Return plain data from which the arithmetic can be made again, its tensors excepted."""
        return {"kind": self.kind}


class Float(Arithmetic):
    """The layer as PyTorch computes it."""

    kind = "float"

    def product(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        """See the base."""
        return layer.operation.exact(x, layer.weight)


class Quantized(Arithmetic):
    """Integer codes, exact products.

    The sums are those of integers: exact in any order while they stay below 2**24 in float32, so that results do not
    depend on the platform, and equal those of an emulated exact multiplier.
    """

    kind = "quantized"

    def product(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        """See the base."""
        device = x.device.type
        if torch.is_autocast_enabled(device):  # half precision does not hold the sums
            with torch.autocast(device, enabled=False):
                return self._product(layer, x.float())
        return self._product(layer, x)

    def accumulate(self, operation: Operation, a: Operand, w: Operand) -> Tensor:
        """Return the sums of products of `code - zero_point`, floating point."""
        return operation.exact(a.levels, w.levels)

    def _product(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        quantizers = layer.activation_quantizer, layer.weight_quantizer
        scales = [quantizer.scale for quantizer in quantizers]
        if torch.is_grad_enabled() and any(t.requires_grad for t in (x, layer.weight, *scales)):
            output = StraightThroughProduct.apply(
                x, layer.weight, *scales, quantizers, layer.operation, self.accumulate
            )
            return cast(Tensor, output)
        operation = layer.operation
        a, w = quantize(x, quantizers[0]), _weight_operand(layer)
        return scaled(operation, self.accumulate(operation, a, w), a, w)


def _weight_operand(layer: MultiplyingLayer) -> Operand:
    """Return the layer's weight codes; in evaluation they are kept until weight or scale changes."""
    quantizer, weight = layer.weight_quantizer, layer.weight
    if layer.training:
        layer.weight_codes.clear()
        return quantize(weight, quantizer)
    return layer.weight_codes.get(
        (weight, quantizer.scale, quantizer.zero_point), lambda: quantize(weight.detach(), quantizer)
    )
