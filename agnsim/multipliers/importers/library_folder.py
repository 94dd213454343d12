"""Folders that are libraries already: agnsim's own, and packs of `circuits.csv` beside `.npz` tables."""

from __future__ import annotations

from pathlib import Path

from agnsim.errors import AgnsimError
from agnsim.multipliers.importers.failure import Failure, SourceError, shown_path
from agnsim.multipliers.importers.files import MAX_BINARY, MAX_TEXT, read_bytes, walk
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions
from agnsim.multipliers.importers.numpy_table import check_directory
from agnsim.multipliers.libraries.library import INDEX, load_library
from agnsim.multipliers.libraries.pack import INDEX as PACK_INDEX
from agnsim.multipliers.libraries.verify import check_circuit

INDEXES = (INDEX, PACK_INDEX)
_MOST_CARD = 2**20


def read_folder(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuits of a library's folder, each checked against what the library states of it.

    Raises:
        SourceError: A link or a file of an absurd size is in it.
        LibraryError: The index can't be read.
    """
    _check_files(path)
    library = load_library(path.absolute())
    found: list[Found | Failure] = []
    for name in library:
        try:
            circuit = library[name]
            check_circuit(circuit, path)  # reading it alone leaves what is stated of a wide one as it is
            found.append(Found(circuit))
        except AgnsimError as error:
            found.append(Failure(shown_path(path), None, str(error)))
    return found


def _check_files(path: Path) -> None:
    """Refuse a folder with links or absurd files in it: a library's reader trusts the folder that it is given."""
    inside = walk(path)
    for failure in inside.failures:
        raise SourceError(failure.file, failure.line, failure.reason)
    for file in inside.files:
        if file.suffix == ".npz":
            check_directory(read_bytes(file, MAX_BINARY), shown_path(file))
        elif file.stat().st_size > (_MOST_CARD if file.suffix == ".json" else MAX_TEXT):
            raise SourceError(shown_path(file), None, "is larger than any file of a library")


IMPORTER = Importer("library", lambda path: path.name in INDEXES, read_folder)
