"""Exact array multipliers of every width: the references, and the honest rivals of every approximate circuit.

Unsigned: the carry-save array of AND terms (E. L. Braun, "Digital Computer Design", 1963). Signed: Baugh-Wooley.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist
from agnsim.multipliers.families.family import Circuit, Family, instances, register
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool) -> Netlist:
    """Return an exact array multiplier."""
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: True)


def formula(a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool) -> NDArray[np.int64]:
    """Return a * b."""
    return a * b


def circuits() -> tuple[Circuit, ...]:
    """Return every width from 2x2 to 8x8, and 10x10 and 12x12."""
    narrow = [(bits_a, bits_b) for bits_a in range(2, 9) for bits_b in range(2, 9)]
    return instances("array", {"": {}}, [*narrow, (10, 10), (12, 12)])


register(
    Family(
        name="array",
        citation='C. R. Baugh, B. A. Wooley, "A two\'s complement parallel array multiplication algorithm", '
        "IEEE Trans. Computers C-22(12), 1973",
        summary="exact carry-save array, signed after Baugh and Wooley",
        parameters={},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
