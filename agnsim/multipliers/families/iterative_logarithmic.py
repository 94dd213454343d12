"""Iterative logarithmic multiplier: products of leading ones and remainders, repeated on the remainders.

With a = 2**s + x and b = 2**t + y, x and y below the leading ones, a b = 2**(s+t) + x 2**t + y 2**s + x y. A basic
block gives all but x y, which the next block (an error correction circuit) approximates from the remainders x and y.
After `blocks` blocks less than `4**-blocks` of the product is missing; as many blocks as an operand has 1s are exact.
Signed operands go by their magnitudes. As a choice 2**(s+t) + x 2**t is one shifted operand, a 2**t, and all rows of
all blocks are added by one carry-save array: the same products.

Source: Z. Babic, A. Avramovic, P. Bulic, "An iterative logarithmic multiplier", Microprocessors and Microsystems 35(1),
2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude, carry_save_array, leading_one, select
from agnsim.multipliers.constructions.logarithms import leading_one_position
from agnsim.multipliers.families.family import (
    MAX_BITS,
    Circuit,
    Family,
    check_parameter,
    instances,
    magnitudes,
    register,
)
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, blocks: int) -> Netlist:
    """Return leading-one detectors and shifters of every block, and an array."""
    _check(blocks)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        width = len(a) + len(b)
        rows: list[Bus] = []
        for _ in range(blocks):
            (one_a, _), (one_b, _) = leading_one(build, a), leading_one(build, b)
            rest_a, rest_b = (
                [build.both(wire, build.inverted(hot)) for wire, hot in zip(x, one, strict=True)]
                for x, one in ((a, one_a), (b, one_b))
            )
            rows += [_shifted(build, a, one_b), _shifted(build, rest_b, one_a)]
            a, b = rest_a, rest_b
        return carry_save_array(build, rows, width)

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, blocks: int
) -> NDArray[np.int64]:
    """Return a * b less the product of what the blocks leave of both magnitudes."""
    _check(blocks)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    rest_a, rest_b = magnitude_a, magnitude_b
    for _ in range(blocks):
        rest_a, rest_b = (np.where(x > 0, x - (1 << leading_one_position(x)), 0) for x in (rest_a, rest_b))
    return sign * (magnitude_a * magnitude_b - rest_a * rest_b)


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers of one block and of a few."""
    return instances("iterative_logarithmic", _tagged(1, 2, 3)) + instances(
        "iterative_logarithmic", _tagged(1, 2), ((6, 6), (12, 12))
    )


def _tagged(*chosen: int) -> dict[str, dict[str, int]]:
    return {f"b{blocks}": {"blocks": blocks} for blocks in chosen}


def _shifted(build: NetlistBuilder, x: Bus, by: Bus) -> Bus:
    """Return x shifted left to the hot wire's place, 0 where none is hot."""
    return select(build, by, [[build.zero] * place + x for place in range(len(by))], len(x) + len(by))


def _check(blocks: int) -> None:
    check_parameter("iterative_logarithmic", "blocks", blocks, 1, MAX_BITS)


register(
    Family(
        name="iterative_logarithmic",
        citation='Z. Babic, A. Avramovic, P. Bulic, "An iterative logarithmic multiplier", Microprocessors and '
        "Microsystems 35(1), 2011",
        summary="leading ones and remainders multiplied, repeated on the remainders",
        parameters={"blocks": "basic blocks, the error correction circuits included"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
