"""The exact product's derivatives, whatever the circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agnsim.multipliers import Multiplier
from agnsim.multipliers.encoding import operand_values
from agnsim.nn.gradients.estimator import Slopes
from agnsim.nn.gradients.separable import Factored


@dataclass(frozen=True)
class StraightThrough:
    """The exact product's derivatives: the other operand. One backward convolution.

    After Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013.
    """

    def slopes(self, multiplier: Multiplier) -> Slopes:
        """See `Estimator.slopes`."""
        a = operand_values(multiplier.bits_a, multiplier.signed_a).astype(np.float64)[None]
        w = operand_values(multiplier.bits_b, multiplier.signed_b).astype(np.float64)[None]
        return Slopes(on_a=Factored(np.ones_like(a), w), on_w=Factored(a, np.ones_like(w)))
