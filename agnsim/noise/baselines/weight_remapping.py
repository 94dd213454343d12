"""Replaces every weight by the one whose products, in the circuit at hand, come closest to the exact ones.

After the weight tuning of ALWANN (Mrazek, Vasicek, Sekanina, Hanif and Shafique, ICCAD 2019, DOI
10.1109/ICCAD45719.2019.8942068): for a circuit M the weight code w becomes the w' for which `|M(a, w') - a w|`, summed
over the activation codes a, is least; once and for all, before the network runs. All codes count alike, as there,
or each as often as it occurs in the layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import nn

from agnsim.errors import InputError, UnknownName, did_you_mean
from agnsim.multipliers import Choice, Multiplier
from agnsim.multipliers.operands.port_grid import Range
from agnsim.nn import approx_layers
from agnsim.types import FloatArray, Int32Array


def remap_codes(
    multiplier: Multiplier,
    *,
    range_a: Range | None = None,
    range_w: Range | None = None,
    zero_point_a: int = 0,
    shares: FloatArray | None = None,
) -> Int32Array:
    """Return the best code to take the place of every weight code.

    Of two that do as well, the one nearer to the code itself is taken, then the smaller: an exact circuit changes no
    weight.

    Args:
        multiplier: The circuit as the layer sees it (swapped and encoded).
        range_a: Smallest and greatest activation code; the port's by default.
        range_w: Smallest and greatest weight code, and of what may replace it; the port's by default.
        zero_point_a: Zero point of the activations, which the layer corrects for with the replaced weight.
        shares: float64 `[A]`, how often each activation code of `range_a` occurs; by default all alike.

    Returns:
        int32 `[W]`, for the codes of `range_w` in rising order.

    Raises:
        InputError: A range is not within the port's, or the shares do not fit, are negative or all zero.
    """
    codes_a = _codes(range_a, multiplier.range_a, f"multiplier {multiplier.name!r}: activation")
    codes_w = _codes(range_w, multiplier.range_b, f"multiplier {multiplier.name!r}: weight")
    if shares is None:
        shares = np.ones(len(codes_a))
    if shares.shape != codes_a.shape or not (np.isfinite(shares) & (shares >= 0)).all() or not shares.any():
        raise InputError(
            f"multiplier {multiplier.name!r}: shares of shape {list(shares.shape)} for {len(codes_a)} activation "
            "codes; give each code one that is not negative, and not all zero"
        )
    seen = shares > 0
    codes_a, shares = codes_a[seen], shares[seen]
    patterns = codes_a & (2**multiplier.bits_a - 1), codes_w & (2**multiplier.bits_b - 1)
    # What replacing by each code gives, [W', A]: float64 holds these integers exactly.
    given = (multiplier.table[np.ix_(*patterns)] - zero_point_a * codes_w).T.astype(np.float64)
    chosen = np.empty_like(codes_w)
    for index, code in enumerate(codes_w):
        distance = np.abs(given - (codes_a - zero_point_a) * code) @ shares
        best = codes_w[distance <= distance.min() * (1 + _ROUNDING)]
        chosen[index] = best[np.argmin(np.abs(best - code))]
    return chosen


@dataclass(frozen=True)
class RemappedChoice(Choice):
    """A choice before which the layer's weights are replaced: what the error model is asked for. Not to be assigned.

    Attributes:
        first: Weight code that the first of `codes` replaces.
        codes: Codes that take the place of the layer's weight codes, from `remap_codes`.
        zero_point_a: Zero point of the activations.
    """

    first: int = 0
    codes: tuple[int, ...] = ()
    zero_point_a: int = 0

    @classmethod
    def of_codes(cls, choice: Choice, codes: Int32Array, *, first: int, zero_point_a: int) -> RemappedChoice:
        """Return a choice with its weights replaced."""
        fields = choice.multiplier, choice.swapped, choice.encoding_a, choice.encoding_w
        return cls(*fields, first, tuple(codes.tolist()), zero_point_a)

    @cached_property
    def effective(self) -> Multiplier:
        """The multiplier of the original weights: the product of each is that of what replaces it."""
        given = Choice(self.multiplier, self.swapped, self.encoding_a, self.encoding_w).effective
        mask = 2**given.bits_b - 1
        before = np.arange(self.first, self.first + len(self.codes))
        after = np.array(self.codes)
        table = given.table.copy()
        table[:, before & mask] = given.table[:, after & mask] - self.zero_point_a * (after - before)
        # No longer a transposed circuit, whose factors could be taken from the circuit's own.
        return replace(given, name=f"{given.name} remapped", products=table, is_swapped=False)


def remap_weights(model: nn.Module, codes: Mapping[str, Int32Array]) -> None:
    """Replace the weights of converted layers in place, so that their quantisers give exactly the codes wanted.

    Call it after `agnsim.nn.assign`, which may quantise a layer anew for its circuit.

    Args:
        model: A converted network.
        codes: Layer to what takes the place of each of its weight codes, from `remap_codes` with the range of the
            layer's weight quantiser.

    Raises:
        UnknownName: The network has no converted layer of that name.
        InputError: Not one code for each code of the layer's weight quantiser, or one outside of its range.
    """
    layers = approx_layers(model)
    for name, replacing in codes.items():
        if name not in layers:
            raise UnknownName(f"remap_weights: no converted layer is named {name!r}.{did_you_mean(name, layers)}")
        layer, quantizer = layers[name], layers[name].weight_quantizer
        low, high = quantizer.qmin, quantizer.qmax
        if len(replacing) != high - low + 1 or replacing.min() < low or replacing.max() > high:
            raise InputError(
                f"remap_weights: layer {name!r} has weight codes {low}..{high}, what replaces them are "
                f"{len(replacing)} codes in {replacing.min()}..{replacing.max()}; make them with "
                f"range_w=({low}, {high})"
            )
        with torch.no_grad():
            grid = quantizer.grid(layer.weight)
            table = torch.from_numpy(replacing).to(layer.weight.device)
            found = table[(quantizer.codes(layer.weight) - low).long()].to(layer.weight.dtype)
            layer.weight.copy_(grid.levels(found) * grid.scale)


_ROUNDING = 1e-12
"""Sums of shares times integers that differ by less are equal but for the order of their terms."""


def _codes(wanted: Range | None, port: Range, what: str) -> Int32Array:
    low, high = wanted or port
    if not port[0] <= low <= high <= port[1]:
        raise InputError(f"{what} codes {low}..{high} are not within the port's {port[0]}..{port[1]}")
    return np.arange(low, high + 1, dtype=np.int32)
