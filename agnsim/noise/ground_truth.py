"""Measures the error that a circuit causes at a layer's output: every product of the sampled rows is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agnsim.errors import InputError
from agnsim.multipliers import Choice
from agnsim.multipliers.operands.port_grid import Range
from agnsim.noise.operand_fit import OperandFit, Stretch, fit_all
from agnsim.noise.prediction import ErrorPrediction, rows_of_groups
from agnsim.types import FloatArray, LayerOperands


def measure_errors(
    operands: LayerOperands,
    choices: Sequence[Choice],
    *,
    range_a: Range | None = None,
    range_w: Range | None = None,
    stretches: Sequence[Stretch] | None = None,
    rows: int | None = None,
    engine: str = "auto",
) -> ErrorPrediction:
    """Return the error of one layer's output for every choice, over the sampled rows and all output channels.

    Args:
        operands: Sampled operands of the layer.
        choices: Circuits with orientation and encodings.
        range_a: Range of the activation quantiser, as for `predict_errors`.
        range_w: Range of the weight quantiser.
        stretches: Of every choice, as from `fit_ranges`; none by default.
        rows: Use at most the first `rows` sampled rows; default: all.
        engine: Engine of `agnsim.kernels.matmul` for layers of one group.

    Raises:
        InputError: No choices, no operands, or `rows` below 1.
        OperandRangeError: Codes do not fit a port and no quantiser range was stated.
        AccumulatorOverflow: A dot product might not fit int32.
        EngineUnavailable: The named engine cannot run a circuit.
    """
    if not choices:
        raise InputError(f"layer {operands.layer!r}: no circuits to measure errors for")
    if rows is not None and rows < 1:
        raise InputError(f"layer {operands.layer!r}: rows is {rows}; at least one row is needed to measure errors")
    sample = replace(operands, rows=operands.rows[:rows], row_group=operands.row_group[:rows])
    fits = fit_all(sample, choices, range_a=range_a, range_w=range_w, stretches=stretches)
    return ErrorPrediction.pooled(sample, *sampled_moments(sample, fits, engine))


def sampled_moments(
    sample: LayerOperands, fits: Sequence[OperandFit], engine: str = "auto"
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of every output channel's error over the sampled rows, `[M, O]`, accumulator units."""
    mean = np.zeros((len(fits), len(sample.weights)))
    variance = np.zeros_like(mean)
    if sample.groups == 1:
        activations = (sample.rows - sample.zero_point_a).astype(np.float64)
        exact = activations @ sample.weights.astype(np.float64).T
        for index, fit in enumerate(fits):
            errors = _emulated(sample, fit, engine) - exact
            mean[index], variance[index] = errors.mean(axis=0), errors.var(axis=0)
    else:
        for index, fit in enumerate(fits):
            mean[index], variance[index] = _grouped_moments(sample, fit)
    return mean, variance


def _emulated(operands: LayerOperands, fit: OperandFit, engine: str) -> FloatArray:
    """Accumulators `[R, O]` of a layer of one group through an emulation engine, in the sampled layer's units."""
    import torch

    from agnsim.kernels import matmul

    fed_a, fed_w = fit.activations.values(operands.rows), fit.weights.values(operands.weights)
    accumulated = matmul(torch.from_numpy(fed_a), torch.from_numpy(fed_w.T.copy()), fit.multiplier, engine=engine)
    correction = fit.activations.port_zero_point * fed_w.sum(axis=1, dtype=np.int64)
    steps = fit.activations.steps * fit.weights.steps
    emulated: FloatArray = (accumulated.numpy().astype(np.float64) - correction) / steps
    return emulated


def _grouped_moments(operands: LayerOperands, fit: OperandFit) -> tuple[FloatArray, FloatArray]:
    """Mean and variance `[O]` of the outputs' errors, group by group: one gather per product position."""
    used_a, at_a = np.unique(operands.rows, return_inverse=True)
    used_w, at_w = np.unique(operands.weights, return_inverse=True)
    at_a, at_w = at_a.reshape(operands.rows.shape), at_w.reshape(operands.weights.shape)
    pair_errors = fit.errors(used_a, used_w)
    channels, fan_in = len(operands.weights) // operands.groups, operands.weights.shape[1]
    mean, variance = np.empty(len(operands.weights)), np.empty(len(operands.weights))
    for group, rows in enumerate(rows_of_groups(operands)):
        owned = slice(group * channels, (group + 1) * channels)
        errors = np.zeros((len(rows), channels))
        for position in range(fan_in):
            errors += pair_errors[at_a[rows, position][:, None], at_w[owned, position][None, :]]
        mean[owned], variance[owned] = errors.mean(axis=0), errors.var(axis=0)
    return mean, variance
