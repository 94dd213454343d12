"""What circuits are compared with: the exact multiplier of the same widths, synthesised in the same run."""

from __future__ import annotations

from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis.stimulus import Bits, Signs

ARRAY = "array"


def exact_array(bits: Bits, signed: bool) -> tuple[str, Netlist]:
    """Return name and netlist of the exact array multiplier of those widths and that sign."""
    from agnsim.multipliers.families import families
    from agnsim.multipliers.families.family import circuit_name

    name = circuit_name(*bits, signed=signed, family=ARRAY)
    return name, families[ARRAY].generate(*bits, signed)


def can_be_compared(bits: Bits, signed: Signs) -> bool:
    """Return whether there is an exact array multiplier of those widths and signs."""
    return min(bits) >= 2 and max(bits) <= 16 and signed[0] == signed[1]
