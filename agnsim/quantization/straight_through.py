"""Rounding with straight-through gradients: identity inside the clipping range, zero outside.

With a learnable scale s, `v = x / s` and zero point z, the gradient of `fake = (clamp(round(v) + z) - z) * s` on s is
`round(v) - v` inside and `q - z` where clipped, scaled by `1 / sqrt(elements * qmax)` (Esser et al., Learned Step Size
Quantization, ICLR 2020, eqs. 2-3 and section 2.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class Grid:
    """The codes a tensor is rounded to, ready for broadcasting against it.

    Attributes:
        scale: Positive, broadcastable against the tensor.
        zero_point: In the tensor's floating dtype, broadcastable; `None` where it is 0 everywhere.
        qmin: Smallest code.
        qmax: Largest code.
    """

    scale: Tensor
    zero_point: Tensor | None
    qmin: int
    qmax: int

    def round(self, x: Tensor) -> Tensor:
        """Return `round(x / scale) + zero_point`, half to even, in floating point and not yet clamped."""
        codes = torch.div(x, self.scale).round_()
        return codes if self.zero_point is None else codes.add_(self.zero_point)

    def clamp_(self, rounded: Tensor) -> Tensor:
        """Clamp `round`'s result to the codes, in place."""
        return rounded.clamp_(self.qmin, self.qmax)

    def inside(self, rounded: Tensor) -> Tensor:
        """Return, bool, where `round`'s result is not clipped."""
        return (rounded >= self.qmin).logical_and_(rounded <= self.qmax)

    def levels(self, codes: Tensor) -> Tensor:
        """Return `codes - zero_point`, the integers that times `scale` are the dequantised values."""
        return codes if self.zero_point is None else codes - self.zero_point

    def scale_gradient(self, grad: Tensor, x: Tensor, inside: Tensor, levels: Tensor, shape: torch.Size) -> Tensor:
        """Return the LSQ gradient on the scale.

        Args:
            grad: Gradient on the dequantised tensor.
            x: The tensor before quantisation.
            inside: Where it is not clipped.
            levels: Its levels.
            shape: Shape of the scale parameter, `[1]` or `[C]`.
        """
        slope = levels - torch.where(inside, x / self.scale, 0)
        per_element = grad * slope
        total = per_element.sum() if shape.numel() == 1 else per_element.flatten(1).sum(1)
        elements = max(1, x.numel() // shape.numel())
        return total.reshape(shape) / math.sqrt(elements * self.qmax)


class FakeQuantize(torch.autograd.Function):
    """Quantise and dequantise, with the straight-through gradient on `x` and, if asked for, LSQ's on the scale."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, grid: Grid) -> Tensor:
        """Return `(clamp(round(x / scale) + z) - z) * scale`; `grid.scale` is `scale`, shaped for broadcasting."""
        rounded = grid.round(x)
        inside = grid.inside(rounded)
        levels = grid.levels(grid.clamp_(rounded))
        ctx.grid, ctx.scale_shape = grid, scale.shape
        ctx.learns_scale = ctx.needs_input_grad[1]
        ctx.save_for_backward(inside, *((x, levels) if ctx.learns_scale else ()))
        return levels * grid.scale

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """Return the gradients on `x` and on the scale."""
        inside, *kept = ctx.saved_tensors
        grad_x = grad * inside if ctx.needs_input_grad[0] else None
        grad_scale = None
        if ctx.learns_scale:
            x, levels = kept
            grad_scale = ctx.grid.scale_gradient(grad, x, inside, levels, ctx.scale_shape)
        return grad_x, grad_scale, None
