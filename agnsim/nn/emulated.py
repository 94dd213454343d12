"""Bit-exact emulation of an approximate multiplier."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from agnsim.errors import CheckpointError, ConversionError, InputError
from agnsim.kernels import engines
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.arithmetic import MultiplyingLayer, Quantized
from agnsim.nn.operation import Operation
from agnsim.nn.product import Operand
from agnsim.types import Json

_INT32_LIMIT = 2**31


class Emulated(Quantized):
    """Every product is the multiplier's; sums, zero point corrections and scales are exact.

    `y = scale_a * scale_w * (sum T[q_a, q_w] - z_a sum(q_w) - z_w sum(q_a) + n z_a z_w) - mean_correction + bias`, with
    padding as `q_a = z_a`. The gradient is that of the exact product of the quantised operands.

    The state dict holds `multiplier_digest` (uint8 `[32]`, of the effective table; loading another is a
    CheckpointError) and `mean_correction` (`[out_channels]`, real units).

    Args:
        choice: The circuit, its orientation and encodings.
        engine: Name of the kernel engine.

    Raises:
        UnknownName: There is no such engine.
    """

    kind = "emulated"
    multiplier_digest: Tensor
    mean_correction: Tensor

    def __init__(self, choice: Choice, engine: str = "auto") -> None:
        super().__init__()
        if engine != "auto":
            engines[engine]  # an unknown name is refused here, not in the middle of a network
        self.choice = choice
        self.engine = engine
        self._largest_product = int(np.abs(self.multiplier.table.astype(np.int64)).max())
        digest = torch.frombuffer(bytearray.fromhex(self.multiplier.digest), dtype=torch.uint8)
        self.register_buffer("multiplier_digest", digest)
        self.register_buffer("mean_correction", torch.zeros(1))

    @property
    def multiplier(self) -> Multiplier:
        """The effective multiplier: the circuit as this layer sees it."""
        return self.choice.effective

    def bind(self, layer: MultiplyingLayer) -> None:
        """Check the layer's formats and take one mean correction per output channel.

        Raises:
            ConversionError: A quantiser has codes that the multiplier does not take.
        """
        multiplier = self.multiplier
        ranges = (
            ("activation", layer.activation_quantizer, multiplier.range_a),
            ("weight", layer.weight_quantizer, multiplier.range_b),
        )
        for operand, quantizer, (low, high) in ranges:
            if quantizer.qmin < low or quantizer.qmax > high:
                raise ConversionError(
                    f"layer {layer.label!r}: {operand} codes {quantizer.qmin}..{quantizer.qmax} do not fit multiplier "
                    f"{multiplier.name!r}, which takes {low}..{high}. agnsim.nn.assign requantises the layer."
                )
        if self.mean_correction.numel() == 1:
            self.mean_correction = self.mean_correction.to(layer.weight.device).repeat(layer.weight.shape[0])

    def set_mean_correction(self, correction: Tensor) -> None:
        """Set what is subtracted from each output channel, real units, `[out_channels]`.

        Raises:
            InputError: Wrong shape, or a value is not finite.
        """
        needed = list(self.mean_correction.shape)
        if list(correction.shape) != needed or not bool(torch.isfinite(correction).all()):
            raise InputError(f"mean correction of shape {list(correction.shape)}; it must be {needed} finite numbers")
        self.mean_correction.copy_(correction)

    def forward(self, layer: MultiplyingLayer, x: Tensor) -> Tensor:
        """See the base; bias and mean correction are added together."""
        shift = -self.mean_correction if layer.bias is None else layer.bias - self.mean_correction
        return self.product(layer, x) + layer.operation.per_channel(shift)

    def accumulate(self, operation: Operation, a: Operand, w: Operand) -> Tensor:
        """See the base; sums of the multiplier's products."""
        pad_value = a.quantizer.zero_points[0]
        sums = operation.emulate(a.compact, w.compact, self.multiplier, pad_value=pad_value, engine=self.engine)
        fan_in = w.codes.shape[1:].numel()
        # Each of the two zero point terms is at most one product of the widest codes per element of the fan-in.
        term = 2 << (a.quantizer.spec.bits + w.quantizer.spec.bits)
        if fan_in * (self._largest_product + term) >= _INT32_LIMIT:
            sums = sums.to(torch.int64)
        if pad_value:
            weight_sums = w.compact.flatten(1).sum(1, dtype=sums.dtype)
            sums = sums - operation.per_channel(weight_sums * pad_value)
        if any(w.quantizer.zero_points):
            zero_point_w = operation.per_channel(w.quantizer.zero_point.to(sums.dtype))
            window_sums = operation.window_sums(a.compact, w.compact, pad_value=pad_value)
            sums = sums - zero_point_w * (window_sums - fan_in * pad_value)
        return sums.to(a.dtype).add_(a.taint + w.taint)

    def describe(self) -> Json:
        """See the base."""
        choice = self.choice
        return {
            "kind": self.kind,
            "multiplier": choice.multiplier.name,
            "source": choice.multiplier.source,
            "digest": choice.multiplier.digest,
            "swapped": choice.swapped,
            "encoding_a": self.multiplier.encoding_a.value,
            "encoding_w": self.multiplier.encoding_w.value,
            "effective_digest": self.multiplier.digest,
        }

    def extra_repr(self) -> str:
        """Return the circuit."""
        return self.choice.label

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        stored = state_dict.get(prefix + "multiplier_digest")
        if stored is not None and bytes(stored.tolist()).hex() != self.multiplier.digest:
            layer = prefix.removesuffix("arithmetic.").rstrip(".")
            raise CheckpointError(
                f"layer {layer!r}: the checkpoint belongs to the multiplier table {bytes(stored.tolist()).hex()}, this "
                f"layer has {self.multiplier.name!r} with {self.multiplier.digest}. Assign the checkpoint's multiplier."
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
