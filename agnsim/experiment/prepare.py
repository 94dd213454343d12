"""Load what a study needs and check that it fits together, before anything is trained or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from agnsim.data import Batches, load_dataset, split
from agnsim.errors import AgnsimError, ConfigError, InputError
from agnsim.experiment.circuits import load_circuits, select
from agnsim.experiment.config import Study
from agnsim.experiment.context import Context, new_model
from agnsim.experiment.error_table import matches
from agnsim.experiment.plans import check_plans
from agnsim.experiment.stages.quantize import make_quantization
from agnsim.experiment.store import TrialStore
from agnsim.models import load_weights
from agnsim.multipliers import Library
from agnsim.nn import approx_layers, convert, layer_shapes
from agnsim.noise.baselines.evolution import check_available
from agnsim.progress import Progress
from agnsim.training import evaluation_mode, seed_everything


def prepare(study: Study, store: TrialStore, progress: Progress) -> Context:
    """Return the study at work, everything checked that can be checked before hours of training.

    Raises:
        AgnsimError: Something is missing, wrong, or does not fit the rest.
    """
    context, model, sample = _load(study, store, progress)
    _check_patterns(study, context.library)
    if study.baselines is not None and "nsga2" in study.baselines.methods:
        check_available()
    if study.model.weights is not None:
        load_weights(model, study.model.weights, root=study.data.root)
    model = convert(model, quantization=make_quantization(study.quantization), calibration=[sample])
    assignable = [name for name, layer in approx_layers(model).items() if layer.assignable]
    check_plans(study, context.library, context.references, assignable)
    return context


def prepare_evaluation(study: Study, store: TrialStore, progress: Progress) -> Context:
    """Return what restores and evaluates a finished study's networks; their weights are in its checkpoints.

    Raises:
        AgnsimError: Circuits or images are missing or wrong.
    """
    return _load(study, store, progress)[0]


def _load(study: Study, store: TrialStore, progress: Progress) -> tuple[Context, nn.Module, Tensor]:
    seed_everything(study.seed)
    check_device(study)
    library, references = load_circuits(study)
    _check_options("data", study.data.options, given=("name", "root"))
    _check_options("model", study.model.options, given=("name",))
    source = load_dataset(study.data.name, root=study.data.root, **study.data.options)
    splits = split(
        source,
        selection=study.data.selection,
        validation=study.data.validation,
        calibration=study.data.calibration,
        seed=study.seed,
    )
    model = new_model(study, source)
    sample, _ = next(iter(Batches(splits.calibration, 2, device=study.device)))
    _check_output(model, sample[:1], source.num_classes, f"model {study.model.name!r}")
    shapes = layer_shapes(model, sample[:1])
    return Context(study, source, splits, library, references, shapes, store, progress), model, sample


def _check_patterns(study: Study, library: Library) -> None:
    uniform = study.uniform
    if uniform is not None:
        chosen = select("uniform.include", library, uniform.include)
        if uniform.retrain is not None:
            select("uniform.retrain_include", chosen, uniform.retrain_include)
    baselines = study.baselines
    if baselines is not None and not select("baselines.exclude", library, ["*"], baselines.exclude):
        raise ConfigError(f"baselines.exclude: {baselines.exclude} leaves no circuit to choose; leave some in.")
    narrow = study.narrow
    for pattern in narrow.retrain_include if narrow is not None else ():
        if narrow is not None and not any(matches(width, [pattern]) for width in narrow.widths):
            raise ConfigError(
                f"narrow.retrain_include: {pattern!r} fits none of the widths {', '.join(narrow.widths)}."
            )


def _check_options(section: str, options: Mapping[str, Any], *, given: Iterable[str]) -> None:
    for key in given:
        if key in options:
            raise ConfigError(f"{section}.options.{key}: this is not an option; write it as {section}.{key}.")


def check_device(study: Study) -> None:
    """Refuse a device this machine lacks.

    Raises:
        ConfigError: It is neither the processor nor a graphics processor that is here.
    """
    try:
        device = torch.device(study.device)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device: {study.device!r} is none agnsim runs on; use cpu, cuda or cuda:0.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device: {study.device} asked for, but torch sees no GPU here. Use device: cpu.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device: {study.device} asked for, but there are {torch.cuda.device_count()} GPUs here.")


def _check_output(model: nn.Module, sample: Tensor, classes: int, place: str) -> None:
    """Check that the network takes such images and has an output for every class."""
    shape = list(sample.shape)
    try:
        with evaluation_mode(model), torch.no_grad():
            output = model(sample)
    except AgnsimError:
        raise
    except Exception as error:  # a user's network may fail in any way
        raise InputError(f"{place} cannot take images of the shape {shape}: {type(error).__name__}: {error}") from error
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(sample):
        found = list(output.shape) if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise InputError(f"{place} makes {found} of images of the shape {shape}; it must make logits [N, classes]")
    if output.shape[1] < classes:
        raise InputError(
            f"{place} has {output.shape[1]} outputs, but the images have {classes} classes; give it as many"
        )
