"""Arrays in `.npz` files: written byte for byte the same every time, read without trusting what is in them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from agnsim.errors import LibraryError

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], *, level: int = 9) -> None:
    """Write arrays, little-endian, to a `.npz` compressed at `level`, sorted by name, with a fixed timestamp."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(arrays):
            array, content = arrays[name], io.BytesIO()
            plain = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
            npy.write_array(content, plain, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=_TIMESTAMP)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content.getvalue(), compresslevel=level)


def array_names(path: Path) -> list[str]:
    """Return the names of the arrays in an `.npz` file.

    Raises:
        LibraryError: The file is missing or is no `.npz` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except (OSError, zipfile.BadZipFile) as error:
        raise LibraryError(f"{path}: not a readable .npz file ({error})") from error


def array_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in an `.npz` file, by name; only headers are read.

    Raises:
        LibraryError: The file is unreadable or damaged.
    """
    shapes = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as member:
                    shapes[entry.filename.removesuffix(".npy")] = _header(member, f"{path}: {entry.filename!r}")[0]
    except _UNREADABLE as error:
        raise LibraryError(f"{path}: the file is damaged ({error})") from error
    return shapes


def read_array(
    path: Path,
    name: str,
    dtype: Any,
    shape: tuple[int | None, ...],
    *,
    most: int,
    what: str = "array",
    promise: str = "it must have",
) -> NDArray[Any]:
    """Return one array of an `.npz` file; shape and dtype are checked before its data is read.

    Args:
        path: The file.
        name: The array's name in it.
        dtype: The type it must have, in either byte order; `"U"`: text of any length.
        shape: The shape it must have; `None`: any length.
        most: Most entries in all lengths that the file itself says, or characters of text.
        what: What the array is, for messages.
        promise: Why it must have that shape, for messages.

    Raises:
        LibraryError: The file is unreadable or damaged, lacks the array, or holds another shape or dtype.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            try:
                member = archive.open(f"{name}.npy")
            except KeyError:
                raise LibraryError(f"{path}: has no {what} {name!r}, which has to be there") from None
            with member:
                return _read(member, f"{path}: {what} {name!r}", np.dtype(dtype), shape, most, promise)
    except _UNREADABLE as error:
        raise LibraryError(f"{path}: {what} {name!r} can't be read, the file is damaged ({error})") from error


def _read(
    member: IO[bytes], where: str, dtype: np.dtype[Any], shape: tuple[int | None, ...], most: int, promise: str
) -> NDArray[Any]:
    found_shape, fortran_order, found = _header(member, where)
    if found.kind != dtype.kind or not found.itemsize or (dtype.itemsize and found.itemsize != dtype.itemsize):
        raise LibraryError(f"{where} has dtype {found}; it must be {dtype.name if dtype.itemsize else 'text'}")
    free = 1
    for length, wanted in zip(found_shape, shape, strict=False):
        free *= length if wanted is None else 1
    free *= found.itemsize if found.kind == "U" else 1
    fits = len(found_shape) == len(shape) and all(w in (None, n) for n, w in zip(found_shape, shape, strict=True))
    if not fits or not 0 <= free <= most:
        raise LibraryError(f"{where} has shape {found_shape}; {promise} {shape}")
    size = int(np.prod(found_shape, dtype=object)) * found.itemsize
    content = member.read(size)
    if len(content) != size:
        raise LibraryError(f"{where} ends after {len(content)} of {size} bytes")
    flat = np.frombuffer(content, dtype=found).astype(found.newbyteorder("="))
    if found.kind == "U":
        try:
            flat.tolist()
        except ValueError as error:
            raise LibraryError(f"{where} is no text ({error})") from error
    return flat.reshape(found_shape, order="F" if fortran_order else "C")


def _header(member: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        # A longer header, version 2, is for structured types; its length could fill the memory.
        if (version := npy.read_magic(member)) != (1, 0):
            raise LibraryError(f"{where} is of NumPy's format {version[0]}.{version[1]}; plain arrays are kept in 1.0")
        shape, fortran_order, dtype = npy.read_array_header_1_0(member)
    except (ValueError, SyntaxError, TypeError) as error:
        raise LibraryError(f"{where} is no NumPy array ({error})") from error
    return shape, fortran_order, dtype
