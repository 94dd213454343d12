"""Distributions of operands, and the error of a circuit under them, which may be far from the uniform one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError, did_you_mean
from agnsim.multipliers.encoding import Encoding, fold_encodings, natural_encoding, operand_map, port_range
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.operands.operand_trace import OperandTrace
from agnsim.multipliers.operands.operand_trace_files import read_trace_at
from agnsim.types import FloatArray

EncodingPair = tuple[Encoding, Encoding]
Block = tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]
"""Values of the activations `[A]` and of the weights `[W]`, and the probability of every pair `[A, W]`."""

_ALL_PAIRS = 1 << 18
_SOME_VALUES = 512
_PAIRS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Use:
    """How a circuit is used.

    Attributes:
        circuit: The physical circuit.
        encodings: How activations and weights reach their ports.
        swapped: Whether activations go to the second port.
    """

    circuit: Multiplier
    encodings: EncodingPair
    swapped: bool = False

    @property
    def ports(self) -> tuple[tuple[int, bool], tuple[int, bool]]:
        """Width and sign of the activations' port and of the weights'."""
        circuit = self.circuit
        ports = (circuit.bits_a, circuit.signed_a), (circuit.bits_b, circuit.signed_b)
        return ports[::-1] if self.swapped else ports

    def errors(self, a: NDArray[np.int64], w: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the error for every pair of operand values: int64 `[A, W]`.

        Raises:
            MultiplierError: The circuit has no table.
        """
        table = self.circuit.table.T if self.swapped else self.circuit.table
        maps = [operand_map(*port, encoding) for port, encoding in zip(self.ports, self.encodings, strict=True)]
        patterns = [values & ((1 << to_port.bits) - 1) for values, to_port in zip((a, w), maps, strict=True)]
        return fold_encodings(table, maps[0], maps[1], patterns[0], patterns[1]) - np.multiply.outer(a, w)


class OperandDistribution(ABC):
    """A joint distribution of activations and weights.

    Attributes:
        name: What it is, in words.
    """

    name: str

    @abstractmethod
    def encodings(self, signed: tuple[bool, bool], *, swapped: bool) -> EncodingPair:
        """Return how its activations and weights reach ports of these signs by default."""

    @abstractmethod
    def blocks(self, use: Use) -> Iterator[Block]:
        """Yield the operand values that the ports are given; the probabilities of all blocks sum to 1.

        Raises:
            InputError: The ports can't take the operands.
        """


class Independent(OperandDistribution):
    """Activations and weights drawn apart from each other, uniformly or normally, over the whole range of their ports.

    Normal: a quarter of the port's largest value is the standard deviation, and activations are never negative.
    Beyond 2**18 pairs, 512 evenly spaced values of each operand stand for all.
    """

    def __init__(self, name: str, *, uniform: bool) -> None:
        self.name = name
        self._uniform = uniform

    def encodings(self, signed: tuple[bool, bool], *, swapped: bool) -> EncodingPair:
        """See the base; the values themselves."""
        first, second = (natural_encoding(sign) for sign in (signed[::-1] if swapped else signed))
        return first, second

    def blocks(self, use: Use) -> Iterator[Block]:
        """See the base."""
        ranges = [port_range(*port, encoding) for port, encoding in zip(use.ports, use.encodings, strict=True)]
        if not self._uniform:
            ranges[0] = (max(0, ranges[0][0]), ranges[0][1])
        sizes = [high - low + 1 for low, high in ranges]
        few = sizes[0] * sizes[1] > _ALL_PAIRS
        a, w = (_values(low, high, _SOME_VALUES if few else high - low + 1) for low, high in ranges)
        p_a, p_w = (self._shares(values) for values in (a, w))
        step = max(1, _PAIRS_AT_ONCE // len(w))
        for first in range(0, len(a), step):
            part = slice(first, first + step)
            yield a[part], w, np.multiply.outer(p_a[part], p_w)

    def _shares(self, values: NDArray[np.int64]) -> FloatArray:
        spread = max(1, int(values.max())) / 4
        weights = np.ones(len(values)) if self._uniform else np.exp(-0.5 * (values / spread) ** 2)
        return np.asarray(weights / weights.sum())


class Traced(OperandDistribution):
    """The operands of a traced network: one layer's, or all layers', each multiplication counting the same.

    Args:
        trace: The operands.
        layers: Names of the layers that count.
    """

    def __init__(self, trace: OperandTrace, layers: tuple[str, ...]) -> None:
        self.name = f"{'layer ' + layers[0] if len(layers) == 1 else f'{len(layers)} layers'} of {trace.source}"
        self._layers = [trace[layer] for layer in layers]
        self._blocks: dict[tuple[Any, ...], list[Block]] = {}

    def encodings(self, signed: tuple[bool, bool], *, swapped: bool) -> EncodingPair:
        """See the base; sign-magnitude where a layer has negative operands for an unsigned port."""
        found = [layer.encodings(signed, swapped=swapped) for layer in self._layers]
        first, second = (
            next((e for e in encodings if e is Encoding.SIGN_MAGNITUDE), encodings[0])
            for encodings in zip(*found, strict=True)
        )
        return first, second

    def blocks(self, use: Use) -> Iterator[Block]:
        """See the base; codes that a port does not take are rounded to its coarser grid."""
        key = use.ports, use.encodings, use.swapped
        if key not in self._blocks:
            self._blocks[key] = self._joined(use)
        yield from self._blocks[key]

    def _joined(self, use: Use) -> list[Block]:
        """Return a block for all layers that feed the ports the same values: a circuit is looked up once for them."""
        circuit, total = use.circuit, sum(layer.macs for layer in self._layers)
        found: dict[tuple[bytes, bytes], Block] = {}
        for layer in self._layers:
            grid_a, grid_w = layer.grids(
                (circuit.bits_a, circuit.bits_b),
                (circuit.signed_a, circuit.signed_b),
                swapped=use.swapped,
                encoding_a=use.encodings[0],
                encoding_w=use.encodings[1],
            )
            # Patterns that no code has are counted never; their values need only be in range.
            a = np.clip(layer.values_a, *layer.range_a).astype(np.int32)
            w = np.clip(layer.values_w, *layer.range_w).astype(np.int32)
            fed_a, fed_w = grid_a.values(a).astype(np.int64), grid_w.values(w).astype(np.int64)
            fed = fed_a.tobytes(), fed_w.tobytes()
            share = layer.histogram / max(1, total)
            found[fed] = fed_a, fed_w, share + found[fed][2] if fed in found else share
        return list(found.values())


DISTRIBUTIONS: dict[str, OperandDistribution] = {
    "uniform": Independent("uniform operands", uniform=True),
    "half-normal": Independent("half-normal activations, normal weights", uniform=False),
}


def distribution(place: str) -> OperandDistribution:
    """Return the distribution meant by `uniform`, `half-normal`, `TRACE` or `TRACE:LAYER`.

    Raises:
        InputError: There is no such distribution or file, or the file is no operand trace.
        UnknownName: The trace has no such layer.
    """
    if place in DISTRIBUTIONS:
        return DISTRIBUTIONS[place]
    if not place.rpartition(":")[0] and "." not in place and "/" not in place:
        raise InputError(f"--operands {place}: no such distribution, nor a trace.{did_you_mean(place, DISTRIBUTIONS)}")
    return Traced(*read_trace_at(place))


def error_moments(use: Use, operands: OperandDistribution) -> dict[str, Any]:
    """Return `mae`, `mean_error` and `error_std` of a circuit under a distribution, in units of the product.

    The error is the circuit's own, of the operands that its ports are given.

    Raises:
        InputError: The ports can't take the operands, or the circuit has no table.
    """
    mean = magnitude = square = 0.0
    for a, w, probability in operands.blocks(use):
        error = use.errors(a, w).astype(np.float64)
        mean += float((probability * error).sum())
        magnitude += float((probability * np.abs(error)).sum())
        square += float((probability * error**2).sum())
    mean = 0.0 if abs(mean) < 1e-12 * magnitude else mean  # errors that cancel leave the rounding of sums
    return {"mae": magnitude, "mean_error": mean, "error_std": math.sqrt(max(0.0, square - mean * mean))}


def _values(low: int, high: int, count: int) -> NDArray[np.int64]:
    return np.unique(np.round(np.linspace(low, high, min(count, high - low + 1))).astype(np.int64))
