"""The import: find files, read each, drop what is there twice, write a library."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from agnsim.errors import InputError
from agnsim.multipliers.importers.circuit import Imported
from agnsim.multipliers.importers.failure import Failure, shown_path
from agnsim.multipliers.importers.importer import ImportOptions
from agnsim.multipliers.importers.jobs import run_jobs
from agnsim.multipliers.importers.output import check_target, write_whole
from agnsim.multipliers.importers.sources import find_sources
from agnsim.multipliers.libraries.costs_file import Costs, joined_card, read_costs
from agnsim.progress import Progress, SilentProgress


@dataclass(frozen=True)
class ImportResult:
    """What an import came to.

    Attributes:
        imported: The circuits, sorted by name.
        failures: What could not be imported, and why.
        skipped: Files passed over: no circuits, or told by another file.
        copies: Files whose circuit was there already, under the same name.
        library: The folder that was written; `None` where nothing could be imported.
        replaced: How many circuits the older library in that folder had; `None`: there was none.
    """

    imported: tuple[Imported, ...]
    failures: tuple[Failure, ...]
    skipped: int
    copies: int
    library: Path | None
    replaced: int | None = None


def import_circuits(
    path: str | Path,
    out: str | Path,
    *,
    options: ImportOptions | None = None,
    costs: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> ImportResult:
    """Import the circuits in a file or folder and write them as a library. Nothing that is read is executed.

    Every circuit's products are computed, its errors taken from them and compared with what its file publishes. What
    can't be read is named in the result, the rest is imported.

    Args:
        path: A checkout of EvoApproxLib or EvoApprox8b, a folder, or one file of a kind that is read.
        out: The library's folder, new or an older library; it appears when it is finished.
        options: What you know about the files.
        costs: A CSV file with costs of the circuits, see `agnsim.multipliers.libraries.costs_file`.
        jobs: Processes that work on it; 0: one a core. In a script, more than one needs the usual
            `if __name__ == "__main__":`.
        progress: Where progress is shown.

    Raises:
        InputError: There is nothing at `path`.
        LibraryError: `out` holds something else than a library, or `costs` can't be read.
    """
    path, out = Path(path), Path(out)
    if not path.exists():
        raise InputError(f"{shown_path(path)}: there is no such file or folder to import")
    check_target(out)
    table = None if costs is None else read_costs(costs)
    sources = find_sources(path, options or ImportOptions(), besides=out)
    title = f"importing {shown_path(path)}"
    with (progress or SilentProgress()).track(len(sources.jobs), title) as task:
        outcomes = run_jobs(sources.jobs, jobs or len(os.sched_getaffinity(0)), task.advance)
    skipped, failures, copies = sources.skipped, list(sources.failures), sources.copies
    kept: dict[str, Imported] = {}
    for job, outcome in zip(sources.jobs, outcomes, strict=True):
        failures += outcome.failures
        if outcome.is_other and job.path == sources.root:
            failures.append(Failure(shown_path(job.path), None, f"holds no {job.kind}"))
        elif outcome.is_other:
            skipped += 1
        for circuit in outcome.imported:
            first = kept.setdefault(circuit.name, circuit)
            if first is circuit:
                continue
            if first.identity == circuit.identity:
                copies += 1
            else:
                failures.append(Failure(circuit.file, None, _contradiction(circuit, first)))
    imported = [kept[name] for name in sorted(kept)]
    if table is not None:
        imported = _with_costs(imported, table, failures)
    if not imported:
        return ImportResult((), tuple(failures), skipped, copies, None)
    flows = {cost.flow for circuit in imported if (cost := circuit.stored.card.cost) is not None}
    replaced = write_whole(
        out,
        (circuit.stored for circuit in imported),
        description=f"imported from {path.resolve().name}",
        flow=flows.pop() if len(flows) == 1 else None,
    )
    return ImportResult(tuple(imported), tuple(failures), skipped, copies, out, replaced)


def _contradiction(circuit: Imported, first: Imported) -> str:
    same = f"another circuit called {circuit.name!r} is in {first.file}"
    if circuit.stored.card.digest is None:
        return f"{same}, of other gates; of so many products agnsim doesn't prove whether they are the same"
    return f"{same}; this one computes other products"


def _with_costs(imported: list[Imported], table: Costs, failures: list[Failure]) -> list[Imported]:
    cards = [circuit.stored.card for circuit in imported]
    costs, problems = table.match((card.name, card.digest) for card in cards)
    failures += [Failure(shown_path(table.path), line, reason) for line, reason in problems]
    return [
        replace(circuit, stored=replace(circuit.stored, card=joined_card(card, costs[card.name])))
        if card.name in costs
        else circuit
        for circuit, card in zip(imported, cards, strict=True)
    ]
