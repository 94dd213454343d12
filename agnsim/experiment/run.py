"""`agnsim run`: a study from its file to its run folder."""

from __future__ import annotations

import datetime
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agnsim.errors import RunFolderError
from agnsim.experiment.config import load_study
from agnsim.experiment.context import Context
from agnsim.experiment.environment import environment
from agnsim.experiment.prepare import prepare
from agnsim.experiment.record import choose_headline, make_record
from agnsim.experiment.results import result_row, write_results
from agnsim.experiment.run_folder import ASSIGNMENT, RECORD, RESULTS, open_run_folder
from agnsim.experiment.stages.baselines import baselines
from agnsim.experiment.stages.float_network import float_network
from agnsim.experiment.stages.match import match
from agnsim.experiment.stages.narrow import narrow
from agnsim.experiment.stages.quantize import quantize
from agnsim.experiment.stages.retrain import retrain
from agnsim.experiment.stages.search import search
from agnsim.experiment.stages.uniform import uniform
from agnsim.experiment.store import TrialStore, read_json, write_json
from agnsim.experiment.trial_energy import trial_energy
from agnsim.progress import Progress, SilentProgress
from agnsim.types import Json


@dataclass(frozen=True)
class Stage:
    """One step of a study: it reads the findings before it and adds its own."""

    name: str
    work: Callable[[Context], None]


STAGES = (
    Stage("float", float_network),  # train or load
    Stage("quantize", quantize),  # 8-bit integers, exact products
    Stage("narrow", narrow),  # exact products of fewer bits: the rival
    Stage("uniform", uniform),  # one circuit everywhere
    Stage("search", search),  # learn each layer's noise tolerance
    Stage("match", match),  # the cheapest circuit that fits it
    Stage("baselines", baselines),  # other ways to an assignment, each at most so much energy
    Stage("retrain", retrain),  # through bit-exact emulation
)


def run_study(
    config: Path, *, out: Path | None = None, overrides: Sequence[str] = (), progress: Progress | None = None
) -> Path:
    """Run a study, or go on with one that was interrupted.

    Args:
        config: The study file.
        out: Run folder; `runs/<name>` by default.
        overrides: `key=value` settings that replace the file's.
        progress: Where progress is shown; nowhere by default.

    Returns:
        The run folder, with `config.yaml record.json results.csv assignment.json trials/ checkpoints/`.

    Raises:
        AgnsimError: Whatever is wrong with the study, the data, the library or the folder.
    """
    study = load_study(config, overrides)
    folder = out if out is not None else Path("runs") / study.name
    store = TrialStore(folder)
    context = prepare(study, store, progress or SilentProgress())
    open_run_folder(folder, study)
    if kept := sum(1 for _ in store.trials.glob("*.json")):
        context.progress.message(f"{folder}: goes on from {kept} finished trial{'' if kept == 1 else 's'}")
    begun = datetime.datetime.now(datetime.UTC)
    for stage in STAGES:
        started, made, reused = time.perf_counter(), store.made, store.reused
        stage.work(context)
        context.findings.timings.append(
            {
                "stage": stage.name,
                "seconds": round(time.perf_counter() - started, 3),
                "cached": store.made == made and store.reused > reused,
            }
        )
    where = environment() | {
        "started": begun.isoformat(timespec="seconds"),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(sum(timing["seconds"] for timing in context.findings.timings), 1),
    }
    words = ["agnsim", "run", str(config)] + [word for override in overrides for word in ("--set", override)]
    command = shlex.join(words)
    if store.made == 0 and (earlier := _earlier_record(folder)) is not None:
        # Nothing was computed now: what the record says of time, place and command is still of the run that did.
        where, command, context.findings.timings = (
            earlier["environment"],
            earlier["study"]["command"],
            earlier["timings"],
        )
    _write(folder, context, where, command)
    return folder


def _earlier_record(folder: Path) -> Json | None:
    try:
        record = read_json(folder / RECORD)
    except RunFolderError:
        return None
    return record if {"environment", "study", "timings"} <= set(record) else None


def _write(folder: Path, context: Context, environment: Json, command: str) -> None:
    """Write results, assignment and record from the findings."""
    study, findings = context.study, context.findings
    base = findings.float_network
    assert base is not None  # the first stage makes it
    rows = [
        result_row(trial, base, trial_energy(context, trial), model=study.model.name, seed=study.seed)
        for trial in findings.trials
    ]
    headline = choose_headline(rows, study.headline.max_drop_pp)
    write_results(folder / RESULTS, rows)
    assigned = {t.id: t.outcome["assignment"]["layers"] for t in findings.trials if t.outcome.get("assignment")}
    write_json(
        folder / ASSIGNMENT,
        {
            "format": 1,
            "trial": headline,
            "layers": assigned.get(headline or "", {}),
            "trials": {trial: {"layers": layers} for trial, layers in assigned.items()},
        },
    )
    write_json(folder / RECORD, make_record(context, rows, headline, environment, command))
