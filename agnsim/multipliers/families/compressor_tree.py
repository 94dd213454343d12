"""What the families of approximate 4:2 compressors share: their parameter, and the multiplier around the compressor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agnsim.multipliers.constructions.compressors import Compressor, compressor_netlist, compressor_product
from agnsim.multipliers.families.family import Circuit, Family, check_parameter, instances, register
from agnsim.multipliers.netlists.netlist import Netlist

OTHER_WIDTHS = ((4, 4), (6, 6), (12, 12), (8, 4))
"""Widths at which one circuit per sign is shipped besides the 8x8 ones, half of its columns approximate."""


def register_compressor(
    name: str, compressor: Compressor, *, citation: str, summary: str, columns: Sequence[int]
) -> Family:
    """Register the multipliers that add by `compressor` in their low columns.

    Args:
        name: Registry name.
        compressor: The approximate compressor.
        citation: The paper it is from.
        summary: One line.
        columns: Approximate columns of the 8x8 circuits in the built-in library.
    """

    def check(bits_a: int, bits_b: int, columns: int) -> None:
        check_parameter(name, "columns", columns, 0, bits_a + bits_b - 1)

    def netlist(bits_a: int, bits_b: int, *, signed: bool, columns: int) -> Netlist:
        check(bits_a, bits_b, columns)
        return compressor_netlist(bits_a, bits_b, compressor, signed=signed, columns=columns)

    def formula(
        a: NDArray[np.int64], b: NDArray[np.int64], *, bits_a: int, bits_b: int, signed: bool, columns: int
    ) -> NDArray[np.int64]:
        check(bits_a, bits_b, columns)
        return compressor_product(a, b, bits_a, bits_b, compressor, signed=signed, columns=columns)

    def circuits() -> tuple[Circuit, ...]:
        shipped = instances(name, _tagged(columns))
        for bits_a, bits_b in OTHER_WIDTHS:
            shipped += instances(name, _tagged([(bits_a + bits_b) // 2]), [(bits_a, bits_b)])
        return shipped

    return register(
        Family(
            name=name,
            citation=citation,
            summary=summary,
            parameters={"columns": "low columns whose 4:2 compressors are approximate"},
            netlist=netlist,
            formula=formula,
            circuits=circuits,
        )
    )


def _tagged(columns: Sequence[int]) -> dict[str, dict[str, int]]:
    return {f"k{count}": {"columns": count} for count in columns}
