"""Any table on any CPU: Numba loops on vectors, weights stationary, positions streaming.

This file prepares operands, picks a path for each block of positions and shares blocks among threads; a path adds
one block's products for 16 outputs (`simd_loops.add_by_vectors`, `add_by_rows`).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.geometry import ConvGeometry, resolve
from agnsim.kernels.patterns import PerMultiplier, patterns
from agnsim.kernels.threads import run_parts

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

# Sums of a block (16 four-byte lanes a position) stay in a second-level cache of 512 KB.
_POSITIONS_AT_ONCE = 4096
_CODES_AT_ONCE = 1 << 22
# Costs in ns on a Zen 3 core: one code laid out for 16 outputs, 16 products added, one product added alone.
_LAYOUT, _VECTOR, _SINGLE = 1.5, 0.9, 0.9


@dataclass(frozen=True)
class _Columns:
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


def _build_columns(multiplier: Multiplier, device: torch.device) -> _Columns:
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
    return _Columns(columns.ravel(), width, shift)


_columns = PerMultiplier(_build_columns)


class SimdEngine:
    """Vectorised table lookups in Numba on the CPU; any table, no compiler needed."""

    name = "simd"

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Return the reason: another device than the CPU, or no Numba."""
        if device.type != "cpu":
            return f"it runs on the CPU, the operands are on {device}; use 'factored' or 'reference' there"
        if importlib.util.find_spec("numba") is None:
            return "numba is not installed; pip install numba"
        return None

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """See `Engine.matmul`; rows of a are the positions of a 1 x 1 convolution over one image."""
        x, w = a.t()[None, :, None, :], b.t()[:, :, None, None]
        geometry = resolve(x.shape, w.shape)
        return self.conv2d(x, w, multiplier, geometry, None, accumulator)[0, :, 0, :].t().contiguous()

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
        columns = _columns(multiplier, x.device)
        rows = 1 << multiplier.bits_a
        codes_used = rows + 1 if pad_value is None and geometry.padded else rows
        pad = rows if pad_value is None else pad_value & (rows - 1)
        source = _padded_patterns(x, geometry, rows - 1, pad, codes_used)
        result = torch.empty(geometry.output_shape, dtype=accumulator)
        job = _Job(
            geometry=geometry,
            columns=columns,
            source=source,
            codes_used=codes_used,
            starts=_weight_starts(patterns(w, multiplier.bits_b), geometry, 1 << multiplier.bits_b, columns.width),
            result=result.flatten(2).numpy(),
        )
        job.run(torch.get_num_threads())
        return result


@dataclass(frozen=True)
class _Job:
    """One convolution, cut into blocks of positions that threads take."""

    geometry: ConvGeometry
    columns: _Columns
    source: NDArray[Any]
    codes_used: int
    starts: NDArray[np.int64]
    result: NDArray[Any]

    def run(self, threads: int) -> None:
        """Compute every block."""
        positions = self.geometry.batch * self.geometry.out_height * self.geometry.out_width
        at_most = max(1, min(_POSITIONS_AT_ONCE, _CODES_AT_ONCE // self.geometry.fan_in))
        blocks = -(-positions // at_most)
        blocks = min(positions, -(-blocks // threads) * threads) if positions > 64 * threads else blocks
        edges = [positions * block // blocks for block in range(blocks + 1)]
        run_parts(lambda block: self._block(edges[block], edges[block + 1]), blocks)

    def _block(self, start: int, stop: int) -> None:
        from agnsim.kernels import simd_loops  # imports Numba, hence not before an engine runs
        from agnsim.kernels.simd_vectors import LANES, tile_side

        geometry, columns, count = self.geometry, self.columns, stop - start
        side = tile_side(columns.flat.dtype.itemsize * 8)
        tiles = -(-self.codes_used // side)
        groups, vectors, terms = self.starts.shape[0], self.starts.shape[1], self.starts.shape[2] // LANES
        outputs = geometry.out_channels // geometry.groups
        by_vectors = vectors * (_LAYOUT * self.codes_used + _VECTOR * count) < _SINGLE * outputs * count
        height, width = _padded_size(geometry)
        down, right = geometry.stride
        codes = np.zeros((terms, count + LANES), self.source.dtype)
        sums = np.empty(count * LANES, self.result.dtype)
        products = np.empty(4 * tiles * side * LANES if by_vectors else 0, columns.flat.dtype)
        for group in range(groups):
            simd_loops.pack(
                self.source,
                geometry.in_channels * height * width,
                down * width,
                right,
                geometry.out_height,
                geometry.out_width,
                _fields(geometry) + group * geometry.group_channels * height * width,
                start,
                count,
                codes,
            )
            for vector in range(vectors):
                starts = self.starts[group, vector]
                lanes = min(LANES, outputs - vector * LANES)
                sums.fill(0)
                if by_vectors:
                    simd_loops.add_by_vectors(codes, count, columns.flat, starts, tiles, side, products, sums)
                else:
                    simd_loops.add_by_rows(codes, count, columns.flat, starts, lanes, sums)
                first = group * outputs + vector * LANES
                shift = columns.shift * geometry.fan_in
                simd_loops.write_back(sums, shift, lanes, first, start, self.result)


def _padded_size(geometry: ConvGeometry) -> tuple[int, int]:
    top, bottom, left, right = geometry.pads
    return geometry.height + top + bottom, geometry.width + left + right


def _padded_patterns(x: Tensor, geometry: ConvGeometry, mask: int, pad: int, codes_used: int) -> NDArray[Any]:
    """Return the padded bit patterns, flat, in the narrowest dtype, with room for a vector read past the end."""
    from agnsim.kernels.simd_vectors import LANES

    dtype = np.uint8 if codes_used <= 1 << 8 else np.uint16 if codes_used <= 1 << 16 else np.int32
    height, width = _padded_size(geometry)
    size = geometry.batch * geometry.in_channels * height * width
    flat = np.zeros(size + LANES, dtype)
    padded = flat[:size].reshape(geometry.batch, geometry.in_channels, height, width)
    if geometry.padded:
        padded.fill(pad)
    top, _, left, _ = geometry.pads
    inside = padded[:, :, top : top + geometry.height, left : left + geometry.width]
    inside[...] = x.numpy()
    if mask != np.iinfo(dtype).max:
        np.bitwise_and(inside, dtype(mask), out=inside)
    return flat


def _fields(geometry: ConvGeometry) -> NDArray[np.int64]:
    """Return where the operands of a receptive field lie relative to its first: `[fan_in]`."""
    height, width = _padded_size(geometry)
    channel = np.arange(geometry.group_channels)[:, None, None] * (height * width)
    row = np.arange(geometry.kernel[0])[:, None] * (geometry.dilation[0] * width)
    return (channel + row + np.arange(geometry.kernel[1]) * geometry.dilation[1]).ravel()


def _weight_starts(indices: Tensor, geometry: ConvGeometry, weights: int, width: int) -> NDArray[np.int64]:
    """Return where each weight's row begins: `[groups, vectors of 16 outputs, terms * 16]`.

    Unused lanes point at the row of code 0, terms beyond the fan-in at the row of zeros.
    """
    from agnsim.kernels.simd_vectors import LANES, TERMS

    groups, fan_in = geometry.groups, geometry.fan_in
    outputs = geometry.out_channels // groups
    vectors, terms = -(-outputs // LANES), -(-fan_in // TERMS) * TERMS
    rows = np.zeros((groups, vectors * LANES, terms), np.int64)
    rows[:, :outputs, :fan_in] = indices.reshape(groups, outputs, fan_in).numpy()
    rows[:, :, fan_in:] = weights
    lanes_last = rows.reshape(groups, vectors, LANES, terms).swapaxes(2, 3) * width
    return lanes_last.reshape(groups, vectors, terms * LANES)
