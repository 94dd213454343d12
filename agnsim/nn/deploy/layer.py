"""A multiplying layer of a deployed network: codes in, integers of the next grid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agnsim import kernels
from agnsim.errors import InputError
from agnsim.kernels.geometry import resolve
from agnsim.kernels.saturation import saturating_conv2d
from agnsim.multipliers import Multiplier
from agnsim.nn.deploy.accumulator import WIDEST, Accumulator, SumRecord, bits_for
from agnsim.nn.deploy.steps import Rescaling
from agnsim.nn.layers import ApproxConv2d, ApproxLayer
from agnsim.types import Json


@dataclass(frozen=True)
class SumBounds:
    """What a layer's sums can be, whatever the activations, per output channel, int64 `[out_channels]`.

    Attributes:
        least: Smallest sum.
        most: Largest sum.
        lowest: Smallest partial sum.
        highest: Largest partial sum.
        magnitude: Largest sum of magnitudes, for any code of the multiplier's port: the kernels' own bound.
    """

    least: Tensor
    most: Tensor
    lowest: Tensor
    highest: Tensor
    magnitude: Tensor

    @classmethod
    def of(cls, multiplier: Multiplier, codes: Tensor, activations: tuple[int, int]) -> SumBounds:
        """Return the bounds from the products of each weight with every activation code that occurs.

        Args:
            multiplier: The table.
            codes: Weight codes, dimension 0 the output channels.
            activations: Smallest and largest activation code.
        """
        values = np.arange(activations[0], activations[1] + 1)
        used = multiplier.table[values & ((1 << multiplier.bits_a) - 1)].astype(np.int64)
        indices = codes.cpu().flatten(1).numpy().astype(np.int64) & ((1 << multiplier.bits_b) - 1)
        least, most = used.min(0)[indices], used.max(0)[indices]
        largest = np.abs(multiplier.table.astype(np.int64)).max(0)[indices]
        parts = least, most, np.minimum(least, 0), np.maximum(most, 0), largest
        return cls(*(torch.from_numpy(part.sum(1)) for part in parts))


class DeployedLayer(nn.Module):
    """Sums of products, exact or emulated, then one multiplier, addend and shift per output channel.

    The state dict holds weight codes and constants, all integers.

    Args:
        layer: The converted layer.
        name: Its path.
        codes: Its weight codes.
        multiplier: The circuit, or the exact multiplier of these widths.
        accumulator: Width and overflow.
        bounds: Of the sums.
        rescaling: To the grid of the result.
        folded: Whether a batch norm is folded in.
        engine: Kernel engine.
    """

    weight: Tensor
    zero_point: Tensor
    multiplier_digest: Tensor

    def __init__(
        self,
        layer: ApproxLayer,
        name: str,
        *,
        codes: Tensor,
        multiplier: Multiplier,
        accumulator: Accumulator,
        bounds: SumBounds,
        rescaling: Rescaling,
        folded: bool,
        engine: str,
    ) -> None:
        super().__init__()
        self.layer = name
        self.multiplier = multiplier
        self.accumulator = accumulator
        self.engine = engine
        self.rescaling = rescaling
        self.operation = layer.operation
        self.pad_value = layer.activation_quantizer.zero_points[0]
        self.is_convolution = isinstance(layer, ApproxConv2d)
        self.options: dict[str, Any] = {}
        if isinstance(layer, ApproxConv2d):
            self.options = {key: getattr(layer, key) for key in ("stride", "padding", "dilation", "groups")}
        self._folded = folded
        self.register_buffer("weight", codes)
        self.register_buffer(
            "zero_point", layer.weight_quantizer.zero_point.detach().clone().expand(len(codes)).clone()
        )
        digest = torch.frombuffer(bytearray.fromhex(multiplier.digest), dtype=torch.uint8)
        self.register_buffer("multiplier_digest", digest.clone())
        self._affine = any(layer.weight_quantizer.zero_points)
        least, most = int(bounds.least.min()), int(bounds.most.max())
        self._dtype = torch.int32 if int(bounds.magnitude.max()) < 2**31 else torch.int64
        outside = (bounds.lowest < accumulator.low) | (bounds.highest > accumulator.high)
        saturates = accumulator.overflow == "saturate"
        self._saturating = outside.nonzero().flatten() if saturates else torch.zeros(0, dtype=torch.int64)
        self._watched = accumulator.bits < WIDEST or not accumulator.holds(least, most) or len(self._saturating) > 0
        self.record = SumRecord(name, bits_for(least, most))

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's result.

        Args:
            x: Activation codes `[N, C, H, W]`, or `[..., in_features]`.

        Raises:
            AccumulatorOverflow: A sum does not fit, and that is an error.
            InputError: A linear layer with a batch norm folded in is given more than two dimensions.
        """
        if self._folded and not self.is_convolution and x.dim() != 2:
            raise InputError(
                f"layer {self.layer!r}: its batch norm is along dimension 1 of {list(x.shape)}; deployment folds it "
                "for inputs [N, in_features] only."
            )
        sums = self._bounded(x)
        if self._affine:
            sums = self._without_weight_zero_point(x, sums)
        result: Tensor = self.rescaling(sums, 1 if self.is_convolution else -1)
        return result

    def describe(self) -> Json:
        """Return what the layer is, its tensors excepted."""
        return {
            "layer": self.layer,
            "multiplier": self.multiplier.name,
            "multiplier_digest": self.multiplier.digest,
            "pad_value": self.pad_value,
            **{key: value if isinstance(value, str | int) else list(value) for key, value in self.options.items()},
            "accumulator_bits": self.accumulator.bits,
            "overflow": self.accumulator.overflow,
            **self.rescaling.describe(),
            "kind": "convolution" if self.is_convolution else "linear",
        }

    def sums(self, x: Tensor) -> Tensor:
        """Return the exact sums of products, int32 where every one fits, else int64."""
        settings: dict[str, Any] = {"engine": self.engine, "accumulator": self._dtype, "validate": False}
        if self.is_convolution:
            return kernels.conv2d(x, self.weight, self.multiplier, pad_value=self.pad_value, **self.options, **settings)
        rows = x.reshape(-1, x.shape[-1])
        sums = kernels.matmul(rows, self.weight.t(), self.multiplier, **settings)
        return sums.reshape(*x.shape[:-1], len(self.weight))

    def _bounded(self, x: Tensor) -> Tensor:
        """Return what the accumulators hold in the end."""
        sums, accumulator = self.sums(x), self.accumulator
        if not self._watched or sums.numel() == 0:
            return sums
        least, most = (int(extreme) for extreme in torch.stack(torch.aminmax(sums)).tolist())
        self.record.see(least, most)
        if accumulator.overflow == "saturate":
            return self._saturated(x, sums)
        if accumulator.holds(least, most):
            return sums
        self.record.overflows += int(((sums < accumulator.low) | (sums > accumulator.high)).sum())
        if accumulator.overflow == "error":
            accumulator.check(least, most, self.layer)
        return accumulator.wrap(sums)

    def _saturated(self, x: Tensor, sums: Tensor) -> Tensor:
        """Replace the channels whose partial sums may leave the accumulator."""
        if self._saturating.numel() == 0:
            return sums
        channels = self._saturating.to(x.device)
        if self.is_convolution:
            codes, weight = x, self.weight
        else:
            codes, weight = x.reshape(-1, x.shape[-1], 1, 1), self.weight[..., None, None]
        replaced, clamped = saturating_conv2d(
            codes,
            weight,
            self.multiplier,
            resolve(codes.shape, weight.shape, **self.options),
            pad_value=self.pad_value,
            low=self.accumulator.low,
            high=self.accumulator.high,
            channels=channels,
        )
        self.record.overflows += clamped
        if self.is_convolution:
            return sums.index_copy(1, channels, replaced.to(sums.dtype))
        replaced = replaced.reshape(*x.shape[:-1], len(channels))
        return sums.index_copy(sums.dim() - 1, channels, replaced.to(sums.dtype))

    def _without_weight_zero_point(self, x: Tensor, sums: Tensor) -> Tensor:
        windows = self.operation.window_sums(x, self.weight, pad_value=self.pad_value).to(torch.int64)
        fan_in = self.weight.shape[1:].numel()
        zero_point = self.operation.per_channel(self.zero_point.to(torch.int64))
        return sums.to(torch.int64) - zero_point * (windows - fan_in * self.pad_value)
