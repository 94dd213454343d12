"""Yang's first approximate 4:2 compressor in a tree: exact but for four ones, which it counts as three.

Four partial products of uniform operands are all ones in one case of 256, so this is the accurate end of the
approximate compressors. The paper's 8x8 multiplier has them in four columns, above four that are truncated; here none
is. That, the rest of the tree and the signed matrix (Baugh-Wooley) are choices.

Source: Z. Yang, J. Han, F. Lombardi, "Approximate compressors for error-resilient multiplier design", IEEE Int. Symp.
Defect and Fault Tolerance in VLSI and Nanotechnology Systems (DFTS), 2015, design 1.
"""

from __future__ import annotations

from agnsim.multipliers.constructions.compressors import Compressor
from agnsim.multipliers.families.compressor_tree import register_compressor
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire


def _gates(build: NetlistBuilder, x1: Wire, x2: Wire, x3: Wire, x4: Wire) -> tuple[Wire, Wire]:
    (odd_low, both_low), (odd_high, both_high) = build.half_adder(x1, x2), build.half_adder(x3, x4)
    total = build.either(build.differ(odd_low, odd_high), build.both(both_low, x3))
    return total, build.any_of([both_low, both_high, build.both(odd_low, odd_high)])


COMPRESSOR = Compressor(values=(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 3), gates=_gates)

register_compressor(
    "yang",
    COMPRESSOR,
    citation='Z. Yang, J. Han, F. Lombardi, "Approximate compressors for error-resilient multiplier design", IEEE Int. '
    "Symp. Defect and Fault Tolerance in VLSI and Nanotechnology Systems, 2015",
    summary="4:2 compressors that count four ones as three in the low columns",
    columns=(7, 8, 9, 10, 12),
)
