"""DRUM: the k bits from the leading one of each operand are multiplied, the product is shifted back.

The lowest of the k bits is set to 1, which stands for the mean of the bits dropped below it and leaves the error
almost without bias. An operand below 2**k is used as it is. Signed operands go by their magnitudes.

Source: S. Hashemi, R. I. Bahar, S. Reda, "DRUM: a dynamic range unbiased multiplier for approximate applications",
ICCAD 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.blocks import by_magnitude, encode, exact_product, leading_one, select, shift_left
from agnsim.multipliers.builder import Bus, NetlistBuilder
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


def netlist(bits_a: int, bits_b: int, *, signed: bool, k: int) -> Netlist:
    """Return leading-one detectors, k-bit selectors, an exact k x k array and a barrel shifter."""
    _check(k)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        (short_a, shift_a), (short_b, shift_b) = _shorten(build, a, k), _shorten(build, b, k)
        amount = build.add(shift_a, shift_b, max(len(shift_a), len(shift_b)) + 1)
        return shift_left(build, exact_product(build, short_a, short_b), amount, len(a) + len(b))

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, k: int
) -> NDArray[np.int64]:
    """Return the product of both operands cut to k significant bits, the lowest of them set."""
    _check(k)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    return sign * _cut(magnitude_a, k) * _cut(magnitude_b, k)


def circuits() -> tuple[Circuit, ...]:
    """Return the 8x8 circuits of the built-in library."""
    return circuits_8x8("drum", {f"k{k}": {"k": k} for k in range(3, 8)})


def _shorten(build: NetlistBuilder, x: Bus, k: int) -> tuple[Bus, Bus]:
    """Return (k significant bits of x, how far they were shifted down)."""
    one_hot, is_long = leading_one(build, x[k:])
    windows = [[build.one, *x[shift + 1 : shift + k]] for shift in range(1, len(one_hot) + 1)]
    short = select(build, [build.inverted(is_long), *one_hot], [x[:k], *windows], min(k, len(x)))
    return short, encode(build, one_hot, range(1, len(one_hot) + 1))


def _cut(x: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    shift = np.maximum(leading_one_position(x) - k + 1, 0)
    return np.where(shift > 0, ((x >> shift) | 1) << shift, x)


def _check(k: int) -> None:
    check_parameter("drum", "k", k, 3, MAX_BITS)


register(
    Family(
        name="drum",
        citation='S. Hashemi, R. I. Bahar, S. Reda, "DRUM: a dynamic range unbiased multiplier for approximate '
        'applications", ICCAD 2015',
        summary="the k leading bits of each operand, unbiased",
        parameters={"k": "significant bits kept, 3 or more"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
