"""Differences of the smoothed table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agnsim.errors import InputError
from agnsim.multipliers import Multiplier
from agnsim.nn.gradients.estimator import Slopes
from agnsim.nn.gradients.separable import by_pattern, by_value, factor
from agnsim.types import FloatArray


@dataclass(frozen=True)
class Difference:
    """Central differences of the table, smoothed along the operand; up to four backward convolutions.

    After Meng et al., "Gradient approximation of approximate multipliers for high-accuracy deep neural network
    retraining", DATE 2025: a moving average over `2 * half_window + 1` neighbouring values, then half the difference of
    the two neighbours. Where the window leaves the table, the slope between the table's ends is taken. Unlike there,
    the tables enter as few separable terms (`agnsim.nn.gradients.separable`).

    Attributes:
        half_window: Values to each side that are averaged; 0 smooths nothing. Cut to what fits three windows.

    Raises:
        InputError: `half_window` is negative.
    """

    half_window: int = 16

    def __post_init__(self) -> None:
        if self.half_window < 0:
            raise InputError(f"gradient difference: half_window: {self.half_window} is negative; 0 smooths nothing")

    def slopes(self, multiplier: Multiplier) -> Slopes:
        """See `Estimator.slopes`."""
        _, _, products = by_value(multiplier)
        on_a = _differences(products, self.half_window)
        on_w = _differences(products.T, self.half_window).T
        return Slopes(factor(by_pattern(multiplier, on_a)), factor(by_pattern(multiplier, on_w)))


def _differences(products: FloatArray, half_window: int) -> FloatArray:
    """Return the slopes along dimension 0."""
    count = len(products)
    half_window = min(half_window, (count - 3) // 2)
    slopes = np.repeat((products[-1:] - products[:1]) / (count - 1), count, axis=0)
    if half_window < 0:  # two values: no value has two neighbours
        return slopes
    window = 2 * half_window + 1
    sums = np.cumsum(np.concatenate([np.zeros_like(products[:1]), products]), axis=0)
    smooth = (sums[window:] - sums[:-window]) / window  # centred at half_window, half_window + 1, ...
    slopes[half_window + 1 : count - half_window - 1] = (smooth[2:] - smooth[:-2]) / 2
    return slopes
