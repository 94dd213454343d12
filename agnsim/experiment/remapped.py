"""Circuits together with the weights that suit them: what takes the place of every weight, and which error is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from agnsim.experiment.context import Context
from agnsim.experiment.error_table import ErrorTable, code_range
from agnsim.experiment.store import Trial
from agnsim.nn import approx_layers, sample_operands
from agnsim.noise import ErrorPrediction, Stretch, fit_operands, measure_errors, predict_errors
from agnsim.noise.baselines import RemappedChoice, remap_codes
from agnsim.types import FloatArray, Int32Array


class Remapped:
    """The candidates of an error table, each with the layer's weights replaced for it.

    The activation codes count as often as they occur in the layer. ALWANN counts all alike; what a layer sees is
    mostly zeros and small values.

    Args:
        context: The study.
        start: The network that the table is of.
        table: Its candidates.
    """

    def __init__(self, context: Context, start: Trial, table: ErrorTable) -> None:
        model = context.restore(start)
        rows, seed = context.study.match.rows, context.study.seed
        self._table = table
        self._operands = sample_operands(model, context.calibration_batches(), rows=rows, seed=seed)
        self._ranges = {
            name: (code_range(layer.activation_quantizer), code_range(layer.weight_quantizer))
            for name, layer in approx_layers(model).items()
        }
        self._choices: dict[tuple[str, int], RemappedChoice] = {}

    def choice(self, layer: str, index: int) -> RemappedChoice:
        """Return the candidate at an index in a layer, with its weights replaced."""
        if (layer, index) not in self._choices:
            choice, operands = self._table.candidates[layer][index].choice, self._operands[layer]
            range_a, range_w = self._ranges[layer]
            (stretch,) = self._stretches(layer, [index]) or [(1.0, 1.0)]
            fit = fit_operands(operands, choice, range_a=range_a, range_w=range_w, stretch=stretch)
            (low, high), reach = fit.multiplier.range_a, fit.multiplier.range_b[1]
            shares = np.bincount(fit.activations.values(operands.rows).ravel() - low, minlength=high - low + 1)
            codes = remap_codes(
                fit.multiplier,
                range_w=(-reach, reach),  # weight quantisers are symmetric, whatever the port takes
                zero_point_a=fit.activations.port_zero_point,
                shares=shares.astype(np.float64),
            )
            self._choices[layer, index] = RemappedChoice.of_codes(
                choice, codes, first=-reach, zero_point_a=fit.activations.port_zero_point
            )
        return self._choices[layer, index]

    def codes(self, chosen: Mapping[str, int]) -> dict[str, Int32Array]:
        """Return what takes the place of the weight codes of the layers with the candidates at these indices."""
        return {layer: np.array(self.choice(layer, index).codes, dtype=np.int32) for layer, index in chosen.items()}

    def predict(self, layer: str, indices: Sequence[int]) -> ErrorPrediction:
        """Return the predicted errors of the candidates at these indices in a layer."""
        return self._judge(predict_errors, layer, indices)

    def means(self, chosen: Mapping[str, int], source: str) -> dict[str, FloatArray]:
        """Return each layer's mean error per output channel, as `ErrorTable.means` does."""
        if source == "none":
            return {}
        judge = predict_errors if source == "predicted" else measure_errors
        return {layer: self._judge(judge, layer, [index]).channel_mean[0] for layer, index in chosen.items()}

    def _judge(self, judge: Callable[..., ErrorPrediction], layer: str, indices: Sequence[int]) -> ErrorPrediction:
        range_a, range_w = self._ranges[layer]
        choices = [self.choice(layer, index) for index in indices]
        stretches = self._stretches(layer, indices)
        return judge(self._operands[layer], choices, range_a=range_a, range_w=range_w, stretches=stretches)

    def _stretches(self, layer: str, indices: Sequence[int]) -> list[Stretch] | None:
        own = self._table.stretches
        return None if own is None else [own[layer][index] for index in indices]
