"""Building blocks of multipliers over a `NetlistBuilder`: multi-operand addition, leading ones, shifters, signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire


def carry_save_array(build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int = 0) -> Bus:
    """Return the low `width` bits of `constant + sum(rows)`: one row of full adders per row, then a ripple adder.

    A row whose wires all meet free carry inputs is fed there and needs no adders.

    Args:
        build: The netlist in the making.
        rows: Numbers to add, each LSB first with its weight included.
        width: Bits of the result.
        constant: Added for free in the first row; negative ones wrap.
    """
    sums = build.constant(constant, width)
    carries = [build.zero] * width
    for row in rows:
        wires = [build.bit(row, place) for place in range(width)]
        if all(build.zero in pair for pair in zip(wires, carries, strict=True)):
            carries = [max(pair, key=lambda wire: wire != build.zero) for pair in zip(wires, carries, strict=True)]
            continue
        saved = [build.zero]
        for place, wire in enumerate(wires):
            sums[place], carry = build.full_adder(wire, sums[place], carries[place])
            saved.append(carry)
        carries = saved[:width]
    return build.add(sums, carries, width)


def exact_product(build: NetlistBuilder, x: Bus, y: Bus) -> Bus:
    """Return x * y for unsigned buses, `len(x) + len(y)` bits: a carry-save array."""
    rows = [[build.zero] * place + [build.both(bit, factor) for bit in x] for place, factor in enumerate(y)]
    return carry_save_array(build, rows, len(x) + len(y))


def leading_one(build: NetlistBuilder, x: Bus) -> tuple[Bus, Wire]:
    """Return (one-hot position of the highest 1 of x, whether x has a 1 at all)."""
    one_hot = [build.zero] * len(x)
    seen = build.zero
    for place in reversed(range(len(x))):
        one_hot[place] = build.both(x[place], build.inverted(seen))
        seen = build.either(seen, x[place])
    return one_hot, seen


def encode(build: NetlistBuilder, one_hot: Bus, values: Sequence[int]) -> Bus:
    """Return the value that belongs to the hot wire in binary, 0 where none is hot; as wide as the largest value."""
    return [
        build.any_of([wire for wire, value in zip(one_hot, values, strict=True) if value >> place & 1])
        for place in range(max(values, default=0).bit_length())
    ]


def select(build: NetlistBuilder, one_hot: Bus, buses: Sequence[Bus], width: int) -> Bus:
    """Return the bus that belongs to the hot wire (AND-OR), 0 where none is hot; `width` bits."""
    return [
        build.any_of([build.both(hot, build.bit(bus, place)) for hot, bus in zip(one_hot, buses, strict=True)])
        for place in range(width)
    ]


def shift_left(build: NetlistBuilder, x: Bus, amount: Bus, width: int, unit: int = 1) -> Bus:
    """Return the low `width` bits of `x << amount * unit`: a logarithmic barrel shifter."""
    shifted = [build.bit(x, place) for place in range(width)]
    for stage, by_stage in enumerate(amount):
        step = unit << stage
        shifted = [build.mux(by_stage, wire, build.bit(shifted, place - step)) for place, wire in enumerate(shifted)]
    return shifted


def negate_if(build: NetlistBuilder, x: Bus, negative: Wire) -> Bus:
    """Return -x where `negative` is 1, else x, in two's complement of the same width.

    A bit of -x differs from that of x where any lower bit is 1, which needs no adder.
    """
    result: Bus = []
    lower = build.zero
    for wire in x:
        result.append(build.differ(wire, build.both(negative, lower)))
        lower = build.either(lower, wire)
    return result


def by_magnitude(build: NetlistBuilder, multiply: Callable[[NetlistBuilder, Bus, Bus], Bus], *, signed: bool) -> Bus:
    """Return the product of the operands by an unsigned multiplier, for signed operands of their magnitudes.

    The magnitude of the most negative number, `2**(bits - 1)`, fits the operand's width as an unsigned number, so
    every pattern is handled.

    Args:
        build: The netlist in the making; its operands `a` and `b` are multiplied.
        multiply: Unsigned multiplier of two buses; its result must stay below `2**(bits_a + bits_b - 1)` for
            magnitudes up to `2**(bits - 1)` if `signed`.
        signed: Whether the operands are in two's complement.
    """
    if not signed:
        return multiply(build, build.a, build.b)
    sign_a, sign_b = build.a[-1], build.b[-1]
    product = multiply(build, negate_if(build, build.a, sign_a), negate_if(build, build.b, sign_b))
    return negate_if(build, product, build.differ(sign_a, sign_b))
