"""Exact tree multipliers: the partial products of the array, reduced column-wise three to two (Wallace 1964)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist
from agnsim.multipliers.constructions.trees import wallace_tree
from agnsim.multipliers.families.family import Circuit, Family, instances, register
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool) -> Netlist:
    """Return an exact tree multiplier; its final adder ripples."""
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: True, add_rows=wallace_tree)


def formula(a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool) -> NDArray[np.int64]:
    """Return a * b."""
    return a * b


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers of the widths that approximate circuits of the built-in library have."""
    return instances("wallace", {"": {}}, ((4, 4), (6, 6), (8, 8), (12, 12), (8, 4)))


register(
    Family(
        name="wallace",
        citation='C. S. Wallace, "A suggestion for a fast multiplier", IEEE Trans. Electronic Computers EC-13(1), 1964',
        summary="exact reduction tree, signed after Baugh and Wooley",
        parameters={},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
