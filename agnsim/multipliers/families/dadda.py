"""Exact tree multipliers with the fewest adders: the partial products of the array, reduced by Dadda's scheme.

An n x n tree has (n - 1)(n - 3) full adders and n - 1 half adders before its final adder (Dadda 1965). The final adder
ripples, or is a parallel-prefix one (Sklansky 1960), which the fast circuits need: a choice. So is the signed array,
Baugh and Wooley's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist
from agnsim.multipliers.constructions.trees import dadda_tree, prefix_dadda_tree
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, prefix: int) -> Netlist:
    """Return an exact tree multiplier."""
    _check(prefix)
    add_rows = prefix_dadda_tree if prefix else dadda_tree
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: True, add_rows=add_rows)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, prefix: int
) -> NDArray[np.int64]:
    """Return a * b."""
    _check(prefix)
    return a * b


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers with either final adder."""
    return instances("dadda", {"": {"prefix": 0}, "prefix": {"prefix": 1}}, ((4, 4), (6, 6), (8, 8), (12, 12), (8, 4)))


def _check(prefix: int) -> None:
    check_parameter("dadda", "prefix", prefix, 0, 1)


register(
    Family(
        name="dadda",
        citation='L. Dadda, "Some schemes for parallel multipliers", Alta Frequenza 34, 1965',
        summary="exact reduction tree with the fewest adders, signed after Baugh and Wooley",
        parameters={"prefix": "final adder: 0 ripples, 1 is a parallel-prefix adder"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
