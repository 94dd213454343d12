"""Exact modified Booth multipliers: half the partial products, each the first operand times a digit -2..2.

The second operand is recoded (MacSorley 1961); sign extension, the signed and the unsigned recoding of odd and even
widths: `agnsim.multipliers.constructions.booth`. The rows are added by a Dadda tree with a rippling final adder, which
is a choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.booth import booth_digits, booth_rows
from agnsim.multipliers.constructions.trees import dadda_tree
from agnsim.multipliers.families.family import Circuit, Family, instances, register
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool) -> Netlist:
    """Return recoders, row multiplexers and a tree."""
    build = NetlistBuilder(bits_a, bits_b)
    rows, constant = booth_rows(build, build.a, booth_digits(build, signed=signed), signed=signed)
    return build.build(dadda_tree(build, rows, build.product_bits, constant), signed=signed)


def formula(a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool) -> NDArray[np.int64]:
    """Return a * b."""
    return a * b


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers of the widths that approximate circuits of the built-in library have."""
    return instances("booth_radix4", {"": {}}, ((4, 4), (6, 6), (8, 8), (12, 12), (8, 4)))


register(
    Family(
        name="booth_radix4",
        citation='O. L. MacSorley, "High-speed arithmetic in binary computers", Proc. IRE 49(1), 1961',
        summary="exact, the second operand recoded to digits -2..2",
        parameters={},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
