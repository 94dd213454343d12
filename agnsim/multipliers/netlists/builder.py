"""Write netlists in code: gates, adders and multiplexers over wires that fold constants as they are made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from agnsim.multipliers.netlists.gate_folding import FoldedGates
from agnsim.multipliers.netlists.gates import Op
from agnsim.multipliers.netlists.netlist import Netlist

Wire = int
Bus = list[Wire]
"""Wires of one number, LSB first."""


class NetlistBuilder:
    """A netlist in the making.

    Args:
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.

    Attributes:
        a: The first operand's wires, LSB first.
        b: The second operand's wires, LSB first.
        zero: A wire that is constantly 0.
        one: A wire that is constantly 1.
    """

    def __init__(self, bits_a: int, bits_b: int) -> None:
        self._gates = FoldedGates(bits_a + bits_b)
        self.a: Bus = list(range(bits_a))
        self.b: Bus = list(range(bits_a, bits_a + bits_b))
        self.zero: Wire = self._gates.zero
        self.one: Wire = self._gates.one

    @property
    def product_bits(self) -> int:
        """Width of the full product, `bits_a + bits_b`."""
        return len(self.a) + len(self.b)

    def inverted(self, x: Wire) -> Wire:
        """Return NOT x."""
        return self._gates.emit(Op.NOT, x)

    def both(self, x: Wire, y: Wire) -> Wire:
        """Return x AND y."""
        return self._gates.emit(Op.AND, x, y)

    def either(self, x: Wire, y: Wire) -> Wire:
        """Return x OR y."""
        return self._gates.emit(Op.OR, x, y)

    def differ(self, x: Wire, y: Wire) -> Wire:
        """Return x XOR y."""
        return self._gates.emit(Op.XOR, x, y)

    def any_of(self, wires: Sequence[Wire]) -> Wire:
        """Return the OR of all wires as a balanced tree; 0 for none."""
        level = list(wires) or [self.zero]
        while len(level) > 1:
            pairs = zip_longest(level[::2], level[1::2], fillvalue=self.zero)
            level = [self.either(x, y) for x, y in pairs]
        return level[0]

    def mux(self, select: Wire, when_0: Wire, when_1: Wire) -> Wire:
        """Return `when_1` where `select` is 1, else `when_0`."""
        if when_0 == when_1:
            return when_0
        return self.either(self.both(self.inverted(select), when_0), self.both(select, when_1))

    def half_adder(self, x: Wire, y: Wire) -> tuple[Wire, Wire]:
        """Return (sum, carry) of two bits."""
        return self.differ(x, y), self.both(x, y)

    def full_adder(self, x: Wire, y: Wire, z: Wire) -> tuple[Wire, Wire]:
        """Return (sum, carry) of three bits; a constant among them costs no full adder."""
        x, y, z = sorted((x, y, z), key=lambda wire: wire in (self.zero, self.one))
        propagate, generate = self.half_adder(x, y)
        total, passed_on = self.half_adder(propagate, z)
        return total, self.either(generate, passed_on)

    def add(self, x: Bus, y: Bus, width: int) -> Bus:
        """Return the low `width` bits of x + y: a ripple-carry adder."""
        total: Bus = []
        carry = self.zero
        for place in range(width):
            bit, carry = self.full_adder(self.bit(x, place), self.bit(y, place), carry)
            total.append(bit)
        return total

    def bit(self, bus: Bus, place: int) -> Wire:
        """Return the wire of weight `2**place`; 0 below and above the bus."""
        return bus[place] if 0 <= place < len(bus) else self.zero

    def instance(self, circuit: Netlist, a: Bus, b: Bus) -> Bus:
        """Return the product bits of another circuit whose operands are wires of this one."""
        wires = self._gates.insert(circuit.gates, [*a, *b])
        return [wires[wire] for wire in circuit.outputs]

    def constant(self, value: int, width: int) -> Bus:
        """Return the low `width` bits of an integer (two's complement if negative) as constant wires."""
        return [self.one if value >> place & 1 else self.zero for place in range(width)]

    def build(self, product: Bus, *, signed: bool) -> Netlist:
        """Return the finished netlist, simplified: only gates the product depends on.

        Args:
            product: Wires of the product, LSB first.
            signed: Whether the product is in two's complement.
        """
        gates, outputs = self._gates.finish(product)
        return Netlist(len(self.a), len(self.b), gates, outputs, signed)
