"""The activations as the loops read them: padded bit patterns, every output row's operands side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.threads import run_parts

SLACK = 64
"""Entries that a vector may read beyond the last."""

_PLANE_ENTRIES_PER_PART = 1 << 16


@dataclass(frozen=True)
class Source:
    """Padded table indices of a convolution's input, flat: image, channel, column phase, row, column.

    Columns are sorted by their remainder modulo the horizontal stride, so that the operands of neighbouring outputs are
    neighbours whatever the stride.

    Attributes:
        flat: uint8, uint16 or int32, with `SLACK` entries more than there are operands.
        fields: int64 `[fan_in]`, where each operand of a receptive field lies relative to its group's first channel.
        image_step: Entries from one image to the next.
        group_step: Entries from one group's first channel to the next group's.
        row_step: Entries from one output row's operands to the next row's.
        largest: No index is larger.
    """

    flat: NDArray[Any]
    fields: NDArray[np.int64]
    image_step: int
    group_step: int
    row_step: int
    largest: int


def make_source(x: Tensor, geometry: ConvGeometry, *, bits: int, pad_index: int) -> Source:
    """Return the source of a convolution.

    Args:
        x: Codes `[N, C, H, W]`, any strides.
        geometry: Sizes.
        bits: Width of a code.
        pad_index: Index at padded positions; may be `2**bits`, which stands for "skip".
    """
    from agnsim.kernels.simd.source_loops import fill

    top, bottom, left, right = geometry.pads
    rows, columns = geometry.height + top + bottom, geometry.width + left + right
    phases = geometry.stride[1]
    pitch = -(-columns // phases)
    mask = (1 << bits) - 1
    limit = max(mask, pad_index) if geometry.padded else mask
    dtype = np.uint8 if limit < 1 << 8 else np.uint16 if limit < 1 << 16 else np.int32
    plane = phases * rows * pitch
    planes = geometry.batch * geometry.in_channels
    flat = np.empty(planes * plane + SLACK, dtype)
    flat[-SLACK:] = 0
    codes = _unsigned(x.contiguous()).view(planes, geometry.height, geometry.width).numpy()
    per_part = max(1, _PLANE_ENTRIES_PER_PART // plane)
    parts = -(-planes // per_part)
    seen = np.zeros(parts, np.int64)

    def work(part: int) -> None:
        start = part * per_part
        stop = min(planes, start + per_part)
        seen[part] = fill(codes, start, stop, flat, rows, columns, phases, top, left, mask, pad_index)

    run_parts(work, parts)
    largest = int(np.bitwise_or.reduce(seen))
    if geometry.padded:
        largest |= pad_index
    return Source(
        flat=flat,
        fields=_fields(geometry, plane, rows * pitch, pitch),
        image_step=geometry.in_channels * plane,
        group_step=geometry.group_channels * plane,
        row_step=geometry.stride[0] * pitch,
        largest=largest,
    )


def _unsigned(codes: Tensor) -> Tensor:
    """View or widen, so that the loops are compiled for two types only; the mask takes the sign bits away."""
    if codes.dtype in (torch.int8, torch.uint8):
        return codes.view(torch.uint8)
    return codes.to(torch.int32)


def _fields(geometry: ConvGeometry, plane: int, phase: int, pitch: int) -> NDArray[np.int64]:
    channel = np.arange(geometry.group_channels)[:, None, None] * plane
    row = np.arange(geometry.kernel[0])[:, None] * (geometry.dilation[0] * pitch)
    column = np.arange(geometry.kernel[1]) * geometry.dilation[1]
    return (channel + row + column % geometry.stride[1] * phase + column // geometry.stride[1]).ravel()
