"""Whether two netlists that are too wide for a table compute the same products, proved pair by pair."""

from __future__ import annotations

import numpy as np

from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.netlists.exhaustive import equals_factors
from agnsim.multipliers.netlists.netlist import Netlist


def same_products(first: Netlist, second: Netlist) -> bool:
    """Return whether two netlists have the same product for every pair of operands; 2**32 pairs take seconds.

    Args:
        first: Operands of at most 16 bits, one of them of 12 or more.
        second: Operands of the same widths.
    """
    build = NetlistBuilder(first.bits_a, first.bits_b)
    width = 1 + max(len(first.outputs), len(second.outputs))  # the top bit tells a sign from a weight
    products = []
    for netlist in (first, second):
        bits = build.instance(netlist, build.a, build.b)
        products.append(bits + [bits[-1] if netlist.signed else build.zero] * (width - len(bits)))
    differs = build.any_of([build.differ(x, y) for x, y in zip(*products, strict=True)])
    rows, columns = (np.zeros((1, 2**bits), np.int64) for bits in (first.bits_a, first.bits_b))
    return equals_factors(build.build([differs], signed=False), rows, columns)
