"""Layers and batch norms with what folds into the one rescaling behind them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, fx

from agnsim.errors import ConversionError
from agnsim.multipliers import Multiplier
from agnsim.nn.deploy.accumulator import Accumulator
from agnsim.nn.deploy.folding import Affine, layer_affine
from agnsim.nn.deploy.layer import SumBounds
from agnsim.nn.deploy.operations import Operation, Role
from agnsim.nn.deploy.trace import Traced
from agnsim.nn.layers import ApproxLayer

Interval = tuple[float, float]


@dataclass(frozen=True)
class Products:
    """What a converted layer multiplies, and what its sums can be.

    Attributes:
        layer: The layer.
        name: Its path.
        codes: Weight codes.
        multiplier: The table.
        bounds: Of the accumulator's sums.
        least: int64 `[out_channels]`, smallest sum after the weights' zero points are taken off.
        most: Largest.
    """

    layer: ApproxLayer
    name: str
    codes: Tensor
    multiplier: Multiplier
    bounds: SumBounds
    least: Tensor
    most: Tensor


@dataclass(frozen=True)
class Chain:
    """A layer or a batch norm, the batch norms behind it, then clamps: one rescaling.

    Attributes:
        start: The first node.
        end: The last node, whose value the rescaling makes.
        products: Of a layer; `None`: the chain rescales a value.
        affine: From sums (or real values of the input) to real values.
        low: Smallest real value.
        high: Largest.
        folded: Whether a batch norm is among them.
    """

    start: fx.Node
    end: fx.Node
    products: Products | None
    affine: Affine
    low: float
    high: float
    folded: bool

    def interval(self, inputs: Interval) -> Interval:
        """Return what real values the chain's can be.

        Args:
            inputs: Real values of its input, where it is no layer.
        """
        factor, offset = self.affine.factor, self.affine.offset
        if self.products is not None:
            ends = [factor * end.double() + offset for end in (self.products.least, self.products.most)]
        else:
            ends = [factor * end + offset for end in inputs]
        both = torch.stack(ends)
        return _clamp(float(both.min()), self.low, self.high), _clamp(float(both.max()), self.low, self.high)


def find_chains(traced: Traced, accumulator: Accumulator) -> dict[fx.Node, Chain]:
    """Return the chains by their last node. A clamp or batch norm belongs to one if nothing else reads its input.

    Raises:
        ConversionError: A weight, scale, bias or batch norm is not finite, or its channels do not fit the layer's.
    """
    chains: dict[fx.Node, Chain] = {}
    taken: set[fx.Node] = set()
    for node in traced.graph.nodes:
        operation = traced.operations[node]
        if node in taken or operation.role not in (Role.LAYER, Role.AFFINE):
            continue
        chain = _chain(traced, node, operation, accumulator, taken)
        if not bool(torch.isfinite(torch.stack([chain.affine.factor, chain.affine.offset])).all()):
            raise ConversionError(
                f"module {str(node.target)!r}: NaN or infinite values in its scales, bias or batch norm; the training "
                "that made them diverged."
            )
        chains[chain.end] = chain
    return chains


def _chain(
    traced: Traced, start: fx.Node, operation: Operation, accumulator: Accumulator, taken: set[fx.Node]
) -> Chain:
    products: Products | None = None
    if operation.layer is not None:
        products = _products(operation.layer, str(start.target), accumulator)
        affine = layer_affine(operation.layer, products.codes)
    else:
        assert operation.affine is not None
        affine = operation.affine
    low, high = -float("inf"), float("inf")
    end, folded, clamped = start, operation.affine is not None, False
    while len(end.users) == 1:
        following = next(iter(end.users))
        next_operation = traced.operations[following]
        if next_operation.role is Role.AFFINE and not clamped:
            assert next_operation.affine is not None
            if len(next_operation.affine.factor) != len(affine.factor):
                raise ConversionError(
                    f"module {str(following.target)!r}: batch norm of {len(next_operation.affine.factor)} channels "
                    f"behind {len(affine.factor)} of {str(start.target)!r}."
                )
            affine, folded = affine.then(next_operation.affine), True
        elif next_operation.role is Role.CLAMP:
            low, high = (_clamp(end, next_operation.low, next_operation.high) for end in (low, high))
            clamped = True
        else:
            break
        end = following
        taken.add(end)
    return Chain(start, end, products, affine, low, high, folded)


def _products(layer: ApproxLayer, name: str, accumulator: Accumulator) -> Products:
    if not bool(torch.isfinite(layer.weight).all()):
        raise ConversionError(f"layer {name!r}: its weight holds NaN or infinite values; its training diverged.")
    a, w = layer.activation_quantizer, layer.weight_quantizer
    emulated: Multiplier | None = getattr(layer.arithmetic, "multiplier", None)
    multiplier = emulated or _exact(a.spec.bits, w.spec.bits, a.spec.signed, w.spec.signed)
    codes = w.codes(layer.weight.detach(), dtype=w.code_dtype)
    bounds = SumBounds.of(multiplier, codes, (a.qmin, a.qmax))
    least, most = (
        bounds.least.clamp(accumulator.low, accumulator.high),
        bounds.most.clamp(accumulator.low, accumulator.high),
    )
    # A channel whose sum may wrap, or whose partial sums may stop at an end, may end anywhere.
    ends_at = {"wrap": (bounds.least, bounds.most), "saturate": (bounds.lowest, bounds.highest)}
    if accumulator.overflow in ends_at:
        lowest, highest = ends_at[accumulator.overflow]
        leaves = (lowest < accumulator.low) | (highest > accumulator.high)
        least = torch.where(leaves, accumulator.low, least)
        most = torch.where(leaves, accumulator.high, most)
    fan_in = codes.shape[1:].numel()
    zero_point_w = torch.tensor(w.zero_points, dtype=torch.int64)
    ends = [-zero_point_w * fan_in * (end - a.zero_points[0]) for end in (a.qmin, a.qmax)]
    return Products(
        layer,
        name,
        codes,
        multiplier,
        bounds,
        least + torch.minimum(*ends),
        most + torch.maximum(*ends),
    )


@cache
def _exact(bits_a: int, bits_b: int, signed_a: bool, signed_b: bool) -> Multiplier:
    return Multiplier.exact(bits_a, bits_b, signed_a=signed_a, signed_b=signed_b)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
