"""NumPy files: `.npy` with one table, `.npz` with a table an array. Nothing is unpickled.

Shape and type are read from the header, by NumPy's own parser, and checked before any data is read.
"""

from __future__ import annotations

import io
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from agnsim.errors import AgnsimError
from agnsim.multipliers.importers.failure import Failure, SourceError, shown_path, shown_text
from agnsim.multipliers.importers.files import MAX_BINARY, read_bytes
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions, found_table, int64, table_bits
from agnsim.multipliers.importers.naming import fit_name, parse_name
from agnsim.multipliers.importers.reading import Int64Array

_MAX_ARCHIVE = 128 * 2**20
_MAX_ARRAYS = 4096
_END_RECORD = struct.Struct("<4s4H2LH")
_LEAST_ENTRY = 46  # bytes of an archive's directory entry


def read_npy(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuit in a `.npy` file.

    Raises:
        SourceError: No integer table of a multiplier's shape, or damaged.
    """
    where = shown_path(path)
    values = _read_array(io.BytesIO(read_bytes(path, MAX_BINARY)), where)
    return [found_table(values, path, where, options)]


def read_npz(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuits in a `.npz` file, one an array.

    Raises:
        SourceError: No archive, or an array in it is no table.
    """
    where = shown_path(path)
    content = read_bytes(path, _MAX_ARCHIVE)
    check_directory(content, where)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            if not names:
                raise SourceError(where, None, "holds no arrays")
            twice = next((name for name, count in Counter(names).items() if count > 1), None)
            if twice is not None:
                raise SourceError(where, None, f"holds two arrays called {shown_text(twice.removesuffix('.npy'))}")
            return [_read_member(archive, name, path, len(names) == 1, options) for name in names]
    except SourceError:
        raise
    except (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(where, None, f"can't be read, the archive is damaged ({_short(error)})") from error


def _read_member(
    archive: zipfile.ZipFile, member: str, path: Path, alone: bool, options: ImportOptions
) -> Found | Failure:
    label, where = member.removesuffix(".npy"), shown_path(path)
    try:
        with archive.open(member) as file:
            values = _read_array(file, where)
        is_named = parse_name(label).bits is not None and fit_name(Path(f"{label}.npy")) == label
        name = label if is_named else fit_name(path, "" if alone else label)
        return found_table(values, path, where, options, name=name)
    except SourceError as error:
        return Failure(where, None, f"array {shown_text(label)} {error.reason}")
    except AgnsimError as error:
        return Failure(where, None, f"array {shown_text(label)}: {error}")


def _read_array(file: IO[bytes], where: str) -> Int64Array:
    """Return an integer array of a table's shape; no more is read, or unpacked, than such an array has."""
    try:
        # A longer header, version 2, is for structured types; its length could fill the memory.
        if npy.read_magic(file) != (1, 0):
            raise SourceError(where, None, "is an array of a format other than 1.0, in which plain integers are kept")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of headers that Python 2 wrote
            shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    except SourceError:
        raise
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise SourceError(where, None, f"is no NumPy array ({_short(error)})") from error
    if dtype.kind not in "iu":
        raise SourceError(where, None, f"has dtype {dtype}; a table holds integers")
    table_bits(shape, where)
    size = shape[0] * shape[1] * dtype.itemsize
    content = file.read(size)
    if len(content) != size:
        raise SourceError(where, None, f"ends after {len(content)} of {size} bytes")
    values = np.frombuffer(content, dtype=dtype)
    if dtype.kind == "u" and dtype.itemsize == 8 and int(values.max()) >= 1 << 63:
        raise SourceError(where, None, f"holds {int(values.max())}, which is no product of 16-bit operands")
    return int64(values).reshape(shape, order="F" if fortran_order else "C")


def check_directory(content: bytes, where: str) -> None:
    """Refuse an archive whose directory is large: `zipfile` keeps an object for every entry of it.

    Args:
        content: The archive.
        where: The file, for messages.

    Raises:
        SourceError: It is refused, or is no archive.
    """
    start = content.rfind(b"PK\x05\x06", -(_END_RECORD.size + 0xFFFF))
    if start < 0 or start + _END_RECORD.size > len(content):
        raise SourceError(where, None, "is no .npz archive, or it is cut off")
    size = _END_RECORD.unpack_from(content, start)[5]
    if size > _MAX_ARRAYS * 8 * _LEAST_ENTRY or content.find(b"PK\x06\x07", max(0, start - 20), start) >= 0:
        raise SourceError(where, None, f"has a directory of {size} bytes; at most {_MAX_ARRAYS} arrays are read")


def _short(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."


NPY = Importer("NumPy array", lambda path: path.suffix.lower() == ".npy", read_npy)
NPZ = Importer("NumPy archive", lambda path: path.suffix.lower() == ".npz", read_npz)
