"""The circuits to characterise: Verilog files, folders of them, and libraries whose circuits have netlists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

from agnsim.errors import AgnsimError, MissingDependency, UnknownName
from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path
from agnsim.multipliers.importers.files import walk
from agnsim.multipliers.importers.importer import ImportOptions
from agnsim.multipliers.importers.library_folder import INDEXES
from agnsim.multipliers.importers.verilog import read_verilog_circuit
from agnsim.multipliers.libraries.library import load_library
from agnsim.multipliers.multiplier import Multiplier

Subjects = tuple[list[Multiplier], list[Failure]]


def read_subjects(
    paths: Sequence[str],
    *,
    only: Sequence[str] = (),
    top: str | None = None,
    signed: bool | None = None,
    jobs: int = 1,
) -> Subjects:
    """Return the circuits under the given paths, sorted within each, and what could not be read.

    A circuit that occurs again under its name, as in EvoApproxLib's Pareto folders, is taken once.

    Args:
        paths: Verilog files, folders of them, libraries' folders, or `builtin`.
        only: Patterns of names such as `mul8u_*`, of which one must match a file's or a circuit's; all by default.
        top: The module of every file.
        signed: Whether operands are in two's complement; by default what declaration or name says.
        jobs: How many files are read at a time.

    Raises:
        MissingDependency: There is Verilog to read, and pyosys is not installed.
        LibraryError: A library can't be read.
    """
    taken: dict[str, tuple[Multiplier, str]] = {}
    failures: list[Failure] = []
    for path in paths:
        if path == "builtin" or any((Path(path) / index).is_file() for index in INDEXES):
            found, refused = _from_library(path, only)
        else:
            found, refused = _from_verilog(Path(path), only, top, signed, jobs)
        failures += refused
        failures += _take(found, taken)
    return [multiplier for multiplier, _ in taken.values()], failures


def _take(found: Iterable[tuple[Multiplier, str]], taken: dict[str, tuple[Multiplier, str]]) -> list[Failure]:
    failures = []
    for multiplier, where in found:
        before = taken.setdefault(multiplier.name, (multiplier, where))
        if before[0].netlist != multiplier.netlist:
            reason = f"is called {multiplier.name!r}, as another circuit in {before[1]} is"
            failures.append(Failure(where, None, reason))
    return failures


def _is_wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatchcase(name, pattern) for pattern in only)


def _from_library(path: str, only: Sequence[str]) -> tuple[list[tuple[Multiplier, str]], list[Failure]]:
    library = load_library(path)
    found: list[tuple[Multiplier, str]] = []
    failures: list[Failure] = []
    for name in filter(lambda name: _is_wanted(name, only), library):
        try:
            multiplier = library[name]
            if multiplier.netlist is None:
                failures.append(
                    Failure(f"{path}, {name}", None, "has no netlist, only a table, so nothing to synthesise")
                )
            else:
                found.append((multiplier, path))
        except AgnsimError as error:
            failures.append(Failure(f"{path}, {name}", None, str(error)))
    return found, failures


def _from_verilog(
    path: Path, only: Sequence[str], top: str | None, signed: bool | None, jobs: int
) -> tuple[list[tuple[Multiplier, str]], list[Failure]]:
    is_folder = path.is_dir()
    walked = walk(path)
    files = [
        file for file in walked.files if not is_folder or (file.suffix.lower() == ".v" and _is_wanted(file.stem, only))
    ]

    def read(file: Path) -> list[Multiplier | Failure]:
        where = shown_path(file)
        try:
            read_items = read_verilog_circuit(file, ImportOptions(signed=signed), top)
        except NoCircuit:
            return [] if is_folder else [Failure(where, None, "is no multiplier by its name")]
        except (MissingDependency, UnknownName):
            raise
        except SourceError as error:
            if isinstance(error.__cause__, MissingDependency):
                raise error.__cause__ from None
            return [Failure(where, error.line, error.reason)]
        except AgnsimError as error:
            return [Failure(where, None, str(error).removeprefix(f"{where}: "))]
        return [item if isinstance(item, Failure) else item.multiplier for item in read_items]

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        results = list(pool.map(read, files))
    found: list[tuple[Multiplier, str]] = []
    failures = list(walked.failures)
    for file, items in zip(files, results, strict=True):
        for item in items:
            if isinstance(item, Failure):
                failures.append(item)
            else:
                found.append((item, shown_path(file)))
    return found, failures
