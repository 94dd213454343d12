"""C's integer arithmetic on numbers whose bits are wires of a netlist.

A number is its low bits and one wire, `fill`, that all higher bits up to its type's width share: the sign bit of a
signed type, 0 behind an unsigned number's highest 1. So `~x & 1` on 64 bits is one inverter and no loop over 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

from agnsim.multipliers.importers.c_source.types import INT, CType, common_type, promoted
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire

Wires = tuple[Wire, ...]


class Number(NamedTuple):
    """A C integer.

    Attributes:
        ctype: Its type.
        wires: Its low bits, LSB first; fewer than the width of a signed type, at most that of an unsigned one.
        fill: Every higher bit up to the width.
    """

    ctype: CType
    wires: Wires
    fill: Wire


class Arithmetic:
    """The operators of C on `Number`s, whose gates go into a netlist. Overflow wraps, also of signed types.

    Args:
        build: The netlist in the making.
        spend: Called with the number of gates about to be asked for.
        fail: Raises an error with the reason it is given.

    Attributes:
        binary: The two-operand operators by their spelling.
        unary: The one-operand operators by their spelling.
    """

    def __init__(self, build: NetlistBuilder, spend: Callable[[int], None], fail: Callable[[str], NoReturn]) -> None:
        self._build = build
        self._spend = spend
        self._fail = fail
        self._zero, self._one = build.zero, build.one
        self.binary: dict[str, Callable[[Number, Number], Number]] = {
            "&": self._and,
            "|": lambda x, y: self._bitwise(build.either, x, y),
            "^": lambda x, y: self._bitwise(build.differ, x, y),
            "+": lambda x, y: self._sum(x, y, inverted=False),
            "-": lambda x, y: self._sum(x, y, inverted=True),
            "*": self._product,
            "/": lambda x, y: self._quotient(x, y, remainder=False),
            "%": lambda x, y: self._quotient(x, y, remainder=True),
            "<<": self._shifted_left,
            ">>": self._shifted_right,
            "==": lambda x, y: self._flag(build.inverted(self._unequal(x, y))),
            "!=": lambda x, y: self._flag(self._unequal(x, y)),
            "<": lambda x, y: self._flag(self._less(x, y)),
            ">": lambda x, y: self._flag(self._less(y, x)),
            "<=": lambda x, y: self._flag(build.inverted(self._less(y, x))),
            ">=": lambda x, y: self._flag(build.inverted(self._less(x, y))),
        }
        self.unary: dict[str, Callable[[Number], Number]] = {
            "~": self._complement,
            "!": lambda x: self._flag(build.inverted(self.truth(x))),
            "-": lambda x: self._sum(self.constant(0, INT), x, inverted=True),
            "+": lambda x: self.convert(x, promoted(x.ctype)),
        }

    def inverted_wire(self, x: Number) -> Number:
        """Return what an inverter makes of the lowest bit."""
        return self._flag(self._build.inverted(x.wires[0] if x.wires else x.fill))

    def constant(self, value: int, ctype: CType) -> Number:
        """Return an integer, wrapped to the type."""
        wires = tuple(self._one if value >> place & 1 else self._zero for place in range(ctype.width))
        return self.number(ctype, wires, self._zero)

    def value(self, x: Number) -> int | None:
        """Return the integer that a number always is, `None` for one that depends on the operands."""
        wires, ctype = (*x.wires, x.fill), x.ctype
        if any(wire not in (self._zero, self._one) for wire in wires):
            return None
        low = sum(1 << place for place, wire in enumerate(x.wires) if wire == self._one)
        if x.fill == self._zero:
            return low
        return low - (1 << len(x.wires)) + (0 if ctype.signed else 1 << ctype.width)

    def number(self, ctype: CType, wires: Wires, fill: Wire) -> Number:
        """Return the low bits of an endless number as one of the type."""
        width = ctype.width
        if len(wires) >= width:
            fill = wires[width - 1] if ctype.signed else self._zero
            wires = wires[:width]
        length = len(wires)
        while length and wires[length - 1] == fill:
            length -= 1
        return Number(ctype, wires[:length], fill)

    def convert(self, x: Number, ctype: CType) -> Number:
        """Return the number as one of another type."""
        if x.ctype is ctype:
            return x
        _, wires, fill = x if ctype.width <= x.ctype.width else self.extended(x)
        return self.number(ctype, wires, fill)

    def truth(self, x: Number) -> Wire:
        """Return whether the number is not 0."""
        self._spend(len(x.wires))
        return self._build.any_of([*x.wires, x.fill])

    def chosen(self, condition: Wire, when_0: Number, when_1: Number) -> Number:
        """Return one of two numbers, both converted to their common type."""
        ctype = common_type(when_0.ctype, when_1.ctype)
        low, high = self._aligned(self.convert(when_0, ctype), self.convert(when_1, ctype))
        self._spend(3 * len(low))
        wires = tuple(self._build.mux(condition, x, y) for x, y in zip(low, high, strict=True))
        return self.number(ctype, wires[:-1], wires[-1])

    def extended(self, x: Number) -> Number:
        """Return the number with a fill that is right at every place: 0 for an unsigned type."""
        if x.ctype.signed or x.fill == self._zero:
            return x
        return Number(x.ctype, x.wires + (x.fill,) * (x.ctype.width - len(x.wires)), self._zero)

    def _aligned(self, x: Number, y: Number) -> tuple[Wires, Wires]:
        """Both numbers' bits and fill, equally long."""
        length = max(len(x.wires), len(y.wires)) + 1
        return (
            x.wires + (x.fill,) * (length - len(x.wires)),
            y.wires + (y.fill,) * (length - len(y.wires)),
        )

    def _flag(self, wire: Wire) -> Number:
        return self.number(INT, (wire,), self._zero)

    def _and(self, x: Number, y: Number) -> Number:
        ctype = common_type(x.ctype, y.ctype)
        x, y = self.convert(x, ctype), self.convert(y, ctype)
        for short, long in ((x, y), (y, x)):
            if short.fill == self._zero and len(short.wires) <= len(long.wires):  # the usual `& 1`
                self._spend(len(short.wires))
                both = self._build.both
                wires = tuple(both(a, b) for a, b in zip(short.wires, long.wires, strict=False))
                return self.number(ctype, wires, self._zero)
        return self._bitwise(self._build.both, x, y)

    def _bitwise(self, gate: Callable[[Wire, Wire], Wire], x: Number, y: Number) -> Number:
        ctype = common_type(x.ctype, y.ctype)
        left, right = self._aligned(self.convert(x, ctype), self.convert(y, ctype))
        self._spend(len(left))
        wires = tuple(map(gate, left, right))
        return self.number(ctype, wires[:-1], wires[-1])

    def _complement(self, x: Number) -> Number:
        ctype = promoted(x.ctype)
        _, wires, fill = self.convert(x, ctype)
        self._spend(len(wires))
        inverted = self._build.inverted
        return self.number(ctype, tuple(map(inverted, wires)), inverted(fill))

    def _sum(self, x: Number, y: Number, *, inverted: bool) -> Number:
        ctype = common_type(x.ctype, y.ctype)
        return self._added(ctype, self.convert(x, ctype), self.convert(y, ctype), inverted=inverted)

    def _added(self, ctype: CType, x: Number, y: Number, *, inverted: bool) -> Number:
        """x + y, or x - y, as endless numbers; the low bits of the result as one of the type."""
        left, right = self._aligned(x, y)
        self._spend(6 * len(left))
        carry = self._one if inverted else self._zero
        total = []
        for a, b in zip((*left, x.fill), (*right, y.fill), strict=True):
            bit, carry = self._build.full_adder(a, self._build.inverted(b) if inverted else b, carry)
            total.append(bit)
        return self.number(ctype, tuple(total[:-1]), total[-1])

    def _product(self, x: Number, y: Number) -> Number:
        ctype = common_type(x.ctype, y.ctype)
        x, y = self.convert(x, ctype), self.convert(y, ctype)
        if self._ones(x) < self._ones(y):
            x, y = y, x
        endless = ctype._replace(width=2 * ctype.width + 2, signed=True)
        total = self.number(endless, (), self._zero)
        both = self._build.both
        for place, factor in enumerate((*y.wires, y.fill)):
            if factor == self._zero or place >= ctype.width:
                continue
            self._spend(len(x.wires) + 1)
            shifted = (self._zero,) * place + tuple(both(wire, factor) for wire in x.wires)
            row = self.number(endless, shifted[: ctype.width], both(x.fill, factor))
            is_sign = place == len(y.wires)  # y is its low bits minus fill * 2**len
            total = self._added(endless, total, row, inverted=is_sign)
            total = self.number(endless, total.wires[: ctype.width], total.fill)
        return self.number(ctype, total.wires, total.fill)

    def _ones(self, x: Number) -> int:
        """Rows that the number needs as a factor."""
        return sum(wire != self._zero for wire in (*x.wires, x.fill))

    def _quotient(self, x: Number, y: Number, *, remainder: bool) -> Number:
        ctype = common_type(x.ctype, y.ctype)
        dividend, divisor = self.value(self.convert(x, ctype)), self.value(self.convert(y, ctype))
        if dividend is None or divisor is None:
            self._fail("a division is read between constants only")
        if divisor == 0:
            self._fail("a division by 0")
        quotient = abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)
        return self.constant(dividend - quotient * divisor if remainder else quotient, ctype)

    def _shifted_left(self, x: Number, y: Number) -> Number:
        return self._shifted(x, y, lambda number, by: (number.ctype, (self._zero,) * by + number.wires, number.fill))

    def _shifted_right(self, x: Number, y: Number) -> Number:
        x = self.extended(self.convert(x, promoted(x.ctype)))
        return self._shifted(x, y, lambda number, by: (number.ctype, number.wires[by:], number.fill))

    def _shifted(self, x: Number, y: Number, shift: Callable[[Number, int], tuple[CType, Wires, Wire]]) -> Number:
        x = self.convert(x, promoted(x.ctype))
        by = self.value(y)
        if by is not None:
            if not 0 <= by < x.ctype.width:
                self._fail(f"a shift of {x.ctype.width} bits by {by}")
            return self.number(*shift(x, by))
        if y.fill != self._zero or 1 << len(y.wires) > x.ctype.width:
            self._fail(f"a shift of {x.ctype.width} bits by a number that may be larger or negative")
        for place, wire in enumerate(y.wires):
            x = self.chosen(wire, x, self.number(*shift(self.extended(x), 1 << place)))
        return x

    def _unequal(self, x: Number, y: Number) -> Wire:
        left, right = self._compared(x, y)
        pairs = self._aligned(left, right)
        self._spend(2 * len(pairs[0]))
        return self._build.any_of([self._build.differ(a, b) for a, b in zip(*pairs, strict=True)])

    def _less(self, x: Number, y: Number) -> Wire:
        left, right = self._compared(x, y)
        endless = left.ctype._replace(width=left.ctype.width + 4, signed=True)
        return self._added(endless, left, right, inverted=True).fill

    def _compared(self, x: Number, y: Number) -> tuple[Number, Number]:
        ctype = common_type(x.ctype, y.ctype)
        return self.extended(self.convert(x, ctype)), self.extended(self.convert(y, ctype))
