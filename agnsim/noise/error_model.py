"""Predicts the error that a circuit causes at a layer's output from the distributions of its operands.

After the population model of Trommer, Waschneck and Kumar (ICCAD 2022, equations 15 and 16): receptive field i has
the histogram p_i of its activation codes, output channel o the histogram q_o of its weight codes, E is the circuit's
error for every pair of codes. The mean error of output (i, o) is `K p_i^T E q_o` for K products. The law of total
variance over the sampled receptive fields gives the variance of a channel.

Two things differ from the paper. Every channel has its own weight histogram, since the channel means it reveals are
a good part of the error and can be removed. And the K activations and K weights of an output are what they are;
only their pairing is taken as random. The variance of a sum over a random pairing (Hoeffding, A combinatorial central
limit theorem, 1951) is `K^2 / (K - 1)` times the mean square of E after its row and column means are removed, where
drawing both operands anew for each product, as the paper does, gives `K` times the variance of E. Once every channel
has its own histogram the latter overestimates: it lets the operands themselves vary (tests/noise compares both).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError
from agnsim.multipliers import Choice
from agnsim.multipliers.operands.port_grid import Range
from agnsim.noise.operand_fit import OperandFit, fit_operands
from agnsim.noise.prediction import ErrorPrediction, rows_of_groups
from agnsim.types import FloatArray, LayerOperands

_DIRECT_PAIRS = 2048
_CHUNK_ELEMENTS = 2**22


def predict_errors(
    operands: LayerOperands,
    choices: Sequence[Choice],
    *,
    range_a: Range | None = None,
    range_w: Range | None = None,
    independent: bool = False,
) -> ErrorPrediction:
    """Predict the output error of one layer for every choice; milliseconds per choice.

    Args:
        operands: Sampled operands of the layer.
        choices: Circuits with orientation and encodings.
        range_a: Range of the activation quantiser; lets narrower ports be judged (see `fit_operands`).
        range_w: Range of the weight quantiser.
        independent: Draw both operands of each product independently, as the paper does, instead of pairing the
            operands at hand at random.

    Raises:
        InputError: No choices or no operands.
        OperandRangeError: Codes do not fit a port and no quantiser range was stated.
    """
    if not choices:
        raise InputError(f"layer {operands.layer!r}: no circuits to predict errors for")
    fits = [fit_operands(operands, choice, range_a=range_a, range_w=range_w) for choice in choices]
    mean = np.zeros((len(fits), len(operands.weights)))
    variance = np.zeros_like(mean)
    fan_in = operands.weights.shape[1]
    channels = len(operands.weights) // operands.groups
    if operands.groups > 1 and fan_in * fan_in * channels <= _DIRECT_PAIRS:
        _predict_directly(operands, fits, mean, variance, independent)
    else:
        for group, rows in enumerate(rows_of_groups(operands)):
            owned = slice(group * channels, (group + 1) * channels)
            field, kernel = _Field.of(operands.rows[rows]), _histograms(operands.weights[owned])
            for index, fit in enumerate(fits):
                averages = _from_histograms(fit, field, kernel)
                mean[index, owned], variance[index, owned] = averages.of_the_sum(fan_in, independent)
    return ErrorPrediction.pooled(operands, mean, variance)


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
