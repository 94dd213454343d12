"""Partial-product perforation: consecutive rows of the partial-product matrix are left out.

The rows of `count` bits of b from bit `start` are dropped, so the error is -a 2^start x with x the value of these
bits. For uniform unsigned n-bit operands the mean error over the largest product is 2^start (2^count - 1) /
(4 (2^n - 1)). As in the paper the last row of a signed multiplier, that of the sign, is never dropped. The paper takes
many trees, rows of Booth digits (`roup`) and a correction that swaps the operands; here the rows are those of the
array, added by it, without a correction.

Source: G. Zervakis, K. Tsoumanis, S. Xydis, D. Soudris, K. Pekmestzi, "Design-efficient approximate multiplication
circuits through partial product perforation", IEEE Trans. VLSI Systems 24(10), 2016.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.partial_products import partial_product_netlist
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.netlist import Netlist


def netlist(bits_a: int, bits_b: int, *, signed: bool, start: int, count: int) -> Netlist:
    """Return the array without the perforated rows."""
    _check(bits_b, signed, start, count)
    return partial_product_netlist(bits_a, bits_b, signed=signed, keep=lambda i, j: not start <= j < start + count)


def formula(
    a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, start: int, count: int
) -> NDArray[np.int64]:
    """Return a times b with the perforated bits cleared."""
    _check(bits_b, signed, start, count)
    perforated = b & (((1 << count) - 1) << start)
    return a * (b - perforated)


def circuits() -> tuple[Circuit, ...]:
    """Return circuits of the built-in library."""
    chosen = instances("perforated", _tagged((0, 1), (0, 2), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)))
    chosen += instances("perforated", _tagged((1, 1)), ((4, 4), (6, 6), (8, 4)))
    return chosen + instances("perforated", _tagged((1, 3)), ((12, 12),))


def _tagged(*rows: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {f"j{start}k{count}": {"start": start, "count": count} for start, count in rows}


def _check(bits_b: int, signed: bool, start: int, count: int) -> None:
    droppable = bits_b - 1 if signed else bits_b
    check_parameter("perforated", "start", start, 0, droppable - 1)
    check_parameter("perforated", "count", count, 1, min(droppable - start, bits_b - 1))


register(
    Family(
        name="perforated",
        citation='G. Zervakis, K. Tsoumanis, S. Xydis, D. Soudris, K. Pekmestzi, "Design-efficient approximate '
        'multiplication circuits through partial product perforation", IEEE Trans. VLSI Systems 24(10), 2016',
        summary="consecutive partial-product rows dropped",
        parameters={"start": "first row dropped (bit of b)", "count": "rows dropped, at least 1"},
        netlist=netlist,
        formula=formula,
        circuits=circuits,
    )
)
