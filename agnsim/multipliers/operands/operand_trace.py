"""What a network's layers multiply: joint histograms of the operands and short sequences of them, by layer.

All figures are operand values as the layer's quantisers make them, before any encoding. A sequence is what one
multiplier of a weight-stationary array sees: a weight is held while the activations of consecutive output positions
(row by row, image after image) pass by, then comes the next weight. `LayerTrace.ports` says which bit patterns that
makes at the ports of a circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError, UnknownName, did_you_mean
from agnsim.multipliers.encoding import (
    Encoding,
    natural_encoding,
    operand_map,
    operand_range,
    operand_values,
    parse_encoding,
    port_range,
)
from agnsim.multipliers.operands.port_grid import PortGrid, Range, activation_grid, weight_grid
from agnsim.types import FloatArray, Int32Array, LayerOperands

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """The operands of one layer.

    Attributes:
        layer: Qualified module name.
        bits_a: Width of the activation codes.
        bits_w: Width of the weight codes.
        signed_a: Whether activation codes are two's complement.
        signed_w: The same of the weight codes.
        range_a: Smallest and largest code of the activation quantiser.
        range_w: The same of the weight quantiser.
        histogram: int64 `[2**bits_a, 2**bits_w]`, how often each pair of codes was multiplied, by bit patterns; its sum
            is the number of multiplications traced.
        a: int32 `[N]`, activation codes in sequence, N a multiple of 64.
        w: int32 `[N]`, weight codes in sequence.
        hold: Pairs for which a weight is held, a power of two.
        sample: Receptive fields and weights, as the error model reads them.

    Raises:
        InputError: The arrays are not such a trace.
    """

    layer: str
    bits_a: int
    bits_w: int
    signed_a: bool
    signed_w: bool
    range_a: Range
    range_w: Range
    histogram: Int64Array
    a: Int32Array
    w: Int32Array
    hold: int
    sample: LayerOperands

    def __post_init__(self) -> None:
        where = f"trace of layer {self.layer!r}"
        if self.histogram.shape != (1 << self.bits_a, 1 << self.bits_w) or self.histogram.min() < 0:
            raise InputError(f"{where}: the histogram is {list(self.histogram.shape)}, or a count is negative")
        if self.a.shape != self.w.shape or self.a.ndim != 1 or len(self.a) == 0 or len(self.a) % 64:
            raise InputError(
                f"{where}: the sequences have lengths {self.a.shape} and {self.w.shape}; both must have the same "
                "multiple of 64"
            )
        if self.hold < 1 or len(self.a) % self.hold or (self.held_weights != self.held_weights[:, :1]).any():
            raise InputError(f"{where}: its weights are not held for {self.hold} pairs each")
        for label, codes, bits, signed, (low, high) in (
            ("activation", self.a, self.bits_a, self.signed_a, self.range_a),
            ("weight", self.w, self.bits_w, self.signed_w, self.range_w),
        ):
            lowest, highest = operand_range(bits, signed, natural_encoding(signed))
            if not lowest <= low < high <= highest or int(codes.min()) < low or int(codes.max()) > high:
                raise InputError(
                    f"{where}: {label} codes {int(codes.min())}..{int(codes.max())}, stated as {low}..{high} "
                    f"of {bits} bits ({lowest}..{highest})"
                )
        if not self.range_a[0] <= self.sample.zero_point_a <= self.range_a[1]:
            raise InputError(f"{where}: the zero point {self.sample.zero_point_a} is no activation code")

    @property
    def macs(self) -> int:
        """Multiplications traced: the sum of the histogram."""
        return int(self.histogram.sum())

    @property
    def held_weights(self) -> Int32Array:
        """The sequence of weights, a row for each that is held: int32 `[N / hold, hold]`."""
        return self.w.reshape(-1, self.hold)

    @cached_property
    def values_a(self) -> Int64Array:
        """Activation code of each row of the histogram."""
        return operand_values(self.bits_a, self.signed_a)

    @cached_property
    def values_w(self) -> Int64Array:
        """Weight code of each column of the histogram."""
        return operand_values(self.bits_w, self.signed_w)

    @property
    def zeros_a(self) -> float:
        """Share of the multiplications whose activation is zero (its code the zero point)."""
        return self._share(self.histogram.sum(axis=1), self.values_a == self.sample.zero_point_a)

    @property
    def zeros_w(self) -> float:
        """Share of the multiplications whose weight is zero."""
        return self._share(self.histogram.sum(axis=0), self.values_w == 0)

    def _share(self, counts: Int64Array, which: NDArray[np.bool_]) -> float:
        return float(counts[which].sum()) / max(1, self.macs)

    def encodings(
        self,
        signed: tuple[bool, bool],
        *,
        swapped: bool = False,
        encoding_a: Encoding | str | None = None,
        encoding_w: Encoding | str | None = None,
    ) -> tuple[Encoding, Encoding]:
        """Return how activations and weights reach the ports of a circuit.

        Args:
            signed: Signs of the circuit's two ports.
            swapped: Whether activations go to the second port.
            encoding_a: Encoding of the activations; by default the values themselves, or sign-magnitude where they may
                be negative and their port is unsigned.
            encoding_w: The same of the weights.

        Raises:
            MultiplierError: A port can't take its encoding.
        """
        ports = signed[::-1] if swapped else signed
        found = []
        for label, port_signed, (low, _), encoding in (
            ("activations", ports[0], self.range_a, encoding_a),
            ("weights", ports[1], self.range_w, encoding_w),
        ):
            default = Encoding.SIGN_MAGNITUDE if low < 0 and not port_signed else None
            where = f"layer {self.layer!r}, {label}"
            found.append(parse_encoding(encoding or default, signed=port_signed, where=where))
        return found[0], found[1]

    def grids(
        self,
        bits: tuple[int, int],
        signed: tuple[bool, bool],
        *,
        swapped: bool = False,
        **encodings: Encoding | str | None,
    ) -> tuple[PortGrid, PortGrid]:
        """Return the maps from activation and weight codes to the values that a circuit's ports are given.

        Args:
            bits: Widths of the circuit's two ports.
            signed: Their signs.
            swapped: Whether activations go to the second port.
            encodings: `encoding_a` and `encoding_w`, as for `encodings`.

        Raises:
            MultiplierError: A port can't take its encoding.
            InputError: The weights' port takes no negative values.
        """
        chosen = self.encodings(signed, swapped=swapped, **encodings)
        order = (1, 0) if swapped else (0, 1)
        ports = [port_range(bits[port], signed[port], encoding) for port, encoding in zip(order, chosen, strict=True)]
        return (
            activation_grid(self.range_a, ports[0], self.sample.zero_point_a),
            weight_grid(self.range_w, ports[1], f"layer {self.layer!r}"),
        )

    def ports(
        self,
        bits: tuple[int, int],
        signed: tuple[bool, bool],
        *,
        swapped: bool = False,
        **encodings: Encoding | str | None,
    ) -> tuple[Int64Array, Int64Array]:
        """Return what the sequence makes at the ports of a circuit: bit patterns, int64 `[N]` for each port in turn.

        Codes that a port does not take are quantised anew for it, on the coarser grid of `PortGrid`.

        Args:
            bits: Widths of the circuit's two ports.
            signed: Their signs.
            swapped: Whether activations go to the second port.
            encodings: `encoding_a` and `encoding_w`, as for `encodings`.

        Raises:
            MultiplierError: A port can't take its encoding.
            InputError: The weights' port takes no negative values.
        """
        order = (1, 0) if swapped else (0, 1)
        fed: dict[int, Int64Array] = {}
        for port, grid, codes, encoding in zip(
            order,
            self.grids(bits, signed, swapped=swapped, **encodings),
            (self.a, self.w),
            self.encodings(signed, swapped=swapped, **encodings),
            strict=True,
        ):
            to_port = operand_map(bits[port], signed[port], encoding)
            fed[port] = to_port.index[grid.values(codes) & ((1 << to_port.bits) - 1)]
        return fed[0], fed[1]


class OperandTrace(Mapping[str, LayerTrace]):
    """The traces of a network's layers by name, in its order; each is read when it is asked for.

    Args:
        source: What was traced: run folder, trial.
        images: Number of images.
        layers: Reader of each layer's trace.
    """

    def __init__(self, source: str, images: int, layers: Mapping[str, Callable[[], LayerTrace]]) -> None:
        self.source = source
        self.images = images
        self._layers = dict(layers)

    @classmethod
    def of(cls, source: str, images: int, layers: Iterable[LayerTrace]) -> OperandTrace:
        """Return the trace of layers that are in memory."""
        return cls(source, images, {layer.layer: lambda layer=layer: layer for layer in layers})  # type: ignore[misc]

    def __getitem__(self, layer: str) -> LayerTrace:
        self._check(layer)
        return self._layers[layer]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __contains__(self, layer: object) -> bool:
        return layer in self._layers

    def known(self, layers: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return the names of these layers, all by default; no layer is read.

        Raises:
            UnknownName: There is no such layer.
        """
        names = tuple(self if layers is None else layers)
        for name in names:
            self._check(name)
        return names

    def _check(self, layer: str) -> None:
        if layer not in self._layers:
            raise UnknownName(f"the operand trace of {self.source} has no layer {layer!r}.{did_you_mean(layer, self)}")


def normalised(histogram: Int64Array) -> FloatArray:
    """Return the shares of a histogram, which sum to 1."""
    return histogram / max(1, int(histogram.sum()))
