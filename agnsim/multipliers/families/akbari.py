"""Akbari's first dual-quality 4:2 compressor in its approximate mode, in a tree: two wires, wrong for 10 of 16 inputs.

The sum is x1, the carry x4. The paper's compressor can be switched to an exact mode at run time; here the low columns
are built in the approximate mode for good, without the parts that only the exact mode needs. Which bits of a column are
x1 and x4 (`agnsim.multipliers.constructions.compressors`) is a choice, and so is the signed matrix (Baugh-Wooley).

Source: O. Akbari, M. Kamal, A. Afzali-Kusha, M. Pedram, "Dual-quality 4:2 compressors for utilizing in dynamic
accuracy configurable multipliers", IEEE Trans. VLSI Systems 25(4), 2017, DQ4:2C1.
"""

from __future__ import annotations

from agnsim.multipliers.constructions.compressors import Compressor
from agnsim.multipliers.families.compressor_tree import register_compressor
from agnsim.multipliers.netlists.builder import NetlistBuilder, Wire


def _gates(build: NetlistBuilder, x1: Wire, x2: Wire, x3: Wire, x4: Wire) -> tuple[Wire, Wire]:
    return x1, x4


COMPRESSOR = Compressor(values=(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3), gates=_gates)

register_compressor(
    "akbari",
    COMPRESSOR,
    citation='O. Akbari, M. Kamal, A. Afzali-Kusha, M. Pedram, "Dual-quality 4:2 compressors for utilizing in dynamic '
    'accuracy configurable multipliers", IEEE Trans. VLSI Systems 25(4), 2017',
    summary="4:2 compressors that are two wires in the low columns",
    columns=(5, 6, 7, 8, 9),
)
