"""Raw tables: the products one after the other, little-endian, rows by the first operand.

As TFApprox keeps them: 256x256 unsigned 16-bit or signed 32-bit integers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agnsim.multipliers.importers.failure import Failure, SourceError, shown_path
from agnsim.multipliers.importers.files import MAX_BINARY, read_bytes
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions, found_table, int64, square_bits

_SUFFIXES = (".bin", ".raw")
_SIGNED_TYPES = {2: "<i2", 4: "<i4", 8: "<i8"}
_UNSIGNED_TYPES = {1: "<u1", 2: "<u2", 4: "<i4", 8: "<i8"}


def read_binary(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuit in a raw file; its size, and widths where they are said, tell the type of its numbers.

    Raises:
        SourceError: The size is that of no table, or of several.
    """
    where = shown_path(path)
    content = read_bytes(path, MAX_BINARY)
    said = options.naming(path.stem, path.parent.name)
    if said.bits is None:
        bits, item = _square(len(content), where)
    else:
        bits = said.bits
        item, rest = divmod(len(content), 1 << sum(bits))
        if rest or item not in _UNSIGNED_TYPES:
            width = "x".join(map(str, bits))
            raise SourceError(where, None, f"has {len(content)} bytes; a {width} table has {1 << sum(bits)} numbers")
    types = _SIGNED_TYPES if said.signed and item > 1 else _UNSIGNED_TYPES
    values = int64(np.frombuffer(content, dtype=types[item])).reshape(1 << bits[0], 1 << bits[1])
    return [found_table(values, path, where, options, is_guess=said.bits is None)]


def _square(size: int, where: str) -> tuple[tuple[int, int], int]:
    """Return widths and bytes a number of a square table: only one of 2 and 4 bytes makes a size one."""
    for item in (2, 4):
        bits = square_bits(size // item)
        # A product of more than 16 bits is not kept in 2 bytes.
        if bits is not None and size == item << sum(bits) and (item == 4 or bits[0] <= 8):
            return bits, item
    raise SourceError(
        where,
        None,
        f"has {size} bytes, which is no square table of 16- or 32-bit integers: say --bits, as in --bits 8x4",
    )


IMPORTER = Importer("raw table", lambda path: path.suffix.lower() in _SUFFIXES, read_binary)
