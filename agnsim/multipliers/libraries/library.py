"""Libraries as folders: `library.json`, and per family a card for every circuit and one `tables.npz`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from agnsim import _bundled
from agnsim.data_root import candidates, looked_in
from agnsim.errors import LibraryError
from agnsim.multipliers.libraries.card import Card, read_card, read_json
from agnsim.multipliers.libraries.collection import Library, LibraryEntry
from agnsim.multipliers.libraries.costs_file import with_costs
from agnsim.multipliers.libraries.factor_files import FACTORS
from agnsim.multipliers.libraries.netlist_files import NETLISTS, netlist_names, read_netlist
from agnsim.multipliers.libraries.pack import INDEX as PACK_INDEX
from agnsim.multipliers.libraries.pack import read_pack
from agnsim.multipliers.libraries.stored_circuit import NO_FAMILY, TABLES, StoredCircuit, is_stored, write_circuits
from agnsim.multipliers.libraries.tables import read_table
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.table_checks import is_tabulated

__all__ = [
    "TABLES",
    "Library",
    "LibraryEntry",
    "find_library",
    "load_library",
    "read_library",
    "write_library",
    "write_stored",
]

LIBRARY_FORMAT = 2
INDEX = "library.json"


def load_library(name_or_path: str | Path, *, costs: str | Path | None = None) -> Library:
    """Return a multiplier library; tables are read and verified when a circuit is first asked for.

    Args:
        name_or_path: `"builtin"` for the shipped library, or a folder in agnsim's format or with `circuits.csv` and
            `.npz` tables; a relative path is looked up in the working directory, then under `AGNSIM_DATA`.
        costs: A CSV file with your own costs of circuits in it, see `agnsim.multipliers.libraries.costs_file`.

    Raises:
        LibraryError: No such folder, no library in it, its index or a card can't be read, or the costs can't, or are
            of a circuit that is not there.
    """
    path = find_library(name_or_path)
    library = read_library(path) if (path / INDEX).is_file() else read_pack(path)
    return library if costs is None else with_costs(library, costs)


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
    stored = (StoredCircuit.of(multiplier) for multiplier in multipliers)
    write_stored(Path(path), name, stored, description=description, flow=flow)


def write_stored(
    folder: Path, name: str, circuits: Iterable[StoredCircuit], *, description: str, flow: str | None = None
) -> None:
    """Write a library as `write_library` does, from what is stored of its circuits.

    Raises:
        LibraryError: A name occurs twice, or a cost comes from another flow.
    """
    families: dict[str, list[StoredCircuit]] = {}
    names: set[str] = set()
    for circuit in circuits:
        _check_writable(circuit.card, names, flow)
        names.add(circuit.card.name)
        families.setdefault(circuit.card.family or NO_FAMILY, []).append(circuit)
    if (folder / INDEX).is_file():
        for pattern in ("*.json", TABLES, FACTORS, NETLISTS):
            for stale in folder.glob(f"*/{pattern}"):
                stale.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for family, members in families.items():
        write_circuits(folder / family, members)
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
        card=card,
    )


def _read_circuit(path: Path, card: Card) -> Multiplier:
    netlists = path.parent / NETLISTS
    netlist = read_netlist(netlists, card.name) if card.name in netlist_names(netlists) else None
    if netlist is not None and (netlist.bits_a, netlist.bits_b) != (card.bits_a, card.bits_b):
        raise LibraryError(
            f"{netlists}: netlist {card.name!r} has {netlist.bits_a}x{netlist.bits_b} operand bits; its card says "
            f"{card.bits_a}x{card.bits_b}"
        )
    if is_stored(card.bits_a, card.bits_b):
        table = read_table(path.parent / TABLES, card.name, (1 << card.bits_a, 1 << card.bits_b))
        return card.multiplier(table, netlist, path)
    netlist_of_table = netlist or card.generated_netlist(path)
    if is_tabulated(card.bits_a, card.bits_b):
        return card.multiplier(netlist_of_table.table(), netlist, path)
    return card.multiplier(None, netlist_of_table, path)


def _check_writable(card: Card, names: set[str], flow: str | None) -> None:
    where = f"multiplier {card.name!r}"
    if card.name in names:
        raise LibraryError(f"{where} occurs twice; circuits of a library need distinct names")
    if flow is not None and card.cost is not None and card.cost.flow != flow:
        raise LibraryError(f"{where}: its cost comes from flow {card.cost.flow!r}, the library's is {flow!r}")
