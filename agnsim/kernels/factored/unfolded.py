"""The portable way: planes by PyTorch's own operations, receptive fields unfolded, matrix products; any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from agnsim.kernels.factored.terms import Terms
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import patterns
from agnsim.kernels.pointwise.flat import memory_format

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

_FLOATS_AT_ONCE = 1 << 26
_FLOATS_PER_THREAD = 1 << 19


def matmul(
    a: Tensor,
    indices: Tensor,
    multiplier: Multiplier,
    terms: Terms,
    parts: list[slice],
    dtype: torch.dtype,
    accumulator: torch.dtype,
) -> Tensor:
    """Return the product of codes a `[M, K]` and weight patterns `[K, N]`, added in the given parts of K."""
    result = torch.zeros((a.shape[0], indices.shape[1]), dtype=accumulator, device=a.device)
    rows = max(1, _floats_at_once(a.device) // (a.shape[1] * terms.rank))
    for part in parts:
        weights = torch.cat(terms.weights(indices[part], dtype))
        for start in range(0, len(a), rows):
            planes = _map(a[start : start + rows, part], multiplier.bits_a, terms, dtype)
            result[start : start + rows] += torch.matmul(torch.cat(planes, dim=1), weights).to(accumulator)
    return result if terms.scale == 1 else result.mul_(terms.scale)


def conv2d(
    x: Tensor,
    indices: Tensor,
    multiplier: Multiplier,
    terms: Terms,
    parts: list[slice],
    dtype: torch.dtype,
    geometry: ConvGeometry,
    pad_value: int | None,
    accumulator: torch.dtype,
) -> Tensor:
    """Return the convolution of codes x with weight patterns `[O, C / groups, kh, kw]`, added in parts of C / groups.

    Transform algorithms round, and which one a library's convolution takes is not known on every device; a matrix
    product has none.
    """
    groups = geometry.groups
    top, bottom, left, right = geometry.pads
    if pad_value is not None and geometry.padded:
        limits = torch.iinfo(x.dtype)
        codes = x if limits.min <= pad_value <= limits.max else x.to(torch.int32)
        x, pads = functional.pad(codes, (left, right, top, bottom), value=pad_value), (0, 0, 0, 0)
    else:
        pads = (left, right, top, bottom)
    grouped = x.reshape(len(x), groups, -1, *x.shape[2:])
    result = torch.empty(geometry.output_shape, dtype=accumulator, device=x.device, memory_format=memory_format(x))
    taps = geometry.kernel[0] * geometry.kernel[1]
    images = max(1, _floats_at_once(x.device) // (x[0].numel() * terms.rank * taps))
    for number, part in enumerate(parts):
        weights = torch.cat(terms.weights(indices[:, part], dtype), dim=1)
        weights = weights.reshape(groups, len(weights) // groups, -1)
        for start in range(0, geometry.batch, images):
            batch = slice(start, start + images)
            planes = _map(grouped[batch, :, part], multiplier.bits_a, terms, dtype)
            padded = functional.pad(torch.cat(planes, dim=2).flatten(1, 2), pads)
            columns = functional.unfold(padded, geometry.kernel, geometry.dilation, 0, geometry.stride)
            columns = columns.view(len(columns), groups, -1, columns.shape[2])
            sums = torch.matmul(weights, columns).reshape(result[batch].shape).to(accumulator)
            if number == 0:
                result[batch] = sums
            else:
                result[batch] += sums
    return result if terms.scale == 1 else result.mul_(terms.scale)


def _floats_at_once(device: torch.device) -> int:
    return _FLOATS_PER_THREAD * torch.get_num_threads() if device.type == "cpu" else _FLOATS_AT_ONCE


def _map(codes: Tensor, bits: int, terms: Terms, dtype: torch.dtype) -> list[Tensor]:
    """Map codes of any shape through every U."""
    flat: Tensor | None = None
    planes = []
    for table, linear in zip(terms.activation, terms.linear, strict=True):
        if linear:
            planes.append(codes.to(dtype).contiguous())
        else:
            flat = patterns(codes, bits).flatten() if flat is None else flat
            planes.append(table.to(dtype).index_select(0, flat).view(codes.shape))
    return planes
