"""Lookups without byte-permutes, for any table and any CPU: positions stream, the weights of 16 outputs side by side.

Two ways to add one block's products, by cost: `add_by_vectors` lays the table columns of 16 weights side by side, so
that one activation code looks 16 products up with one load; `add_by_rows` looks them up one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import PerMultiplier, patterns
from agnsim.kernels.simd.source import SLACK, Source
from agnsim.kernels.threads import run_parts
from agnsim.multipliers import Multiplier

# Sums of a block (16 four-byte lanes a position) stay in a second-level cache of 512 KB.
_POSITIONS_AT_ONCE = 4096
_CODES_AT_ONCE = 1 << 22
# Costs in ns on a Zen 3 core: one code laid out for 16 outputs, 16 products added, one product added alone.
_LAYOUT, _VECTOR, _SINGLE = 1.5, 0.9, 0.9


@dataclass(frozen=True)
class Columns:
    """A table as the loops read it.

    Attributes:
        flat: uint16 or int32: for every weight code, then for "no weight", a row of `width` entries: one per activation
            code, then one for "skip", then zeros.
        width: Row length, a multiple of the tile's side.
        shift: What was subtracted from every product so that it fits 16 bits (0 or negative); "no weight" rows hold 0,
            "skip" entries the value that stands for the product 0.
    """

    flat: NDArray[Any]
    width: int
    shift: int


def _build_columns(multiplier: Multiplier, device: torch.device) -> Columns:
    del device  # always the CPU
    table = multiplier.table.astype(np.int64)
    least, most = min(0, int(table.min())), max(0, int(table.max()))
    fits = most - least < 1 << 16
    shift, dtype = (least, np.uint16) if fits else (0, np.int32)
    codes, weights = table.shape
    width = -(-(codes + 1) // 16) * 16
    columns = np.zeros((weights + 1, width), dtype)
    columns[:weights, :codes] = (table - shift).T
    columns[:weights, codes] = -shift
    return Columns(columns.ravel(), width, shift)


columns_of = PerMultiplier(_build_columns)


def convolve(
    source: Source, w: Tensor, multiplier: Multiplier, geometry: ConvGeometry, result: Tensor, *, single: bool = False
) -> None:
    """Write the convolution's sums to `result`, NCHW, int32 or int64.

    Args:
        source: Activations as table indices; `2**bits_a` stands for "skip".
        w: Weight codes `[O, C / groups, kernel_h, kernel_w]`.
        multiplier: The table.
        geometry: Sizes.
        result: Overwritten.
        single: Always look products up one at a time.
    """
    from agnsim.kernels.simd.columns_loops import add_block
    from agnsim.kernels.simd.columns_vectors import LANES, tile_side

    columns = columns_of(multiplier, w.device)
    starts = _weight_starts(patterns(w, multiplier.bits_b), geometry, 1 << multiplier.bits_b, columns.width)
    terms = starts.shape[2] // LANES
    positions = geometry.batch * geometry.out_height * geometry.out_width
    threads = torch.get_num_threads()
    at_most = max(1, min(_POSITIONS_AT_ONCE, _CODES_AT_ONCE // geometry.fan_in))
    blocks = -(-positions // at_most)
    blocks = min(positions, -(-blocks // threads) * threads) if positions > 64 * threads else blocks
    outputs = geometry.out_channels // geometry.groups
    flat = result.view(geometry.batch, geometry.out_channels, -1).numpy()
    side = tile_side(columns.flat.dtype.itemsize * 8)
    tiles = min(-(-(source.largest + 1) // side), columns.width // side)

    def work(part: int) -> None:
        start, stop = positions * part // blocks, positions * (part + 1) // blocks
        count = stop - start
        layout = _LAYOUT * tiles * side + _VECTOR * count
        by_vectors = not single and starts.shape[1] * layout < _SINGLE * outputs * count
        codes = np.zeros(terms * (count + LANES) + SLACK, source.flat.dtype)
        add_block(
            source.flat,
            source.image_step,
            source.group_step,
            source.row_step,
            geometry.out_height,
            geometry.out_width,
            source.fields,
            columns.flat,
            starts,
            outputs,
            columns.shift * geometry.fan_in,
            tiles if by_vectors else 0,
            side,
            start,
            count,
            codes,
            flat,
        )

    run_parts(work, blocks)


def _weight_starts(indices: Tensor, geometry: ConvGeometry, weights: int, width: int) -> NDArray[np.int64]:
    """Return where each weight's row begins: `[groups, vectors of 16 outputs, terms * 16]`.

    Unused lanes point at the row of code 0, terms beyond the fan-in at the row of zeros.
    """
    from agnsim.kernels.simd.columns_vectors import LANES, TERMS

    groups, fan_in = geometry.groups, geometry.fan_in
    outputs = geometry.out_channels // groups
    vectors, terms = -(-outputs // LANES), -(-fan_in // TERMS) * TERMS
    rows = np.zeros((groups, vectors * LANES, terms), np.int64)
    rows[:, :outputs, :fan_in] = indices.reshape(groups, outputs, fan_in).numpy()
    rows[:, :, fan_in:] = weights
    lanes_last = rows.reshape(groups, vectors, LANES, terms).swapaxes(2, 3) * width
    return lanes_last.reshape(groups, vectors, terms * LANES)
