"""Straight lines through the rows and columns of the table."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.multipliers import Multiplier
from agnsim.nn.gradients.estimator import Slopes
from agnsim.nn.gradients.separable import by_pattern, by_value, factor
from agnsim.types import FloatArray


@dataclass(frozen=True)
class LocalSlope:
    """Slope of the least-squares line through each row and column of the table. One backward convolution.

    For every weight one line through the products over all activations, for every activation one over all weights:
    dT/da depends on w alone, dT/dw on a alone. After the LRE gradient of ApproxTorch and the one-dimensional tables of
    Meng et al., "Gradient estimation methods of approximate multipliers for high-accuracy retraining of deep learning
    models", 2025.
    """

    def slopes(self, multiplier: Multiplier) -> Slopes:
        """See `Estimator.slopes`."""
        a, w, products = by_value(multiplier)
        on_a = (_weights(a) @ products)[None, :].repeat(len(a), axis=0)
        on_w = (products @ _weights(w))[:, None].repeat(len(w), axis=1)
        return Slopes(factor(by_pattern(multiplier, on_a)), factor(by_pattern(multiplier, on_w)))


def _weights(values: FloatArray) -> FloatArray:
    """Return what, times samples at `values` and summed, is the slope of their regression line."""
    centred = values - values.mean()
    weights: FloatArray = centred / (centred**2).sum()
    return weights
