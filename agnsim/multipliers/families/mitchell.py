"""Mitchell's logarithmic multiplier: log2(2**t (1 + x)) is taken as t + x, and so is its inverse.

The logarithms are added and the sum is converted back: 2**(t1+t2) (1 + x1 + x2) if x1 + x2 < 1, else
2**(t1+t2+1) (x1 + x2). It never overestimates, by at most 1/9 of the product (x1 = x2 = 1/2). `fraction` bits of x
are kept (all of them: the widest operand's bits - 1); what does not reach the product's lowest bit is dropped. A
zero operand gives 0. Signed operands go by their magnitudes.

Source: J. N. Mitchell, "Computer multiplication and division using binary logarithms", IRE Trans. Electronic
Computers EC-11(4), 1962.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.blocks import by_magnitude, encode, leading_one, select, shift_left
from agnsim.multipliers.builder import Bus, NetlistBuilder, Wire
from agnsim.multipliers.families.family import (
    MAX_BITS,
    Circuit,
    Family,
    check_parameter,
    circuits_8x8,
    leading_one_position,
    magnitudes,
    register,
)
from agnsim.multipliers.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, fraction: int) -> Netlist:
    """Return leading-one detectors, fraction selectors, one adder for the logarithms and a barrel shifter."""
    _check(fraction)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        (log_a, a_is_nonzero), (log_b, b_is_nonzero) = _logarithm(build, a, fraction), _logarithm(build, b, fraction)
        log = build.add(log_a, log_b, max(len(log_a), len(log_b)) + 1)
        mantissa, characteristic = [*log[:fraction], build.one], log[fraction:]
        product = shift_left(build, mantissa, characteristic, len(a) + len(b) + fraction)[fraction:]
        is_nonzero = build.both(a_is_nonzero, b_is_nonzero)
        return [build.both(wire, is_nonzero) for wire in product]

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, fraction: int
) -> NDArray[np.int64]:
    """Return the antilogarithm of the added logarithms, all in integers scaled by 2**fraction."""
    _check(fraction)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    position_a, position_b = leading_one_position(magnitude_a), leading_one_position(magnitude_b)
    unit = 1 << fraction
    total = _scaled_fraction(magnitude_a, position_a, fraction) + _scaled_fraction(magnitude_b, position_b, fraction)
    scaled: NDArray[np.int64] = np.where(total < unit, unit + total, 2 * total) << (position_a + position_b)
    return sign * (scaled >> fraction)


def circuits() -> tuple[Circuit, ...]:
    """Return the 8x8 circuits of the built-in library; f7 is Mitchell's own."""
    return circuits_8x8("mitchell", {f"f{fraction}": {"fraction": fraction} for fraction in (7, 5, 4, 3)})


def _logarithm(build: NetlistBuilder, x: Bus, fraction: int) -> tuple[Bus, Wire]:
    """Return (`fraction` bits of x below its leading one, then the leading one's position; whether x is not 0)."""
    one_hot, is_nonzero = leading_one(build, x)
    below = [[build.bit(x, place - fraction + bit) for bit in range(fraction)] for place in range(len(x))]
    return select(build, one_hot, below, fraction) + encode(build, one_hot, range(len(x))), is_nonzero


def _scaled_fraction(x: NDArray[np.int64], position: NDArray[np.int64], fraction: int) -> NDArray[np.int64]:
    return ((x - (1 << position)) << fraction) >> position


def _check(fraction: int) -> None:
    check_parameter("mitchell", "fraction", fraction, 1, MAX_BITS)


register(
    Family(
        name="mitchell",
        citation='J. N. Mitchell, "Computer multiplication and division using binary logarithms", IRE Trans. '
        "Electronic Computers EC-11(4), 1962",
        summary="logarithms added, with piecewise linear conversion",
        parameters={"fraction": "fraction bits of the logarithm kept, 1 or more"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
