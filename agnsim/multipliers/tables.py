"""Tables in `.npz` files: written byte for byte the same every time, read without trusting what is in them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from agnsim.errors import LibraryError
from agnsim.types import Int32Array

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_MOST_ROWS = 256  # where a file itself says how many


def write_tables(path: Path, tables: Mapping[str, Int32Array]) -> None:
    """Write tables as little-endian int32 arrays to a compressed `.npz`, sorted by name, with a fixed timestamp."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(tables):
            content = io.BytesIO()
            npy.write_array(content, np.ascontiguousarray(tables[name], dtype="<i4"), version=(1, 0))
            member = zipfile.ZipInfo(f"{name}.npy", date_time=_TIMESTAMP)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content.getvalue(), compresslevel=9)


def table_names(path: Path) -> list[str]:
    """Return the names of the arrays in an `.npz` file.

    Raises:
        LibraryError: The file is missing or is no `.npz` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except (OSError, zipfile.BadZipFile) as error:
        raise LibraryError(f"{path}: not a readable .npz file ({error})") from error


def read_table(path: Path, name: str, shape: tuple[int | None, int]) -> Int32Array:
    """Return one int32 table of an `.npz` file; shape and dtype are checked before its data is read.

    Args:
        path: The file.
        name: The table's name in it.
        shape: The shape it must have; `None`: up to 256 rows.

    Raises:
        LibraryError: The file is unreadable or damaged, lacks the table, or holds another shape or dtype.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            try:
                member = archive.open(f"{name}.npy")
            except KeyError:
                raise LibraryError(f"{path}: has no table {name!r}, which its card promises") from None
            with member:
                return _read_array(member, f"{path}: table {name!r}", shape)
    except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise LibraryError(f"{path}: table {name!r} can't be read, the file is damaged ({error})") from error


def _read_array(member: IO[bytes], where: str, shape: tuple[int | None, int]) -> Int32Array:
    try:
        version = npy.read_magic(member)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        found_shape, fortran_order, dtype = read_header(member)
    except (ValueError, SyntaxError, TypeError) as error:
        raise LibraryError(f"{where} is no NumPy array ({error})") from error
    if dtype.kind != "i" or dtype.itemsize != 4:
        raise LibraryError(f"{where} has dtype {dtype}; it must be int32")
    rows = shape[0] if shape[0] is not None else min(_MOST_ROWS, found_shape[0] if found_shape else 0)
    if found_shape != (rows, shape[1]):
        raise LibraryError(f"{where} has shape {found_shape}; its card's widths make it {shape}")
    size = rows * shape[1] * 4
    content = member.read(size)
    if len(content) != size:
        raise LibraryError(f"{where} ends after {len(content)} of {size} bytes")
    flat = np.frombuffer(content, dtype=dtype).astype(np.int32)
    return flat.reshape((rows, shape[1]), order="F" if fortran_order else "C")
