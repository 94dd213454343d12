"""The baseline of the speed-ups: a plain loop that looks every product up, as an emulator without vectors does."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agnsim.bench.shapes import ConvShape
from agnsim.kernels.threads import run_parts
from agnsim.multipliers import Multiplier


def scalar_conv2d(x: Tensor, w: Tensor, multiplier: Multiplier, shape: ConvShape, threads: int) -> Tensor:
    """Return the emulated convolution, int32 NCHW, padding by code 0.

    Args:
        x: Activation codes `[N, C, H, W]`, on the CPU.
        w: Weight codes `[O, C / groups, kernel_h, kernel_w]`.
        multiplier: The table.
        shape: Stride, padding, dilation, groups; `w` may have fewer output channels.
        threads: 1, or as many as PyTorch uses.
    """
    from agnsim.bench.scalar_loops import convolve_rows

    rows, columns = shape.padding
    codes = functional.pad(x.to(torch.int32) & ((1 << multiplier.bits_a) - 1), (columns, columns, rows, rows))
    starts = (codes.numpy() << multiplier.bits_b).astype(np.uint32)
    weights = (w.to(torch.int32) & ((1 << multiplier.bits_b) - 1)).numpy().astype(np.uint32)
    weights = weights.reshape(shape.groups, -1, *shape.weight_shape[1:])
    table = multiplier.table.reshape(-1)
    out = torch.empty((len(x), len(w), *shape.output_size), dtype=torch.int32)
    views = out.numpy()
    all_rows, parts = len(x) * shape.output_size[0], 4 * threads if threads > 1 else 1

    def work(part: int) -> None:
        first, last = all_rows * part // parts, all_rows * (part + 1) // parts
        convolve_rows(starts, weights, table, views, first, last, shape.stride, shape.dilation)

    run_parts(work, parts)
    return out
