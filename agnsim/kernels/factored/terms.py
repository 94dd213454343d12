"""One multiplier's factors as the engine uses them, and the proof that sums of them do not round."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agnsim.errors import EngineUnavailable
from agnsim.kernels.exact_float import FLOAT32_EXACT, FLOAT64_EXACT
from agnsim.kernels.patterns import PerMultiplier
from agnsim.multipliers.encoding import operand_values

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


@dataclass(frozen=True)
class Terms:
    """One multiplier's factors on one device.

    Attributes:
        activation: float64 `[r, 2**bits_a]`.
        linear: Per term, whether its activation plane is the code's value itself.
        weight: float64 `[r, 2**bits_b]`.
        scale: Common factor, applied in integers at the end.
        mass: int64 `[2**bits_b]`, largest `sum_r |U[r, a] V[r, w]|` over all a, per weight pattern.
        max_mass: Largest entry of `mass`.
    """

    activation: Tensor
    linear: tuple[bool, ...]
    weight: Tensor
    scale: int
    mass: Tensor
    max_mass: int

    @property
    def rank(self) -> int:
        """Number of terms."""
        return len(self.linear)

    def weights(self, indices: Tensor, dtype: torch.dtype) -> list[Tensor]:
        """Return weight patterns (int32, any shape) mapped through every V."""
        flat = indices.flatten()
        return [plane.to(dtype).index_select(0, flat).view(indices.shape) for plane in self.weight]


def _build_terms(multiplier: Multiplier, device: torch.device) -> Terms:
    factors = multiplier.factors
    if factors is None:
        raise EngineUnavailable(f"engine 'factored': {multiplier.name!r} has no small integer factorisation")
    # Every pattern, not only those within range_a: an equal table of another encoding, with a wider range, shares this.
    values = operand_values(multiplier.bits_a, multiplier.signed_a)
    activation, weight = factors.u.astype(np.int64), factors.v.astype(np.int64)
    linear = []
    for plane, u in enumerate(factors.u):
        slope = int(u[1])
        linear.append(bool(np.array_equal(u, slope * values)))
        if linear[-1]:
            activation[plane] = values
            weight[plane] *= slope
    if multiplier.has_table:
        mass = np.zeros(weight.shape[1], np.int64)
        for pattern in range(weight.shape[1]):
            mass[pattern] = np.abs(factors.u * factors.v[:, pattern, None]).sum(axis=0).max()
    else:  # 2**32 products: their bound by every term's largest activation factor does
        mass = np.abs(factors.u).max(axis=1) @ np.abs(factors.v)
    return Terms(
        activation=torch.from_numpy(activation.astype(np.float64)).to(device),
        linear=tuple(linear),
        weight=torch.from_numpy(weight.astype(np.float64)).to(device),
        scale=factors.scale,
        mass=torch.from_numpy(mass).to(device),
        max_mass=int(mass.max()),
    )


terms_of = PerMultiplier(_build_terms)


def split(indices: Tensor, terms: Terms) -> tuple[list[slice], torch.dtype]:
    """Choose parts of the input channels, and a dtype, so that no partial sum within a part can round.

    Every partial sum, in any order, is an integer of at most `sum mass[w]` over the part, whatever the activations.

    Args:
        indices: Weight patterns `[outputs, channels, taps]`.
        terms: The factors.

    Raises:
        EngineUnavailable: A sum is beyond double precision.
    """
    outputs, channels, taps = indices.shape
    everything = [slice(0, channels)]
    if channels * taps * terms.max_mass < FLOAT32_EXACT:
        return everything, torch.float32
    mass = terms.mass.index_select(0, indices.reshape(-1)).view(outputs, channels, taps).sum(dim=2)
    total = int(mass.sum(dim=1).max())
    if total < FLOAT32_EXACT:
        return everything, torch.float32
    cumulative = functional.pad(mass.cumsum(dim=1), (1, 0))
    fewest = -(-total // FLOAT32_EXACT)
    # Uneven weights need more parts than the total says; beyond four times as many, double precision is cheaper.
    for count in range(fewest, min(channels, 4 * fewest) + 1):
        edges = [channels * part // count for part in range(count + 1)]
        at_edges = cumulative[:, torch.tensor(edges, device=indices.device)]
        if int(at_edges.diff(dim=1).max()) < FLOAT32_EXACT:
            return [slice(*edge) for edge in pairwise(edges)], torch.float32
    if total >= FLOAT64_EXACT:
        raise EngineUnavailable(f"engine 'factored': a sum of {total} is beyond double precision")
    return everything, torch.float64
