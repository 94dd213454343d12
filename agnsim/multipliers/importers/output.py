"""The imported library's folder: it appears as a whole, and replaces nothing but a library."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agnsim.errors import LibraryError
from agnsim.multipliers.importers.circuit import Imported
from agnsim.multipliers.libraries.factor_files import FACTORS
from agnsim.multipliers.libraries.library import INDEX, TABLES, write_stored
from agnsim.multipliers.libraries.netlist_files import NETLISTS

_ARRAYS = (TABLES, FACTORS, NETLISTS)


def check_target(out: Path) -> None:
    """Refuse a folder that is neither new nor empty nor a library, and one with files that are no library's.

    Raises:
        LibraryError: It is refused.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise LibraryError(f"{out}: is no folder; name a new one for the library")
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / INDEX).is_file():
        raise LibraryError(f"{out}: holds something else than a library, and is left as it is; name a new folder")
    for path in sorted(out.rglob("*")):
        inside = path.relative_to(out)
        is_card = len(inside.parts) == 2 and (path.suffix == ".json" or path.name in _ARRAYS)
        if path.is_symlink() or (path.is_file() and inside != Path(INDEX) and not is_card):
            raise LibraryError(f"{path}: is no part of a library; move it away, or name a new folder for the import")


def write_import(out: Path, imported: Sequence[Imported], description: str) -> None:
    """Write a library beside its place and move it there; an older library there is removed afterwards.

    Raises:
        LibraryError: As `check_target`.
        OSError: The folder can't be written.
    """
    check_target(out)
    flows = {cost.flow for circuit in imported if (cost := circuit.stored.card.cost) is not None}
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        written, old = staging / "new", staging / "old"
        write_stored(
            written,
            out.absolute().name,
            (circuit.stored for circuit in imported),
            description=description,
            flow=flows.pop() if len(flows) == 1 else None,
        )
        if out.exists():
            os.rename(out, old)
        try:
            os.rename(written, out)
        except BaseException:
            if old.exists() and not out.exists():
                os.rename(old, out)
            raise
    except OSError as error:
        error.filename = error.filename or str(out)  # a full disk names no file
        raise
    finally:
        if out.exists() or not (staging / "old").exists():  # else the older library is there and nowhere else
            shutil.rmtree(staging, ignore_errors=True)
