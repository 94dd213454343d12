"""Tables in `.npz` files: int32, written byte for byte the same every time, read without trusting what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from agnsim.multipliers.libraries.array_files import array_names, read_array, write_arrays
from agnsim.types import Int32Array

__all__ = ["read_table", "table_names", "write_tables"]

_MOST_ROWS = 256  # where a file itself says how many

table_names = array_names


def write_tables(path: Path, tables: Mapping[str, Int32Array]) -> None:
    """Write tables as little-endian int32 arrays to a compressed `.npz`, sorted by name, with a fixed timestamp."""
    write_arrays(path, {name: np.asarray(table, dtype=np.int32) for name, table in tables.items()})


def read_table(path: Path, name: str, shape: tuple[int | None, int], *, most_rows: int = _MOST_ROWS) -> Int32Array:
    """Return one int32 table of an `.npz` file; shape and dtype are checked before its data is read.

    Args:
        path: The file.
        name: The table's name in it.
        shape: The shape it must have; `None`: up to `most_rows` rows.
        most_rows: Bound of what a file may say.

    Raises:
        LibraryError: The file is unreadable or damaged, lacks the table, or holds another shape or dtype.
    """
    promise = "its card's widths make it"
    return read_array(path, name, np.int32, shape, most=most_rows, what="table", promise=promise)
