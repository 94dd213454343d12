"""Bit-exact emulation of an approximate multiplier."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from agnsim.errors import CheckpointError, ConversionError, InputError
from agnsim.kernels import engines
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.arithmetic import MultiplyingLayer, Quantized
from agnsim.nn.gradients import STRAIGHT_THROUGH, estimator
from agnsim.nn.live import live
from agnsim.types import Json


class Emulated(Quantized):
    """Every product is the multiplier's; sums, zero point corrections and scales are exact.

    `y = scale_a * scale_w * (sum T[q_a, q_w] - z_a sum(q_w) - z_w sum(q_a) + n z_a z_w) - mean_correction + bias`, with
    padding as `q_a = z_a`. In the backward pass the slopes of T are what the gradient estimator says; straight-through:
    those of the exact product of the quantised operands.

    The state dict holds `multiplier_digest` (uint8 `[32]`, of the effective table; loading another is a
    CheckpointError) and `mean_correction` (`[out_channels]`, real units).

    Args:
        choice: The circuit, its orientation and encodings.
        engine: Name of the kernel engine.
        gradient: Gradient estimator, perhaps with parameters: `difference(half_window=8)`.

    Raises:
        UnknownName: There is no such engine or estimator.
        InputError: The estimator does not take such parameters.
    """

    kind = "emulated"
    multiplier_digest: Tensor
    mean_correction: Tensor

    def __init__(self, choice: Choice, engine: str = "auto", *, gradient: str = STRAIGHT_THROUGH) -> None:
        super().__init__()
        if engine != "auto":
            engines[engine]  # an unknown name is refused here, not in the middle of a network
        self.choice = choice
        self.engine = engine
        estimator(gradient)
        self.gradient = gradient
        self._live = live(self.multiplier)
        self.multiplier_key = self._live.key
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

    def shift(self, layer: MultiplyingLayer) -> Tensor:
        """See the base; the bias less the mean correction."""
        return -self.mean_correction if layer.bias is None else layer.bias - self.mean_correction

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
        """Return the circuit and, where it is not straight-through, the gradient estimator."""
        return self.choice.label + ("" if self.gradient == STRAIGHT_THROUGH else f", gradient={self.gradient}")

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        stored = state_dict.get(prefix + "multiplier_digest")
        if stored is not None and bytes(stored.tolist()).hex() != self.multiplier.digest:
            layer = prefix.removesuffix("arithmetic.").rstrip(".")
            raise CheckpointError(
                f"layer {layer!r}: the checkpoint belongs to the multiplier table {bytes(stored.tolist()).hex()}, this "
                f"layer has {self.multiplier.name!r} with {self.multiplier.digest}. Assign the checkpoint's multiplier."
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
