from __future__ import annotations

import numpy as np
import pytest

from agnsim.report.errors_figure import agreement, spearman
from agnsim.report.record import Prediction


def prediction(layer: str, predicted: float | None, measured: float | None) -> Prediction:
    return Prediction(layer=layer, multiplier="m", predicted_std=predicted, measured_std=measured, output_std=1.0)


def test_deviation_is_relative_to_the_measurement_and_exact_choices_are_left_out() -> None:
    found = agreement(
        [
            prediction("a", 1.1, 1.0),
            prediction("a", 2.0, 2.0),
            prediction("a", 2.4, 3.0),
            prediction("a", 0.0, 0.0),
            prediction("a", 1.0, None),
        ]
    )
    assert found is not None
    assert found.compared == 3
    assert found.exact == 1
    assert found.median == pytest.approx(10.0)
    assert found.p90 == pytest.approx(18.0)
    assert found.rank_correlation == pytest.approx(1.0)


def test_nothing_measured_gives_no_figure_of_merit() -> None:
    assert agreement([]) is None
    assert agreement([prediction("a", 1.0, None)]) is None


def test_rank_correlation_averages_the_ranks_of_ties() -> None:
    assert spearman(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])) == pytest.approx(-1.0)
    assert spearman(np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 3.0]])) == pytest.approx(0.8660254)
    assert spearman(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])) is None
    assert spearman(np.array([[1.0, 1.0], [2.0, 2.0]])) is None
