"""The error of every circuit in every layer of one network: predicted, and beside it measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from agnsim.experiment.context import Context
from agnsim.experiment.store import Trial
from agnsim.multipliers import Choice
from agnsim.nn import approx_layers, sample_operands
from agnsim.noise import Candidate, ErrorPrediction, measure_errors, predict_errors
from agnsim.quantization import Quantizer
from agnsim.types import FloatArray, Json


@dataclass(frozen=True)
class ErrorTable:
    """Candidates and their errors by layer, aligned.

    Attributes:
        candidates: Layer to its candidates.
        predicted: Layer to the predicted errors of its candidates.
        measured: The same by full evaluation on sampled operands; None where the study does not ask for it.
        measure: Measures the error of one choice in a layer.
    """

    candidates: dict[str, list[Candidate]]
    predicted: dict[str, ErrorPrediction]
    measured: dict[str, ErrorPrediction] | None
    measure: Callable[[str, Choice], ErrorPrediction]

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

    def means(self, chosen: Mapping[str, int], source: str) -> dict[str, FloatArray]:
        """Return each layer's mean error per output channel, real units: `"predicted"` or `"measured"`; or nothing."""
        if source == "none":
            return {}
        if source == "predicted":
            return {layer: self.predicted[layer].channel_mean[index] for layer, index in chosen.items()}
        return {layer: self.measure(layer, choice).channel_mean[0] for layer, choice in self.choices(chosen).items()}

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


def error_table(context: Context, trial: Trial, *, exclude: Sequence[str] = ()) -> ErrorTable:
    """Predict, and where the study asks for it measure, the error of the circuits in a trial's network.

    Args:
        context: The study.
        trial: The network, in quantised arithmetic.
        exclude: Patterns of circuits to leave out.
    """
    study = context.study
    model = context.restore(trial)
    layers = approx_layers(model)
    weight = trial.outcome.get("noise_weight")
    after = "" if weight is None else f" after the search, noise weight {weight:g}"
    with context.progress.stage(f"the error of every circuit in every layer{after}"):
        operands = sample_operands(model, context.calibration_batches(), rows=study.match.rows, seed=study.seed)
        options: dict[str, list[Candidate]] = {}
        predicted: dict[str, ErrorPrediction] = {}
        measured: dict[str, ErrorPrediction] = {}
        for name in context.assignable:
            sample = operands[name]
            every = context.candidates(signed_a=bool(sample.rows.min() < sample.zero_point_a))
            options[name] = [option for option in every if not matches(option.choice.multiplier.name, exclude)]
            choices = [option.choice for option in options[name]]
            range_a, range_w = code_range(layers[name].activation_quantizer), code_range(layers[name].weight_quantizer)
            predicted[name] = predict_errors(sample, choices, range_a=range_a, range_w=range_w)
            if study.match.measure:
                measured[name] = measure_errors(sample, choices, range_a=range_a, range_w=range_w)

    def measure(layer: str, choice: Choice) -> ErrorPrediction:
        range_a, range_w = code_range(layers[layer].activation_quantizer), code_range(layers[layer].weight_quantizer)
        return measure_errors(operands[layer], [choice], range_a=range_a, range_w=range_w)

    return ErrorTable(options, predicted, measured or None, measure)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a circuit's name fits one of the patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def code_range(quantizer: Quantizer) -> tuple[int, int]:
    """Return the smallest and the greatest code of a quantiser."""
    return quantizer.qmin, quantizer.qmax


def _short(value: float) -> float:
    """Round to six significant digits: a record of thousands of rows stays readable."""
    return float(f"{float(value):.6g}")
