from __future__ import annotations

from agnsim.report.errors_figure import accuracy, sentence
from agnsim.report.record import Prediction


def prediction(layer: str, predicted: float | None, measured: float | None, mean: float | None = 0.1) -> Prediction:
    return Prediction(
        layer=layer,
        multiplier="m",
        predicted_std=predicted,
        measured_std=measured,
        predicted_mean=mean,
        measured_mean=0.0,
        output_std=2.0,
    )


def test_the_figures_of_merit_are_said() -> None:
    rows = [prediction("a", p, 1.0 + i) for i, p in enumerate((1.1, 2.2, 3.3))] + [prediction("b", 0.0, 0.0)]
    found = accuracy(rows)
    assert found is not None
    words = sentence(found).replace("\N{NO-BREAK SPACE}", " ")
    assert "Over 3 pairs" in words
    assert "10.0 % in the median and by 10.0 % at the 95th" in words
    assert "mean is off by 5.0 % of the layer's output std in the median" in words
    assert "1.000 in the worst (a)" in words
    assert "1 choices without any error" in words


def test_what_is_missing_is_not_said() -> None:
    assert accuracy([]) is None
    assert accuracy([prediction("a", 1.0, None)]) is None
    found = accuracy([prediction("a", 1.0, 1.0, None)])
    assert found is not None
    assert "mean" not in sentence(found)
    assert "Rank" not in sentence(found)
