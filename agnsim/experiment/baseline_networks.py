"""The networks that baselines choose from: circuits in the layers, corrected as all assigned networks of a study."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from torch import nn

from agnsim.experiment.assigned import assigned_network, emulated, kind_of
from agnsim.experiment.context import Context
from agnsim.experiment.error_table import ErrorTable
from agnsim.experiment.remapped import Remapped
from agnsim.experiment.store import Trial
from agnsim.multipliers import Assignment
from agnsim.noise import ErrorPrediction, mac_shares
from agnsim.noise.baselines import CircuitTable, circuit_table
from agnsim.types import FloatArray, Json


class BaselineNetworks:
    """Circuits in the layers of one quantised network.

    `chosen` is layer to the index of its candidate; a layer left out stays exact.

    Args:
        context: The study.
        start: The quantised network.
        errors: Candidates and their errors.
        remap: Replace the weights for the circuits.
    """

    def __init__(self, context: Context, start: Trial, errors: ErrorTable, *, remap: bool = False) -> None:
        self._context, self._start, self._errors, self._remap = context, start, errors, remap
        self._means: dict[tuple[str, int], FloatArray] = {}

    @functools.cached_property
    def table(self) -> CircuitTable:
        """Energies and predicted errors of all circuits in all layers."""
        predicted = self._errors.predicted
        if self._remap:
            with self._context.progress.stage("the weights that suit every circuit in every layer"):
                predicted = {
                    layer: self._remapped.predict(layer, range(len(options)))
                    for layer, options in self._errors.candidates.items()
                }
        shares = mac_shares(self._context.shapes, self._errors.candidates)
        return circuit_table(self._errors.candidates, predicted, shares, means_removed=self._context.means_removed)

    def network(self, chosen: Mapping[str, int]) -> nn.Module:
        """Return the network, not retrained."""
        return emulated(self._context, self._start, self._assignment(chosen), **self._corrections(chosen))

    def trial(self, chosen: Mapping[str, int], record: Json) -> Trial:
        """Return the network as a trial; its method is part of its address, since it is a row of the results."""
        assignment = self._assignment(chosen)
        return assigned_network(
            self._context,
            self._start,
            assignment,
            kind=kind_of(assignment),
            record=record | {"layers": [self._row(layer, index) for layer, index in chosen.items()]},
            method=record["method"],
            **self._corrections(chosen),
        )

    @functools.cached_property
    def _remapped(self) -> Remapped:
        return Remapped(self._context, self._start, self._errors)

    def _assignment(self, chosen: Mapping[str, int]) -> Assignment:
        return Assignment(self._errors.choices(chosen))

    def _corrections(self, chosen: Mapping[str, int]) -> Json:
        """Return what is done to the network beside putting the circuits in: means, ranges, weights."""
        source = self._context.study.match.fold_mean
        judge = self._remapped if self._remap else self._errors
        for layer, index in chosen.items():
            if source != "none" and (layer, index) not in self._means:
                self._means[layer, index] = judge.means({layer: index}, source)[layer]
        return {
            "means": {layer: self._means[layer, index] for layer, index in chosen.items() if source != "none"},
            "stretches": self._errors.ranges(chosen),
            "weight_codes": self._remapped.codes(chosen) if self._remap else None,
        }

    def _row(self, layer: str, index: int) -> Json:
        """Return a layer as the rows of a matching state it, with what is known without a tolerance."""
        candidate = self._errors.candidates[layer][index]
        errors: ErrorPrediction = self._errors.predicted[layer].of([index])
        if self._remap:
            errors = self._remapped.predict(layer, [index])
        return {
            "layer": layer,
            **candidate.to_json(),
            "predicted_std": float((errors.std_centred if self._context.means_removed else errors.std)[0]),
            "predicted_mean": float(errors.mean[0]),
            "output_std": errors.output_std,
        }
