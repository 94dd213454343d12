"""Layers that run on the same hardware: what they can hold in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agnsim.errors import InputError
from agnsim.noise.candidates import Candidate
from agnsim.noise.layer_options import LayerOptions


@dataclass(frozen=True)
class GroupOption:
    """What the layers of a group may hold.

    Attributes:
        group: Number of the group.
        candidate: Circuit, orientation and encodings.
        indices: Each layer's index of it among its own candidates.
        energy: The circuit's energy ratio times the layers' share of the operations.
        degradation: Predicted rise of the task's loss, the layers together.
    """

    group: int
    candidate: Candidate
    indices: dict[str, int]
    energy: float
    degradation: float


def group_options(
    layers: Sequence[LayerOptions], shares: Mapping[str, float], shared: Sequence[Sequence[str]]
) -> list[GroupOption]:
    """Return the options of every group; a layer in none of `shared` is a group of its own.

    A processing element has one circuit, wired one way behind one pair of converters: layers that share it hold the
    same circuit in the same orientation with the same encodings.

    Args:
        layers: All layers, with degradations.
        shares: Each layer's share of the operations.
        shared: Groups of layers.

    Raises:
        InputError: A group names an unknown layer, or one that another group has; its layers have no choice in common;
            or none is of a finite degradation.
    """
    known = {layer.layer: layer for layer in layers}
    members: list[list[LayerOptions]] = []
    for names in shared:
        for name in names:
            if name not in known:
                raise InputError(f"matching: shared names the layer {name!r}, which has no sigma")
            if any(name == other.layer for group in members for other in group):
                raise InputError(f"matching: the layer {name!r} is in two shared groups; merge them")
        members.append([known[name] for name in dict.fromkeys(names)])
    grouped = {layer.layer for group in members for layer in group}
    members = [group for group in members if group] + [[layer] for layer in layers if layer.layer not in grouped]
    return [option for number, group in enumerate(members) for option in _options(number, group, shares)]


def _options(number: int, group: Sequence[LayerOptions], shares: Mapping[str, float]) -> list[GroupOption]:
    names = ", ".join(layer.layer for layer in group)
    each = [_indices(layer) for layer in group]
    common = [key for key in each[0] if all(key in indices for indices in each)]
    if not common:
        raise InputError(
            f"matching: no circuit, orientation and encodings can be used in all of the layers {names}, which share "
            "them; their activations differ in sign, perhaps: leave a layer out of the group"
        )
    found: list[GroupOption] = []
    for key in common:
        indices = {layer.layer: own[key] for layer, own in zip(group, each, strict=True)}
        candidate = group[0].candidates[indices[group[0].layer]]
        degradation = sum(_degradation(layer, indices[layer.layer]) for layer in group)
        if np.isfinite(degradation):
            share = sum(shares[layer.layer] for layer in group)
            found.append(GroupOption(number, candidate, indices, candidate.energy_ratio * share, degradation))
    if not found:
        raise InputError(
            f"matching: every candidate errs in {names}, where no error is tolerated (a sigma or the output's std is "
            "0); add the exact reference circuit to the candidates"
        )
    return found


def _indices(layer: LayerOptions) -> dict[tuple[object, ...], int]:
    """Return the index of each way to multiply in a layer: of equal ones, that which degrades least."""
    found: dict[tuple[object, ...], int] = {}
    for index in np.flatnonzero(layer.allowed).tolist():
        choice = layer.candidates[index].choice
        circuit, effective = choice.multiplier, choice.effective
        encodings = effective.encoding_a, effective.encoding_w
        key = (circuit.source, circuit.name, circuit.digest, choice.swapped, *encodings)
        if key not in found or _degradation(layer, index) < _degradation(layer, found[key]):
            found[key] = index
    return found


def _degradation(layer: LayerOptions, index: int) -> float:
    return float(layer.degradation[index]) if layer.degradation is not None else 0.0
