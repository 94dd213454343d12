"""The 8-bit path: terms as dot products of bytes, several times the speed of float32 (AVX-512 VNNI and VBMI).

Activations lie four channels side by side, so that the operands of neighbouring positions are one vector at every
offset of the kernel: nothing is unfolded. Sums of 32 bits are exact, or wrap as the accumulator does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agnsim.kernels.factored.int8_terms import MAX_TERMS, ByteTerms, byte_terms_of
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.simd.features import cpu_has, numba_unusable
from agnsim.kernels.threads import run_parts

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

_NEEDS = "avx512vnni", "avx512vbmi", "avx512bw"
_LANES, _MAPPED = 16, 64
# Fewer channels, or outputs, of a group would leave most of a vector empty.
_LEAST_CHANNELS, _LEAST_OUTPUTS = 3, 4
_LARGEST_BYTE_SUM = 255 * 128
_QUADS_PER_PART = 16


def unavailable(multiplier: Multiplier | None, device: torch.device) -> str | None:
    """Return why this machine or table rules the path out, or `None`."""
    if device.type != "cpu":
        return f"8-bit dot products are for the CPU, the operands are on {device}"
    reason = numba_unusable()
    if reason is not None:
        return reason
    missing = [feature for feature in _NEEDS if not cpu_has(feature)]
    if missing:
        return f"the CPU, or what Numba may use of it, lacks {', '.join(missing)}"
    if multiplier is not None and byte_terms_of(multiplier, device) is None:
        return f"its factors are no {MAX_TERMS} products of an unsigned and a signed byte, or fewer"
    return None


def unsuitable(multiplier: Multiplier, geometry: ConvGeometry, accumulator: torch.dtype, *, skips: bool) -> str | None:
    """Return why a convolution with an available table can't go this way, or `None`."""
    outputs = geometry.out_channels // geometry.groups
    if geometry.group_channels < _LEAST_CHANNELS or outputs < _LEAST_OUTPUTS:
        return f"groups of {geometry.group_channels} input and {outputs} output channels leave vectors empty"
    terms = byte_terms_of(multiplier, torch.device("cpu"))
    assert terms is not None, "the caller asks `unavailable` first"
    if skips and not terms.skips:
        return "it has no byte for padding that is skipped"
    if accumulator == torch.int64 and geometry.fan_in * terms.count * _LARGEST_BYTE_SUM >= 1 << 31:
        return f"sums of {geometry.fan_in} times {terms.count} products of bytes can leave 32 bits"
    return None


def conv2d(
    x: Tensor,
    indices: Tensor,
    multiplier: Multiplier,
    geometry: ConvGeometry,
    pad_value: int | None,
    accumulator: torch.dtype,
) -> Tensor:
    """Return the convolution's sums, NCHW; see `Engine.conv2d`.

    Args:
        x: Activation codes.
        indices: Weight patterns, int32 `[O, C / groups, kernel_h, kernel_w]`.
        multiplier: One that is neither `unavailable` nor `unsuitable`.
        geometry: Sizes.
        pad_value: Activation code of padded positions; `None`: they contribute 0.
        accumulator: int32 or int64.
    """
    from agnsim.kernels.factored.int8_loops import convolve

    terms = byte_terms_of(multiplier, torch.device("cpu"))
    assert terms is not None, "the caller asks `unavailable` first"
    layout = _Layout(geometry)
    source = _source(x, multiplier, terms, geometry, layout, pad_value)
    bounds, fields, fours, singles = _weights(indices, terms, geometry, layout)
    outputs = geometry.out_channels // geometry.groups
    starts = terms.constant[indices.reshape(geometry.out_channels, -1).numpy()].sum(axis=1)
    scales = np.array([one.scale for one in terms.passes], np.int64)
    result = torch.empty(geometry.output_shape, dtype=accumulator)
    flat = result.view(-1).numpy()
    images = geometry.batch * geometry.groups
    threads = torch.get_num_threads()
    # With few images the outputs are shared out, too.
    shares = 1 if images >= 2 * threads else min(threads, outputs // 4)
    parts = min(images, 4 * threads)

    def work(part: int) -> None:
        number, share = divmod(part, shares)
        convolve(
            source,
            layout.group_bytes,
            geometry.groups,
            layout.origins,
            layout.places,
            fields,
            fours,
            singles,
            bounds,
            scales,
            starts,
            outputs,
            outputs // 4 * share // shares * 4,
            outputs if share == shares - 1 else outputs // 4 * (share + 1) // shares * 4,
            images * number // parts,
            images * (number + 1) // parts,
            layout.columns,
            geometry.out_height,
            geometry.out_width,
            layout.direct,
            flat,
        )

    run_parts(work, parts * shares)
    return result


class _Layout:
    """Where bytes lie: per image and group, `[quad of channels, row phase, column phase, row, column, 4]`."""

    def __init__(self, geometry: ConvGeometry) -> None:
        top, bottom, left, right = geometry.pads
        row_phases, column_phases = geometry.stride
        self.quads = -(-geometry.group_channels // 4)
        self.rows = -(-(geometry.height + top + bottom) // row_phases)
        self.columns = -(-(geometry.width + left + right) // column_phases)
        self.quad_bytes = 4 * row_phases * column_phases * self.rows * self.columns
        self.group_bytes = self.quads * self.quad_bytes
        self.plane_bytes = geometry.batch * geometry.groups * self.group_bytes
        kernel_rows, kernel_columns = (
            np.arange(k) * d for k, d in zip(geometry.kernel, geometry.dilation, strict=True)
        )
        row = kernel_rows % row_phases * column_phases * self.rows + kernel_rows // row_phases
        column = kernel_columns % column_phases * self.rows * self.columns + kernel_columns // column_phases
        quad = np.arange(self.quads)[:, None, None] * self.quad_bytes
        self.fields: NDArray[np.int64] = (quad + 4 * (row[:, None] * self.columns + column)).ravel()
        height, width = geometry.out_height, geometry.out_width
        by_rows = width % _LANES == 0
        # Vectors that end where rows end write to the result; others run on through the padding between rows.
        self.direct = by_rows or (self.columns == width and height * width % _LANES == 0)
        if by_rows:
            within = np.arange(0, width, _LANES)
            first = np.arange(height)[:, None]
            self.origins: NDArray[np.int64] = 4 * (first * self.columns + within).ravel()
            self.places: NDArray[np.int64] = (first * width + within).ravel()
        else:
            self.places = np.arange(0, (height - 1) * self.columns + width, _LANES)
            self.origins = 4 * self.places


def _source(
    x: Tensor,
    multiplier: Multiplier,
    terms: ByteTerms,
    geometry: ConvGeometry,
    layout: _Layout,
    pad_value: int | None,
) -> NDArray[np.uint8]:
    from agnsim.kernels.factored.int8_loops import lay_activations

    mask = (1 << multiplier.bits_a) - 1
    codes = x if x.dtype in (torch.int8, torch.uint8) else (x & mask).to(torch.uint8)
    flat = codes.contiguous().view(torch.uint8).view(-1).numpy()
    if geometry.height * geometry.width % _MAPPED:
        flat = np.concatenate([flat, np.zeros(_MAPPED, np.uint8)])
    # A vector may begin near the end of the last row and run on.
    source = np.empty(len(terms.planes) * layout.plane_bytes + 4 * _LANES * 4, np.uint8)
    source[len(terms.planes) * layout.plane_bytes :] = 0
    quads = geometry.batch * geometry.groups * layout.quads
    parts = -(-quads // _QUADS_PER_PART)
    pads = terms.planes[:, -1 if pad_value is None else pad_value & mask]

    def work(part: int) -> None:
        number, plane = divmod(part, len(terms.planes))
        lay_activations(
            flat,
            geometry.height,
            geometry.width,
            mask,
            terms.planes[plane],
            int(pads[plane]),
            geometry.group_channels,
            layout.quads,
            quads * number // parts,
            quads * (number + 1) // parts,
            *geometry.stride,
            layout.rows,
            layout.columns,
            geometry.pads[0],
            geometry.pads[2],
            source,
            plane * layout.plane_bytes,
            layout.group_bytes,
        )

    run_parts(work, parts * len(terms.planes))
    return source


def _weights(
    indices: Tensor, terms: ByteTerms, geometry: ConvGeometry, layout: _Layout
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return where each pass's fields begin, all fields, and the weights of outputs in fours and of those left over."""
    from agnsim.kernels.factored.int8_loops import lay_weights

    outputs = geometry.out_channels // geometry.groups
    flat = indices.flatten(2).contiguous().numpy()
    bounds, fields, fours, singles = [0], [], [], []
    for one in terms.passes:
        fields += [plane * layout.plane_bytes + layout.fields for plane in one.activation]
        count = len(one.activation) * len(layout.fields)
        bounds.append(bounds[-1] + count)
        laid = np.zeros((geometry.out_channels, count * 4), np.int8)
        parts = min(torch.get_num_threads(), geometry.out_channels)
        weight = one.weight

        def work(
            part: int, weight: NDArray[np.int8] = weight, laid: NDArray[np.int8] = laid, parts: int = parts
        ) -> None:
            first, last = (geometry.out_channels * edge // parts for edge in (part, part + 1))
            lay_weights(flat, weight, layout.quads, first, last, laid)

        run_parts(work, parts)
        by_group = laid.view(np.int32).reshape(geometry.groups, outputs, count)
        in_fours = outputs // 4 * 4
        four = by_group[:, :in_fours].reshape(geometry.groups, in_fours // 4, 4, count).swapaxes(2, 3)
        fours.append(four.ravel())
        singles.append(by_group[:, in_fours:].ravel())
    return np.array(bounds), np.concatenate(fields), np.concatenate(fours), np.concatenate(singles)
