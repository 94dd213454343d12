"""Broken-array multiplier: cells of the carry-save array beyond two straight breaks are left out.

The horizontal break level drops the first rows (partial products of the lowest bits of b), the vertical break level
the least significant columns (i + j below it). A cell left out adds neither its partial product nor a carry.

Source: H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-inspired imprecise computational blocks for
efficient VLSI implementation of soft-computing applications", IEEE Trans. Circuits and Systems I 57(4), 2010. The
paper's array is unsigned; the signed one breaks the Baugh-Wooley array the same way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist, partial_product_sum
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, horizontal: int, vertical: int) -> Netlist:
    """Return the carry-save array without the broken cells."""
    _check(bits_a, bits_b, horizontal, vertical)
    return partial_product_netlist(
        bits_a, bits_b, signed=signed, keep=lambda i, j: j >= horizontal and i + j >= vertical
    )


def formula(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    *,
    bits_a: int,
    bits_b: int,
    signed: bool,
    horizontal: int,
    vertical: int,
) -> NDArray[np.int64]:
    """Return a times b with its low bits cleared, less the partial products right of the vertical break."""
    _check(bits_a, bits_b, horizontal, vertical)
    right_of_break = partial_product_sum(
        a, b, bits_a, bits_b, signed=signed, keep=lambda i, j: j >= horizontal and i + j < vertical
    )
    return a * (b >> horizontal << horizontal) - right_of_break


def circuits() -> tuple[Circuit, ...]:
    """Return multipliers with both breaks."""
    return (
        instances("broken_array", _tagged((1, 5), (2, 6), (2, 7), (3, 8), (4, 8), (4, 9)))
        + instances("broken_array", _tagged((1, 3)), ((4, 4), (8, 4)))
        + instances("broken_array", _tagged((1, 4), (2, 6)), ((6, 6),))
        + instances("broken_array", _tagged((3, 9), (5, 12)), ((12, 12),))
    )


def _tagged(*chosen: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {
        f"h{horizontal}v{vertical}": {"horizontal": horizontal, "vertical": vertical} for horizontal, vertical in chosen
    }


def _check(bits_a: int, bits_b: int, horizontal: int, vertical: int) -> None:
    check_parameter("broken_array", "horizontal", horizontal, 0, bits_b - 1)
    check_parameter("broken_array", "vertical", vertical, 0, bits_a + bits_b - 2)


register(
    Family(
        name="broken_array",
        citation='H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-inspired imprecise computational blocks '
        'for efficient VLSI implementation of soft-computing applications", IEEE Trans. Circuits and Systems I '
        "57(4), 2010",
        summary="array cells above a horizontal and right of a vertical break left out",
        parameters={"horizontal": "rows dropped (low bits of b)", "vertical": "low columns dropped"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
