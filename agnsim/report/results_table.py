"""Recorded studies as one Markdown table: a row a study, over its seeds, beside its exact rival."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agnsim.analysis.front_comparison import CORNER_DROP_PP, CORNER_ENERGY
from agnsim.errors import InputError
from agnsim.markdown import markdown_table
from agnsim.report.hypervolume import mixed_over_narrow
from agnsim.report.numbers import count, fixed, interval, percent, saving
from agnsim.report.record import Record, Trial, load_record
from agnsim.report.rival import MAC, MULTIPLICATION, Energy, cheapest_within

DEFAULT_LIMIT_PP = 1.0
# What two runs may differ in and still be one study with other seeds: words about it, and where it ran.
_APART_FROM = ("seed", "name", "claim", "device")
_NOTE = (
    "Top-1 in percent on the images that chose nothing, of the deployed network where a run has it; in brackets on all "
    "test images. The network is the one that the run's rule chose on selection images alone. Narrow exact: the "
    "cheapest network of plain exact multipliers that keeps the same limit on the selection images, what it saves, and "
    "how many points it lies below float on the reported images. Hypervolume: of the front of all networks over that "
    f"of narrow exact ones alone, above {CORNER_DROP_PP:g} points below float and left of energy {CORNER_ENERGY:.1f}, "
    "networks chosen on selection images, 95 % bootstrap interval over the reported images."
)


@dataclass(frozen=True)
class Run:
    """A run folder and what it recorded."""

    folder: Path
    record: Record

    @property
    def seed(self) -> int:
        """The study's seed."""
        return int(self.record.seeds.get("seed") or 0)


def results_table(run_dirs: Sequence[Path]) -> str:
    """Return a Markdown table of finished runs and a paragraph on how to read it.

    Runs whose configurations differ in nothing but the seed are one row: means, with the range over the seeds.
    Columns that no run fills are left out.

    Raises:
        InputError: No run folder is given.
        RunFolderError: A folder has no record, or a faulty one.
    """
    if not run_dirs:
        raise InputError("a table needs at least one run folder: agnsim report RUN_DIR... --table")
    groups = by_seed([Run(Path(folder), load_record(Path(folder))) for folder in run_dirs])
    columns = [(title, [cell(group) for group in groups]) for title, cell in _COLUMNS]
    kept = [(title, cells) for title, cells in columns if any(cells)]
    table = markdown_table([title for title, _ in kept], zip(*(cells for _, cells in kept), strict=True))
    return f"{table}\n{textwrap.fill(_NOTE, 120)}\n"


def by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs in groups that differ in nothing but the seed, in the order given, seeds rising."""
    groups: list[tuple[dict[str, Any], list[Run]]] = []
    for run in runs:
        config = {key: value for key, value in run.record.study.config.items() if key not in _APART_FROM}
        known = next((members for other, members in groups if config and other == config), None)
        if known is None:
            groups.append((config, [run]))
        else:
            known.append(run)
    return [sorted(members, key=lambda run: run.seed) for _, members in groups]


def _network(runs: Sequence[Run]) -> str:
    return runs[0].record.model.name


def _circuits(runs: Sequence[Run]) -> str:
    record = runs[0].record
    libraries = [record.study.config.get("library", {}), *record.study.config.get("more_libraries", [])]
    names = []
    for library in libraries:
        patterns = [f"`{pattern}`" for pattern in library.get("include", ["*"]) if pattern != "*"]
        names.append(" ".join([str(library.get("name", "")), *patterns]).strip())
    found = " + ".join(name for name in names if name) or (record.library.name if record.library else "")
    return f"{found} ({len(record.library.circuits)})" if record.library else found


def _float_accuracy(runs: Sequence[Run]) -> str:
    return _accuracy([run.record.float_trial for run in runs])


def _chosen_accuracy(runs: Sequence[Run]) -> str:
    return _accuracy([run.record.headline_trial for run in runs])


def _accuracy(trials: Sequence[Trial | None]) -> str:
    first = trials[0] if trials else None
    cell = _over_seeds([None if trial is None else trial.accuracy_top1 for trial in trials], fixed)
    if len(trials) == 1 and first is not None and first.accuracy_top1_all not in (None, first.accuracy_top1):
        cell += f" ({fixed(first.accuracy_top1_all)})"
    return cell


def _drop(runs: Sequence[Run]) -> str:
    trials = [trial for run in runs if (trial := run.record.headline_trial) is not None]
    cell = _over_seeds([trial.accuracy_drop_pp for trial in trials], fixed)
    ends = [(t.drop_low_pp, t.drop_high_pp) for t in trials if t.drop_low_pp is not None and t.drop_high_pp is not None]
    if not ends:
        return cell
    span = interval(min(low for low, _ in ends if low is not None), max(high for _, high in ends if high is not None))
    return f"{cell} ({span})" if len(trials) == 1 else f"{cell}, each within {span}"


def _saved(runs: Sequence[Run], energy: Energy) -> str:
    return _over_seeds([_saving(run.record.headline_trial, energy) for run in runs], percent)


def _saving(trial: Trial | None, energy: Energy) -> float | None:
    return None if trial is None else saving(energy.of(trial))


def _distinct(runs: Sequence[Run]) -> str:
    numbers = [trial.distinct_multipliers for run in runs if (trial := run.record.headline_trial) is not None]
    return ", ".join(dict.fromkeys(count(number) for number in numbers))


def _narrow(runs: Sequence[Run]) -> str:
    cells = [_narrow_by(runs, energy) for energy in (MULTIPLICATION, MAC)]
    return "; MAC: ".join(cell for cell in cells if cell)


def _narrow_by(runs: Sequence[Run], energy: Energy) -> str:
    found = [cheapest_within(run.record, run.record.of_kind("narrow"), _limit(run.record), energy) for run in runs]
    rivals = [point.trial for point in found if point is not None]
    if not rivals:
        return ""
    labels = dict.fromkeys("per layer" if t.layers else t.label.removeprefix("narrow exact ") for t in rivals)
    saved = _over_seeds([_saving(trial, energy) for trial in rivals], percent)
    return f"{' / '.join(labels)} {saved}, {_over_seeds([trial.accuracy_drop_pp for trial in rivals], fixed)} below"


def _limit(record: Record) -> float:
    return float(record.study.config.get("headline", {}).get("max_drop_pp", DEFAULT_LIMIT_PP))


def _hypervolumes(runs: Sequence[Run]) -> str:
    cells = []
    for energy in (MULTIPLICATION, MAC):
        ratios = [mixed_over_narrow(run.record, run.folder, energy) for run in runs]
        cell = _over_seeds([None if ratio is None else ratio.ratio for ratio in ratios], partial(fixed, digits=3))
        only = ratios[0]
        if len(ratios) == 1 and only is not None and only.low is not None:
            cell += f" ({interval(only.low, only.high, 3)})"
        cells.append(cell)
    return "; MAC: ".join(cell for cell in cells if cell)


def _paper(runs: Sequence[Run]) -> str:
    return str(runs[0].record.study.config.get("headline", {}).get("paper") or "")


def _command(runs: Sequence[Run]) -> str:
    command = runs[0].record.study.command
    seeds = f", seeds {', '.join(str(run.seed) for run in runs)}" if len(runs) > 1 else ""
    return f"`{command}`{seeds}" if command else ""


def _over_seeds(values: Sequence[float | None], write: Callable[[float | None], str]) -> str:
    """Write one value, or the mean of several and their range."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return write(known[0]) if known else ""
    return f"{write(sum(known) / len(known))} ({write(min(known))} to {write(max(known))}, {len(known)} seeds)"


_COLUMNS: tuple[tuple[str, Callable[[Sequence[Run]], str]], ...] = (
    ("network", _network),
    ("circuits", _circuits),
    ("float top-1", _float_accuracy),
    ("chosen network's top-1", _chosen_accuracy),
    ("points below float (95 %)", _drop),
    ("multiplication energy saved", partial(_saved, energy=MULTIPLICATION)),
    ("MAC energy saved", partial(_saved, energy=MAC)),
    ("distinct circuits", _distinct),
    ("narrow exact at that limit", _narrow),
    ("hypervolume over narrow exact", _hypervolumes),
    ("paper", _paper),
    ("command", _command),
)
