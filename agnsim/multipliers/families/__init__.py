"""Families of multipliers that are generated, not read: one file each, registered by the import below."""

from agnsim.multipliers.families import (  # the order is that of `agnsim list families` and of the library
    array,
    broken_array,
    column_truncation,
    drum,
    kulkarni,
    mitchell,
    operand_truncation,
    wallace,
)
from agnsim.multipliers.families.family import Circuit, Family, families

__all__ = [
    "Circuit",
    "Family",
    "array",
    "broken_array",
    "column_truncation",
    "drum",
    "families",
    "kulkarni",
    "mitchell",
    "operand_truncation",
    "wallace",
]
