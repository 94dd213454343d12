from __future__ import annotations

import numpy as np
import pytest

from agnsim.analysis import error_model_accuracy, spearman
from agnsim.errors import InputError

NAN = float("nan")


def test_deviation_is_relative_to_the_measurement_and_exact_choices_are_left_out() -> None:
    found = error_model_accuracy(["a"] * 5, [1.09, 2.0, 2.4, 0.0, 1.0], [1.0, 2.0, 3.0, 0.0, NAN])
    assert found is not None
    assert (found.compared, found.exact) == (3, 1)
    assert found.std_median == pytest.approx(0.09)
    assert found.std_p95 == pytest.approx(0.189)
    assert found.std_within_10_percent == pytest.approx(2 / 3)
    assert found.rank_smallest == pytest.approx(1.0)
    assert found.mean_median is None


def test_means_are_in_units_of_the_layers_output_std() -> None:
    found = error_model_accuracy(
        ["a"] * 3,
        [1.0] * 3,
        [1.0] * 3,
        predicted_mean=[1.0, -2.0, 5.0],
        measured_mean=[2.0, -2.0, 1.0],
        output_std=[2.0, 1.0, NAN],
    )
    assert found is not None
    assert (found.mean_median, found.mean_largest) == (pytest.approx(0.25), pytest.approx(0.5))
    assert found.mean_p95 == pytest.approx(0.475)


def test_the_worst_layer_is_the_one_that_confuses_its_circuits() -> None:
    layers = ["good"] * 4 + ["bad"] * 4 + ["small"] * 2
    predicted = [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0]
    measured = [1.0, 2.1, 2.9, 5.0, 4.0, 3.0, 2.0, 1.0, 2.0, 1.0]
    found = error_model_accuracy(layers, predicted, measured)
    assert found is not None
    assert (found.rank_smallest, found.rank_smallest_layer) == (pytest.approx(-1.0), "bad")
    assert found.rank_median == pytest.approx(0.0)


def test_nothing_measured_gives_no_figures() -> None:
    assert error_model_accuracy([], [], []) is None
    assert error_model_accuracy(["a"], [1.0], [None]) is None


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match=r"measured_std has shape \[2\] for 1 layers"):
        error_model_accuracy(["a"], [1.0], [1.0, 2.0])
    with pytest.raises(InputError, match="one length"):
        spearman([1.0, 2.0, 3.0], [1.0])


def test_rank_correlation_averages_the_ranks_of_ties() -> None:
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1.0)
    assert spearman([1.0, 1.0, 2.0], [1.0, 2.0, 3.0]) == pytest.approx(0.8660254)
    assert spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    assert spearman([1.0, 2.0], [1.0, 2.0]) is None
