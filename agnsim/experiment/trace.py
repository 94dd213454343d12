"""`agnsim trace`: write what the layers of a run's network multiply."""

from __future__ import annotations

from pathlib import Path

import torch

from agnsim.analysis.operand_traces import trace_operands
from agnsim.data import Batches
from agnsim.errors import InputError, RunFolderError
from agnsim.experiment.evaluate import check_images
from agnsim.experiment.prepare import prepare_evaluation
from agnsim.experiment.run_folder import RECORD, read_study
from agnsim.experiment.store import TrialStore, read_json
from agnsim.multipliers.operands.operand_trace import LayerTrace
from agnsim.multipliers.operands.operand_trace_files import write_trace
from agnsim.progress import Progress, SilentProgress
from agnsim.types import Json

IMAGES = 64
BATCH = 64


def trace_run(
    run_dir: Path,
    trial: str | None = None,
    *,
    images: int | None = None,
    length: int = 16384,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Json:
    """Rebuild a trial's network, let it compute on calibration images, and write the operands of its layers.

    Calibration images are training images: none that a result is reported on. The network computes with the circuits
    that the trial has.

    Args:
        run_dir: A run folder.
        trial: Trial id; by default the quantised network with exact products that the study started from.
        images: Calibration images to use; 64 by default, or all where there are fewer.
        length: Operand pairs in each layer's sequence, a multiple of 64.
        out: The file; by default `operands-TRIAL.npz` in the run folder.
        progress: Where progress is shown; nowhere by default.

    Returns:
        `trial`, `images`, `file` and `layers`: per layer its name, widths, signs, traced multiplications, shares of
        zeros, and length and hold of the sequence.

    Raises:
        RunFolderError, CheckpointError, LibraryError, DataError: The trial cannot be rebuilt as recorded.
        InputError: There are not so many calibration images, or `length` is not allowed.
    """
    progress = progress or SilentProgress()
    study = read_study(run_dir)
    context = prepare_evaluation(study, TrialStore(run_dir), progress)
    found = context.store.find(trial or _quantized_trial(run_dir))
    if found.outcome.get("network") is None:
        raise RunFolderError(
            f"{run_dir}: trial {found.id} ({found.key['kind']}) has no quantised layers to trace; `agnsim status` and "
            "results.csv name the others."
        )
    check_images(context, found)
    there = len(context.splits.calibration)
    if images is not None and not 1 <= images <= there:
        raise InputError(f"--images {images}: this run has {there} calibration images; ask for 1 to {there} of them")
    wanted = min(IMAGES, there) if images is None else images
    batches = [
        x for x, _ in Batches(context.splits.calibration.subset(torch.arange(wanted)), BATCH, device=context.device)
    ]
    with progress.stage(f"operands of trial {found.id} on {wanted} images"):
        trace = trace_operands(
            context.restore(found),
            batches,
            length=length,
            rows=study.match.rows,
            seed=study.seed,
            source=f"{study.name}, trial {found.id} ({found.key['kind']})",
        )
        target = out or run_dir / f"operands-{found.id}.npz"
        write_trace(target, trace)
    return {
        "trial": found.id,
        "images": trace.images,
        "file": str(target),
        "layers": [layer_facts(layer) for layer in trace.values()],
    }


def layer_facts(layer: LayerTrace) -> Json:
    """Return one layer of a trace in figures."""
    return {
        "layer": layer.layer,
        "bits_a": layer.bits_a,
        "bits_w": layer.bits_w,
        "signed_a": layer.signed_a,
        "signed_w": layer.signed_w,
        "macs": layer.macs,
        "zeros_a": layer.zeros_a,
        "zeros_w": layer.zeros_w,
        "pairs": len(layer.a),
        "hold": layer.hold,
    }


def _quantized_trial(run_dir: Path) -> str:
    """Return the last quantised network with exact products, which the study's other networks start from."""
    trials = read_json(run_dir / RECORD)["trials"]
    quantized = [str(row["trial"]) for row in trials if row["kind"] == "quantized"]
    if not quantized:
        raise RunFolderError(f"{run_dir}: the run has no quantised network; name another trial with --trial.")
    return quantized[-1]
