"""DRUM: the k bits from the leading one of each operand are multiplied, the product is shifted back.

The lowest of the k bits is set to 1, which stands for the mean of the bits dropped below it and leaves the error
almost without bias. An operand below 2**k is used as it is. Signed operands go by their magnitudes.

Source: S. Hashemi, R. I. Bahar, S. Reda, "DRUM: a dynamic range unbiased multiplier for approximate applications",
ICCAD 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.blocks import by_magnitude
from agnsim.multipliers.constructions.segments import every_place, segment_product, segment_value
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


def netlist(bits_a: int, bits_b: int, *, signed: bool, k: int) -> Netlist:
    """Return leading-one detectors, k-bit selectors, an exact k x k array and a barrel shifter."""
    _check(k)

    def multiply(build: NetlistBuilder, a: Bus, b: Bus) -> Bus:
        return segment_product(build, a, b, k, every_place(len(a), k), every_place(len(b), k), rounding_bit=True)

    build = NetlistBuilder(bits_a, bits_b)
    return build.build(by_magnitude(build, multiply, signed=signed), signed=signed)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, k: int
) -> NDArray[np.int64]:
    """Return the product of both operands cut to k significant bits, the lowest of them set."""
    _check(k)
    magnitude_a, magnitude_b, sign = magnitudes(a, b)
    short_a = segment_value(magnitude_a, k, every_place(bits_a, k), rounding_bit=True)
    return sign * short_a * segment_value(magnitude_b, k, every_place(bits_b, k), rounding_bit=True)


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers from three significant bits to nearly all."""
    return (
        instances("drum", _tagged(3, 4, 5, 6, 7))
        + instances("drum", _tagged(3), ((8, 4),))
        + instances("drum", _tagged(3, 4), ((6, 6),))
        + instances("drum", _tagged(4, 6), ((12, 12),))
    )


def _tagged(*chosen: int) -> dict[str, dict[str, int]]:
    return {f"k{k}": {"k": k} for k in chosen}


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
