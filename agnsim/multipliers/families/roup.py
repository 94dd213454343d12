"""Rounding and perforation: one operand is rounded, the lowest Booth digits of the other are left out.

The first operand loses its low bits, the highest of them added to what remains: rounded to nearest, half up. The
second loses its lowest radix-4 digits, which rounds it the same way at twice as many bits. No adder rounds: where the
bit below is 1, the remaining bits are inverted and the digits' signs flipped, since x + 1 = -(not x). The paper
writes PR|k,m for k digits perforated and m bits rounded off. Its tree is Wallace's, its final adder a prefix adder; the
Dadda tree with a rippling adder is a choice. Signed only, as in the paper: unsigned operands would be rounded up to
more than the product has room for.

Source: V. Leon, G. Zervakis, S. Xydis, D. Soudris, K. Pekmestzi, "Walking through the energy-error Pareto frontier of
approximate multipliers", IEEE Micro 38(4), 2018.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.booth import booth_digits, booth_rows
from agnsim.multipliers.constructions.trees import dadda_tree
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, perforated: int, rounded: int) -> Netlist:
    """Return the Booth multiplier's rows of the digits and bits that remain, and a tree."""
    _check(bits_a, bits_b, perforated, rounded)
    build = NetlistBuilder(bits_a, bits_b)
    up = build.bit(build.a, rounded - 1)
    inverted = [build.differ(bit, up) for bit in build.a[rounded:]]
    digits = [
        replace(digit, negative=build.differ(digit.negative, up))
        for digit in booth_digits(build, signed=True)[perforated:]
    ]
    rows, constant = booth_rows(build, inverted, digits, signed=True)
    rows = [[build.zero] * rounded + row for row in rows]
    return build.build(dadda_tree(build, rows, build.product_bits, constant << rounded), signed=signed)


def formula(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    *,
    bits_a: int,
    bits_b: int,
    signed: bool,
    perforated: int,
    rounded: int,
) -> NDArray[np.int64]:
    """Return the product of both operands rounded to multiples of `2**rounded` and `4**perforated`, half up."""
    _check(bits_a, bits_b, perforated, rounded)
    return _round(a, rounded) * _round(b, 2 * perforated)


def circuits() -> tuple[Circuit, ...]:
    """Return circuits of the built-in library."""
    signs = (True,)
    chosen = instances("roup", _tagged((0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (2, 4)), signs=signs)
    chosen += instances("roup", _tagged((1, 1)), ((4, 4), (6, 6), (8, 4)), signs=signs)
    return chosen + instances("roup", _tagged((2, 4)), ((12, 12),), signs=signs)


def _round(x: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    return ((x + (1 << bits >> 1)) >> bits) << bits


def _tagged(*choices: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {f"p{digits}r{bits}": {"perforated": digits, "rounded": bits} for digits, bits in choices}


def _check(bits_a: int, bits_b: int, perforated: int, rounded: int) -> None:
    check_parameter("roup", "perforated", perforated, 0, (bits_b + 1) // 2 - 1)
    check_parameter("roup", "rounded", rounded, 0, bits_a - 1)


register(
    Family(
        name="roup",
        citation='V. Leon, G. Zervakis, S. Xydis, D. Soudris, K. Pekmestzi, "Walking through the energy-error Pareto '
        'frontier of approximate multipliers", IEEE Micro 38(4), 2018',
        summary="one operand rounded, the lowest Booth digits of the other dropped",
        parameters={
            "perforated": "lowest radix-4 digits dropped from the second operand",
            "rounded": "low bits rounded off the first operand",
        },
        netlist=netlist,
        formula=formula,
        circuits=circuits,
        signs=(True,),
    )
)
