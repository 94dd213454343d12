"""Codes to real values, and gradients past the clipping: what the backward pass does to every entry."""

from __future__ import annotations

import torch
from torch import Tensor

from agnsim.kernels.pointwise.flat import compilable, flat, in_parts, memory_format

ENTRIES = 256


def by_code(values: Tensor, low: int, high: int) -> Tensor:
    """Return a table for `look_up`, `[256]`, from the values of the codes `low` to `high` in order; others are 0."""
    table = values.new_zeros(ENTRIES)
    table[torch.arange(low, high + 1, device=values.device) % ENTRIES] = values
    return table


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

        source, target, entries = flat(patterns).numpy(), flat(values).numpy(), table.detach().numpy()
        in_parts(codes.numel(), lambda start, stop: map_bytes(source[start:stop], entries, target[start:stop]))
        return values
    flat(values).copy_(table.index_select(0, flat(patterns).to(torch.int32)))
    return values


def zero_outside_(values: Tensor, inside: Tensor) -> Tensor:
    """Multiply by a uint8 mask, in place where the memory formats agree, and return the product; NaN stays NaN."""
    if compilable(values, torch.float32) and values.is_contiguous(memory_format=memory_format(inside)):
        from agnsim.kernels.pointwise.look_up_loops import zero_outside

        target, mask = flat(values).numpy(), flat(inside).numpy()
        in_parts(values.numel(), lambda start, stop: zero_outside(target[start:stop], mask[start:stop]))
        return values
    return values.mul_(inside)
