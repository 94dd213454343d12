"""Additive Gaussian noise in proportion to a layer's own output: what the noise search trains with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.nn.arithmetic import MultiplyingLayer, Quantized, shifted
from agnsim.types import Json

_SMALLEST_VARIANCE = 1e-24
"""Keeps the gradient of the standard deviation finite where a layer's output is constant."""

_SHARE_SMOOTHING = 0.9
"""Weight of the past in `channel_share`, which only reports: one batch of a linear layer has few values a channel."""


class Noisy(Quantized):
    """`y + sigma * std(y) * eps` before the bias, in training only; in evaluation, quantised.

    After Trommer et al., ICCAD 2022 (AGN): `eps` is standard normal per element, `std(y)` the standard deviation of the
    whole batch's accurate output, through which gradients flow. Unlike there `sigma = exp(log_sigma)`, so that it keeps
    its sign and never dies at zero.

    With `std_smoothing` the running average of `std(y)` over the batches scales the noise. Its gradient is the batch's,
    times average / batch: as before, scaling `y` scales the noise. (Were the average a constant to the gradient, the
    weights would learn to outgrow the noise, though it grows with them.)

    With `channels` every output channel has a sigma of its own, relative to its own standard deviation over batch and
    positions.

    Args:
        sigma_init: First value of sigma, positive.
        channels: The layer's output channels, for a sigma per channel; by default one for the layer.
        std_smoothing: Weight of the past in the average of `std(y)`, 0 to below 1; it begins as the first batch's.
        generator: Source of the noise, on the device of the activations; PyTorch's own by default.

    Attributes:
        log_sigma: Trained; scalar, or `[channels]`.
        average_std: Running average of `std(y)`, shaped like `log_sigma`; NaN before the first batch. Not in the
            state dict, as `channel_share`: only a training that goes on needs them.
        channel_share: Running average of every channel's std over the whole output's, `[channels]`; NaN before the
            first batch and without `channels`.

    Raises:
        InputError: `sigma_init` is not positive and finite, `std_smoothing` or `channels` out of range.
    """

    kind = "noisy"
    average_std: Tensor
    channel_share: Tensor

    def __init__(
        self,
        sigma_init: float = 0.1,
        *,
        channels: int | None = None,
        std_smoothing: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not (math.isfinite(sigma_init) and sigma_init > 0):
            raise InputError(f"sigma_init: {sigma_init!r} is not positive and finite")
        if not 0 <= std_smoothing < 1:
            raise InputError(f"std_smoothing is {std_smoothing}; allowed: 0 to below 1")
        if channels is not None and channels < 1:
            raise InputError(f"channels is {channels}; a layer has at least 1")
        size = () if channels is None else (channels,)
        self.log_sigma = nn.Parameter(torch.full(size, math.log(sigma_init)))
        self.channels = channels
        self.std_smoothing = std_smoothing
        self.generator = generator
        self.register_buffer("average_std", torch.full(size, math.nan), persistent=False)
        self.register_buffer("channel_share", torch.full(size, math.nan), persistent=False)

    @property
    def sigma(self) -> Tensor:
        """Noise standard deviation relative to that of the output; scalar or `[channels]`, with gradient."""
        return self.log_sigma.exp()

    @property
    def layer_sigma(self) -> Tensor:
        """Root mean square over the channels of their noise, relative to the std of the whole output; scalar.

        Channels count as alike until a batch has been seen.
        """
        if self.channels is None:
            return self.sigma
        return (self.sigma * self.channel_share.nan_to_num(1.0)).square().mean().sqrt()

    def bind(self, layer: MultiplyingLayer) -> None:
        """See the base.

        Raises:
            InputError: The layer has another number of output channels.
        """
        super().bind(layer)
        if self.channels not in (None, layer.weight.shape[0]):
            raise InputError(
                f"layer {layer.label!r} has {layer.weight.shape[0]} output channels, its noise has {self.channels}"
            )

    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """See the base."""
        if not self.training:
            return super().product(layer, x, shift)
        y = super().product(layer, x)
        return shifted(layer, self._noisy(layer, y) if y.numel() else y, shift)

    def _noisy(self, layer: MultiplyingLayer, y: Tensor) -> Tensor:
        if self.channels is None:
            spread = self.sigma * self._smoothed(_root(y.var(correction=0)))
        else:
            axis = y.dim() - layer.operation.per_channel(self.log_sigma).dim()
            spread = layer.operation.per_channel(self.sigma * self._smoothed(self._channel_std(y, axis)))
        noise = torch.randn(y.shape, dtype=y.dtype, device=y.device, generator=self.generator)
        return torch.addcmul(y, noise, spread)

    def _channel_std(self, y: Tensor, axis: int) -> Tensor:
        """Return every channel's standard deviation, and note its share in that of the whole output."""
        rows = y.unsqueeze(0)  # a single vector has an axis to reduce, too
        variance, mean = torch.var_mean(rows, [i for i in range(rows.dim()) if i != axis + 1], correction=0)
        channel = _root(variance)
        with torch.no_grad():
            whole = _root(variance.mean() + mean.var(correction=0))
            _track(self.channel_share, channel / whole, _SHARE_SMOOTHING)
        return channel

    def _smoothed(self, std: Tensor) -> Tensor:
        if not self.std_smoothing:
            return std
        with torch.no_grad():
            _track(self.average_std, std, self.std_smoothing)
            ratio = self.average_std / std
        return std * ratio

    def describe(self) -> Json:
        """See the base."""
        options = {"channels": self.channels, "std_smoothing": self.std_smoothing or None}
        return super().describe() | {name: value for name, value in options.items() if value is not None}

    def extra_repr(self) -> str:
        """Return sigma, the mean of the channels'."""
        return f"sigma={float(self.sigma.detach().mean()):.4g}"


def _root(variance: Tensor) -> Tensor:
    return variance.clamp_min(_SMALLEST_VARIANCE).sqrt()


def _track(average: Tensor, now: Tensor, past: float) -> None:
    """Move a running average on, in place; without a branch on its value, which a GPU would have to wait for."""
    average.copy_(torch.where(average.isnan(), now, past * average + (1 - past) * now))
