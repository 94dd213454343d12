"""Emulated integer `matmul` and `conv2d`: check the operands, pick an engine, run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from agnsim.errors import EngineUnavailable, InputError
from agnsim.kernels.engine import Engine, engines
from agnsim.kernels.geometry import ConvGeometry, IntPair, Padding, resolve
from agnsim.kernels.pointwise.flat import memory_format
from agnsim.kernels.selection import preferred
from agnsim.kernels.validation import check_accumulator, check_operands, check_pad_value, check_range

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier


def matmul(
    a: Tensor,
    b: Tensor,
    multiplier: Multiplier,
    *,
    engine: str | Engine = "auto",
    accumulator: torch.dtype = torch.int32,
    validate: bool = True,
) -> Tensor:
    """Multiply integer matrices with an approximate multiplier: `out[m, n] = sum_k T[a[m, k], b[k, n]]`.

    Args:
        a: Activation codes `[M, K]`, int8, uint8, int16 or int32; first operand of the multiplier.
        b: Weight codes `[K, N]`, likewise; second operand.
        multiplier: The table T.
        engine: `"auto"`, a name in `agnsim.kernels.engines`, or an engine object. All give the same integers.
        accumulator: `torch.int32` or `torch.int64`.
        validate: False skips the range checks, for callers whose codes are clamped already; a code outside the range
            then gives an unspecified result. The accumulator is checked always.

    Returns:
        `[M, N]`, dtype `accumulator`, on the operands' device.

    Raises:
        InputError: Shapes, dtypes or devices are wrong.
        OperandRangeError: A code is outside `multiplier.range_a` or `range_b`.
        AccumulatorOverflow: With these weights a sum could leave the accumulator.
        EngineUnavailable: The named engine can't run this multiplier here.
    """
    check_operands("a", a, "b", b, accumulator)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise InputError(f"matmul: a has shape {list(a.shape)}, b {list(b.shape)}; they must be [M, K] and [K, N]")
    if validate:
        check_range("a", a, multiplier.range_a, multiplier)
        check_range("b", b, multiplier.range_b, multiplier)
    check_accumulator(b.t(), multiplier, accumulator)
    if 0 in (*a.shape, *b.shape):
        return torch.zeros((a.shape[0], b.shape[1]), dtype=accumulator, device=a.device)
    return _run(engine, multiplier, a.device, None, lambda chosen: chosen.matmul(a, b, multiplier, accumulator))


def conv2d(
    x: Tensor,
    w: Tensor,
    multiplier: Multiplier,
    *,
    stride: IntPair = 1,
    padding: Padding = 0,
    dilation: IntPair = 1,
    groups: int = 1,
    pad_value: int | None = 0,
    engine: str | Engine = "auto",
    accumulator: torch.dtype = torch.int32,
    validate: bool = True,
) -> Tensor:
    """Convolve integer codes with an approximate multiplier: products `T[x, w]`, summed exactly.

    Args:
        x: Activation codes `[N, C, H, W]`, int8, uint8, int16 or int32, any strides; first operand.
        w: Weight codes `[O, C / groups, kernel_h, kernel_w]`, likewise; second operand.
        multiplier: The table T.
        stride: Integer or pair.
        padding: Integer, pair, `"same"` (stride 1) or `"valid"`, as in `torch.nn.functional.conv2d`.
        dilation: Integer or pair.
        groups: Channel groups; `groups == C` is a depthwise convolution.
        pad_value: Activation code at padded positions (the zero point); it goes through the multiplier like any
            other code. `None`: hardware skips padded positions, they contribute 0 exactly.
        engine: `"auto"`, a name in `agnsim.kernels.engines`, or an engine object. All give the same integers.
        accumulator: `torch.int32` or `torch.int64`.
        validate: False skips the range checks, for callers whose codes are clamped already; a code outside the range
            then gives an unspecified result. The accumulator is checked always.

    Returns:
        `[N, O, out_h, out_w]`, dtype `accumulator`, on the operands' device, in the memory format of x.

    Raises:
        InputError: Shapes, dtypes, devices or convolution arguments are wrong.
        OperandRangeError: A code or `pad_value` is outside `multiplier.range_a` or `range_b`.
        AccumulatorOverflow: With these weights a sum could leave the accumulator.
        EngineUnavailable: The named engine can't run this multiplier here.
    """
    check_operands("x", x, "w", w, accumulator)
    geometry = resolve(x.shape, w.shape, stride=stride, padding=padding, dilation=dilation, groups=groups)
    check_pad_value(pad_value, multiplier)
    if validate:
        check_range("x", x, multiplier.range_a, multiplier)
        check_range("w", w, multiplier.range_b, multiplier)
    check_accumulator(w.reshape(geometry.out_channels, geometry.fan_in), multiplier, accumulator)
    if 0 in geometry.output_shape or geometry.fan_in == 0:
        return torch.zeros(geometry.output_shape, dtype=accumulator, device=x.device)
    sums = _run(
        engine,
        multiplier,
        x.device,
        geometry,
        lambda chosen: chosen.conv2d(x, w, multiplier, geometry, pad_value, accumulator),
    )
    return sums.contiguous(memory_format=memory_format(x))


def _run(
    engine: str | Engine,
    multiplier: Multiplier,
    device: torch.device,
    geometry: ConvGeometry | None,
    call: Callable[[Engine], Tensor],
) -> Tensor:
    if engine == "auto":
        refusals = []
        for candidate in preferred(multiplier, device, geometry):
            try:
                return _call(candidate, multiplier, device, call)
            except EngineUnavailable as refusal:
                refusals.append(str(refusal))
        raise EngineUnavailable("no engine can run this: " + "; ".join(refusals))
    return _call(engines[engine] if isinstance(engine, str) else engine, multiplier, device, call)


def _call(engine: Engine, multiplier: Multiplier, device: torch.device, call: Callable[[Engine], Tensor]) -> Tensor:
    reason = engine.unavailable(multiplier, device)
    if reason is None and engine.needs_table and not multiplier.has_table:
        reason = f"it needs a table, and 2**{multiplier.bits_a + multiplier.bits_b} products have none; use 'factored'"
    if reason is not None:
        raise EngineUnavailable(
            f"engine {engine.name!r} can't run multiplier {multiplier.name!r} on {device}: {reason}"
        )
    with torch.no_grad():
        return call(engine)
