"""Netlists in `.npz` files: small integer arrays, written byte for byte the same, checked gate by gate when read.

A netlist is one column of integers: `bits_a, bits_b, signed, outputs, gates`, the wires of the outputs, and three
numbers a gate: its operation (numbered as `gates.Op` lists them) and the wires it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from agnsim.errors import LibraryError, MultiplierError
from agnsim.multipliers.libraries.tables import read_table, table_names, write_tables
from agnsim.multipliers.netlists.gates import Gate, Op
from agnsim.multipliers.netlists.netlist import MAX_GATES, Netlist
from agnsim.types import Int32Array

NETLISTS = "netlists.npz"

_OPS = tuple(Op)
_HEADER = 5
_MOST_NUMBERS = 4 * MAX_GATES


def write_netlists(path: Path, netlists: Mapping[str, Netlist]) -> None:
    """Write netlists to a compressed `.npz`."""
    write_tables(path, {name: _encoded(netlist) for name, netlist in netlists.items()})


def netlist_names(path: Path) -> set[str]:
    """Return the names of the circuits whose netlists are in the file; none where there is no file.

    Raises:
        LibraryError: The file is no `.npz` file.
    """
    return set(table_names(path)) if path.is_file() else set()


def read_netlist(path: Path, name: str) -> Netlist:
    """Return a stored netlist.

    Raises:
        LibraryError: The file is damaged, lacks the netlist, or what it holds is none.
    """
    numbers = read_table(path, name, (None, 1), most_rows=_MOST_NUMBERS)[:, 0]
    where = f"{path}: netlist {name!r}"
    if len(numbers) < _HEADER:
        raise LibraryError(f"{where} has {len(numbers)} numbers; a netlist starts with {_HEADER}")
    bits_a, bits_b, signed, outputs, gates = (int(number) for number in numbers[:_HEADER])
    if outputs < 0 or gates < 0 or len(numbers) != _HEADER + outputs + 3 * gates or signed not in (0, 1):
        raise LibraryError(f"{where} has {len(numbers)} numbers, which its header contradicts")
    rows = numbers[_HEADER + outputs :].reshape(gates, 3)
    if gates and not 0 <= int(rows[:, 0].min()) <= int(rows[:, 0].max()) < len(_OPS):
        raise LibraryError(f"{where} has a gate of an unknown kind")
    try:
        return Netlist(
            bits_a,
            bits_b,
            tuple(Gate(_OPS[op], x, y) for op, x, y in rows.tolist()),
            tuple(numbers[_HEADER : _HEADER + outputs].tolist()),
            bool(signed),
        )
    except MultiplierError as error:
        raise LibraryError(f"{where}: {error}") from error


def _encoded(netlist: Netlist) -> Int32Array:
    header = [netlist.bits_a, netlist.bits_b, int(netlist.signed), len(netlist.outputs), len(netlist.gates)]
    gates = [number for op, x, y in netlist.gates for number in (_OPS.index(op), x, y)]
    return np.array([*header, *netlist.outputs, *gates], dtype=np.int32)[:, None]
