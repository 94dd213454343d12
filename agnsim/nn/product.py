"""The product of a layer as one operator of PyTorch, `agnsim::product`: quantise, multiply, scale (ADR-0010).

Its arguments are tensors and plain values, so that graphs can hold it; a multiplier is named by key
(`agnsim.nn.live`), engine and gradient estimator by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from agnsim.errors import TrainingError
from agnsim.kernels import quicker_than_float
from agnsim.kernels.patterns import PerMultiplier
from agnsim.kernels.pointwise.flat import memory_format
from agnsim.kernels.pointwise.look_up import byte_values, look_up
from agnsim.kernels.pointwise.quantize import Codes, quantize
from agnsim.kernels.pointwise.scale import scale_sums
from agnsim.multipliers import Multiplier
from agnsim.nn.gradients import STRAIGHT_THROUGH
from agnsim.nn.live import multiplier_of
from agnsim.nn.operation import Operation, operation_of
from agnsim.nn.product_gradients import product_gradients

_INT32_LIMIT = 2**31
_FORMAT = (
    "Tensor scale_a, Tensor zero_point_a, Tensor scale_w, Tensor zero_point_w, int[] ranges, int[] operation, "
    "str multiplier, str gradient"
)
"""Formats of both operands: scale, zero point, and `ranges`, the smallest and largest code of a, then of w."""

_torch_library: Any = torch.library  # in part without annotations
_library = _torch_library.Library("agnsim", "FRAGMENT")
_library.define(
    f"product(Tensor x, Tensor weight, Tensor? shift, {_FORMAT}, str engine, Tensor? codes_w, int[]? zero_points, "
    "bool keep) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)
_library.define(
    "product_gradients(Tensor grad, Tensor codes_a, Tensor inside_a, Tensor codes_w, Tensor inside_w, Tensor? x, "
    f"Tensor? weight, {_FORMAT}, bool[] needs) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)


def _product(
    x: Tensor,
    weight: Tensor,
    shift: Tensor | None,
    scale_a: Tensor,
    zero_point_a: Tensor,
    scale_w: Tensor,
    zero_point_w: Tensor,
    ranges: Sequence[int],
    operation: Sequence[int],
    multiplier: str,
    gradient: str,
    engine: str,
    codes_w: Tensor | None,
    zero_points: Sequence[int] | None,
    keep: bool,
) -> tuple[Tensor, ...]:
    """Return `shift + scale_a * scale_w * sums` and, if asked to keep them, codes and masks of a and w.

    Args:
        x: float32 or float64.
        weight: Of the same type.
        shift: `[out_channels]`, added at the end.
        scale_a: `[1]`.
        zero_point_a: int32 `[1]`.
        scale_w: `[1]` or `[out_channels]`.
        zero_point_w: int32, likewise.
        ranges: Smallest and largest code of a, then of w.
        operation: `Operation.plain`.
        multiplier: Key; empty for exact products, which are multiplied in whatever way is quickest.
        gradient: Estimator, for the backward pass.
        engine: Kernel engine.
        codes_w: The weight's codes, if known.
        zero_points: Zero point of a, and whether w has any, if known: reading them from a GPU would stall it.
        keep: Whether a backward pass may follow.
    """
    del gradient
    op = operation_of(operation)
    circuit = multiplier_of(multiplier) if multiplier else _quicker_than_float(x, weight, ranges)
    a = quantize(x, scale_a, zero_point_a, ranges[0], ranges[1], mask=keep)
    if codes_w is None:
        w = quantize(weight, scale_w, zero_point_w, ranges[2], ranges[3], mask=keep)
    else:
        w = Codes(codes_w, None, None)
    offset = None
    if circuit is not None:
        if zero_points is None:
            zero_points = int(zero_point_a), int(zero_point_w.any())
        sums, offset = _emulate(op, a.codes, w.codes, circuit, engine, zero_points, zero_point_w)
    else:
        sums = _multiply(op, a.codes, w.codes, zero_point_a, zero_point_w, x.dtype)
    scale = (scale_a * scale_w).to(x.dtype)
    y = scale_sums(sums, scale, shift, offset=offset, channel=op.channel % sums.dim(), dtype=x.dtype)
    for taint in (a.taint, w.taint):
        if taint is not None:
            y.add_(taint)
    y = y.contiguous(memory_format=memory_format(x))
    if not keep:
        return y, *(x.new_empty(0, dtype=torch.uint8) for _ in range(4))
    assert a.inside is not None
    assert w.inside is not None
    return y, a.codes, a.inside, w.codes, w.inside


def _quicker_than_float(x: Tensor, weight: Tensor, ranges: Sequence[int]) -> Multiplier | None:
    """Return the exact multiplier of these ranges where an engine multiplies by it in less time than float32 takes."""
    if x.dtype != torch.float32:
        return None
    exact = _exact_multiplier(*ranges)
    depthwise = weight.dim() == 4 and weight.shape[1] == 1
    return exact if quicker_than_float(exact, x.device, depthwise=depthwise) else None


@cache
def _exact_multiplier(low_a: int, high_a: int, low_w: int, high_w: int) -> Multiplier:
    signed = low_a < 0, low_w < 0
    bits_a, bits_w = (high.bit_length() + sign for high, sign in zip((high_a, high_w), signed, strict=True))
    return Multiplier.exact(bits_a, bits_w, signed_a=signed[0], signed_b=signed[1])


def _multiply(
    operation: Operation,
    codes_a: Tensor,
    codes_w: Tensor,
    zero_point_a: Tensor,
    zero_point_w: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    """Return exact sums in floating point: those of integers, exact in any order below 2**24 in float32."""
    a = look_up(codes_a, byte_values(codes_a.dtype == torch.int8, dtype, codes_a.device) - zero_point_a)
    w = codes_w.to(dtype).sub_(zero_point_w.view(-1, *(1,) * (codes_w.dim() - 1)))
    return operation.exact(a, w)


def _largest(multiplier: Multiplier, device: torch.device) -> int:
    del device
    return int(np.abs(multiplier.table.astype(np.int64)).max())


_largest_product = PerMultiplier(_largest)
_CPU = torch.device("cpu")


def _emulate(
    operation: Operation,
    codes_a: Tensor,
    codes_w: Tensor,
    multiplier: Multiplier,
    engine: str,
    zero_points: Sequence[int],
    zero_point_w: Tensor,
) -> tuple[Tensor, Tensor | None]:
    """Return the sums of the multiplier's products and what is to be subtracted from them per channel."""
    pad_value, affine_weights = zero_points
    sums = operation.emulate(codes_a, codes_w, multiplier, pad_value=pad_value, engine=engine)
    if not (pad_value or affine_weights):
        return sums, None
    fan_in = codes_w.shape[1:].numel()
    # Each of the two zero point terms is at most one product of the widest codes per element of the fan-in.
    term = 2 << (multiplier.bits_a + multiplier.bits_b)
    if fan_in * (_largest_product(multiplier, _CPU) + term) >= _INT32_LIMIT:
        sums = sums.to(torch.int64)
    offset = codes_w.flatten(1).sum(1, dtype=sums.dtype) * pad_value
    if affine_weights:
        zero_point = operation.per_channel(zero_point_w.to(sums.dtype))
        window_sums = operation.window_sums(codes_a, codes_w, pad_value=pad_value)
        sums = sums - zero_point * (window_sums - fan_in * pad_value)
    return sums, offset


def _product_shapes(x: Tensor, weight: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    operation, keep = operation_of(arguments[6]), arguments[-1]
    ranges = arguments[5]
    shape = operation.output_shape(x.shape, weight.shape)
    y = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=memory_format(x))
    if not keep:
        return y, *(x.new_empty(0, dtype=torch.uint8) for _ in range(4))
    kept = []
    for tensor, low in ((x, ranges[0]), (weight, ranges[2])):
        for dtype in (torch.int8 if low < 0 else torch.uint8, torch.uint8):
            kept.append(torch.empty_like(tensor, dtype=dtype, memory_format=memory_format(tensor)))
    return y, *kept


def _gradient_shapes(
    grad: Tensor, codes_a: Tensor, inside_a: Tensor, codes_w: Tensor, *arguments: Any
) -> tuple[Tensor, ...]:
    scale_a, scale_w, needs = arguments[3], arguments[5], arguments[-1]
    shift = grad.new_empty(codes_w.shape[0])
    gradients = [torch.empty_like(codes, dtype=grad.dtype) for codes in (codes_a, codes_w)]
    gradients += [shift, torch.empty_like(scale_a), torch.empty_like(scale_w)]
    return tuple(g if need else g.new_empty(0) for g, need in zip(gradients, needs, strict=True))


_DIFFERENTIABLE = (0, 1, 2, 3, 5)
"""Positions of x, weight, shift and the two scales among the operator's arguments."""


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, weight, _, scale_a, zero_point_a, scale_w, zero_point_w, *plain = inputs
    ctx.set_materialize_grads(False)
    ctx.plain, ctx.needs = plain[:4], [ctx.needs_input_grad[place] for place in _DIFFERENTIABLE]
    # The real values only where a scale learns: codes and masks are a byte each.
    sources = x if ctx.needs[3] else None, weight if ctx.needs[4] else None
    ctx.save_for_backward(*output[1:], *sources, scale_a, zero_point_a, scale_w, zero_point_w)


def _differentiate(ctx: Any, grad: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
    on_inputs: list[Tensor | None] = [None] * 15
    if grad is not None:
        found = torch.ops.agnsim.product_gradients(grad, *ctx.saved_tensors, *ctx.plain, ctx.needs)
        for place, gradient, need in zip(_DIFFERENTIABLE, found, ctx.needs, strict=True):
            on_inputs[place] = gradient if need else None
    return tuple(on_inputs)


def _refuse(ctx: Any, *_: Tensor | None) -> None:
    raise TrainingError(
        "the gradient of an emulated or quantised product was differentiated again; its codes are constant, so that "
        "there is no second derivative. Leave out create_graph=True, or restore floating point arithmetic."
    )


for _name, _kernel, _shapes in (
    ("product", _product, _product_shapes),
    ("product_gradients", product_gradients, _gradient_shapes),
):
    _library.impl(_name, _kernel, "CompositeExplicitAutograd")
    _torch_library.register_fake(f"agnsim::{_name}", _shapes, lib=_library)
_torch_library.register_autograd("agnsim::product", _differentiate, setup_context=_remember, lib=_library)
_torch_library.register_autograd("agnsim::product_gradients", _refuse, lib=_library)
for _device in ("cpu", "cuda"):
    _torch_library.register_autocast("agnsim::product", _device, torch.float32, lib=_library)


def product(
    x: Tensor,
    weight: Tensor,
    shift: Tensor | None,
    scales: tuple[Tensor, Tensor],
    zero_points: tuple[Tensor, Tensor],
    ranges: list[int],
    operation: list[int],
    *,
    multiplier: str = "",
    gradient: str = STRAIGHT_THROUGH,
    engine: str = "auto",
    codes_w: Tensor | None = None,
    known_zero_points: list[int] | None = None,
) -> Tensor:
    """Return the layer's output; arguments as for `_product`. Half precision, which holds no sums, becomes float32."""
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()
    differentiated = (x, weight, *scales) if shift is None else (x, weight, shift, *scales)
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in differentiated)
    (scale_a, scale_w), (zero_point_a, zero_point_w) = scales, zero_points
    outputs = torch.ops.agnsim.product(
        x,
        weight.to(x.dtype),
        None if shift is None else shift.to(x.dtype),
        scale_a,
        zero_point_a,
        scale_w,
        zero_point_w,
        ranges,
        operation,
        multiplier,
        gradient,
        engine,
        None if keep else codes_w,
        known_zero_points,
        keep,
    )
    return cast(Tensor, outputs[0])
