"""The folder of a library that a command writes: it appears as a whole, and replaces nothing but a library."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from agnsim.errors import LibraryError
from agnsim.multipliers.libraries.factor_files import FACTORS
from agnsim.multipliers.libraries.library import INDEX, TABLES, write_stored
from agnsim.multipliers.libraries.netlist_files import NETLISTS
from agnsim.multipliers.libraries.stored_circuit import StoredCircuit

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
            raise LibraryError(f"{path}: is no part of a library; move it away, or name a new folder")


def write_whole(out: Path, circuits: Iterable[StoredCircuit], *, description: str, flow: str | None) -> int | None:
    """Write a library beside its place and move it there; an older library there is removed afterwards.

    Args:
        out: The library's folder.
        circuits: What is stored of its circuits.
        description: One sentence.
        flow: Flow of all costs, or `None` where there are several or none.

    Returns:
        How many circuits the older library had, or `None` where there was none.

    Raises:
        LibraryError: As `check_target` and `write_stored`.
        OSError: The folder can't be written.
    """
    check_target(out)
    replaced = len(list(out.glob("*/*.json"))) if (out / INDEX).is_file() else None
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        written, old = staging / "new", staging / "old"
        write_stored(written, out.absolute().name, circuits, description=description, flow=flow)
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
    return replaced


def replaced_line(out: Path | str, replaced: int | None) -> list[str]:
    """Return the line that says that an older library is gone; none where there was none."""
    return [] if replaced is None else [f"replaced the library that was in {out}: {replaced} circuits"]
