"""Clipping ranges from data seen batch by batch, in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

from agnsim.errors import DataError, InputError
from agnsim.quantization.histogram import GrowingHistogram
from agnsim.quantization.spec import QuantizerSpec

_CANDIDATES = 100
"""Clipping ranges the least squared error scan tries, evenly spaced up to the observed extreme."""
_CHUNK = 1 << 20
"""Errors computed at once during that scan: 8 MiB."""
SMALLEST_SCALE = 2.0**-60
"""A smaller scale counts as that of an empty range: products of two scales must stay normal float32 numbers."""


class Calibrator:
    """Observes a tensor's values and chooses the scale and zero point of its quantiser.

    Args:
        spec: Format and method.
        channels: Number of channels, 1 for a per-tensor quantiser.
        label: What is observed, for messages ("layer 'conv1', weight").
    """

    def __init__(self, spec: QuantizerSpec, channels: int, label: str) -> None:
        self.spec = spec
        self.channels = channels
        self.label = label
        self.low = torch.zeros(channels, dtype=torch.float64)
        self.high = torch.zeros(channels, dtype=torch.float64)
        self._seen = False
        self._histogram = None if spec.calibration == "minmax" else GrowingHistogram(channels)

    def observe(self, x: Tensor) -> None:
        """Take in the values of `x`; dimension 0 is the channel where there are several.

        Raises:
            DataError: A value is not finite.
        """
        if x.numel() == 0:
            return
        values = x.detach().reshape(self.channels, -1)
        low, high = values.amin(1).double().cpu(), values.amax(1).double().cpu()
        if not bool((torch.isfinite(low) & torch.isfinite(high)).all()):
            kind = "NaN" if bool(torch.isnan(values).any()) else "infinite"
            raise DataError(
                f"{self.label}: {kind} values; quantisation needs finite numbers. Check the data and the weights."
            )
        self._seen = True
        # Every range includes 0, which padding and ReLU produce and which must be exact.
        self.low, self.high = torch.minimum(self.low, low), torch.maximum(self.high, high)
        if self._histogram is not None:
            self._histogram.add(values, torch.maximum(-self.low, self.high))

    def scale_and_zero_point(self) -> tuple[Tensor, Tensor]:
        """Return scale, float32 `[channels]`, and zero point, int32 `[channels]`.

        A channel of zeros takes the largest scale of the other channels, or 1.

        Raises:
            InputError: Nothing has been observed.
        """
        if not self._seen:
            raise InputError(
                f"{self.label}: no values were observed, so no range can be chosen; give calibration data."
            )
        low, high = self.low, self.high
        if self._histogram is not None:
            choose = self._percentile if self.spec.calibration == "percentile" else self._least_squares
            low, high = choose(self._histogram)
        scale, zero_point = _grid(self.spec, low, high)
        return scale.to(torch.float32), zero_point.to(torch.int32)

    def _percentile(self, histogram: GrowingHistogram) -> tuple[Tensor, Tensor]:
        """Return the range that keeps `percentile` percent: of the magnitudes if symmetric, else from both tails."""
        counts, values = histogram.counts_and_values(outer=True)
        cut = 1.0 - self.spec.percentile / 100.0
        if self.spec.signed and self.spec.symmetric:
            magnitudes, order = values.abs().sort(1)
            size = _quantile(counts.gather(1, order), magnitudes, 1.0 - cut)
            size = torch.minimum(size, torch.maximum(-self.low, self.high))
            return -size, size
        tail = cut / 2 if not self.spec.symmetric and bool((self.low < 0).any()) else cut
        high = _quantile(counts, values, 1.0 - tail)
        low = -_quantile(counts.flip(1), -values.flip(1), 1.0 - tail)
        return low.clamp(max=0.0).maximum(self.low), high.clamp(min=0.0).minimum(self.high)

    def _least_squares(self, histogram: GrowingHistogram) -> tuple[Tensor, Tensor]:
        """Return the range of least squared error: both ends shrink together, then, if affine, each on its own."""
        counts, values = histogram.counts_and_values()
        steps = torch.arange(_CANDIDATES, 0, -1, dtype=torch.float64).unsqueeze(1) / _CANDIDATES
        lows, highs = self.low * steps, self.high * steps
        low, high = self._best(lows, highs, counts, values)
        if not self.spec.symmetric and bool((self.low < 0).any()):
            low, high = self._best(low.expand_as(highs), highs, counts, values)
            low, high = self._best(lows, high.expand_as(lows), counts, values)
        return low, high

    def _best(self, lows: Tensor, highs: Tensor, counts: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return, per channel, the candidate of least error among ranges `[candidates, channels]`."""
        at_once = max(1, _CHUNK // max(1, values.numel()))
        errors = [
            _squared_error(self.spec, low, high, counts, values)
            for low, high in zip(torch.split(lows, at_once), torch.split(highs, at_once), strict=True)
        ]
        best = torch.cat(errors).argmin(0, keepdim=True)
        return lows.gather(0, best).squeeze(0), highs.gather(0, best).squeeze(0)


def _grid(spec: QuantizerSpec, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return scale and zero point, float64, of the ranges `[low, high]`, which include 0; channels come last."""
    if spec.symmetric:
        scale = (torch.maximum(-low, high) if spec.signed else high) / spec.qmax
    else:
        scale = (high - low) / (spec.qmax - spec.qmin)
    empty = scale < SMALLEST_SCALE
    if bool(empty.any()):
        largest = scale.amax(-1, keepdim=True)
        scale = torch.where(empty, torch.where(largest < SMALLEST_SCALE, 1.0, largest), scale)
    if spec.symmetric:
        return scale, torch.zeros_like(scale)
    return scale, (spec.qmin - torch.round(low / scale)).clamp(spec.qmin, spec.qmax)


def _squared_error(spec: QuantizerSpec, low: Tensor, high: Tensor, counts: Tensor, values: Tensor) -> Tensor:
    """Return, shaped like the ranges `[..., channels]`, the histogram's summed squared quantisation error."""
    scale, zero_point = (part.unsqueeze(-1) for part in _grid(spec, low, high))
    levels = torch.div(values, scale).round_().clamp_(spec.qmin - zero_point, spec.qmax - zero_point)
    return levels.mul_(scale).sub_(values).square_().mul_(counts).sum(-1)


def _quantile(counts: Tensor, values: Tensor, share: float) -> Tensor:
    """Return, per channel, the first of the ascending values up to which at least `share` of the counts lie."""
    cumulative = counts.cumsum(1)
    # The tolerance keeps a share of 1 reachable in spite of rounding.
    reached = cumulative >= (share - 1e-12) * cumulative[:, -1:]
    return values.gather(1, reached.to(torch.int8).argmax(1, keepdim=True)).squeeze(1)
