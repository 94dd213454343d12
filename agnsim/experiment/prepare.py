"""Load what a study needs and check that it fits together, before anything is trained or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from agnsim.data import Batches, load_dataset, split
from agnsim.data_root import find
from agnsim.errors import AgnsimError, ConfigError, InputError, UnknownName
from agnsim.experiment.config import Study
from agnsim.experiment.context import Context, new_model
from agnsim.experiment.stages.quantize import make_quantization
from agnsim.experiment.store import TrialStore
from agnsim.models import load_weights
from agnsim.multipliers import Library, Multiplier, energy_ratio, load_library
from agnsim.nn import convert, layer_shapes
from agnsim.progress import Progress
from agnsim.training import evaluation_mode, seed_everything


def prepare(study: Study, store: TrialStore, progress: Progress) -> Context:
    """Return the study at work, everything checked that can be checked before hours of training.

    Raises:
        AgnsimError: Something is missing, wrong, or does not fit the rest.
    """
    context, model, sample = _load(study, store, progress)
    _check_patterns(study, context.library)
    if study.model.weights is not None:
        load_weights(model, study.model.weights, root=study.data.root)
    convert(model, quantization=make_quantization(study.quantization), calibration=[sample])
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
    library, reference = load_circuits(study)
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
    return Context(study, source, splits, library, reference, shapes, store, progress), model, sample


def load_circuits(study: Study) -> tuple[Library, Multiplier]:
    """Return the study's selection of circuits and its reference, of one flow.

    Raises:
        ConfigError, LibraryError: There is no such library or circuit, or they do not go together.
    """
    costs = study.library.costs
    whole = load_library(_library_path(study), costs=costs and (find(costs, study.data.root) or costs))
    selected = _select("library", whole, study.library.include, study.library.exclude)
    if not selected:
        raise ConfigError(
            f"library: no circuit of {study.library.name!r} matches include {study.library.include} "
            f"and exclude {study.library.exclude}. `agnsim multipliers list` shows the names."
        )
    if study.reference_multiplier not in whole:
        _select("reference_multiplier", whole, [study.reference_multiplier])
    reference = whole[study.reference_multiplier]
    if (reference.bits_a, reference.bits_b) != (8, 8) or not reference.is_exact:
        raise ConfigError(
            f"reference_multiplier: {reference.name} takes {reference.bits_a} x {reference.bits_b} bits and has a mean "
            f"absolute error of {reference.mae:g}; the denominator of all ratios must be an exact 8 x 8 circuit."
        )
    for multiplier in selected.values():
        energy_ratio(multiplier, reference)  # refuses a circuit without a cost, or of another flow
        if not all(2 <= bits <= 8 for bits in (multiplier.bits_a, multiplier.bits_b)):
            raise ConfigError(
                f"library: {multiplier.name} takes {multiplier.bits_a} x {multiplier.bits_b} bits; layers hold "
                "operands of 2 to 8 bits. Leave it out with library.exclude."
            )
    matched = _select("match.exclude", selected, ["*"], study.match.exclude)
    if study.search is not None and not any(multiplier.is_exact for multiplier in matched.values()):
        raise ConfigError(
            "library: a search needs an exact circuit among those selected, for layers that tolerate none of the "
            f"others. Add one to library.include, such as {reference.name}, and leave it out of match.exclude."
        )
    return selected, reference


def _select(key: str, library: Library, include: Iterable[str], exclude: Iterable[str] = ()) -> Library:
    """Return the circuits that match; a name or pattern that matches none is the study's mistake at `key`."""
    try:
        return library.select(include, exclude)
    except UnknownName as error:
        raise ConfigError(f"{key}: {error}") from None


def _check_patterns(study: Study, library: Library) -> None:
    uniform = study.uniform
    if uniform is not None:
        chosen = _select("uniform.include", library, uniform.include)
        if uniform.retrain is not None:
            _select("uniform.retrain_include", chosen, uniform.retrain_include)


def _check_options(section: str, options: Mapping[str, Any], *, given: Iterable[str]) -> None:
    for key in given:
        if key in options:
            raise ConfigError(f"{section}.options.{key}: this is not an option; write it as {section}.{key}.")


def _library_path(study: Study) -> str | Path:
    """Return the library's name, or its folder where the study names a data root of its own that has it."""
    found = None if study.library.name == "builtin" else find(study.library.name, study.data.root)
    return found or study.library.name


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
