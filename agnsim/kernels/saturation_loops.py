"""The compiled loop of the saturating accumulator. Importing this imports Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.compiled import compiled

Integers = NDArray[Any]


@compiled
def accumulate(
    x: Integers,
    weights: Integers,
    table: Integers,
    channels: Integers,
    outputs_per_group: int,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    low: int,
    high: int,
    sums: Integers,
    clamped: Integers,
) -> None:
    """Write one image's sums, and to `clamped[0]` in how many of them the accumulator has been clamped.

    Args:
        x: Padded table indices `[C, H, W]`.
        weights: Table indices `[O, C / groups, kernel_h, kernel_w]`.
        table: Products.
        channels: Output channels wanted, `[K]`.
        outputs_per_group: Output channels of one group.
        stride: Rows, columns.
        dilation: Rows, columns.
        low: Smallest value of the accumulator.
        high: Largest value.
        sums: int32 `[K, out_h, out_w]`, overwritten.
        clamped: int64 `[1]`, overwritten.
    """
    _, group_channels, kernel_height, kernel_width = weights.shape
    count = 0
    for index in range(len(channels)):
        output = channels[index]
        first = output // outputs_per_group * group_channels
        for i in range(sums.shape[1]):
            for j in range(sums.shape[2]):
                total = np.int64(0)
                left = False
                for channel in range(group_channels):
                    for row in range(kernel_height):
                        for column in range(kernel_width):
                            code = x[
                                first + channel,
                                i * stride[0] + row * dilation[0],
                                j * stride[1] + column * dilation[1],
                            ]
                            total += table[code, weights[output, channel, row, column]]
                            if total > high:
                                total, left = np.int64(high), True
                            elif total < low:
                                total, left = np.int64(low), True
                sums[index, i, j] = total
                count += left
    clamped[0] = count
