"""Operand truncation: the lowest bits of the operands are not connected, the rest is multiplied exactly.

The product of the remaining bits is shifted back to its place. Truncation is an arithmetic shift, so a signed
operand is rounded towards minus infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, drop_a: int, drop_b: int) -> Netlist:
    """Return an array of the rows and columns that remain."""
    _check(bits_a, bits_b, drop_a, drop_b)
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: i >= drop_a and j >= drop_b)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, drop_a: int, drop_b: int
) -> NDArray[np.int64]:
    """Return the product of the operands with their low bits cleared."""
    _check(bits_a, bits_b, drop_a, drop_b)
    return (a >> drop_a << drop_a) * (b >> drop_b << drop_b)


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers that drop up to half the bits."""
    return (
        instances("operand_truncation", _tagged((1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 4)))
        + instances("operand_truncation", _tagged((1, 1)), ((4, 4),))
        + instances("operand_truncation", _tagged((1, 1), (2, 2)), ((6, 6),))
        + instances("operand_truncation", _tagged((2, 2), (4, 4)), ((12, 12),))
        + instances("operand_truncation", _tagged((1, 0), (2, 0), (2, 1)), ((8, 4),))
    )


def _tagged(*chosen: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {f"a{drop_a}b{drop_b}": {"drop_a": drop_a, "drop_b": drop_b} for drop_a, drop_b in chosen}


def _check(bits_a: int, bits_b: int, drop_a: int, drop_b: int) -> None:
    check_parameter("operand_truncation", "drop_a", drop_a, 0, bits_a - 1)
    check_parameter("operand_truncation", "drop_b", drop_b, 0, bits_b - 1)


register(
    Family(
        name="operand_truncation",
        citation='H. Jiang et al., "Approximate arithmetic circuits: a survey, characterization, and recent '
        'applications", Proc. IEEE 108(12), 2020',
        summary="low operand bits dropped, the rest exact",
        parameters={"drop_a": "low bits dropped from the first operand", "drop_b": "and from the second"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
