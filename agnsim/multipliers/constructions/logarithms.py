"""Multiplication by adding piecewise linear binary logarithms: log2(2**t (1 + x)) is taken as t + x.

Source: J. N. Mitchell, "Computer multiplication and division using binary logarithms", IRE Trans. Electronic
Computers EC-11(4), 1962.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import encode, leading_one, select, shift_left
from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire

Adder = Callable[[NetlistBuilder, Bus, Bus, int], Bus]
"""`(build, x, y, width) -> x + y`, perhaps approximately."""
Sum = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]


def logarithmic_product(build: NetlistBuilder, a: Bus, b: Bus, fraction: int, adder: Adder = NetlistBuilder.add) -> Bus:
    """Return the antilogarithm of the added logarithms: detectors, selectors, one adder and a barrel shifter.

    Args:
        build: The netlist in the making.
        a: First operand, unsigned.
        b: Second operand, unsigned.
        fraction: Bits of x that are kept.
        adder: What adds the logarithms, `fraction` bits of x below those of t.

    Returns:
        `len(a) + len(b)` wires; all 0 if an operand is 0.
    """
    (log_a, a_is_nonzero), (log_b, b_is_nonzero) = _logarithm(build, a, fraction), _logarithm(build, b, fraction)
    log = adder(build, log_a, log_b, max(len(log_a), len(log_b)) + 1)
    mantissa, characteristic = [*log[:fraction], build.one], log[fraction:]
    product = shift_left(build, mantissa, characteristic, len(a) + len(b) + fraction)[fraction:]
    is_nonzero = build.both(a_is_nonzero, b_is_nonzero)
    return [build.both(wire, is_nonzero) for wire in product]


def leading_one_position(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return floor(log2(x)) of non-negative integers below 2**53, 0 for 0."""
    return np.maximum(np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1, 0)


def logarithm(x: NDArray[np.int64], fraction: int) -> NDArray[np.int64]:
    """Return `(t + x) 2**fraction`, rounded down, of positive integers below 2**48; 0 for 0."""
    position = leading_one_position(x)
    scaled: NDArray[np.int64] = (position << fraction) + (((x - (1 << position)) << fraction) >> position)
    return np.where(x > 0, scaled, 0)


def antilogarithm(log: NDArray[np.int64], fraction: int) -> NDArray[np.int64]:
    """Return `2**t (1 + x)`, rounded down, of logarithms as `logarithm` returns them."""
    mantissa = (1 << fraction) + (log & ((1 << fraction) - 1))
    return (mantissa << (log >> fraction)) >> fraction


def _logarithm(build: NetlistBuilder, x: Bus, fraction: int) -> tuple[Bus, Wire]:
    """Return (`fraction` bits of x below its leading one, then the leading one's position; whether x is not 0)."""
    one_hot, is_nonzero = leading_one(build, x)
    below = [[build.bit(x, place - fraction + bit) for bit in range(fraction)] for place in range(len(x))]
    return select(build, one_hot, below, fraction) + encode(build, one_hot, range(len(x))), is_nonzero
