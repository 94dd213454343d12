"""How much a circuit in one layer is expected to raise the task's loss, from what the noise search has learned.

Where the search has converged, the task's loss grows with a layer's noise level as fast as the reward for it:
`d loss / d sigma = noise_weight * share`. With a loss quadratic in the error, `loss = k r^2` for an error of `r` times
the output's standard deviation, the slope `2 k sigma` gives `k = noise_weight * share / (2 sigma)`, so that

    degradation = noise_weight * share * sigma / 2 * (error / (sigma * output_std))^2

where error^2 is the error's mean square. It is in the unit of the loss, nats for cross entropy. A layer whose sigma
has reached its upper bound tolerates more than its sigma says: there the figure is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agnsim.errors import InputError
from agnsim.noise.prediction import ErrorPrediction
from agnsim.types import FloatArray


@dataclass(frozen=True, eq=False)
class Tolerance:
    """The noise that a layer was found to tolerate: of the layer as a whole, or of each output channel.

    Attributes:
        sigma: float64 `[1]` or `[out_channels]`, tolerated noise over the standard deviation of the accurate output.
        std: float64, likewise, the tolerated noise in real units.
        layer_std: The tolerated noise of the layer as a whole, in real units.
    """

    sigma: FloatArray
    std: FloatArray
    layer_std: float

    @classmethod
    def of(cls, prediction: ErrorPrediction, sigma: float, channel_sigma: FloatArray | None = None) -> Tolerance:
        """Return the tolerance of the layer that a prediction is of.

        A channel whose output is constant has not felt its noise: for it, the layer's tolerance stands in.

        Args:
            prediction: Knows the standard deviations of the output.
            sigma: The layer's.
            channel_sigma: `[out_channels]`, each channel's.

        Raises:
            InputError: Not one sigma per channel, one that is negative or not finite, or the channels' standard
                deviations are not known.
        """
        layer_std = sigma * prediction.output_std
        if channel_sigma is None:
            return cls(np.array([sigma]), np.array([layer_std]), layer_std)
        own, spread = np.asarray(channel_sigma, dtype=np.float64), prediction.channel_output_std
        channels = prediction.channel_std.shape[1]
        if own.shape != (channels,) or not (np.isfinite(own) & (own >= 0)).all():
            raise InputError(
                f"matching: layer {prediction.layer!r} has {channels} output channels and channel_sigma {own}; "
                "give each channel a finite number >= 0"
            )
        if spread is None:
            raise InputError(
                f"matching: layer {prediction.layer!r} has a tolerance per channel, but the standard deviation of its "
                "channels is not known; predict its errors from agnsim.nn.sample_operands"
            )
        constant = spread <= _CONSTANT * prediction.output_std
        return cls(np.where(constant, sigma, own), np.where(constant, layer_std, own * spread), layer_std)

    def used(self, prediction: ErrorPrediction, *, means_removed: bool) -> FloatArray:
        """Return, for each of the M circuits, the share of the tolerated degradation that it causes, `[M]`.

        Args:
            prediction: The circuits' errors.
            means_removed: Each channel's mean error will be removed, so that only the spread about it counts; else
                the mean square of the whole error does.
        """
        if len(self.std) == 1:
            square = prediction.std_centred**2 if means_removed else prediction.std**2 + prediction.mean**2
            return self._share(square[:, None])
        return self._share(prediction.channel_std**2 + (0.0 if means_removed else prediction.channel_mean**2))

    def spread(self, prediction: ErrorPrediction, *, means_removed: bool) -> FloatArray:
        """Return the errors' standard deviations `[M]` as they compare with the layer's tolerance `layer_std`.

        About each channel's mean where means are removed, else about the layer's. Of a tolerance per channel: that of
        an error spread like the tolerances which would cause the same degradation.
        """
        if len(self.std) == 1:
            return prediction.std_centred if means_removed else prediction.std
        between = 0.0 if means_removed else (prediction.channel_mean - prediction.mean[:, None]) ** 2
        spread: FloatArray = self.layer_std * np.sqrt(self._share(prediction.channel_std**2 + between))
        return spread

    def degradation(self, weight: float) -> float:
        """Return the degradation that using the whole tolerance causes; `weight` is noise weight times share."""
        return float(weight * self.sigma.mean() / 2)

    def _share(self, square: FloatArray) -> FloatArray:
        """Return the channels' mean of `sigma * (error / tolerance)^2` over that of sigma; inf beyond no tolerance."""
        allowed = self.std**2
        relative: FloatArray = np.where(square > 0, np.inf, 0.0)
        np.divide(square, allowed, out=relative, where=allowed > 0)
        whole = self.sigma.mean()
        if whole == 0:
            return np.asarray(relative.max(axis=1))
        finite = np.where(np.isinf(relative), 0.0, relative) * self.sigma
        share: FloatArray = np.where(np.isinf(relative).any(axis=1), np.inf, finite.mean(axis=1) / whole)
        return share


_CONSTANT = 1e-6
"""A channel's standard deviation over the layer's, below which its output is taken as constant."""
