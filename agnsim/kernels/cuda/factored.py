"""Tables of small integer rank on tensor cores: `kernels/factored`.

16-bit factors are summed in float32, where integers below 2^24 are exact: products of two 16-bit floats are exact, and
tensor cores align addends to the largest of them with at least 24 bits (Fasi, Higham, Mikaitis, Pranesh, PeerJ Computer
Science 7:e330, 2021), so that a sum of integers loses nothing while the magnitudes add up to less than 2^24, in any
order. 8-bit factors are summed in int32, exact modulo 2^32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from agnsim.kernels.cuda.arguments import Kernel
from agnsim.kernels.cuda.launch import Launcher
from agnsim.kernels.cuda.problem import Problem, ceil_div
from agnsim.kernels.exact_float import FLOAT32_EXACT
from agnsim.kernels.patterns import PerMultiplier

if TYPE_CHECKING:
    from agnsim.multipliers import Factors, Multiplier

Int64Array = NDArray[np.int64]

MAX_RANK = 16
_POSITIONS = 128
_ROW_BYTES = 64  # of a tile: a stage of terms
_ROW_STRIDE = 80
_TABLE_BYTES = 64 << 10  # of shared memory, for copies of U; two blocks share a multiprocessor
# Predicted 10^12 products a second at rank 1 and without waste (kernels/README.md); only their ratios matter.
_TABLE_RATE, _FLOAT_RATE, _INTEGER_RATE = 7.0, 150.0, 300.0


@dataclass(frozen=True)
class Kind:
    """How factors are represented.

    Attributes:
        name: Type in the kernel source.
        weight_dtype: Of mapped weights.
        float_sums: Whether sums are float32, else int32.
    """

    name: str
    weight_dtype: torch.dtype
    float_sums: bool

    @property
    def size(self) -> int:
        """Bytes of a factor."""
        return 2 if self.float_sums else 1

    @property
    def stage(self) -> int:
        """Terms of the sum in a tile."""
        return _ROW_BYTES // self.size


F16 = Kind("F16", torch.float16, True)
S8 = Kind("S8", torch.int8, False)
U8 = Kind("U8", torch.int8, False)


@dataclass(frozen=True)
class Planes:
    """A multiplier's factors on a device, as the kernel reads them.

    Attributes:
        kind: Their representation.
        rank: Number of planes; the table's rank, or more where a plane's entries take two.
        u: int32 words `[ceil(rank / planes in a word), 256]`; the first plane lies in the low bits.
        v: `[rank, 2**bits_b]`, `kind.weight_dtype`.
        scale: Common factor, applied at the end.
        mass: int64 `[2**bits_b]`, largest `sum_r |U[r, a] V[r, w]|` over all a.
        max_mass: Largest entry of `mass`.
    """

    kind: Kind
    rank: int
    u: Tensor
    v: Tensor
    scale: int
    mass: Tensor
    max_mass: int


def _build(multiplier: Multiplier, device: torch.device) -> Planes | None:
    if max(multiplier.bits_a, multiplier.bits_b) > 8:
        return None
    factors = multiplier.factors
    if factors is None or factors.rank > MAX_RANK:
        return None
    u, v, scale = _smallest(factors)
    kind = next((kind for kind in (U8, S8) if _holds(kind, u, v)), None)
    if kind is None:
        kind, split = F16, _halves(u, v)
        if split is None:
            return None
        u, v = split
    if scale >= 1 << 31 or len(u) > MAX_RANK:
        return None
    values = np.zeros((ceil_div(len(u) * kind.size, 4) * 4 // kind.size, 256), np.int64)
    values[: len(u), : u.shape[1]] = u
    dtype = torch.uint8 if kind is U8 else kind.weight_dtype
    mapped = torch.from_numpy(values).to(dtype).view(-1, 4 // kind.size, 256)
    mass = np.array([np.abs(u * column[:, None]).sum(axis=0).max() for column in v.T], np.int64)
    return Planes(
        kind=kind,
        rank=len(u),
        u=mapped.transpose(1, 2).contiguous().view(torch.int32).to(device),
        v=torch.from_numpy(v).to(kind.weight_dtype).to(device),
        scale=scale,
        mass=torch.from_numpy(mass).to(device),
        max_mass=int(mass.max()),
    )


planes_of = PerMultiplier(_build)
"""A multiplier's planes, `None` where it has no factors that 8-bit integers or few 16-bit floats hold."""


def _smallest(factors: Factors) -> tuple[Int64Array, Int64Array, int]:
    """Move common factors of every plane of U to V, and of all of V to the scale."""
    contents = np.gcd.reduce(factors.u, axis=1).clip(1)
    v = factors.v * contents[:, None]
    common = max(1, int(np.gcd.reduce(v, axis=None)))
    return factors.u // contents[:, None], v // common, factors.scale * common


def _holds(kind: Kind, u: Int64Array, v: Int64Array) -> bool:
    low, high = (0, 255) if kind is U8 else (-128, 127)
    return bool(u.min() >= low and u.max() <= high and v.min() >= -128 and v.max() <= 127)


def _halves(u: Int64Array, v: Int64Array) -> tuple[Int64Array, Int64Array] | None:
    """Write factors as 16-bit floats: a plane with wider entries becomes the planes of their upper and lower parts."""
    largest = int(np.finfo(np.float16).max)
    if max(np.abs(u).max(), np.abs(v).max()) > largest:
        return None
    planes = [
        (left, right)
        for activation, weight in zip(u, v, strict=True)
        for left in _half_parts(activation)
        for right in _half_parts(weight)
    ]
    return np.array([left for left, _ in planes]), np.array([right for _, right in planes])


def _half_parts(values: Int64Array) -> list[Int64Array]:
    upper = values.astype(np.float16).astype(np.int64)
    return [upper] if np.array_equal(upper, values) else [upper, values - upper]


@dataclass(frozen=True)
class Plan:
    """How the sums are computed.

    Attributes:
        tiles: Eighths of the output channels per warp: a block has 32 times as many outputs.
        flush: Stages after which float sums move to integers; 0: never.
    """

    tiles: int
    flush: int


def plan(problem: Problem, planes: Planes) -> Plan | None:
    """Return how to sum exactly, or `None` where it can't be proved or the table kernel is quicker."""
    tiles = 4 if problem.group_outputs > 64 else 2 if problem.group_outputs > 32 else 1
    used = problem.group_outputs / (ceil_div(problem.group_outputs, 32 * tiles) * 32 * tiles)
    rate = _FLOAT_RATE if planes.kind.float_sums else _INTEGER_RATE
    if rate * used / planes.rank < _TABLE_RATE:
        return None
    bound = problem.geometry.fan_in * planes.max_mass
    # An int32 result may wrap on the way; to int64 the sum is widened only at the end.
    if problem.out.dtype == torch.int64 and bound >= 1 << 31:
        return None
    if not planes.kind.float_sums or bound < FLOAT32_EXACT:
        return Plan(tiles, 0)
    mass = planes.mass.index_select(0, problem.weights.flatten()).view(-1, problem.geometry.fan_in)
    if int(mass.sum(dim=1).max()) < FLOAT32_EXACT:
        return Plan(tiles, 0)
    stages = (FLOAT32_EXACT - 1) // (planes.kind.stage * planes.max_mass)
    return Plan(2, stages) if stages else None


def run(problem: Problem, planes: Planes, chosen: Plan, launcher: Launcher) -> None:
    """Write the sums of a problem through factors."""
    octets, conv, patterns = problem.packed(launcher)
    device, columns = octets.device, 32 * chosen.tiles
    weights, blocks = _map_weights(patterns, planes, columns)
    words = planes.u.numel()
    room = min(_TABLE_BYTES, launcher.shared_limit(device) - 2 * (_POSITIONS + columns) * _ROW_STRIDE)
    copies = next(count for count in (32, 16, 8, 4, 2, 1) if words * count * 4 <= room or count == 1)
    shared = 2 * (_POSITIONS + columns) * _ROW_STRIDE + words * copies * 4
    kind = planes.kind
    defines = (f"KIND={kind.name}", f"NT={chosen.tiles}", f"FLUSH={'true' if chosen.flush else 'false'}")
    kernel = Kernel("factored/factored_conv2d.cu", "factored_conv2d", defines)
    grid = problem.geometry.groups * blocks * ceil_div(problem.positions, _POSITIONS)
    arguments = (conv, octets, weights, planes.u, planes.rank, copies, chosen.flush, planes.scale, problem.out)
    launcher.launch(kernel, device, grid, shared, arguments)


def _map_weights(patterns: Tensor, planes: Planes, columns: int) -> tuple[Tensor, int]:
    """Map weights through V into `[groups, blocks, stages, rank, columns, stage]`; zeros for what doesn't exist."""
    groups, outputs, taps, channels = patterns.shape
    blocks, stage = ceil_div(outputs, columns), planes.kind.stage
    stages = ceil_div(taps * channels, stage)
    missing = (0, stages * stage - taps * channels, 0, blocks * columns - outputs)
    terms = functional.pad(patterns.flatten(2), missing, value=-1)
    with_zero = functional.pad(planes.v, (0, 1))  # pattern -1 is the last column
    mapped = with_zero[:, torch.where(terms < 0, with_zero.shape[1] - 1, terms)]
    mapped = mapped.view(planes.rank, groups, blocks, columns, stages, stage)
    return mapped.permute(1, 2, 4, 0, 3, 5).contiguous(), blocks
