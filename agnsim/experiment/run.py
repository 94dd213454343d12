"""`agnsim run`: a study from its file to its run folder."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from agnsim.data import Batches, load_dataset, split
from agnsim.data_root import find
from agnsim.errors import ConfigError
from agnsim.experiment.config import Study, load_study
from agnsim.experiment.context import Context, new_model
from agnsim.experiment.environment import environment
from agnsim.experiment.record import choose_headline, make_record
from agnsim.experiment.results import result_row, write_results
from agnsim.experiment.run_folder import ASSIGNMENT, RECORD, RESULTS, open_run_folder
from agnsim.experiment.stages.float_network import float_network
from agnsim.experiment.stages.match import match
from agnsim.experiment.stages.narrow import narrow
from agnsim.experiment.stages.quantize import make_quantization, quantize
from agnsim.experiment.stages.retrain import retrain
from agnsim.experiment.stages.search import search
from agnsim.experiment.stages.uniform import uniform
from agnsim.experiment.store import TrialStore, write_json
from agnsim.models import load_weights
from agnsim.multipliers import Library, Multiplier, energy_ratio, load_library
from agnsim.nn import convert, layer_shapes
from agnsim.progress import Progress, SilentProgress
from agnsim.training import seed_everything
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
    context = prepare(study, TrialStore(folder), progress or SilentProgress())
    open_run_folder(folder, study)
    begun = datetime.datetime.now(datetime.UTC)
    for stage in STAGES:
        started, known = time.perf_counter(), len(context.findings.trials)
        stage.work(context)
        new = context.findings.trials[known:]
        context.findings.timings.append(
            {
                "stage": stage.name,
                "seconds": round(time.perf_counter() - started, 3),
                "cached": bool(new) and all(trial.cached for trial in new),
            }
        )
    where = environment() | {
        "started": begun.isoformat(timespec="seconds"),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(sum(timing["seconds"] for timing in context.findings.timings), 1),
    }
    command = " ".join(["agnsim run", str(config), *(f"--set {override}" for override in overrides)])
    _write(folder, context, where, command)
    return folder


def prepare(study: Study, store: TrialStore, progress: Progress) -> Context:
    """Load everything a study needs and check that it fits together, before anything is written."""
    seed_everything(study.seed)
    check_device(study)
    library, reference = load_circuits(study)
    source = load_dataset(study.data.name, root=study.data.root, **study.data.options)
    splits = split(
        source,
        selection=study.data.selection,
        validation=study.data.validation,
        calibration=study.data.calibration,
        seed=study.seed,
    )
    model = new_model(study, source)
    if study.model.weights is not None:
        load_weights(model, study.model.weights, root=study.data.root)
    sample, _ = next(iter(Batches(splits.calibration, 2, device=study.device)))
    shapes = layer_shapes(model, sample[:1])
    # A layer or pattern that cannot be converted has to be refused now, not after the float network is trained.
    convert(model, quantization=make_quantization(study.quantization), calibration=[sample])
    return Context(study, source, splits, library, reference, shapes, store, progress)


def load_circuits(study: Study) -> tuple[Library, Multiplier]:
    """Return the study's selection of circuits and its reference, of one flow."""
    whole = load_library(_library_path(study))
    selected = whole.select(include=study.library.include, exclude=study.library.exclude)
    if not selected:
        raise ConfigError(
            f"library: no circuit of {study.library.name!r} matches include {study.library.include} "
            f"and exclude {study.library.exclude}. `agnsim multipliers list` shows the names."
        )
    reference = whole[study.reference_multiplier]
    if not reference.is_exact or (reference.bits_a, reference.bits_b) != (8, 8):
        raise ConfigError(
            f"reference_multiplier: {reference.name} is not an exact 8 x 8 multiplier "
            f"(mean absolute error {reference.mae:g}); ratios need an exact one of the same flow."
        )
    for multiplier in selected.values():
        energy_ratio(multiplier, reference)  # refuses a circuit without a cost, or of another flow
        if max(multiplier.bits_a, multiplier.bits_b) > 8:
            raise ConfigError(
                f"library: {multiplier.name} takes {multiplier.bits_a} x {multiplier.bits_b} bits; layers hold "
                "operands of 2 to 8 bits. Leave it out with library.exclude."
            )
    return selected, reference


def _library_path(study: Study) -> str | Path:
    """Return the library's name, or its folder where the study names a data root of its own that has it."""
    found = None if study.library.name == "builtin" else find(study.library.name, study.data.root)
    return found or study.library.name


def check_device(study: Study) -> None:
    """Refuse a device this machine lacks."""
    try:
        device = torch.device(study.device)
    except RuntimeError:
        raise ConfigError(f"device: {study.device!r} is not a device; use cpu, cuda or cuda:0.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: cuda asked for, but torch sees no GPU here. Use device: cpu.")


def _write(folder: Path, context: Context, environment: Json, command: str) -> None:
    """Write results, assignment and record from the findings."""
    study, findings = context.study, context.findings
    base = findings.float_network
    assert base is not None  # the first stage makes it
    rows = [result_row(trial, base, model=study.model.name, seed=study.seed) for trial in findings.trials]
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
