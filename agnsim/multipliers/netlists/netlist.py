"""Multipliers as gates: an immutable netlist and its bit-parallel evaluation, 64 operand pairs a machine word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.netlists.exhaustive import MIN_BITS_B, exhaustive_table
from agnsim.multipliers.netlists.gate_folding import FoldedGates
from agnsim.multipliers.netlists.gates import NO_WIRE, Gate, Op
from agnsim.types import Int32Array

Words = NDArray[np.uint64]

MAX_TABLE_BITS = 24
MAX_GATES = 1 << 17
"""Most gates of a netlist, some twenty times those of a 16x16 multiplier: it bounds the memory of an evaluation."""
_BLOCK_BITS = 16  # 1024 words a wire: all wires of an 8x8 multiplier stay in the second-level cache
_MOST_AT_ONCE = 1 << 27  # bytes, of all wires of a block
_WORD = np.dtype("<u8")


@dataclass(frozen=True)
class Netlist:
    """A combinational circuit with two operands and one product.

    Wires are numbered: `0 .. bits_a - 1` the first operand (LSB first), the next `bits_b` the second operand, then one
    wire per gate in the order of `gates`, which is topological.

    Attributes:
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        gates: The gates; each reads only wires before its own.
        outputs: Wires of the product, LSB first.
        signed: Whether the product is in two's complement.

    Raises:
        MultiplierError: A width is below 1, there are more than `MAX_GATES` gates, a gate reads a wire at or behind its
            own, a pin is missing or superfluous, or an output names no wire.
    """

    bits_a: int
    bits_b: int
    gates: tuple[Gate, ...]
    outputs: tuple[int, ...]
    signed: bool = False

    def __post_init__(self) -> None:
        if self.bits_a < 1 or self.bits_b < 1:
            raise MultiplierError(f"netlist widths are {self.bits_a}x{self.bits_b}; both operands need at least 1 bit")
        if len(self.gates) > MAX_GATES:
            raise MultiplierError(f"a netlist of {len(self.gates)} gates; no multiplier needs more than {MAX_GATES}")
        for number, gate in enumerate(self.gates):
            pins, wire = (gate.x, gate.y), self.inputs + number
            used, unused = pins[: gate.op.arity], pins[gate.op.arity :]
            if any(not 0 <= pin < wire for pin in used) or any(pin != NO_WIRE for pin in unused):
                raise MultiplierError(
                    f"gate {number} ({gate.op.value}) drives wire {wire} and reads {pins}; it must read "
                    f"{gate.op.arity} of the wires 0..{wire - 1} and hold {NO_WIRE} in unused pins"
                )
        wires = self.inputs + len(self.gates)
        if not self.outputs or any(not 0 <= wire < wires for wire in self.outputs):
            raise MultiplierError(f"netlist outputs {self.outputs} must be one or more of the wires 0..{wires - 1}")
        if len(self.outputs) > 63:
            raise MultiplierError(f"a product of {len(self.outputs)} bits does not fit int64")

    @property
    def inputs(self) -> int:
        """Number of input wires, `bits_a + bits_b`."""
        return self.bits_a + self.bits_b

    def evaluate(self, a: NDArray[Any], b: NDArray[Any]) -> Words:
        """Compute every wire for a stream of operand pairs.

        Args:
            a: Integers `[N]`; the low `bits_a` bits are the first operand's pattern.
            b: Integers `[N]`; the low `bits_b` bits are the second operand's pattern.

        Returns:
            uint64 (little-endian) `[wires, ceil(N / 64)]`: bit n % 64 of word n // 64 is the wire's value for pair n.
            Bits beyond N are undefined.
        """
        values = np.empty((self.inputs + len(self.gates), -(-len(a) // 64)), dtype=_WORD)
        values[: self.bits_a] = _pack(a, self.bits_a)
        values[self.bits_a : self.inputs] = _pack(b, self.bits_b)
        for wire, (op, x, y) in enumerate(self.gates, start=self.inputs):
            _apply(op, values[x], values[y], values[wire])
        return values

    @cached_property
    def digest(self) -> str:
        """SHA-256 of widths, sign, outputs and gates: equal netlists, not equal functions, have the same."""
        gates = [(op.value, x, y) for op, x, y in self.gates]
        content = (self.bits_a, self.bits_b, self.signed, self.outputs, gates)
        return hashlib.sha256(repr(content).encode()).hexdigest()

    @property
    def fits_int32(self) -> bool:
        """Whether every product fits int32, by its number of bits."""
        return len(self.outputs) <= 31 + self.signed

    def product(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.signedinteger[Any]]:
        """Return `[N]`, the product's value for each of N operand pairs (bit patterns, see `evaluate`).

        int32 where `fits_int32`, else int64.
        """
        values = self.evaluate(a, b)
        dtype = np.dtype(np.int32 if self.fits_int32 else np.int64)
        product = np.zeros(len(a), dtype=dtype)
        for place, wire in enumerate(self.outputs):
            bits = np.unpackbits(values[wire].view(np.uint8), bitorder="little", count=len(a))
            product |= np.left_shift(bits, place, dtype=dtype)
        if self.signed:
            unused = 8 * dtype.itemsize - len(self.outputs)
            product = (product << unused) >> unused
        return product

    def table(self) -> Int32Array:
        """Return int32 `[2**bits_a, 2**bits_b]`, the product for every pair of bit patterns.

        Raises:
            MultiplierError: The table would have more than 2**24 entries, or a product does not fit int32.
        """
        if self.inputs > MAX_TABLE_BITS:
            raise MultiplierError(
                f"a {self.bits_a}x{self.bits_b} multiplier has 2**{self.inputs} products; tables are made up to "
                f"2**{MAX_TABLE_BITS}. Evaluate the operand pairs you need with Netlist.product"
            )
        if not self.fits_int32:
            raise MultiplierError(f"a product of {len(self.outputs)} bits does not fit the int32 of a table")
        if self.inputs > _BLOCK_BITS and self.bits_b >= MIN_BITS_B:
            return exhaustive_table(self)
        table = np.empty(2**self.inputs, dtype=np.int32)
        most = 8 * _MOST_AT_ONCE // (self.inputs + len(self.gates))
        for start, stop in _blocks(len(table), min(1 << _BLOCK_BITS, most // 64 * 64)):
            pair = np.arange(start, stop, dtype=np.int32)
            table[start:stop] = self.product(pair >> self.bits_b, pair)
        return table.reshape(2**self.bits_a, 2**self.bits_b)

    def swapped(self) -> Netlist:
        """Return the same circuit with the operands in the other order."""
        first, inputs = self.bits_a, self.inputs

        def moved(wire: int) -> int:
            if wire >= inputs or wire == NO_WIRE:
                return wire
            return wire + self.bits_b if wire < first else wire - first

        gates = tuple(Gate(op, moved(x), moved(y)) for op, x, y in self.gates)
        return Netlist(self.bits_b, first, gates, tuple(map(moved, self.outputs)), self.signed)

    def simplify(self) -> Netlist:
        """Return the same function with constants propagated, equal gates shared, buffers and dead gates removed."""
        folded = FoldedGates(self.inputs)
        wires = folded.insert(self.gates, range(self.inputs))
        gates, outputs = folded.finish([wires[wire] for wire in self.outputs])
        return Netlist(self.bits_a, self.bits_b, gates, outputs, self.signed)


def following(values: Words) -> Words:
    """Return, bit for bit, what wires carry one step of the stream later; the last step returns to the first pair.

    Args:
        values: uint64 `[wires, words]` as `Netlist.evaluate` gives them, of a whole number of words.
    """
    return (values >> np.uint64(1)) | (np.roll(values, -1, axis=1) << np.uint64(63))


def _apply(op: Op, x: Words, y: Words, out: Words) -> None:
    if op in (Op.CONST0, Op.CONST1):
        out.fill(0 if op is Op.CONST0 else 2**64 - 1)
    elif op in (Op.BUF, Op.NOT):
        np.copyto(out, x)
    elif op in (Op.AND, Op.NAND):
        np.bitwise_and(x, y, out=out)
    elif op in (Op.OR, Op.NOR):
        np.bitwise_or(x, y, out=out)
    else:
        np.bitwise_xor(x, y, out=out)
    if op in (Op.NOT, Op.NAND, Op.NOR, Op.XNOR):
        np.invert(out, out=out)


def _pack(values: NDArray[Any], bits: int) -> Words:
    planes = np.zeros((bits, -(-len(values) // 64) * 64), dtype=np.uint8)
    for place in range(bits):
        planes[place, : len(values)] = (values >> place) & 1
    return np.packbits(planes, axis=1, bitorder="little").view(_WORD)


def _blocks(entries: int, step: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + step, entries)) for start in range(0, entries, step))
