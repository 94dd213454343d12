"""Networks with a circuit in every layer: assigned, corrected, retrained. Shared by the stages that make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from agnsim.experiment.context import Context
from agnsim.experiment.sections import TrainingSection
from agnsim.experiment.store import Trial
from agnsim.experiment.train import train
from agnsim.multipliers import Assignment
from agnsim.nn import assign
from agnsim.noise import Stretch, fold_means
from agnsim.noise.baselines import remap_weights
from agnsim.training import reestimate_batch_norm
from agnsim.types import FloatArray, Int32Array, Json


def assigned_network(
    context: Context,
    start: Trial,
    assignment: Assignment,
    *,
    kind: str,
    record: Json,
    means: Mapping[str, FloatArray],
    stretches: Mapping[str, Stretch] | None = None,
    weight_codes: Mapping[str, Int32Array] | None = None,
    **settings: Any,
) -> Trial:
    """Return the trial of a network whose layers multiply by these circuits, not retrained.

    Args:
        context: The study.
        start: The trial whose weights it takes, in quantised arithmetic.
        assignment: Circuits by layer.
        kind: `uniform`, `heterogeneous`, or `narrow` where every circuit is exact.
        record: What else to record of it (`method`, `multiplier`, `noise_weight`, `layers` ...).
        means: Mean error per output channel by layer, real units, to be subtracted; empty: none.
        stretches: Factors on the layers' ranges, where they are fitted to the circuits.
        weight_codes: What takes the place of the layers' weight codes; it follows from everything else.
        settings: What else is part of the trial's definition.
    """
    match = context.study.match
    if weight_codes is not None:
        settings["weights"] = "remapped"
    key = context.key(
        kind,
        parents=[start],
        assignment=assignment.to_json(),
        fold_mean=match.fold_mean,
        batch_norm_images=match.batch_norm_images,
        rows=match.rows,
        **({"pairing": match.pairing} if match.fold_mean == "predicted" and match.pairing != "random" else {}),
        **({"batch_norm": "augmented"} if match.batch_norm_images else {}),
        **({} if stretches is None else {"stretches": {name: list(factors) for name, factors in stretches.items()}}),
        **settings,
    )

    def make() -> tuple[nn.Module, Json]:
        model = emulated(context, start, assignment, means=means, stretches=stretches, weight_codes=weight_codes)
        return model, record | _circuits(assignment) | {"retrained": False, "history": []}

    return context.trial(key, f"{kind} {record['multiplier']}", make, base=start)


def kind_of(assignment: Assignment) -> str:
    """Return the kind of a trial whose layers were each given a circuit: `narrow` where every one is exact."""
    exact = all(choice.multiplier.is_exact for choice in assignment.values())
    return "narrow" if exact else "heterogeneous"


def emulated(
    context: Context,
    start: Trial,
    assignment: Assignment,
    *,
    means: Mapping[str, FloatArray],
    stretches: Mapping[str, Stretch] | None = None,
    weight_codes: Mapping[str, Int32Array] | None = None,
) -> nn.Module:
    """Return a trial's network with circuits in its layers, corrected; arguments as of `assigned_network`."""
    images = context.study.match.batch_norm_images
    model = context.restore(start)
    assign(model, assignment, calibration=context.calibration_batches(), stretches=stretches)
    if weight_codes is not None:
        remap_weights(model, weight_codes)
    fold_means(model, means)
    if images:
        batches = context.batch_norm_batches()
        reestimate_batch_norm(model, batches, max_batches=-(-images // context.study.data.batch_size))
    return model


def retrained_network(context: Context, start: Trial, section: TrainingSection) -> Trial:
    """Return the trial of an assigned network retrained through its bit-exact emulation."""
    key = context.key(start.key["kind"], parents=[start], training=section.definition())
    title = f"{start.key['kind']} {start.outcome['multiplier']}, retrained"

    def make() -> tuple[nn.Module, Json]:
        model = context.restore(start)
        history = train(context, model, section, key)
        inherited = {name: start.outcome[name] for name in _INHERITED if name in start.outcome}
        return model, inherited | {"retrained": True, "history": history}

    return context.trial(key, title, make, base=start)


_INHERITED = (
    "method",
    "multiplier",
    "distinct_multipliers",
    "bits_a",
    "bits_b",
    "noise_weight",
    "layers",
    "assignment",
)


def _circuits(assignment: Assignment) -> Json:
    """Return which circuits the assignment holds, as a trial records it."""
    widths = {(choice.effective.bits_a, choice.effective.bits_b) for choice in assignment.values()}
    bits_a, bits_b = widths.pop() if len(widths) == 1 else (None, None)
    return {
        "assignment": assignment.to_json(),
        "distinct_multipliers": assignment.distinct_multipliers,
        "bits_a": bits_a,
        "bits_b": bits_b,
    }
