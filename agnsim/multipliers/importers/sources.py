"""Which files of a folder are read as circuits, each circuit once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from agnsim.multipliers.importers.circuit import Job
from agnsim.multipliers.importers.failure import Failure, SourceError, shown_path
from agnsim.multipliers.importers.files import MAX_BINARY, read_bytes, walk
from agnsim.multipliers.importers.importer import ImportOptions
from agnsim.multipliers.importers.library_folder import IMPORTER as FOLDER
from agnsim.multipliers.importers.library_folder import INDEXES
from agnsim.multipliers.importers.registry import IMPORTERS, importer_of

_COMMENT_OR_SPACE = re.compile(rb"//[^\n]*|/\*.*?(?:\*/|\Z)|\s+", re.DOTALL)
_VARIANT = re.compile(r"_(?:pdk45|gen)$")
_MOST_COMPARED = 2**20


@dataclass
class Sources:
    """What there is to do.

    Attributes:
        jobs: Files and folders to be read, sorted: by kind, then by path.
        failures: What is refused.
        skipped: Files that are no circuits.
        copies: Files that say the same as another one of that name.
        root: What was asked for.
    """

    jobs: list[Job] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0
    copies: int = 0
    root: Path = Path()


def find_sources(path: Path, options: ImportOptions, besides: Path | None = None) -> Sources:
    """Return what there is to be read at a path.

    A file of a kind that no importer reads is passed over in a folder, and a failure where it is all that was asked
    for. Copies of a C or Verilog file (one in each Pareto set, say) that differ in comments alone are read once, and
    Verilog is not read where C of the same name lies beside it.

    Args:
        path: A file or folder.
        options: What the user says.
        besides: A folder that is left out: the library that is about to be written.
    """
    found = walk(path, INDEXES, besides)
    sources = Sources(failures=found.failures, root=found.root)
    by_kind: dict[str, list[Path]] = {importer.name: [] for importer in IMPORTERS}
    by_kind[FOLDER.name] += found.folders
    for file in found.files:
        importer = importer_of(file)
        if importer is not None and importer is not FOLDER:
            by_kind[importer.name].append(file)
        elif file == found.root:
            kinds = ", ".join(importer.name for importer in IMPORTERS)
            sources.failures.append(Failure(shown_path(file), None, f"is of no kind that is read: {kinds}"))
        else:
            sources.skipped += 1
    described = {file.with_suffix("") for file in by_kind["C circuit"]}
    modules = {file.with_suffix("") for file in by_kind["Verilog circuit"]}
    for kind, files in by_kind.items():
        seen: set[tuple[str, bytes]] = set()
        for file in files:
            if kind == "Verilog circuit" and _is_told_elsewhere(file, described, modules):
                sources.skipped += 1
            elif file.suffix in (".c", ".v") and (mark := _mark(file)) is not None and mark in seen:
                sources.copies += 1
            else:
                sources.jobs.append(Job(file, kind, options))
                if file.suffix in (".c", ".v") and mark is not None:
                    seen.add(mark)
    return sources


def _is_told_elsewhere(file: Path, described: set[Path], modules: set[Path]) -> bool:
    """Tell whether a Verilog file's circuit is there as C, or the file is another netlist of a module."""
    stem = file.with_suffix("")
    plain = stem.with_name(_VARIANT.sub("", stem.name))
    return stem in described or plain in described or is_mapped_again(file, modules)


def is_mapped_again(file: Path, modules: set[Path]) -> bool:
    """Tell whether a Verilog file is another netlist of one of the modules beside it, such as `mul8u_x_pdk45.v`.

    Args:
        file: The file.
        modules: All Verilog files, without suffix.
    """
    stem = file.with_suffix("")
    plain = stem.with_name(_VARIANT.sub("", stem.name))
    return plain != stem and plain in modules


def _mark(file: Path) -> tuple[str, bytes] | None:
    """Return a circuit's name and a hash of its text without comments and white space."""
    try:
        content = read_bytes(file, MAX_BINARY)
    except SourceError:
        return None  # whoever reads it says why
    if len(content) > _MOST_COMPARED:
        return None
    return file.stem, hashlib.sha256(_COMMENT_OR_SPACE.sub(b" ", content)).digest()
