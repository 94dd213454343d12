"""Libraries as folders: `library.json`, and per family a card for every circuit and one `tables.npz`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from agnsim import _bundled
from agnsim.data_root import candidates, looked_in
from agnsim.errors import LibraryError
from agnsim.multipliers.card import Card, read_card, read_json, write_card
from agnsim.multipliers.collection import Library, LibraryEntry
from agnsim.multipliers.factor_files import FACTORS, write_factors
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.netlist_files import NETLISTS, netlist_names, read_netlist, write_netlists
from agnsim.multipliers.pack import INDEX as PACK_INDEX
from agnsim.multipliers.pack import read_pack
from agnsim.multipliers.table_checks import is_tabulated
from agnsim.multipliers.tables import read_table, write_tables

__all__ = ["Library", "LibraryEntry", "find_library", "load_library", "read_library", "write_library"]

LIBRARY_FORMAT = 2
INDEX = "library.json"
TABLES = "tables.npz"
MAX_STORED_BITS = 18
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def load_library(name_or_path: str | Path) -> Library:
    """Return a multiplier library; tables are read and verified when a circuit is first asked for.

    Args:
        name_or_path: `"builtin"` for the shipped library, or a folder in agnsim's format or with `circuits.csv` and
            `.npz` tables; a relative path is looked up in the working directory, then under `AGNSIM_DATA`.

    Raises:
        LibraryError: No such folder, no library in it, or its index or a card can't be read.
    """
    path = find_library(name_or_path)
    return read_library(path) if (path / INDEX).is_file() else read_pack(path)


def find_library(name_or_path: str | Path) -> Path:
    """Return the folder of a library, which has an index of one of the two formats.

    Raises:
        LibraryError: There is no such folder, or no library in it.
    """
    if str(name_or_path) == "builtin":
        places = [_bundled.folder("multipliers") / "builtin"]
    else:
        places = [place for place in candidates(name_or_path) if place.is_dir()]
    if not places:
        raise LibraryError(
            f"no multiplier library {str(name_or_path)!r}: {looked_in(name_or_path)}. Allowed: 'builtin', or a folder "
            f"that holds {INDEX} or {PACK_INDEX}"
        )
    for place in places:
        if (place / INDEX).is_file() or (place / PACK_INDEX).is_file():
            return place
    raise LibraryError(f"{places[0]} is no multiplier library: it has neither {INDEX} nor {PACK_INDEX}")


def read_library(path: Path) -> Library:
    """Return the library in a folder of agnsim's own format.

    Raises:
        LibraryError: The index or a card can't be read or is incomplete, or a name occurs twice.
    """
    index = read_json(path / INDEX)
    if index.get("format") != LIBRARY_FORMAT:
        raise LibraryError(f"{path / INDEX}: format is {index.get('format')!r}; this agnsim reads {LIBRARY_FORMAT}")
    for key in ("name", "description"):
        if not isinstance(index.get(key), str):
            raise LibraryError(f"{path / INDEX}: {key} is {index.get(key)!r}; it must be a text")
    flow = index.get("flow")
    if not isinstance(flow, str | None):
        raise LibraryError(f"{path / INDEX}: flow is {flow!r}; it must be a text or null")
    entries = [_entry(card_path, flow) for card_path in sorted(path.glob("*/*.json"))]
    return Library(index["name"], entries, path=path, description=index["description"])


def write_library(
    path: str | Path,
    name: str,
    multipliers: Iterable[Multiplier],
    *,
    description: str,
    flow: str | None = None,
) -> None:
    """Write a library as a folder, byte for byte the same for the same circuits; an older one there is replaced.

    Tables of up to 2**18 entries are stored; larger ones are made from the netlist, the stored one or that of the
    family's generator, when they are read. Factors of small rank are stored whatever the size of the table.

    Args:
        path: The library's folder.
        name: The library's name.
        multipliers: Physical circuits with distinct names; those of no family go into the folder `custom`.
        description: One sentence.
        flow: Flow of all costs, or `None` where there are several or none.

    Raises:
        LibraryError: A name is no file name or occurs twice, a circuit is swapped or encoded, its cost comes from
            another flow, or its table is too large to store and it has neither netlist nor family.
    """
    folder = Path(path)
    families: dict[str, list[Multiplier]] = {}
    names: set[str] = set()
    for multiplier in multipliers:
        _check_writable(multiplier, names, flow)
        names.add(multiplier.name)
        families.setdefault(multiplier.family or "custom", []).append(multiplier)
    if (folder / INDEX).is_file():
        for pattern in ("*.json", TABLES, FACTORS, NETLISTS):
            for stale in folder.glob(f"*/{pattern}"):
                stale.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for family, circuits in families.items():
        (folder / family).mkdir(exist_ok=True)
        for circuit in circuits:
            write_card(folder / family / f"{circuit.name}.json", Card.of(circuit))
        stored = {circuit.name: circuit.table for circuit in circuits if _is_stored(circuit.bits_a, circuit.bits_b)}
        if stored:
            write_tables(folder / family / TABLES, stored)
        netlists = {c.name: c.stored_netlist for c in circuits if c.stored_netlist is not None}
        if netlists:
            write_netlists(folder / family / NETLISTS, netlists)
        factors = {circuit.name: circuit.factors for circuit in circuits if circuit.factors is not None}
        if factors:
            write_factors(folder / family / FACTORS, factors)
    index = {"format": LIBRARY_FORMAT, "name": name, "description": description, "flow": flow}
    (folder / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _entry(path: Path, flow: str | None) -> LibraryEntry:
    card = read_card(path)
    card_flow = card.cost.flow if card.cost else None
    if flow is not None and card_flow not in (None, flow):
        raise LibraryError(f"{path}: cost.flow: stated {card_flow!r}, but the library's is {flow!r}")
    return LibraryEntry(
        name=card.name,
        bits=(card.bits_a, card.bits_b),
        signed=(card.signed_a, card.signed_b),
        digest=card.digest,
        flow=card_flow,
        read=partial(_read_circuit, path, card),
    )


def _read_circuit(path: Path, card: Card) -> Multiplier:
    netlists = path.parent / NETLISTS
    netlist = read_netlist(netlists, card.name) if card.name in netlist_names(netlists) else None
    if netlist is not None and (netlist.bits_a, netlist.bits_b) != (card.bits_a, card.bits_b):
        raise LibraryError(
            f"{netlists}: netlist {card.name!r} has {netlist.bits_a}x{netlist.bits_b} operand bits; its card says "
            f"{card.bits_a}x{card.bits_b}"
        )
    if _is_stored(card.bits_a, card.bits_b):
        table = read_table(path.parent / TABLES, card.name, (1 << card.bits_a, 1 << card.bits_b))
        return card.multiplier(table, netlist, path)
    netlist_of_table = netlist or card.generated_netlist(path)
    if is_tabulated(card.bits_a, card.bits_b):
        return card.multiplier(netlist_of_table.table(), netlist, path)
    return card.multiplier(None, netlist_of_table, path)


def _is_stored(bits_a: int, bits_b: int) -> bool:
    return bits_a + bits_b <= MAX_STORED_BITS


def _check_writable(multiplier: Multiplier, names: set[str], flow: str | None) -> None:
    where = f"multiplier {multiplier.name!r}"
    for label, text in (("name", multiplier.name), ("family", multiplier.family or "custom")):
        if not _FILE_NAME.fullmatch(text):
            raise LibraryError(f"{where}: {label} {text!r} can't be a file name; use letters, digits, '_', '-' and '.'")
    if multiplier.name in names:
        raise LibraryError(f"{where} occurs twice; circuits of a library need distinct names")
    if multiplier.circuit is not None:
        raise LibraryError(f"{where} is swapped or encoded; a library holds physical circuits: write its `.circuit`")
    if flow is not None and multiplier.cost is not None and multiplier.cost.flow != flow:
        raise LibraryError(f"{where}: its cost comes from flow {multiplier.cost.flow!r}, the library's is {flow!r}")
    if not _is_stored(multiplier.bits_a, multiplier.bits_b) and multiplier.netlist is None:
        raise LibraryError(
            f"{where}: tables of more than 2**{MAX_STORED_BITS} entries are not stored, and it has neither netlist nor "
            "family to make it"
        )
