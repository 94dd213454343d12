"""Operands as a network's layers multiply them, without a network: rectified activations, Gaussian weights.

A library's MACs need one stream that everybody can make again. Uniform operands flatter circuits that err at small
values and charge toggles that no layer makes: of a ResNet-20's activations 20 to 85 % are 0, the others average a
seventh of full scale, and neighbours in time are correlated by 0.3 to 0.8 (traced by `agnsim trace`, 8 bits).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.encoding import Encoding, natural_encoding, port_range
from agnsim.multipliers.netlists.netlist_cost import SEED, Operands
from agnsim.multipliers.synthesis.stimulus import Bits, Products, Signs

FAN_IN = 144
"""Products in one sum: 3x3 taps of 16 channels."""
COLUMNS = 2
HOLD = 128
CORRELATION = 0.6
CHANNEL_SPREAD = 0.5
_RANGES = np.arange(16, 129) / 128


@dataclass(frozen=True)
class NetworkStimulus:
    """Activations of rectified Gaussian channels and Gaussian weights, always the same.

    Two columns of `FAN_IN` units hold a weight each while `HOLD` activations pass by. Before the rectifier a unit's
    activations are a Gaussian sequence of correlation `CORRELATION` from one to the next; the units' scales spread by
    factors of two to the power of `CHANNEL_SPREAD` times a Gaussian, as those of channels do. Both operands are then
    quantised to what the port takes, symmetric, with the clipping range of least squared error: the same values
    whatever the width.

    Attributes:
        encoding_a: How activations reach their port; unsigned or two's complement by default. In sign-magnitude they
            are not rectified.
        encoding_w: How weights reach theirs; by default two's complement on a signed port, else sign-magnitude.
        fan_in: Products in one sum.
        label: Name of the stream in a flow.
    """

    encoding_a: Encoding | None = None
    encoding_w: Encoding | None = None
    fan_in: int = FAN_IN
    label: str | None = "network"

    def operands(self, bits: Bits, signed: Signs) -> Operands | None:
        """As `Stimulus.operands`."""
        return self.products(bits, signed, signed_weights=True).ports(bits, signed)

    def products(self, bits: Bits, signed: Signs, *, signed_weights: bool) -> Products:
        """As `Stimulus.products`."""
        encoding_a = self.encoding_a or natural_encoding(signed[0])
        encoding_w = self.encoding_w or natural_encoding(signed[1])
        if self.encoding_w is None and signed_weights and not signed[1]:
            encoding_w = Encoding.SIGN_MAGNITUDE
        activations, weights = _values()
        if encoding_a is not Encoding.SIGN_MAGNITUDE:
            activations = np.maximum(activations, 0.0)
        if encoding_w is Encoding.UNSIGNED:
            weights = np.abs(weights)
        return Products(
            _quantised(activations, port_range(bits[0], signed[0], encoding_a)[1]).ravel(),
            np.repeat(_quantised(weights, port_range(bits[1], signed[1], encoding_w)[1]), HOLD),
            encoding_a,
            encoding_w,
            HOLD,
        )


@cache
def _values() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return activations before the rectifier, float64 `[COLUMNS * FAN_IN, HOLD]`, and weights `[COLUMNS * FAN_IN]`."""
    units = COLUMNS * FAN_IN
    # The raw stream of PCG64 is stable over releases of NumPy; its normal variates are not promised to be.
    raw = (np.random.PCG64(SEED).random_raw(units * (HOLD + 2)) >> np.uint64(11)).astype(np.float64)
    gaussian = np.vectorize(NormalDist().inv_cdf)((raw + 0.5) / 2.0**53).reshape(HOLD + 2, units)
    steps = np.empty((HOLD, units))
    steps[0] = gaussian[2]
    for step in range(1, HOLD):
        steps[step] = CORRELATION * steps[step - 1] + np.sqrt(1 - CORRELATION**2) * gaussian[step + 2]
    return (steps * 2.0 ** (CHANNEL_SPREAD * gaussian[1])).T, gaussian[0]


def _quantised(values: NDArray[np.float64], largest: int) -> NDArray[np.int64]:
    """Return codes of at most `largest`, either sign, in the clipping range of least squared error."""
    best, least = np.zeros_like(values), np.inf
    for part in _RANGES:
        step = np.abs(values).max() * part / largest
        codes = np.clip(np.rint(values / step), -largest, largest)
        error = float(np.square(codes * step - values).mean())
        if error < least:
            best, least = codes, error
    return best.astype(np.int64)
