"""The definition: look every product up in the table and add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import PerMultiplier, patterns

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

_PRODUCTS_AT_ONCE = 1 << 20


class ReferenceEngine:
    """A gather from the table, summed in 64 bits; every device, every table, bounded memory, slow."""

    name = "reference"
    needs_table = True

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Return `None`: it runs everywhere."""
        return None

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """See `Engine.matmul`."""
        table = _table_with_zero_row(multiplier, a.device)
        return _sum_products(patterns(a, multiplier.bits_a), patterns(b, multiplier.bits_b), table).to(accumulator)

    def conv2d(
        self,
        x: Tensor,
        w: Tensor,
        multiplier: Multiplier,
        geometry: ConvGeometry,
        pad_value: int | None,
        accumulator: torch.dtype,
    ) -> Tensor:
        """See `Engine.conv2d`."""
        table = _table_with_zero_row(multiplier, x.device)
        zero_row = 1 << multiplier.bits_a
        pad = zero_row if pad_value is None else pad_value & (zero_row - 1)
        top, bottom, left, right = geometry.pads
        padded = functional.pad(patterns(x, multiplier.bits_a), (left, right, top, bottom), value=pad)
        image, channel, row, column = padded.contiguous().stride()

        def steps(count: int, stride: int) -> Tensor:
            return torch.arange(count, device=x.device) * stride

        first = (
            steps(geometry.batch, image)[:, None, None]
            + steps(geometry.out_height, row * geometry.stride[0])[:, None]
            + steps(geometry.out_width, column * geometry.stride[1])
        ).flatten()
        inside = (
            steps(geometry.group_channels, channel)[:, None, None]
            + steps(geometry.kernel[0], row * geometry.dilation[0])[:, None]
            + steps(geometry.kernel[1], column * geometry.dilation[1])
        ).flatten()
        outputs = geometry.out_channels // geometry.groups
        weights = patterns(w, multiplier.bits_b).reshape(geometry.groups, outputs, geometry.fan_in)
        codes = padded.flatten()
        result = torch.empty((len(first), geometry.out_channels), dtype=accumulator, device=x.device)
        rows = max(1, _PRODUCTS_AT_ONCE // geometry.fan_in)
        for group in range(geometry.groups):
            fields = inside + group * geometry.group_channels * channel
            columns = slice(group * outputs, (group + 1) * outputs)
            for start in range(0, len(first), rows):
                part = slice(start, start + rows)
                operands = codes[first[part, None] + fields]
                result[part, columns] = _sum_products(operands, weights[group].t(), table).to(accumulator)
        shape = (geometry.batch, geometry.out_height, geometry.out_width, geometry.out_channels)
        return result.view(shape).permute(0, 3, 1, 2).contiguous()


def _build_table(multiplier: Multiplier, device: torch.device) -> Tensor:
    zero_row = np.zeros((1, multiplier.table.shape[1]), np.int32)
    return torch.from_numpy(np.concatenate([multiplier.table, zero_row])).to(device)


_table_with_zero_row = PerMultiplier(_build_table)


def _sum_products(a: Tensor, b: Tensor, table: Tensor) -> Tensor:
    """Return int64 `sum_k table[a[m, k], b[k, n]]` of int32 table indices a `[M, K]`, b `[K, N]`."""
    (count, fan_in), outputs = a.shape, b.shape[1]
    terms = min(fan_in, max(1, _PRODUCTS_AT_ONCE // outputs))
    rows = max(1, _PRODUCTS_AT_ONCE // (outputs * terms))
    flat, row_starts = table.flatten(), a.to(torch.int64) * table.shape[1]
    total = torch.zeros((count, outputs), dtype=torch.int64, device=a.device)
    for start in range(0, count, rows):
        for k in range(0, fan_in, terms):
            entries = row_starts[start : start + rows, k : k + terms, None] + b[k : k + terms]
            total[start : start + rows] += flat.take(entries).sum(dim=1, dtype=torch.int64)
    return total
