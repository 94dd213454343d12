"""The backward pass of a product: as many ordinary convolutions as the estimator's slopes have separable terms.

With `y = scale_a * scale_w * sum (T[a, w] - zero_a * w - zero_w * a + ...)` the gradient on a real activation within
the clipping range is `sum grad * scale_w * (dT/da - zero_w)`, and likewise that on a weight. Every term `u[a] * v[w]`
of dT/da gives one transposed convolution of `grad` with `scale_w * v[w]`, times `u[a]`. A learnable scale takes the LSQ
gradient of the quantiser through which the operand came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from agnsim.kernels.patterns import PerMultiplier
from agnsim.kernels.pointwise.flat import memory_format
from agnsim.kernels.pointwise.look_up import ENTRIES, byte_values, look_up, zero_outside_
from agnsim.multipliers import Multiplier
from agnsim.nn.gradients import STRAIGHT_THROUGH, estimator
from agnsim.nn.live import multiplier_of
from agnsim.nn.operation import operation_of
from agnsim.quantization.straight_through import Grid
from agnsim.types import FloatArray


@dataclass(frozen=True)
class _Term:
    """`outer[own code] * inner[other code]`, a part of the derivative by one operand; codes are taken modulo 256.

    Attributes:
        outer: float64 `[256]`; `None` for 1.
        inner: float64 `[256]`.
    """

    outer: Tensor | None
    inner: Tensor


Terms = tuple[_Term, ...]
"""A derivative: the first term, which has no `outer`, may be 0 and takes the zero point in."""


@cache
def _estimated(gradient: str) -> PerMultiplier[tuple[Terms, Terms]]:
    """Return what gives the derivatives by a and by w of a multiplier's table."""

    def build(multiplier: Multiplier, device: torch.device) -> tuple[Terms, Terms]:
        slopes = estimator(gradient).slopes(multiplier)
        return _terms(slopes.on_a.u, slopes.on_a.v, device), _terms(slopes.on_w.v, slopes.on_w.u, device)

    return PerMultiplier(build)


def _terms(own: FloatArray, other: FloatArray, device: torch.device) -> Terms:
    first, terms = torch.zeros(ENTRIES, dtype=torch.float64, device=device), []
    for outer, inner in zip(own, other, strict=True):
        if (outer == outer[0]).all():
            first += _by_byte(outer[0] * inner, device)
        else:
            terms.append(_Term(_by_byte(outer, device), _by_byte(inner, device)))
    return _Term(None, first), *terms


def _by_byte(values: FloatArray, device: torch.device) -> Tensor:
    """Return values of bit patterns by code modulo 256, whatever the width of the pattern and the sign of the code."""
    return torch.from_numpy(values).to(device).repeat(ENTRIES // len(values))


def _exact(codes_a: Tensor, codes_w: Tensor) -> tuple[Terms, Terms]:
    """Return the derivatives of the exact product: w and a."""
    a, w = (byte_values(c.dtype == torch.int8, torch.float64, c.device) for c in (codes_a, codes_w))
    return (_Term(None, w),), (_Term(None, a),)


def product_gradients(
    grad: Tensor,
    codes_a: Tensor,
    inside_a: Tensor,
    codes_w: Tensor,
    inside_w: Tensor,
    x: Tensor | None,
    weight: Tensor | None,
    scale_a: Tensor,
    zero_point_a: Tensor,
    scale_w: Tensor,
    zero_point_w: Tensor,
    ranges: Sequence[int],
    operation: Sequence[int],
    multiplier: str,
    gradient: str,
    needs: Sequence[bool],
) -> tuple[Tensor, ...]:
    """Return the gradients on x, weight, shift and the two scales; those not needed are empty.

    Args:
        grad: On the output.
        codes_a: Kept from the forward pass, as the three that follow.
        inside_a: Mask of the entries not clipped.
        codes_w: Codes.
        inside_w: Mask.
        x: Where its scale learns.
        weight: Likewise.
        scale_a: As in the forward pass, as all that follow.
        zero_point_a: Zero point.
        scale_w: Scale.
        zero_point_w: Zero point.
        ranges: Smallest and largest codes.
        operation: `Operation.plain`.
        multiplier: Key, or empty.
        gradient: Estimator.
        needs: Which gradients are needed.
    """
    op, dtype = operation_of(operation), grad.dtype
    estimated = bool(multiplier) and gradient != STRAIGHT_THROUGH
    if estimated:
        terms_a, terms_w = _estimated(gradient)(multiplier_of(multiplier), grad.device)
    else:
        terms_a, terms_w = _exact(codes_a, codes_w)
    needs_a, needs_w = needs[0] or needs[3], needs[1] or needs[4]
    per_channel = (-1,) + (1,) * (codes_w.dim() - 1)
    on_a = on_w = None
    for number in range(max(len(terms_a) * needs_a, len(terms_w) * needs_w)):
        with_a, with_w = needs_a and number < len(terms_a), needs_w and number < len(terms_w)
        values_w, values_a = (torch.empty_like(codes, dtype=dtype) for codes in (codes_w, codes_a))
        pad_value = 0.0
        # Codes less zero points are exact in the exact product's derivative, and rounded once, by the scales.
        if with_a:
            values_w = look_up(codes_w, terms_a[number].inner.to(dtype))
            if number == 0:
                values_w.sub_(zero_point_w.view(per_channel))
            values_w.mul_(scale_w.view(per_channel))
        if with_w:
            table = terms_w[number].inner.to(dtype)
            table = (table - zero_point_a if number == 0 else table) * scale_a
            values_a = look_up(codes_a, table)
            if estimated and op.padded:  # the exact product's is 0 at the zero point
                pad_value = float(table[zero_point_a.long() % ENTRIES])
        part_a, part_w = op.gradients(grad, values_a, values_w, with_a, with_w, pad_value=pad_value)
        if part_a is not None:
            on_a = _add(on_a, part_a, terms_a[number].outer, codes_a)
        if part_w is not None:
            on_w = _add(on_w, part_w, terms_w[number].outer, codes_w)
    on_shift = grad.new_empty(0)
    if needs[2]:
        channel = op.channel % grad.dim()
        others = [dimension for dimension in range(grad.dim()) if dimension != channel]
        on_shift = grad.sum(others) if others else grad.clone()
    on_x, on_scale_a = _on_operand(on_a, x, inside_a, codes_a, scale_a, zero_point_a, ranges[1], needs[0])
    on_weight, on_scale_w = _on_operand(on_w, weight, inside_w, codes_w, scale_w, zero_point_w, ranges[3], needs[1])
    return on_x, on_weight, on_shift, on_scale_a, on_scale_w


def _add(total: Tensor | None, part: Tensor, outer: Tensor | None, codes: Tensor) -> Tensor:
    """Add `part * outer[codes]` to what there is."""
    if outer is not None:
        part = part.mul_(look_up(codes, outer.to(part.dtype)))
    return part if total is None else total.add_(part)


def _on_operand(
    grad: Tensor | None,
    source: Tensor | None,
    inside: Tensor,
    codes: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    largest: int,
    needed: bool,
) -> tuple[Tensor, Tensor]:
    """Return the gradients on an operand and, where its real values were kept, on its scale."""
    if grad is None:
        nothing = scale.new_empty(0)
        return nothing, nothing.clone()
    on_scale = grad.new_empty(0)
    if source is not None:
        view = (-1,) + (1,) * (codes.dim() - 1) if scale.numel() > 1 else (1,) * codes.dim()
        levels = codes.to(grad.dtype) - zero_point.view(view)
        grid = Grid(scale.view(view), None, 0, largest)
        on_scale = grid.scale_gradient(grad, source, inside.view(torch.bool), levels, scale.shape).to(scale.dtype)
    if not needed:
        return grad.new_empty(0), on_scale
    return zero_outside_(grad, inside).contiguous(memory_format=memory_format(codes)), on_scale
