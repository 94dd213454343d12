"""Ranges fitted to a circuit: never worse than the calibrated ones, as good as predicted once measured and assigned."""

from __future__ import annotations

import numpy as np
import pytest

from agnsim import load_library
from agnsim.errors import InputError
from agnsim.multipliers import Choice, choices
from agnsim.noise import Stretch, fit_ranges, measure_errors, predict_errors
from agnsim.noise.operand_fit import UNSTRETCHED
from agnsim.types import LayerOperands

RANGES = {"range_a": (0, 255), "range_w": (-127, 127)}


@pytest.fixture(scope="module")
def operands() -> LayerOperands:
    """A layer whose activations are half zeros with a long tail, as after a ReLU."""
    generator = np.random.default_rng(0)
    rows = np.minimum(generator.exponential(25.0, (256, 144)) * (generator.random((256, 144)) < 0.5), 255)
    weights = np.clip(np.round(generator.normal(0.0, 30.0, (16, 144))), -127, 127)
    rows, weights = rows.astype(np.int32), weights.astype(np.int32)
    return LayerOperands(
        layer="conv",
        rows=rows,
        row_group=np.zeros(256, dtype=np.int64),
        weights=weights,
        groups=1,
        zero_point_a=0,
        output_scale=np.ones(16),
        output_std=float((rows @ weights.T).std()),
    )


@pytest.fixture(scope="module")
def truncated() -> list[Choice]:
    """A circuit that drops the low half of its columns: it errs by as much on small operands as on large ones."""
    return choices(load_library("builtin")["mul8u_column_truncation_k7cr8"], signed_a=False)


def test_a_circuit_of_constant_error_gains_a_lot_and_the_gain_is_real(operands, truncated) -> None:
    stretches = fit_ranges(operands, truncated, **RANGES)
    best = int(np.argmin(predict_errors(operands, truncated, **RANGES, stretches=stretches).std_centred))
    assert stretches[best][0] > 1.0
    before = measure_errors(operands, truncated, **RANGES).std_centred[best]
    after = measure_errors(operands, truncated, **RANGES, stretches=stretches).std_centred[best]
    assert after < 0.75 * before


def test_the_predicted_error_of_a_stretched_choice_is_the_measured_one(operands, truncated) -> None:
    stretches: list[Stretch] = [(2.5, 1.25)] * len(truncated)
    predicted = predict_errors(operands, truncated, **RANGES, stretches=stretches)
    measured = measure_errors(operands, truncated, **RANGES, stretches=stretches)
    assert predicted.std_centred == pytest.approx(measured.std_centred, rel=0.05)


def test_no_choice_is_fitted_to_a_greater_error(operands) -> None:
    circuits = load_library("builtin")
    every = [
        c for name in ("mul8u_drum_k4", "mul4u_array", "mul8u_array") for c in choices(circuits[name], signed_a=False)
    ]
    stretches = fit_ranges(operands, every, **RANGES)
    plain, fitted = (predict_errors(operands, every, **RANGES, stretches=s).std_centred for s in (None, stretches))
    assert (fitted <= plain).all()
    exact = [i for i, choice in enumerate(every) if choice.multiplier.name == "mul8u_array"]
    assert [stretches[i] for i in exact] == [UNSTRETCHED] * len(exact)
    narrow = next(i for i, choice in enumerate(every) if choice.multiplier.name == "mul4u_array")
    assert fitted[narrow] < plain[narrow]


def test_means_count_where_they_are_not_removed(operands, truncated) -> None:
    def size(stretches: list[Stretch] | None) -> np.ndarray:
        found = predict_errors(operands, truncated, **RANGES, stretches=stretches)
        return found.std_centred**2 + (found.channel_mean**2).mean(axis=1)

    with_means = fit_ranges(operands, truncated, **RANGES, means_removed=False)
    assert (size(with_means) <= size(None)).all()
    assert with_means != fit_ranges(operands, truncated, **RANGES)


def test_what_does_not_align_is_refused(operands, truncated) -> None:
    with pytest.raises(InputError, match="1 stretches for"):
        predict_errors(operands, truncated, **RANGES, stretches=[UNSTRETCHED])
    with pytest.raises(InputError, match="no circuits to fit"):
        fit_ranges(operands, [], **RANGES)
