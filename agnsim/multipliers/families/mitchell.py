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

from agnsim.multipliers.constructions.blocks import by_magnitude
from agnsim.multipliers.constructions.logarithms import antilogarithm, logarithm, logarithmic_product
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


def netlist(bits_a: int, bits_b: int, *, signed: bool, fraction: int) -> Netlist:
    """Return leading-one detectors, fraction selectors, one adder for the logarithms and a barrel shifter."""
    _check(fraction)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        return logarithmic_product(build, a, b, fraction)

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, fraction: int
) -> NDArray[np.int64]:
    """Return the antilogarithm of the added logarithms, all in integers scaled by 2**fraction."""
    _check(fraction)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    return sign * antilogarithm(logarithm(magnitude_a, fraction) + logarithm(magnitude_b, fraction), fraction)


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers with all fraction bits, which are Mitchell's own, and with fewer."""
    return (
        instances("mitchell", _tagged(7, 5, 4, 3))
        + instances("mitchell", _tagged(5, 3), ((6, 6),))
        + instances("mitchell", _tagged(3), ((8, 4),))
        + instances("mitchell", _tagged(11, 5), ((12, 12),))
    )


def _tagged(*chosen: int) -> dict[str, dict[str, int]]:
    return {f"f{fraction}": {"fraction": fraction} for fraction in chosen}


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
