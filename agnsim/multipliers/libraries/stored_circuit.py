"""A circuit as a library's folder keeps it: card, table, netlist and factors, and not what these make again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agnsim.errors import LibraryError
from agnsim.multipliers.factors import Factors
from agnsim.multipliers.libraries.card import Card, write_card
from agnsim.multipliers.libraries.factor_files import FACTORS, write_factors
from agnsim.multipliers.libraries.netlist_files import NETLISTS, write_netlists
from agnsim.multipliers.libraries.tables import write_tables
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.types import Int32Array

TABLES = "tables.npz"
NO_FAMILY = "custom"
MAX_STORED_BITS = 18
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def is_stored(bits_a: int, bits_b: int) -> bool:
    """Tell whether tables of these widths are stored: up to 2**18 entries."""
    return bits_a + bits_b <= MAX_STORED_BITS


@dataclass(frozen=True)
class StoredCircuit:
    """What a library's folder holds of one circuit. A wide circuit takes little memory: it has no table here.

    Attributes:
        card: What the library states of it.
        table: int32 `[2**bits_a, 2**bits_b]` of up to 2**18 entries, or `None`.
        netlist: Its gates, where they came with it.
        factors: Exact factors of the table, or `None`.
    """

    card: Card
    table: Int32Array | None
    netlist: Netlist | None
    factors: Factors | None

    @classmethod
    def of(cls, multiplier: Multiplier) -> StoredCircuit:
        """Return what is stored of a multiplier.

        Raises:
            LibraryError: Its name is no file name, it is swapped or encoded, or its table is too large to store and it
                has neither netlist nor family.
        """
        where = f"multiplier {multiplier.name!r}"
        for label, text in (("name", multiplier.name), ("family", multiplier.family or NO_FAMILY)):
            if not _FILE_NAME.fullmatch(text):
                raise LibraryError(
                    f"{where}: {label} {text!r} can't be a file name; use letters, digits, '_', '-' and '.'"
                )
        if multiplier.circuit is not None:
            raise LibraryError(
                f"{where} is swapped or encoded; a library holds physical circuits: write its `.circuit`"
            )
        stored = is_stored(multiplier.bits_a, multiplier.bits_b)
        if not stored and multiplier.netlist is None:
            raise LibraryError(
                f"{where}: tables of more than 2**{MAX_STORED_BITS} entries are not stored, and it has neither netlist "
                "nor family to make it"
            )
        table = multiplier.table if stored else None
        return cls(Card.of(multiplier), table, multiplier.stored_netlist, multiplier.factors)


def write_circuits(folder: Path, circuits: Iterable[StoredCircuit]) -> None:
    """Write the circuits of one family to its folder: a card each, and their tables, netlists and factors together."""
    circuits = list(circuits)
    folder.mkdir(parents=True, exist_ok=True)
    for circuit in circuits:
        write_card(folder / f"{circuit.card.name}.json", circuit.card)
    tables = {circuit.card.name: circuit.table for circuit in circuits if circuit.table is not None}
    if tables:
        write_tables(folder / TABLES, tables)
    netlists = {circuit.card.name: circuit.netlist for circuit in circuits if circuit.netlist is not None}
    if netlists:
        write_netlists(folder / NETLISTS, netlists)
    factors = {circuit.card.name: circuit.factors for circuit in circuits if circuit.factors is not None}
    if factors:
        write_factors(folder / FACTORS, factors)
