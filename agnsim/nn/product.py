"""A layer's product on integer codes, with the gradient of the exact product of the quantised operands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from agnsim.nn.operation import Operation
from agnsim.quantization import Quantizer
from agnsim.quantization.straight_through import Grid


@dataclass
class Operand:
    """One quantised operand of a product.

    Attributes:
        codes: The codes; of a floating dtype, or compact (uint8 or int8).
        grid: Its quantiser's grid.
        quantizer: Its quantiser.
        dtype: Floating dtype of the tensor it was quantised from.
    """

    codes: Tensor
    grid: Grid
    quantizer: Quantizer
    dtype: torch.dtype

    @cached_property
    def compact(self) -> Tensor:
        """The codes in the narrowest integer type; a NaN becomes 0 (see `taint`)."""
        if not self.codes.is_floating_point():
            return self.codes
        # What a NaN is cast to is undefined, and might be no code. Asking whether there is one would stall a GPU.
        clean = self.codes.nan_to_num(0.0) if self.codes.is_cuda or bool(self.taint.isnan()) else self.codes
        return clean.to(self.quantizer.code_dtype)

    @cached_property
    def taint(self) -> Tensor:
        """A scalar tensor: NaN if a code is, else 0. Added to integer sums it keeps a diverged network visible."""
        return self.codes.sum() * 0.0

    @cached_property
    def levels(self) -> Tensor:
        """Codes minus zero point, floating point: times the scale, the quantised values."""
        return self.grid.levels(self.codes.to(self.dtype))


Accumulate = Callable[[Operation, Operand, Operand], Tensor]
"""Returns the sums of products of levels, in floating point; the scales are not applied."""


def quantize(x: Tensor, quantizer: Quantizer) -> Operand:
    """Return `x` as an operand, without gradient."""
    grid = quantizer.grid(x)
    return Operand(grid.clamp_(grid.round(x)), grid, quantizer, x.dtype)


def scaled(operation: Operation, sums: Tensor, a: Operand, w: Operand) -> Tensor:
    """Return the sums in real units, in place."""
    return sums.mul_(operation.per_channel((a.quantizer.scale * w.quantizer.scale).detach().to(sums.dtype)))


class StraightThroughProduct(torch.autograd.Function):
    """`scale_a * scale_w * accumulate(codes)`; backward as if the product were exact.

    Keeps one byte of codes and one of clipping mask for each activation instead of floating point copies.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        scale_a: Tensor,
        scale_w: Tensor,
        quantizers: tuple[Quantizer, Quantizer],
        operation: Operation,
        accumulate: Accumulate,
    ) -> Tensor:
        """Return the output before the bias; the scales are given for their gradients."""
        operands, kept = [], []
        for index, (tensor, quantizer) in enumerate(zip((x, weight), quantizers, strict=True)):
            grid = quantizer.grid(tensor)
            rounded = grid.round(tensor)
            inside = grid.inside(rounded)
            operand = Operand(grid.clamp_(rounded), grid, quantizer, tensor.dtype)
            operands.append(operand)
            learns = ctx.needs_input_grad[2 + index]
            kept += [inside, operand.compact, tensor if learns else None]
        a, w = operands
        ctx.operation, ctx.grids = operation, (a.grid, w.grid)
        ctx.dtype = x.dtype
        ctx.save_for_backward(*kept)
        return scaled(operation, accumulate(operation, a, w), a, w)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients on `x`, weight and the two scales."""
        saved = ctx.saved_tensors
        inside, codes, sources = saved[0::3], saved[1::3], saved[2::3]
        needs = ctx.needs_input_grad
        levels = [grid.levels(code.to(ctx.dtype)) for grid, code in zip(ctx.grids, codes, strict=True)]
        fakes = [level * grid.scale for level, grid in zip(levels, ctx.grids, strict=True)]
        on_fakes = ctx.operation.gradients(grad, *fakes, needs[0] or needs[2], needs[1] or needs[3])
        on_tensors: list[Tensor | None] = []
        on_scales: list[Tensor | None] = []
        for index, on_fake in enumerate(on_fakes):
            on_tensors.append(on_fake * inside[index] if needs[index] else None)
            if not needs[2 + index]:
                on_scales.append(None)
                continue
            grid = ctx.grids[index]
            shape = torch.Size([grid.scale.numel()])
            on_scales.append(grid.scale_gradient(on_fake, sources[index], inside[index], levels[index], shape))
        return *on_tensors, *on_scales, None, None, None
