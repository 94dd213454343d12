"""Predicts the error that a circuit causes at a layer's output from the distributions of its operands.

After the population model of Trommer, Waschneck and Kumar (ICCAD 2022, equations 15 and 16): receptive field i has
the histogram p_i of its activation codes, output channel o the histogram q_o of its weight codes, E is the circuit's
error for every pair of codes. The mean error of output (i, o) is `K p_i^T E q_o` for K products. The law of total
variance over the sampled receptive fields gives the variance of a channel.

Three models of how the operands meet, from crude to exact:

- `independent`, the paper's: every product draws both operands anew, so that errors add `K` times the variance of E.
- `random`: the K activations and K weights of an output are what they are; only their pairing is taken as random. The
  variance of a sum over a random pairing (Hoeffding, A combinatorial central limit theorem, 1951) is `K^2 / (K - 1)`
  times the mean square of E after its row and column means are removed. Every channel has its own weight histogram,
  since the channel means it reveals are a good part of the error and can be removed; drawing anew would overestimate.
- `sampled`: neighbouring activations are alike and weights have structure, so pairs are not random. The kernels are
  fast enough to look up every product of some hundred receptive fields, which leaves the error of sampling alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError
from agnsim.multipliers import Choice
from agnsim.multipliers.operands.port_grid import Range
from agnsim.noise.ground_truth import sampled_moments
from agnsim.noise.operand_fit import OperandFit, Stretch, fit_all
from agnsim.noise.prediction import ErrorPrediction, rows_of_groups
from agnsim.types import FloatArray, LayerOperands

Pairing = Literal["sampled", "random", "independent"]
_DIRECT_PAIRS = 2048
_CHUNK_ELEMENTS = 2**22


def predict_errors(
    operands: LayerOperands,
    choices: Sequence[Choice],
    *,
    range_a: Range | None = None,
    range_w: Range | None = None,
    stretches: Sequence[Stretch] | None = None,
    pairing: Pairing = "sampled",
) -> ErrorPrediction:
    """Predict the output error of one layer for every choice from a sample of its operands; milliseconds per choice.

    Args:
        operands: Sampled operands of the layer.
        choices: Circuits with orientation and encodings.
        range_a: Range of the activation quantiser; lets narrower ports be judged (see `fit_operands`).
        range_w: Range of the weight quantiser.
        stretches: Of every choice, as from `fit_ranges`; none by default.
        pairing: Which activations meet which weights: `"sampled"`, as they do in the sampled receptive fields;
            `"random"`, the operands of an output paired at random; `"independent"`, both operands of each product
            drawn anew, as in the paper.

    Raises:
        InputError: No choices or no operands, or no such pairing.
        OperandRangeError: Codes do not fit a port and no quantiser range was stated.
    """
    if not choices:
        raise InputError(f"layer {operands.layer!r}: no circuits to predict errors for")
    fits = fit_all(operands, choices, range_a=range_a, range_w=range_w, stretches=stretches)
    if pairing == "sampled":
        return ErrorPrediction.pooled(operands, *sampled_moments(operands, fits))
    if pairing not in get_args(Pairing):
        raise InputError(f"predict_errors: pairing is {pairing!r}; allowed: {', '.join(get_args(Pairing))}")
    return ErrorPrediction.pooled(operands, *OutputErrors(operands).moments(fits, independent=pairing == "independent"))


class OutputErrors:
    """The statistical model of one layer's output errors, ready for any number of circuits.

    Args:
        operands: Sampled operands of the layer.
    """

    def __init__(self, operands: LayerOperands) -> None:
        self._operands = operands
        self._fan_in = operands.weights.shape[1]
        self._channels = len(operands.weights) // operands.groups
        self._groups: list[tuple[slice, _Field, tuple[NDArray[np.int32], FloatArray]]] | None = None
        if operands.groups == 1 or self._fan_in**2 * self._channels > _DIRECT_PAIRS:
            self._groups = []
            for group, rows in enumerate(rows_of_groups(operands)):
                owned = slice(group * self._channels, (group + 1) * self._channels)
                self._groups.append((owned, _Field.of(operands.rows[rows]), _histograms(operands.weights[owned])))

    def moments(self, fits: Sequence[OperandFit], *, independent: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of every output channel's error, `[M, O]` each, in accumulator units."""
        mean = np.zeros((len(fits), len(self._operands.weights)))
        variance = np.zeros_like(mean)
        if self._groups is None:
            _predict_directly(self._operands, fits, mean, variance, independent)
            return mean, variance
        for owned, field, kernel in self._groups:
            for index, fit in enumerate(fits):
                averages = _from_histograms(fit, field, kernel)
                mean[index, owned], variance[index, owned] = averages.of_the_sum(self._fan_in, independent)
        return mean, variance


@dataclass(frozen=True)
class _Averages:
    """Averages over receptive fields of the error of one product, per output channel `[O]`.

    Attributes:
        mean: Mean error.
        squared_mean: Square of a receptive field's mean error.
        square: Squared error.
        by_activation: Square of the mean error given the activation.
        by_weight: Square of the mean error given the weight.
    """

    mean: FloatArray
    squared_mean: FloatArray
    square: FloatArray
    by_activation: FloatArray
    by_weight: FloatArray

    def of_the_sum(self, fan_in: int, independent: bool) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance `[O]` of the sum of `fan_in` errors, by the law of total variance."""
        if independent:
            within = fan_in * (self.square - self.squared_mean)
        else:
            interaction = self.square - self.by_activation - self.by_weight + self.squared_mean
            within = fan_in**2 / max(fan_in - 1, 1) * interaction
        between = fan_in**2 * (self.squared_mean - self.mean**2)
        return fan_in * self.mean, np.maximum(within, 0.0) + np.maximum(between, 0.0)


@dataclass(frozen=True)
class _Field:
    """Histograms of receptive fields: the codes that occur `[A]`, their mean share `[A]` and mean products `[A, A]`.

    Everything averaged over receptive fields is linear or quadratic in their histograms, so that no more is needed.
    """

    codes: NDArray[np.int32]
    share: FloatArray
    products: FloatArray

    @classmethod
    def of(cls, rows: NDArray[np.int32]) -> _Field:
        codes, shares = _histograms(rows)
        return cls(codes, shares.mean(axis=0), shares.T @ shares / len(shares))


def _histograms(codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], FloatArray]:
    """Return the codes that occur, `[V]`, and each row's share of them, `[R, V]`."""
    used, inverse = np.unique(codes, return_inverse=True)
    flat = inverse.reshape(codes.shape) + np.arange(len(codes))[:, None] * len(used)
    counts = np.bincount(flat.ravel(), minlength=len(codes) * len(used)).reshape(len(codes), len(used))
    return used, counts / codes.shape[1]


def _from_histograms(fit: OperandFit, field: _Field, kernel: tuple[NDArray[np.int32], FloatArray]) -> _Averages:
    """Return the averages from the code histograms of receptive fields and channels."""
    errors, q = fit.errors(field.codes, kernel[0]), kernel[1].T
    weighted = field.products @ errors
    given_activation = errors @ q
    return _Averages(
        mean=field.share @ given_activation,
        squared_mean=(given_activation * (weighted @ q)).sum(axis=0),
        square=(field.share @ errors**2) @ q,
        by_activation=field.share @ given_activation**2,
        by_weight=(errors * weighted).sum(axis=0) @ q,
    )


def _predict_directly(
    operands: LayerOperands,
    fits: Sequence[OperandFit],
    mean: FloatArray,
    variance: FloatArray,
    independent: bool,
) -> None:
    """Fill mean and variance, `[M, O]`, from the error of every activation with every weight of its group.

    For many small groups (depthwise layers), where histograms would be longer than the receptive fields.
    """
    groups, fan_in = operands.groups, operands.weights.shape[1]
    used_a, codes_a = np.unique(operands.rows, return_inverse=True)
    used_w, codes_w = np.unique(operands.weights, return_inverse=True)
    codes_a = codes_a.reshape(operands.rows.shape)
    codes_w = codes_w.reshape(groups, -1, fan_in)
    rows = rows_of_groups(operands)
    row, group = np.concatenate(rows), np.repeat(np.arange(groups), [len(own) for own in rows])
    starts = np.cumsum([0] + [len(own) for own in rows[:-1]])
    counts = np.array([len(own) for own in rows])[:, None]
    channels = codes_w.shape[1]
    chunk = max(1, _CHUNK_ELEMENTS // (channels * fan_in * fan_in))
    outputs = np.empty((5, len(row), channels))
    for index, fit in enumerate(fits):
        errors = fit.errors(used_a, used_w)
        for first in range(0, len(row), chunk):
            part = slice(first, first + chunk)
            pairs = errors[codes_a[row[part]][:, None, :, None], codes_w[group[part]][:, :, None, :]]
            outputs[0, part] = pairs.mean(axis=(2, 3))
            outputs[1, part] = outputs[0, part] ** 2
            outputs[2, part] = (pairs**2).mean(axis=(2, 3))
            outputs[3, part] = (pairs.mean(axis=3) ** 2).mean(axis=2)
            outputs[4, part] = (pairs.mean(axis=2) ** 2).mean(axis=2)
        averages = _Averages(*(np.add.reduceat(output, starts) / counts for output in outputs))
        expected, spread = averages.of_the_sum(fan_in, independent)
        mean[index], variance[index] = expected.reshape(-1), spread.reshape(-1)
