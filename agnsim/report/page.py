"""Records to one HTML file that needs no network and no server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agnsim.errors import InputError
from agnsim.report.errors_figure import accuracy, error_figures, sentence
from agnsim.report.figure import Figure
from agnsim.report.front import front_figure
from agnsim.report.graphs import Graphs, graphs
from agnsim.report.headline import Headline, headline
from agnsim.report.hypervolume import mixed_over_narrow, ratio_sentence
from agnsim.report.layers import AssignmentTable, assignment_figure, assignment_tables, sigma_figure
from agnsim.report.limits import LimitTable, limit_table
from agnsim.report.overlay import overlay_figure
from agnsim.report.provenance import Provenance, provenance
from agnsim.report.record import Record, load_record
from agnsim.report.rival import Point, dominated_by_exact, energies
from agnsim.report.table import Table, circuit_table, trial_table
from agnsim.report.templates import render_page, write_page
from agnsim.report.training import search_figures, training_figures


@dataclass(frozen=True)
class RunPart:
    """Everything the page shows of one run."""

    key: str
    name: str
    record: Record
    headline: Headline
    front: Figure | None
    ratios: list[str]
    dominated: list[tuple[Point, Point]]
    limits: list[LimitTable]
    assignment: Figure | None
    assignments: list[AssignmentTable]
    sigma: Figure | None
    agreement: str
    errors: list[Figure]
    searches: list[Figure]
    training: list[Figure]
    trials: Table
    graphs: Graphs
    circuits: Table | None
    provenance: Provenance


def write_report(run_dirs: Sequence[Path], out: Path | None = None) -> Path:
    """Write the report of one or several runs.

    Args:
        run_dirs: Run folders, each with a `record.json`.
        out: The file to write; by default `report.html` in the first run folder.

    Returns:
        The file written. The same records give the same bytes (for one version of plotly).

    Raises:
        InputError: No run folder is given.
        RunFolderError: A folder has no record, or a faulty one.
    """
    if not run_dirs:
        raise InputError("a report needs at least one run folder: agnsim report RUN_DIR...")
    folders = [Path(folder) for folder in run_dirs]
    target = Path(out) if out is not None else folders[0] / "report.html"
    page = render([load_record(folder) for folder in folders], folders)
    write_page(target, page)
    return target


def render(records: Sequence[Record], folders: Sequence[Path | None] | None = None) -> str:
    """Return the page of these records as HTML; from their folders come the intervals over images."""
    names = _names(records)
    runs = [
        _part(record, name, f"run{index}", folder)
        for index, (record, name, folder) in enumerate(
            zip(records, names, folders or [None] * len(records), strict=True), 1
        )
    ]
    return render_page(
        "template.html.j2",
        title=names[0] if len(runs) == 1 else f"{len(runs)} studies",
        runs=runs,
        overlay=overlay_figure(records, names, "overlay") if len(runs) > 1 else None,
    )


def _part(record: Record, name: str, key: str, folder: Path | None) -> RunPart:
    found, costs = accuracy(record.predictions), energies(record)
    ratios = [(mixed_over_narrow(record, folder, energy), energy) for energy in costs]
    limits = [limit_table(record, energy) for energy in costs]
    return RunPart(
        key=key,
        name=name,
        record=record,
        headline=headline(record),
        front=front_figure(record, f"{key}-front"),
        ratios=[ratio_sentence(ratio, energy) for ratio, energy in ratios if ratio is not None],
        dominated=dominated_by_exact(record),
        limits=[table for table in limits if table is not None],
        assignment=assignment_figure(record, f"{key}-assignment"),
        assignments=assignment_tables(record, f"{key}-layers"),
        sigma=sigma_figure(record, f"{key}-sigma"),
        agreement=sentence(found) if found else "",
        errors=error_figures(record, f"{key}-errors"),
        searches=search_figures(record, f"{key}-search"),
        training=training_figures(record, f"{key}-training"),
        trials=trial_table(record, f"{key}-trials"),
        graphs=graphs(record),
        circuits=circuit_table(record, f"{key}-circuits"),
        provenance=provenance(record),
    )


def _names(records: Sequence[Record]) -> list[str]:
    """Study names, numbered where two runs share one."""
    names = [record.study.name for record in records]
    return [
        f"{name} ({names[:index].count(name) + 1})" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]
