"""One file to circuits as a library keeps them, checked against what is published; the work of one process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from agnsim.errors import AgnsimError
from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions
from agnsim.multipliers.importers.registry import IMPORTERS
from agnsim.multipliers.libraries.stored_circuit import StoredCircuit
from agnsim.multipliers.published import Difference, differences, status_of


@dataclass(frozen=True)
class Job:
    """A file, or a folder that is one thing, to be read.

    Attributes:
        path: Where it is.
        kind: Name of the importer that reads it.
        options: What the user says.
    """

    path: Path
    kind: str
    options: ImportOptions

    @property
    def importer(self) -> Importer:
        """The importer that reads it."""
        return next(importer for importer in IMPORTERS if importer.name == self.kind)


@dataclass(frozen=True)
class Imported:
    """An imported circuit.

    Attributes:
        stored: What a library keeps of it; the card has its status.
        identity: Widths, signs and digest, as `Multiplier.identity`.
        file: Where it was read, as seen from where the command runs.
        kind: The kind of file.
        remarks: What was assumed in reading it.
        differences: Published figures that are not the circuit's.
    """

    stored: StoredCircuit
    identity: tuple[int, int, bool, bool, str]
    file: str
    kind: str
    remarks: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def name(self) -> str:
        """The circuit's name."""
        return self.stored.card.name


@dataclass(frozen=True)
class Outcome:
    """What came of one job.

    Attributes:
        imported: Its circuits.
        failures: What of it can't be read.
        is_other: Whether it is no circuit at all, and passed over.
    """

    imported: tuple[Imported, ...] = ()
    failures: tuple[Failure, ...] = ()
    is_other: bool = False


def run_job(job: Job) -> Outcome:
    """Read one file; whatever is wrong with it becomes a failure."""
    where = shown_path(job.path)
    try:
        items = job.importer.read(job.path, job.options)
    except NoCircuit:
        return Outcome(is_other=True)
    except Exception as error:  # one file's trouble, a bug included, must not lose the others
        return Outcome(failures=(_failure(where, error),))
    imported: list[Imported] = []
    failures: list[Failure] = []
    for item in items:
        if isinstance(item, Failure):
            failures.append(item)
            continue
        try:
            imported.append(_checked(item, where, job.kind))
        except Exception as error:
            failures.append(_failure(where, error))
    return Outcome(tuple(imported), tuple(failures))


def _checked(found: Found, where: str, kind: str) -> Imported:
    circuit = found.multiplier
    wrong = differences(circuit)
    stored = StoredCircuit.of(circuit)
    status = status_of(circuit.published, wrong)
    stored = replace(stored, card=replace(stored.card, status=status))
    return Imported(stored, circuit.identity, where, kind, found.remarks, tuple(wrong))


def _failure(where: str, error: BaseException) -> Failure:
    if isinstance(error, SourceError):
        return Failure(error.where, error.line, error.reason)
    if isinstance(error, MemoryError):
        return Failure(where, None, "takes more memory than there is")
    if not isinstance(error, AgnsimError):
        return Failure(where, None, f"agnsim failed on it, please report this: {type(error).__name__}: {error}")
    return Failure(where, None, str(error).removeprefix(f"{where}: "))
