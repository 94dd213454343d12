"""Byte-permute lookups (AVX-512 VBMI): one weight's 256 products stay in registers, activation codes stream past.

A weight's products, less the table's smallest, are unsigned 16-bit numbers; their low and their high bytes are two
tables of 256 bytes in four registers each. Products of more than 16 bits are looked up in two passes of 16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import PerMultiplier, patterns
from agnsim.kernels.simd.source import SLACK, Source
from agnsim.kernels.threads import run_parts
from agnsim.multipliers import Multiplier

MAX_BITS = 8
"""Widest activation code that one byte indexes."""

_CODES = 1 << MAX_BITS
_HALF_ROW = _CODES
_ALIGNMENT = 64
_WIDE_BLOCK, _NARROW_BLOCK = 256, 64


@dataclass(frozen=True)
class Rows:
    """A table as the kernel reads it.

    Attributes:
        passes: uint8, flat, 64-byte aligned: for every weight pattern the low, then the high bytes of 16 bits of its
            256 products; the second pass holds bits 16 to 31.
        shift: What was subtracted from every product.
    """

    passes: tuple[NDArray[np.uint8], ...]
    shift: int


def _build_rows(multiplier: Multiplier, device: torch.device) -> Rows:
    del device  # always the CPU
    table = multiplier.table.astype(np.int64)
    shift = int(table.min())
    unsigned = (table - shift).T
    weights, codes = unsigned.shape
    passes = []
    for number in range(1 if int(unsigned.max()) < 1 << 16 else 2):
        rows = _aligned(weights * 2 * _HALF_ROW)
        planes = rows.reshape(weights, 2, _HALF_ROW)
        planes[...] = 0
        for byte in range(2):
            planes[:, byte, :codes] = unsigned >> (16 * number + 8 * byte) & 0xFF
        passes.append(rows)
    return Rows(tuple(passes), shift)


def _aligned(size: int) -> NDArray[np.uint8]:
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    offset = -buffer.ctypes.data % _ALIGNMENT
    return buffer[offset : offset + size]


rows_of = PerMultiplier(_build_rows)


def convolve(source: Source, w: Tensor, multiplier: Multiplier, geometry: ConvGeometry, result: Tensor) -> None:
    """Write the convolution's sums to `result`, NCHW, int32 or int64.

    Args:
        source: Activations as bytes.
        w: Weight codes `[O, C / groups, kernel_h, kernel_w]`.
        multiplier: The table; activations of at most `MAX_BITS` bits.
        geometry: Sizes.
        result: Overwritten.
    """
    from agnsim.kernels.simd.permute_loops import add_block

    rows = rows_of(multiplier, w.device)
    starts = patterns(w, multiplier.bits_b).reshape(-1).to(torch.int64).mul_(2 * _HALF_ROW).numpy()
    positions = geometry.batch * geometry.out_height * geometry.out_width
    block = _WIDE_BLOCK if positions > 2 * _NARROW_BLOCK else _NARROW_BLOCK
    blocks = -(-positions // block)
    threads = min(torch.get_num_threads(), blocks)
    flat = result.view(-1).numpy()
    outputs = geometry.out_channels // geometry.groups

    def work(part: int) -> None:
        # One call for many blocks: entering compiled code costs more than a small block.
        codes = np.empty(geometry.fan_in * block + SLACK, np.uint8)
        add_block(
            source.flat,
            source.image_step,
            source.group_step,
            source.row_step,
            geometry.out_height,
            geometry.out_width,
            source.fields,
            geometry.groups,
            outputs,
            rows.passes[0],
            rows.passes[-1],
            len(rows.passes),
            starts,
            rows.shift * geometry.fan_in,
            block,
            source.largest < _CODES // 2,
            blocks * part // parts,
            blocks * (part + 1) // parts,
            positions,
            codes,
            flat,
        )

    parts = min(blocks, 4 * threads) if threads > 1 else 1
    run_parts(work, parts)
