"""The error of every circuit in every layer of one network: predicted, and beside it measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from agnsim.errors import ConfigError
from agnsim.experiment.context import Context
from agnsim.experiment.store import Trial
from agnsim.multipliers import Choice
from agnsim.nn import approx_layers, sample_operands
from agnsim.noise import Candidate, ErrorPrediction, Stretch, fit_ranges, measure_errors, predict_errors
from agnsim.quantization import Quantizer
from agnsim.types import FloatArray, Json


@dataclass(frozen=True)
class ErrorTable:
    """Candidates and their errors by layer, aligned.

    Attributes:
        candidates: Layer to its candidates.
        predicted: Layer to the predicted errors of its candidates.
        measured: The same on receptive fields of other training images; None where the study does not ask for it.
        stretches: Layer to the factors on its candidates' ranges; None where the study keeps them calibrated.
        measure: Measures the error of the candidate at an index in a layer.
    """

    candidates: dict[str, list[Candidate]]
    predicted: dict[str, ErrorPrediction]
    measured: dict[str, ErrorPrediction] | None
    stretches: dict[str, list[Stretch]] | None
    measure: Callable[[str, int], ErrorPrediction]

    def only(self, include: Sequence[str], exclude: Sequence[str], *, place: str) -> ErrorTable:
        """Return the table of some of the circuits.

        Args:
            include: Patterns of their names.
            exclude: Patterns of circuits to leave out.
            place: Where in the study the patterns stand.

        Raises:
            ConfigError: They leave a layer without a candidate.
        """
        kept: dict[str, list[int]] = {}
        for layer, options in self.candidates.items():
            names = [option.choice.multiplier.name for option in options]
            kept[layer] = [i for i, n in enumerate(names) if matches(n, include) and not matches(n, exclude)]
            if not kept[layer]:
                raise ConfigError(
                    f"{place}: no circuit that layer {layer} can hold matches include {list(include)} and exclude "
                    f"{list(exclude)}."
                )
        return self._picked(kept)

    def _picked(self, kept: Mapping[str, list[int]]) -> ErrorTable:
        """Return the table of the candidates at these indices."""

        def errors(every: Mapping[str, ErrorPrediction]) -> dict[str, ErrorPrediction]:
            return {layer: every[layer].of(indices) for layer, indices in kept.items()}

        return ErrorTable(
            {layer: [self.candidates[layer][i] for i in indices] for layer, indices in kept.items()},
            errors(self.predicted),
            errors(self.measured) if self.measured is not None else None,
            {layer: [self.stretches[layer][i] for i in indices] for layer, indices in kept.items()}
            if self.stretches is not None
            else None,
            lambda layer, index: self.measure(layer, kept[layer][index]),
        )

    def costed(self, ratio: Callable[[Choice], float | None], *, place: str) -> ErrorTable:
        """Return the table with another energy ratio for every choice; without those that have none.

        Args:
            ratio: Returns the energy ratio of a choice, where it is known.
            place: Where in the study it is asked for.

        Raises:
            ConfigError: A layer has no choice whose energy is known.
        """
        priced = {
            layer: [(i, ratio(option.choice)) for i, option in enumerate(options)]
            for layer, options in self.candidates.items()
        }
        known = {layer: [i for i, cost in costs if cost is not None] for layer, costs in priced.items()}
        if lacking := [layer for layer, indices in known.items() if not indices]:
            raise ConfigError(
                f"{place}: the MAC energy of none of the circuits that layer {lacking[0]} can hold is known. Use "
                "`energy: multiplier`, or add circuits of the built-in library, such as mul8u_array."
            )
        table = self._picked(known)
        candidates = {
            layer: [replace(self.candidates[layer][i], energy_ratio=cost) for i, cost in costs if cost is not None]
            for layer, costs in priced.items()
        }
        return replace(table, candidates=candidates)

    def best_uniform(self, circuit: str, *, means_removed: bool) -> dict[str, int]:
        """Return per layer the index of the circuit's orientation and encoding that is predicted to err least.

        Args:
            circuit: Its name.
            means_removed: Each channel's mean error will be removed, so that only the spread about it counts.
        """
        chosen: dict[str, int] = {}
        for layer, options in self.candidates.items():
            errors = self.predicted[layer]
            size = errors.std_centred if means_removed else np.hypot(errors.mean, errors.std)
            own = [i for i, option in enumerate(options) if option.choice.multiplier.name == circuit]
            chosen[layer] = min(own, key=lambda i: float(size[i]))
        return chosen

    def choices(self, chosen: Mapping[str, int]) -> dict[str, Choice]:
        """Return the choices at these indices."""
        return {layer: self.candidates[layer][index].choice for layer, index in chosen.items()}

    def ranges(self, chosen: Mapping[str, int]) -> dict[str, Stretch] | None:
        """Return the factors on the ranges of the choices at these indices; None where ranges stay calibrated."""
        if self.stretches is None:
            return None
        return {layer: self.stretches[layer][index] for layer, index in chosen.items()}

    def means(self, chosen: Mapping[str, int], source: str) -> dict[str, FloatArray]:
        """Return each layer's mean error per output channel, real units: `"predicted"` or `"measured"`; or nothing."""
        if source == "none":
            return {}
        if source == "predicted":
            return {layer: self.predicted[layer].channel_mean[index] for layer, index in chosen.items()}
        return {layer: self.measure(layer, index).channel_mean[0] for layer, index in chosen.items()}

    def rows(self, *, means_removed: bool) -> list[Json]:
        """Return every pair of layer and candidate, as the record lists them, with the std that matching compares."""
        spread = "std_centred" if means_removed else "std"
        rows: list[Json] = []
        for layer, options in self.candidates.items():
            predicted = self.predicted[layer]
            measured = self.measured[layer] if self.measured else None
            for i, option in enumerate(options):
                choice = option.choice
                rows.append(
                    {
                        "layer": layer,
                        "multiplier": choice.multiplier.name,
                        "swapped": choice.swapped,
                        "encoding_a": choice.encoding_a.value if choice.encoding_a else None,
                        "encoding_w": choice.encoding_w.value if choice.encoding_w else None,
                        "predicted_mean": _short(predicted.mean[i]),
                        "predicted_std": _short(getattr(predicted, spread)[i]),
                        "measured_mean": _short(measured.mean[i]) if measured else None,
                        "measured_std": _short(getattr(measured, spread)[i]) if measured else None,
                        "output_std": _short(predicted.output_std),
                    }
                )
        return rows


def error_table(
    context: Context, trial: Trial, *, exclude: Sequence[str] = (), measured_too: bool = True
) -> ErrorTable:
    """Predict, and where the study asks for it measure, the error of the circuits in a trial's network.

    Args:
        context: The study.
        trial: The network, in quantised arithmetic.
        exclude: Patterns of circuits to leave out.
        measured_too: Measure the errors of all candidates too, where the study asks for it.
    """
    study = context.study
    measured_too = measured_too and study.match.measure
    model = context.restore(trial)
    layers = approx_layers(model)
    weight = trial.outcome.get("noise_weight")
    after = "" if weight is None else f" after the search, noise weight {weight:g}"
    with context.progress.stage(f"the error of every circuit in every layer{after}"):
        operands = sample_operands(model, context.calibration_batches(), rows=study.match.rows, seed=study.seed)
        others = {}
        if measured_too:
            others = sample_operands(model, context.other_batches(), rows=study.match.rows, seed=study.seed)
        options: dict[str, list[Candidate]] = {}
        predicted: dict[str, ErrorPrediction] = {}
        measured: dict[str, ErrorPrediction] = {}
        stretches: dict[str, list[Stretch]] | None = {} if study.match.ranges == "fitted" else None
        for name in context.assignable:
            sample = operands[name]
            every = context.candidates(signed_a=bool(sample.rows.min() < sample.zero_point_a))
            options[name] = [option for option in every if not matches(option.choice.multiplier.name, exclude)]
            choices = [option.choice for option in options[name]]
            range_a, range_w = code_range(layers[name].activation_quantizer), code_range(layers[name].weight_quantizer)
            own = None
            if stretches is not None:
                removed = context.means_removed
                own = fit_ranges(sample, choices, range_a=range_a, range_w=range_w, means_removed=removed)
                stretches[name] = own
            predicted[name] = predict_errors(
                sample, choices, range_a=range_a, range_w=range_w, stretches=own, pairing=study.match.pairing
            )
            if measured_too:
                measured[name] = measure_errors(others[name], choices, range_a=range_a, range_w=range_w, stretches=own)

    def measure(layer: str, index: int) -> ErrorPrediction:
        range_a, range_w = code_range(layers[layer].activation_quantizer), code_range(layers[layer].weight_quantizer)
        choice, own = options[layer][index].choice, None if stretches is None else [stretches[layer][index]]
        return measure_errors(operands[layer], [choice], range_a=range_a, range_w=range_w, stretches=own)

    return ErrorTable(options, predicted, measured or None, stretches, measure)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a circuit's name fits one of the patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def code_range(quantizer: Quantizer) -> tuple[int, int]:
    """Return the smallest and the greatest code of a quantiser."""
    return quantizer.qmin, quantizer.qmax


def _short(value: float) -> float:
    """Round to six significant digits: a record of thousands of rows stays readable."""
    return float(f"{float(value):.6g}")
