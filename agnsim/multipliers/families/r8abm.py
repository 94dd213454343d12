"""Approximate radix-8 Booth multiplier: three times the first operand comes from an adder that does not carry.

Radix 8 needs a third of the rows, but the multiple 3a, for which a and 2a are added. From bit 1 on, `cells` cells of
two bits are approximate: of bits i, i + 1 the lower sum is a_i xor a_(i-1) xor the carry, the upper is a_(i+1), and
a_i is carried. A cell is wrong by +-2 for 4 of its 16 inputs. Where a_i a_(i-1) a_(i-2) is 100 the triple is 2^(i+1)
too large, where it is 011 too small. The bits above are added exactly.

The paper's 16-bit recoding adder ARA8 has 4 cells; ARA8-2R, that of its multiplier ABM1, corrects the topmost one,
which makes 3. Its multipliers are signed and use a Wallace tree; the Dadda tree and the unsigned multiplier, whose
operands get a 0 on top, are choices, and its truncated multipliers (ABM2) are left out.

Source: H. Jiang, J. Han, F. Qiao, F. Lombardi, "Approximate radix-8 Booth multipliers for low-power and
high-performance operation", IEEE Trans. Computers 65(8), 2016.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import select
from agnsim.multipliers.constructions.booth import complement_rows
from agnsim.multipliers.constructions.trees import dadda_tree
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, cells: int) -> Netlist:
    """Return the recoding adder, the rows of every digit and a tree."""
    _check(bits_a, cells)
    build = NetlistBuilder(bits_a, bits_b)
    a = [*build.a, *[build.a[-1] if signed else build.zero] * (3 - signed)]  # as wide as four times a
    multiples = [a, [build.zero, *a], _triple(build, a, cells), [build.zero, build.zero, *a]]
    numbers = []
    for index in range(_last_digit(bits_b, signed) + 1):
        low, *group, negative = (_recoded_bit(build, place, signed) for place in range(3 * index - 1, 3 * index + 3))
        one_hot = _magnitude(build, *(build.differ(bit, negative) for bit in (low, *group)))
        row = [build.differ(bit, negative) for bit in select(build, one_hot, multiples, len(a))]
        numbers.append((3 * index, row, negative))
    rows, constant = complement_rows(build, numbers)
    return build.build(dadda_tree(build, rows, build.product_bits, constant), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, cells: int
) -> NDArray[np.int64]:
    """Return the sum of a times each digit, its triple replaced by `approximate_triple`."""
    _check(bits_a, cells)
    multiples = np.stack([0 * a, a, 2 * a, approximate_triple(a, cells), 4 * a])
    product = np.zeros(np.broadcast_shapes(a.shape, b.shape), dtype=np.int64)
    for index in range(_last_digit(bits_b, signed) + 1):
        group = (b << 1 >> 3 * index) & 15
        digit = (group & 1) + (group >> 1 & 1) + 2 * (group >> 2 & 1) - 4 * (group >> 3)
        for magnitude in range(1, 5):
            times = (digit == magnitude).astype(np.int64) - (digit == -magnitude)
            product += times * multiples[magnitude] << 3 * index
    return product


def approximate_triple(a: NDArray[np.int64], cells: int) -> NDArray[np.int64]:
    """Return int64: 3a with the errors of `cells` approximate cells."""
    triple = 3 * a
    for place in range(1, 2 * cells, 2):
        bits = (a << 1 >> (place - 1)) & 7  # a_i, a_(i-1), a_(i-2)
        triple += ((bits == 0b100).astype(np.int64) - (bits == 0b011)) << (place + 1)
    return triple


def circuits() -> tuple[Circuit, ...]:
    """Return circuits of the built-in library; c0 is exact."""
    chosen = instances("r8abm", _tagged(1, 2, 3))
    chosen += instances("r8abm", _tagged(1), ((4, 4), (6, 6), (8, 4)))
    return chosen + instances("r8abm", _tagged(3), ((12, 12),))


def _triple(build: NetlistBuilder, a: Bus, cells: int) -> Bus:
    triple, carry = [a[0]], build.zero
    for place in range(1, 2 * cells, 2):
        triple += [build.differ(build.differ(a[place], a[place - 1]), carry), a[place + 1]]
        carry = a[place]
    for place in range(len(triple), len(a)):
        bit, carry = build.full_adder(a[place], a[place - 1], carry)
        triple.append(bit)
    return triple


def _recoded_bit(build: NetlistBuilder, place: int, signed: bool) -> Wire:
    return build.b[-1] if signed and place >= len(build.b) else build.bit(build.b, place)


def _magnitude(build: NetlistBuilder, x: Wire, y: Wire, z: Wire) -> Bus:
    """Return the one-hot x + y + 2z, 1 to 4."""
    (odd, both), neither = build.half_adder(x, y), build.inverted(build.either(x, y))
    not_z = build.inverted(z)
    two = build.either(build.both(both, not_z), build.both(neither, z))
    return [build.both(odd, not_z), two, build.both(odd, z), build.both(both, z)]


def _last_digit(bits_b: int, signed: bool) -> int:
    return (bits_b - 1) // 3 if signed else bits_b // 3


def _tagged(*cells: int) -> dict[str, dict[str, int]]:
    return {f"c{count}": {"cells": count} for count in cells}


def _check(bits_a: int, cells: int) -> None:
    check_parameter("r8abm", "cells", cells, 0, (bits_a - 1) // 2)


register(
    Family(
        name="r8abm",
        citation='H. Jiang, J. Han, F. Qiao, F. Lombardi, "Approximate radix-8 Booth multipliers for low-power and '
        'high-performance operation", IEEE Trans. Computers 65(8), 2016',
        summary="radix-8 Booth with an approximate triple of the first operand",
        parameters={"cells": "approximate two-bit cells of the recoding adder"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
