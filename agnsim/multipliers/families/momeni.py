"""Momeni's second approximate 4:2 compressor in a tree: wrong for 4 of its 16 inputs, by one.

The compressor says 1 for no ones, 1 for two ones in the same pair, and 3 for four ones. It makes something of
nothing: where an operand is 0 the product is not. The paper's multiplier 4 is `columns` = n - 1, its multiplier 2 has
all columns approximate. The paper's multipliers are 8x8 and unsigned; which bits of a column meet in a compressor is
given in a figure there and a choice here, and so is the signed matrix (Baugh-Wooley).

Source: A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and analysis of approximate compressors for
multiplication", IEEE Trans. Computers 64(4), 2015, design 2.
"""

from __future__ import annotations

from agnsim.multipliers.constructions.compressors import Compressor
from agnsim.multipliers.families.compressor_tree import register_compressor
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire


def _gates(build: NetlistBuilder, x1: Wire, x2: Wire, x3: Wire, x4: Wire) -> tuple[Wire, Wire]:
    total = build.inverted(build.both(build.differ(x1, x2), build.differ(x3, x4)))
    return total, build.both(build.either(x1, x2), build.either(x3, x4))


COMPRESSOR = Compressor(values=(1, 1, 1, 1, 1, 2, 2, 3, 1, 2, 2, 3, 1, 3, 3, 3), gates=_gates)

register_compressor(
    "momeni",
    COMPRESSOR,
    citation='A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and analysis of approximate compressors for '
    'multiplication", IEEE Trans. Computers 64(4), 2015',
    summary="4:2 compressors that are wrong for 4 of 16 inputs in the low columns",
    columns=(5, 6, 7, 8, 9),
)
