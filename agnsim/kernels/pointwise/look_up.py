"""Codes to real values, and gradients past the clipping: what the backward pass does to every entry."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from agnsim.kernels.pointwise.flat import compilable, flat, in_parts, memory_format

ENTRIES = 256


@cache
def byte_values(signed: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the identity as a table for `look_up`, `[256]`: the value of every code. Not to be written to."""
    values = torch.arange(ENTRIES, dtype=dtype, device=device)
    return (values + ENTRIES // 2) % ENTRIES - ENTRIES // 2 if signed else values


def look_up(codes: Tensor, table: Tensor) -> Tensor:
    """Return `table[codes % 256]`, of the table's type, in the memory format of the codes.

    Args:
        codes: uint8 or int8, contiguous or channels last.
        table: float32 or float64 `[256]`.
    """
    patterns = codes.view(torch.uint8)
    values = torch.empty_like(codes, dtype=table.dtype)
    if compilable(table, torch.float32) and codes.device.type == "cpu":
        from agnsim.kernels.pointwise.look_up_loops import map_bytes

        source, target, entries = flat(patterns), flat(values), flat(table)
        in_parts(codes.numel(), lambda start, stop: map_bytes(source[start:stop], entries, target[start:stop]))
        return values
    return values.copy_(table[patterns.to(torch.int32)])


def zero_outside_(values: Tensor, inside: Tensor) -> Tensor:
    """Multiply by a uint8 mask, in place where the memory formats agree, and return the product; NaN stays NaN."""
    if compilable(values, torch.float32) and values.is_contiguous(memory_format=memory_format(inside)):
        from agnsim.kernels.pointwise.look_up_loops import zero_outside

        target, mask = flat(values), flat(inside)
        in_parts(values.numel(), lambda start, stop: zero_outside(target[start:stop], mask[start:stop]))
        return values
    return values.mul_(inside)
