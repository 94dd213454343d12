"""The loop of the scalar baseline. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnsim.compiled import compiled


@compiled
def convolve_rows(x: Any, w: Any, table: Any, out: Any, first: int, last: int, stride: Any, dilation: Any) -> None:
    """Convolve some output rows of padded images: a lookup and an addition per product.

    Args:
        x: Where a code's row of the table starts, uint32 `[N, C, H, W]`, padded. Unsigned: Numba then leaves out its
            test for negative indices, which would double the time.
        w: Table columns, uint32 `[groups, O / groups, C / groups, kernel_h, kernel_w]`.
        table: int32, flat.
        out: int32 `[N, O, out_h, out_w]`, written.
        first: First output row, those of all images counted through.
        last: One past the last.
        stride: Rows, columns.
        dilation: Rows, columns.
    """
    groups, outputs, channels, kernel_h, kernel_w = w.shape
    flat = w.reshape(groups, outputs, -1)
    field = np.empty(flat.shape[2], np.uint32)
    down, across = stride
    for index in range(first, last):
        image, i = index // out.shape[2], index % out.shape[2]
        for j in range(out.shape[3]):
            for g in range(groups):
                k = 0
                for c in range(channels):
                    for p in range(kernel_h):
                        y = i * down + p * dilation[0]
                        for q in range(kernel_w):
                            field[k] = x[image, g * channels + c, y, j * across + q * dilation[1]]
                            k += 1
                for o in range(outputs):
                    weights = flat[g, o]
                    total = np.int32(0)
                    for k in range(len(field)):
                        total += table[field[k] + weights[k]]
                    out[image, g * outputs + o, i, j] = total
