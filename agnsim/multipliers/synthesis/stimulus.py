"""What a circuit multiplies while its energy is measured: uniform operands, or those of a network's layers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.encoding import Encoding, natural_encoding, operand_map, operand_range
from agnsim.multipliers.netlists.netlist_cost import SEED, VECTORS, Operands
from agnsim.multipliers.operands.operand_trace import LayerTrace
from agnsim.multipliers.operands.operand_trace_files import read_trace_at

Bits = tuple[int, int]
Signs = tuple[bool, bool]
DEFAULT_FAN_IN = 256
UNIFORM_HOLD = 256


@dataclass(frozen=True)
class Products:
    """A weight-stationary stream of operand values.

    Attributes:
        a: int64 `[N]`, activations; N a multiple of 64 and of `hold`.
        w: int64 `[N]`, weights.
        encoding_a: How activations reach their port.
        encoding_w: How weights reach theirs.
        hold: Products for which a weight is held.
    """

    a: NDArray[np.int64]
    w: NDArray[np.int64]
    encoding_a: Encoding
    encoding_w: Encoding
    hold: int

    def ports(self, bits: Bits, signed: Signs) -> Operands:
        """Return the bit patterns at the circuit's two ports, int64 `[N]` each."""
        patterns = []
        for values, encoding, width, is_signed in zip(
            (self.a, self.w), (self.encoding_a, self.encoding_w), bits, signed, strict=True
        ):
            to_port = operand_map(width, is_signed, encoding)
            patterns.append(to_port.index[values & ((1 << to_port.bits) - 1)] & ((1 << width) - 1))
        return patterns[0], patterns[1]


class Stimulus(Protocol):
    """A source of operands for circuits of any widths and signs."""

    @property
    def label(self) -> str | None:
        """Name of the stream in a flow, `None` for the uniform one."""
        ...

    @property
    def fan_in(self) -> int:
        """Products that are added up in one sum."""
        ...

    def operands(self, bits: Bits, signed: Signs) -> Operands | None:
        """Return the stream of bit patterns at the ports; `None` stands for `netlist_cost.uniform_operands`."""
        ...

    def products(self, bits: Bits, signed: Signs, *, signed_weights: bool) -> Products:
        """Return the stream of values, weights held, that a MAC sees.

        Args:
            bits: Widths of the circuit's ports.
            signed: Their signs.
            signed_weights: Whether weights may be negative, on an unsigned port in sign-magnitude.
        """
        ...


@dataclass(frozen=True)
class UniformStimulus:
    """Independent uniform operands, always the same."""

    fan_in: int = DEFAULT_FAN_IN
    label: str | None = None

    def operands(self, bits: Bits, signed: Signs) -> Operands | None:
        """As `Stimulus.operands`."""
        return None

    def products(self, bits: Bits, signed: Signs, *, signed_weights: bool) -> Products:
        """As `Stimulus.products`."""
        encoding_a = natural_encoding(signed[0])
        encoding_w = Encoding.SIGN_MAGNITUDE if signed_weights and not signed[1] else natural_encoding(signed[1])
        raw = np.random.PCG64(SEED).random_raw(VECTORS)
        values = []
        for draws, width, is_signed, encoding in (
            (raw & np.uint64(0xFFFFFFFF), bits[0], signed[0], encoding_a),
            (np.repeat(raw[::UNIFORM_HOLD] >> np.uint64(32), UNIFORM_HOLD), bits[1], signed[1], encoding_w),
        ):
            low, high = operand_range(width, is_signed, encoding)
            values.append((draws % np.uint64(high - low + 1)).astype(np.int64) + low)
        return Products(values[0], values[1], encoding_a, encoding_w, UNIFORM_HOLD)


@dataclass(frozen=True, eq=False)
class TraceStimulus:
    """The operands of one or more layers of a network, one layer after another.

    Attributes:
        layers: Their traces.
        fan_in: Products in the longest of their sums.
    """

    layers: tuple[LayerTrace, ...]
    fan_in: int

    @property
    def label(self) -> str | None:
        """As `Stimulus.label`: a digest of the codes."""
        digest = hashlib.sha256()
        for layer in self.layers:
            for codes in (layer.a, layer.w):
                digest.update(codes.astype("<i4").tobytes())
        return digest.hexdigest()[:12]

    def operands(self, bits: Bits, signed: Signs) -> Operands | None:
        """As `Stimulus.operands`."""
        streams = [layer.ports(bits, signed) for layer in self.layers]
        a, b = (np.concatenate([stream[port] for stream in streams]) for port in (0, 1))
        return a & ((1 << bits[0]) - 1), b & ((1 << bits[1]) - 1)

    def products(self, bits: Bits, signed: Signs, *, signed_weights: bool) -> Products:
        """As `Stimulus.products`; the encodings follow from the trace."""
        a, w = [], []
        encodings = [layer.encodings(signed) for layer in self.layers]
        # Where one layer needs sign-magnitude, the circuit has it for all.
        chosen = [
            Encoding.SIGN_MAGNITUDE if Encoding.SIGN_MAGNITUDE in kinds else kinds[0]
            for kinds in zip(*encodings, strict=True)
        ]
        for layer in self.layers:
            grids = layer.grids(bits, signed, encoding_a=chosen[0], encoding_w=chosen[1])
            a.append(grids[0].values(layer.a).astype(np.int64))
            w.append(grids[1].values(layer.w).astype(np.int64))
        hold = min(layer.hold for layer in self.layers)
        return Products(np.concatenate(a), np.concatenate(w), chosen[0], chosen[1], hold)


def read_stimulus(trace: str | None, fan_in: int | None = None) -> UniformStimulus | TraceStimulus:
    """Return the operands of `FILE.npz` or `FILE.npz:LAYER`, uniform ones without it.

    Args:
        trace: An operand trace as `agnsim trace` writes it.
        fan_in: Products in one sum; by default the trace's, else `DEFAULT_FAN_IN`.

    Raises:
        InputError: The file is missing or is no operand trace.
        UnknownName: It has no such layer.
    """
    if trace is None:
        return UniformStimulus(fan_in if fan_in is not None else DEFAULT_FAN_IN)
    traces, names = read_trace_at(trace)
    layers = tuple(traces[name] for name in names)
    return TraceStimulus(layers, fan_in or max(layer.sample.weights.shape[1] for layer in layers))
