"""Any table of small integer rank as one ordinary convolution or matmul, exactly.

`T[a, w] = scale * sum_r U[r, a] * V[r, w]`: activations are mapped through U into r planes, weights through V, and an
ordinary float operation sums integers that it can represent. A bound from the weights at hand, which covers every
partial sum in any order, proves that per call.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agnsim.errors import EngineUnavailable
from agnsim.kernels.exact_float import FLOAT32_EXACT, FLOAT64_EXACT, exact_float
from agnsim.kernels.geometry import ConvGeometry
from agnsim.kernels.patterns import PerMultiplier, patterns
from agnsim.multipliers.encoding import operand_values

if TYPE_CHECKING:
    from agnsim.multipliers import Multiplier

_FLOATS_AT_ONCE = 1 << 26
# On a CPU the mapped activations of one pass stay in the cache, and in memory that is not mapped anew each time.
_FLOATS_PER_THREAD = 1 << 19
# oneDNN on x86 convolves directly; other libraries may choose transform algorithms, which round.
_DIRECT_CONVOLUTION = platform.machine().lower() in ("x86_64", "amd64")


@dataclass(frozen=True)
class _Planes:
    """One multiplier's factors on one device.

    Attributes:
        activation: float64 `[2**bits_a]` per plane, or `None` where the plane is the code's value itself.
        weight: float64 `[r, 2**bits_b]`.
        scale: Common factor, applied in integers at the end.
        mass: int64 `[2**bits_b]`, largest `sum_r |U[r, a] V[r, w]|` over all a, per weight pattern.
        max_mass: Largest entry of `mass`.
    """

    activation: tuple[Tensor | None, ...]
    weight: Tensor
    scale: int
    mass: Tensor
    max_mass: int


def _build_planes(multiplier: Multiplier, device: torch.device) -> _Planes:
    factors = multiplier.factors
    if factors is None:
        raise EngineUnavailable(f"engine 'factored': {multiplier.name!r} has no small integer factorisation")
    # Every pattern, not only those within range_a: an equal table of another encoding, with a wider range, shares this.
    values = operand_values(multiplier.bits_a, multiplier.signed_a)
    activation: list[Tensor | None] = []
    weight = factors.v.astype(np.int64)
    for plane, u in enumerate(factors.u):
        slope = int(u[1])
        if np.array_equal(u, slope * values):
            weight[plane] *= slope
            activation.append(None)
        else:
            activation.append(torch.from_numpy(u.astype(np.float64)).to(device))
    mass = np.zeros(weight.shape[1], np.int64)
    for pattern in range(weight.shape[1]):
        mass[pattern] = np.abs(factors.u * factors.v[:, pattern, None]).sum(axis=0).max()
    return _Planes(
        activation=tuple(activation),
        weight=torch.from_numpy(weight.astype(np.float64)).to(device),
        scale=factors.scale,
        mass=torch.from_numpy(mass).to(device),
        max_mass=int(mass.max()),
    )


_planes = PerMultiplier(_build_planes)


class FactoredEngine:
    """Exact integer factors mapped into an ordinary float matmul or convolution; any device, low-rank tables."""

    name = "factored"

    def unavailable(self, multiplier: Multiplier | None, device: torch.device) -> str | None:
        """Return the reason: tables without a small exact integer factorisation."""
        if multiplier is not None and multiplier.factors is None:
            return "its table has no exact integer factorisation of small rank"
        return None

    def matmul(self, a: Tensor, b: Tensor, multiplier: Multiplier, accumulator: torch.dtype) -> Tensor:
        """See `Engine.matmul`."""
        planes = _planes(multiplier, a.device)
        indices = patterns(b, multiplier.bits_b)
        parts, dtype = _split(indices.t()[:, :, None], planes)
        result = torch.zeros((a.shape[0], b.shape[1]), dtype=accumulator, device=a.device)
        rows = max(1, _floats_at_once(a.device) // (a.shape[1] * len(planes.activation)))
        with exact_float(a.device):
            for part in parts:
                weights = torch.cat(_map_weights(indices[part], planes, dtype))
                for start in range(0, len(a), rows):
                    codes = a[start : start + rows, part]
                    mapped = torch.cat(_map_activations(codes, multiplier.bits_a, planes, dtype), dim=1)
                    result[start : start + rows] += torch.matmul(mapped, weights).to(accumulator)
        return result if planes.scale == 1 else result.mul_(planes.scale)

    def conv2d(
        self,
        x: Tensor,
        w: Tensor,
        multiplier: Multiplier,
        geometry: ConvGeometry,
        pad_value: int | None,
        accumulator: torch.dtype,
    ) -> Tensor:
        """See `Engine.conv2d`; the result has the memory format of x."""
        planes = _planes(multiplier, x.device)
        indices = patterns(w, multiplier.bits_b)
        parts, dtype = _split(indices.flatten(2), planes)
        convolve = _direct if x.device.type == "cpu" and _DIRECT_CONVOLUTION else _unfolded
        if pad_value is not None and geometry.padded and not _is_zero(planes, pad_value, multiplier.bits_a):
            top, bottom, left, right = geometry.pads
            limits = torch.iinfo(x.dtype)
            codes = x if limits.min <= pad_value <= limits.max else x.to(torch.int32)
            x, pads = functional.pad(codes, (left, right, top, bottom), value=pad_value), (0, 0, 0, 0)
        else:
            pads = geometry.pads
        grouped = _by_group(x, geometry.groups)
        result = torch.empty(geometry.output_shape, dtype=accumulator, device=x.device, memory_format=_memory_format(x))
        unfolding = 1 if convolve is _direct else geometry.kernel[0] * geometry.kernel[1]
        images = max(1, _floats_at_once(x.device) // (x[0].numel() * len(planes.activation) * unfolding))
        with exact_float(x.device):
            for number, part in enumerate(parts):
                weights = torch.cat(_map_weights(indices[:, part], planes, dtype), dim=1)
                for start in range(0, geometry.batch, images):
                    batch = slice(start, start + images)
                    codes = x[batch] if len(parts) == 1 else grouped[batch, :, part].flatten(1, 2)
                    mapped = _map_activations(codes, multiplier.bits_a, planes, dtype)
                    sums = convolve(_interleave(mapped, geometry.groups), weights, geometry, pads)
                    if number == 0:
                        result[batch] = sums
                    else:
                        result[batch] += sums.to(accumulator)
        return result if planes.scale == 1 else result.mul_(planes.scale)


def _floats_at_once(device: torch.device) -> int:
    return _FLOATS_PER_THREAD * torch.get_num_threads() if device.type == "cpu" else _FLOATS_AT_ONCE


def _memory_format(x: Tensor) -> torch.memory_format:
    last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def _split(indices: Tensor, planes: _Planes) -> tuple[list[slice], torch.dtype]:
    """Choose parts of the input channels, and a dtype, so that no partial sum within a part can round.

    Args:
        indices: Weight patterns `[outputs, channels, taps]`.
        planes: The factors.
    """
    outputs, channels, taps = indices.shape
    everything = [slice(0, channels)]
    if channels * taps * planes.max_mass < FLOAT32_EXACT:
        return everything, torch.float32
    mass = planes.mass.index_select(0, indices.reshape(-1)).view(outputs, channels, taps).sum(dim=2)
    total = int(mass.sum(dim=1).max())
    if total < FLOAT32_EXACT:
        return everything, torch.float32
    cumulative = functional.pad(mass.cumsum(dim=1), (1, 0))
    fewest = -(-total // FLOAT32_EXACT)
    # Uneven weights need more parts than the total says; beyond four times as many, double precision is cheaper.
    for count in range(fewest, min(channels, 4 * fewest) + 1):
        edges = [channels * part // count for part in range(count + 1)]
        at_edges = cumulative[:, torch.tensor(edges, device=indices.device)]
        if int(at_edges.diff(dim=1).max()) < FLOAT32_EXACT:
            return [slice(*edge) for edge in pairwise(edges)], torch.float32
    if total >= FLOAT64_EXACT:
        raise EngineUnavailable(f"engine 'factored': a sum of {total} is beyond double precision")
    return everything, torch.float64


def _map_weights(indices: Tensor, planes: _Planes, dtype: torch.dtype) -> list[Tensor]:
    flat = indices.flatten()
    return [plane.to(dtype).index_select(0, flat).view(indices.shape) for plane in planes.weight]


def _map_activations(codes: Tensor, bits: int, planes: _Planes, dtype: torch.dtype) -> list[Tensor]:
    """Map codes through every U plane; 4-dimensional codes keep their memory format."""
    last = codes.ndim == 4 and _memory_format(codes) is torch.channels_last
    dense = codes.permute(0, 2, 3, 1) if last else codes.contiguous()
    flat: Tensor | None = None
    mapped = []
    for plane in planes.activation:
        if plane is None:
            values = dense.to(dtype)
        else:
            flat = patterns(dense, bits).flatten() if flat is None else flat
            values = plane.to(dtype).index_select(0, flat).view(dense.shape)
        mapped.append(values.permute(0, 3, 1, 2) if last else values)
    return mapped


def _by_group(x: Tensor, groups: int) -> Tensor:
    """View `[N, C, ...]` as `[N, groups, C / groups, ...]`."""
    return x.view(len(x), groups, -1, *x.shape[2:])


def _interleave(planes: list[Tensor], groups: int) -> Tensor:
    """Join planes `[N, C, H, W]` so that a group's planes lie together, `[N, groups * r * C / groups, H, W]`."""
    if len(planes) == 1:
        return planes[0]
    if groups == 1:
        return torch.cat(planes, dim=1)
    return torch.stack([_by_group(plane, groups) for plane in planes], dim=2).flatten(1, 3)


def _is_zero(planes: _Planes, value: int, bits: int) -> bool:
    code = torch.tensor([value], dtype=torch.int32, device=planes.weight.device)
    return all(not plane.any() for plane in _map_activations(code, bits, planes, torch.float64))


def _direct(x: Tensor, w: Tensor, geometry: ConvGeometry, pads: tuple[int, int, int, int]) -> Tensor:
    top, bottom, left, right = pads
    if (top, left) != (bottom, right):
        x, top, left = functional.pad(x, (left, right, top, bottom)), 0, 0
    return functional.conv2d(x, w, None, geometry.stride, (top, left), geometry.dilation, geometry.groups)


def _unfolded(x: Tensor, w: Tensor, geometry: ConvGeometry, pads: tuple[int, int, int, int]) -> Tensor:
    top, bottom, left, right = pads
    padded = functional.pad(x, (left, right, top, bottom))
    columns = functional.unfold(padded, geometry.kernel, geometry.dilation, 0, geometry.stride)
    groups = geometry.groups
    sums = torch.matmul(w.reshape(groups, len(w) // groups, -1), _by_group(columns, groups))
    return sums.reshape(len(x), len(w), geometry.out_height, geometry.out_width)
