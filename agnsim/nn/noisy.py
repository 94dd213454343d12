"""Additive Gaussian noise in proportion to a layer's own output: what the noise search trains with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from agnsim.errors import InputError
from agnsim.nn.arithmetic import MultiplyingLayer, Quantized, shifted

_SMALLEST_VARIANCE = 1e-24
"""Keeps the gradient of the standard deviation finite where a layer's output is constant."""


class Noisy(Quantized):
    """`y + sigma * std(y) * eps` before the bias, in training only; in evaluation, quantised.

    After Trommer et al., ICCAD 2022 (AGN): `eps` is standard normal per element, `std(y)` the standard deviation of the
    whole batch's accurate output, through which gradients flow. Unlike there `sigma = exp(log_sigma)`, so that it keeps
    its sign and never dies at zero.

    Args:
        sigma_init: First value of sigma, positive.
        generator: Source of the noise, on the device of the activations; PyTorch's own by default.

    Raises:
        InputError: `sigma_init` is not positive and finite.
    """

    kind = "noisy"

    def __init__(self, sigma_init: float = 0.1, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        if not (math.isfinite(sigma_init) and sigma_init > 0):
            raise InputError(f"sigma_init: {sigma_init!r} is not positive and finite")
        self.log_sigma = nn.Parameter(torch.tensor(math.log(sigma_init)))
        self.generator = generator

    @property
    def sigma(self) -> Tensor:
        """Noise standard deviation relative to that of the output; scalar tensor with gradient."""
        return self.log_sigma.exp()

    def product(self, layer: MultiplyingLayer, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """See the base."""
        if not self.training:
            return super().product(layer, x, shift)
        y = super().product(layer, x)
        return shifted(layer, self._noisy(y) if y.numel() else y, shift)

    def _noisy(self, y: Tensor) -> Tensor:
        deviation = y.var(correction=0).clamp_min(_SMALLEST_VARIANCE).sqrt()
        noise = torch.randn(y.shape, dtype=y.dtype, device=y.device, generator=self.generator)
        return torch.addcmul(y, noise, self.sigma * deviation)

    def extra_repr(self) -> str:
        """Return sigma."""
        return f"sigma={float(self.sigma):.4g}"
