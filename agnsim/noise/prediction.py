"""What is known of a layer's output error under each candidate circuit, predicted or measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agnsim.types import FloatArray, LayerOperands

_STAND_IN_ROWS = 16


@dataclass(frozen=True, eq=False)
class ErrorPrediction:
    """Mean and spread of one layer's output error (approximate minus accurate) for M circuits, in real units.

    Attributes:
        layer: Qualified module name.
        mean: float64 `[M]`, mean error over rows and output channels.
        std: float64 `[M]`, standard deviation over rows and output channels together (what the paper matches).
        std_centred: float64 `[M]`, the same after each channel's mean is removed: what is left once the means are
            folded into the bias or absorbed by a batch norm.
        channel_mean: float64 `[M, out_channels]`, mean error of every output channel.
        channel_std: float64 `[M, out_channels]`, standard deviation within every output channel.
        output_std: Standard deviation of the layer's accurate output before the bias.
        channel_output_std: float64 `[out_channels]`, the same within every output channel; `None` where unknown.
    """

    layer: str
    mean: FloatArray
    std: FloatArray
    std_centred: FloatArray
    channel_mean: FloatArray
    channel_std: FloatArray
    output_std: float
    channel_output_std: FloatArray | None = None

    @classmethod
    def pooled(cls, operands: LayerOperands, channel_mean: FloatArray, channel_variance: FloatArray) -> ErrorPrediction:
        """Build from per-channel figures in accumulator units, `[M, out_channels]`; channels weigh the same."""
        mean = channel_mean * operands.output_scale
        variance = np.maximum(channel_variance, 0.0) * operands.output_scale**2
        pooled_mean, within = mean.mean(axis=1), variance.mean(axis=1)
        between = ((mean - pooled_mean[:, None]) ** 2).mean(axis=1)
        return cls(
            layer=operands.layer,
            mean=pooled_mean,
            std=np.sqrt(within + between),
            std_centred=np.sqrt(within),
            channel_mean=mean,
            channel_std=np.sqrt(variance),
            output_std=operands.output_std,
            channel_output_std=operands.channel_output_std,
        )

    def of(self, indices: Sequence[int]) -> ErrorPrediction:
        """Return the figures of these circuits alone, in this order."""
        names = ("mean", "std", "std_centred", "channel_mean", "channel_std")
        return replace(self, **{name: getattr(self, name)[list(indices)] for name in names})


def rows_of_groups(operands: LayerOperands) -> list[NDArray[np.intp]]:
    """Return, per convolution group, the indices of the sampled rows that stand for it.

    A group that the sample missed is represented by a few rows of all groups, evenly spaced.
    """
    every = np.arange(len(operands.rows))
    stand_in = every[:: max(1, len(every) // _STAND_IN_ROWS)]
    own = [np.flatnonzero(operands.row_group == group) for group in range(operands.groups)]
    return [rows if rows.size else stand_in for rows in own]
