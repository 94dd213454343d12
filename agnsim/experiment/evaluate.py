"""`agnsim evaluate`: recompute a recorded accuracy from checkpoint, assignment, circuits and data."""

from __future__ import annotations

from pathlib import Path

from agnsim.errors import RunFolderError
from agnsim.experiment.context import Context
from agnsim.experiment.graphs import DEPLOYED, recorded_graph
from agnsim.experiment.prepare import prepare_evaluation
from agnsim.experiment.results import graph_of, read_results
from agnsim.experiment.run_folder import RECORD, RESULTS, read_study
from agnsim.experiment.store import Trial, TrialStore, read_json
from agnsim.progress import Progress, SilentProgress
from agnsim.types import Json

TOLERANCE_PP = 0.05
"""Percentage points two machines may differ by in floating point: the last bit of batch norm depends on the processor,
and a value that lies on a rounding boundary may then fall to the other side. Deployed networks must agree exactly."""


def evaluate_trial(run_dir: Path, trial: str | None = None, *, progress: Progress | None = None) -> Json:
    """Rebuild a trial's network and count its correct answers again.

    Args:
        run_dir: A run folder.
        trial: Trial id; by default the study's headline, or its float network where it has none.
        progress: Where progress is shown; nowhere by default.

    Returns:
        `trial`, and of the reported images `correct`, `total`, `accuracy_top1` (percent), `recorded` (percent, as
        `results.csv` has it once the run is finished) and `match`: whether the two agree, here and wherever the run
        states them (a deployed network exactly, another within 0.05 points); `exact`: whether every count is the
        recorded one; `graph`: which graph was evaluated; `selection` and `all`: the same counts on the selection images
        and on the whole test set.

    Raises:
        RunFolderError, CheckpointError, LibraryError, DataError: The trial cannot be rebuilt as recorded.
    """
    study = read_study(run_dir)
    if trial is None:
        trial = read_json(run_dir / RECORD).get("headline") or _float_trial(run_dir)
    context = prepare_evaluation(study, TrialStore(run_dir), progress or SilentProgress())
    found = context.store.find(trial)
    if "evaluation" not in found.outcome:
        raise RunFolderError(f"trial {found.id} ({found.key['kind']}) has no accuracy to recompute.")
    check_images(context, found)
    _check_graph(run_dir, found)
    recorded, now = found.outcome["evaluation"], context.evaluate(recorded_graph(found, context.restore(found)))
    graph = graph_of(found)
    tolerance = 0.0 if graph == DEPLOYED else TOLERANCE_PP
    stated = [recorded, *_published(run_dir, found.id)]
    return {
        "trial": found.id,
        "correct": now["report"]["correct"],
        "total": now["report"]["total"],
        "accuracy_top1": now["report"]["top1"],
        "recorded": stated[-1]["report"]["top1"],
        "match": all(abs(now[part]["top1"] - source[part]["top1"]) <= tolerance for source in stated for part in now),
        "graph": graph,
        "exact": all(now[part]["correct"] == recorded[part]["correct"] for part in now),
        **{
            part: {"correct": now[part]["correct"], "total": now[part]["total"], "accuracy_top1": now[part]["top1"]}
            for part in ("selection", "all")
        },
    }


def check_images(context: Context, trial: Trial) -> None:
    """Refuse a trial that was recorded on other images than those at hand.

    Raises:
        RunFolderError: As said.
    """
    if trial.key["data"]["digest"] != context.source.digest:
        raise RunFolderError(
            f"trial {trial.id}: recorded on other images (data digest {trial.key['data']['digest'][:12]}, "
            f"here {context.source.digest[:12]}). Point AGNSIM_DATA at the data it was recorded on."
        )


def _check_graph(run_dir: Path, trial: Trial) -> None:
    """Refuse a trial that says otherwise than the run which of its graphs was evaluated."""
    graph = graph_of(trial)
    stated = {str(row["graph"]) for row in _rows(run_dir) if row["trial"] == trial.id and row.get("graph")}
    if graph not in ("float", "training", DEPLOYED) or not stated <= {graph}:
        raise RunFolderError(
            f"{run_dir}, trial {trial.id}: evaluated by its {graph!r} graph according to its trial file, by "
            f"{', '.join(map(repr, sorted(stated))) or 'another'} according to the run; one of them was changed. Run "
            "the study again."
        )


def _published(run_dir: Path, trial: str) -> list[Json]:
    """Return the accuracies that `record.json` and `results.csv` state for a trial, in the form of an evaluation."""
    return [
        {part: {"top1": float(row[column])} for part, column in _COLUMNS.items()}
        for row in _rows(run_dir)
        if row["trial"] == trial
    ]


def _rows(run_dir: Path) -> list[Json]:
    """Return the trials of `record.json` and `results.csv`; none where the run is not finished and states nothing."""
    if not (run_dir / RECORD).is_file():
        return []
    return [*read_json(run_dir / RECORD)["trials"], *read_results(run_dir / RESULTS)]


_COLUMNS = {"selection": "accuracy_selection", "report": "accuracy_top1", "all": "accuracy_top1_all"}


def _float_trial(run_dir: Path) -> str:
    trials = read_json(run_dir / RECORD)["trials"]
    return str(next(row["trial"] for row in trials if row["kind"] == "float"))
