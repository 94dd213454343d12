"""The circuits to characterise: Verilog files, folders of them, and libraries whose circuits have netlists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from agnsim.errors import AgnsimError, MissingDependency, UnknownName
from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path
from agnsim.multipliers.importers.files import walk
from agnsim.multipliers.importers.importer import Found, ImportOptions
from agnsim.multipliers.importers.library_folder import INDEXES
from agnsim.multipliers.importers.sources import is_mapped_again
from agnsim.multipliers.importers.verilog import read_verilog_circuit
from agnsim.multipliers.libraries.library import load_library
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.synthesis.verilog_scan import module_names, read_source


class Subjects(NamedTuple):
    """What there is to characterise.

    Attributes:
        multipliers: The circuits.
        failures: What could not be read, and why.
        remarks: What was assumed in reading a circuit, by its name.
    """

    multipliers: list[Multiplier]
    failures: list[Failure]
    remarks: Mapping[str, tuple[str, ...]]


def read_subjects(
    paths: Sequence[str],
    *,
    only: Sequence[str] = (),
    top: str | None = None,
    signed: bool | None = None,
    jobs: int = 1,
) -> Subjects:
    """Return the circuits under the given paths, sorted within each, and what could not be read.

    A circuit that occurs again under its name, as in EvoApproxLib's Pareto folders, is taken once, and of a module and
    its mapped netlist beside it (`_pdk45.v`) the module.

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
    taken: dict[str, tuple[Found, str]] = {}
    failures: list[Failure] = []
    for path in paths:
        if path == "builtin" or any((Path(path) / index).is_file() for index in INDEXES):
            found, refused = _from_library(path, only)
        else:
            found, refused = _from_verilog(Path(path), only, top, signed, jobs)
        failures += refused
        failures += _take(found, taken)
    remarks = {name: found.remarks for name, (found, _) in taken.items() if found.remarks}
    return Subjects([found.multiplier for found, _ in taken.values()], failures, remarks)


def _take(found: Iterable[tuple[Found, str]], taken: dict[str, tuple[Found, str]]) -> list[Failure]:
    failures = []
    for item, where in found:
        multiplier = item.multiplier
        before = taken.setdefault(multiplier.name, (item, where))
        first = before[0].multiplier
        if first.netlist != multiplier.netlist:
            same = first == multiplier
            what = "the same function made of other gates" if same else "another circuit"
            reason = f"is called {multiplier.name!r}, as {what} in {before[1]} is"
            failures.append(Failure(where, None, reason))
    return failures


def _is_wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatchcase(name, pattern) for pattern in only)


def _may_be_wanted(file: Path, only: Sequence[str]) -> bool:
    """Tell whether a file's name, or a module in it, is wanted; one that can't be read is judged by its name."""
    if _is_wanted(file.stem, only):
        return True
    try:
        return any(_is_wanted(name, only) for name in module_names(read_source(file)))
    except SourceError:
        return False


def _from_library(path: str, only: Sequence[str]) -> tuple[list[tuple[Found, str]], list[Failure]]:
    library = load_library(path)
    found: list[tuple[Found, str]] = []
    failures: list[Failure] = []
    for name in filter(lambda name: _is_wanted(name, only), library):
        try:
            multiplier = library[name]
            if multiplier.netlist is None:
                failures.append(
                    Failure(f"{path}, {name}", None, "has no netlist, only a table, so nothing to synthesise")
                )
            else:
                found.append((Found(multiplier), path))
        except AgnsimError as error:
            failures.append(Failure(f"{path}, {name}", None, str(error)))
    return found, failures


def _from_verilog(
    path: Path, only: Sequence[str], top: str | None, signed: bool | None, jobs: int
) -> tuple[list[tuple[Found, str]], list[Failure]]:
    is_folder = path.is_dir()
    walked = walk(path)
    files = [file for file in walked.files if not is_folder or file.suffix.lower() == ".v"]
    if is_folder:
        modules = {file.with_suffix("") for file in files}
        files = [file for file in files if not is_mapped_again(file, modules) and _may_be_wanted(file, only)]

    def read(file: Path) -> list[Found | Failure]:
        where = shown_path(file)
        try:
            return read_verilog_circuit(file, ImportOptions(signed=signed), top)
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

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        results = list(pool.map(read, files))
    found: list[tuple[Found, str]] = []
    failures = list(walked.failures)
    for file, items in zip(files, results, strict=True):
        for item in items:
            if isinstance(item, Failure):
                failures.append(item)
            elif not is_folder or _is_wanted(file.stem, only) or _is_wanted(item.multiplier.name, only):
                found.append((item, shown_path(file)))
    return found, failures
