import json

import numpy as np
import pytest

from agnsim.errors import InputError
from agnsim.multipliers import Choice, Multiplier
from agnsim.noise import Candidate, ErrorPrediction, match_layers


def _circuit(name: str, shift: int) -> Multiplier:
    operand = np.arange(16) >> shift << shift
    return Multiplier.from_table(
        name, np.outer(operand, operand).astype(np.int32), bits_a=4, bits_b=4, signed_a=False, signed_b=False
    )


EXACT, FINE, COARSE = _circuit("exact", 0), _circuit("fine", 1), _circuit("coarse", 2)
CANDIDATES = [Candidate(Choice(COARSE), 0.2), Candidate(Choice(FINE), 0.5), Candidate(Choice(EXACT), 1.0)]


def _prediction(std, *, mean=(0.0, 0.0, 0.0), centred=None, output_std=2.0) -> ErrorPrediction:
    array = np.asarray(std, dtype=np.float64)
    return ErrorPrediction(
        layer="conv",
        mean=np.asarray(mean, dtype=np.float64),
        std=array,
        std_centred=array if centred is None else np.asarray(centred, dtype=np.float64),
        channel_mean=np.zeros((len(array), 4)),
        channel_std=np.zeros((len(array), 4)),
        output_std=output_std,
    )


def _match(sigma: float, prediction: ErrorPrediction, candidates=CANDIDATES, **options) -> str:
    matching = match_layers({"conv": sigma}, {"conv": prediction}, {"conv": candidates}, **options)
    return matching.assignment["conv"].multiplier.name


@pytest.mark.parametrize(("sigma", "expected"), [(0.5, "coarse"), (0.499, "fine"), (0.1, "fine"), (0.01, "exact")])
def test_cheapest_circuit_within_the_tolerance_is_chosen(sigma: float, expected: str) -> None:
    assert _match(sigma, _prediction([1.0, 0.2, 0.0])) == expected


def test_scale_multiplies_every_tolerance() -> None:
    assert _match(0.1, _prediction([1.0, 0.2, 0.0]), scale=5.0) == "coarse"


def test_equal_costs_go_to_the_smaller_error() -> None:
    equal = [Candidate(option.choice, 0.5) for option in CANDIDATES]
    assert _match(0.5, _prediction([0.9, 0.2, 0.3]), equal) == "fine"


def test_channel_means_count_unless_they_are_removed() -> None:
    prediction = _prediction([1.0, 0.2, 0.0], centred=[0.1, 0.1, 0.0])
    assert _match(0.1, prediction) == "coarse"
    assert _match(0.1, prediction, means_removed=False) == "fine"


def test_mean_can_be_bounded_where_it_stays() -> None:
    prediction = _prediction([0.1, 0.1, 0.0], mean=(-3.0, 0.3, 0.0))
    assert _match(0.5, prediction, means_removed=False) == "coarse"
    assert _match(0.5, prediction, means_removed=False, mean_limit=1.0) == "fine"
    assert _match(0.5, prediction, means_removed=False, mean_limit=0.1) == "exact"


def test_exact_circuit_is_the_last_resort_even_where_it_rounds() -> None:
    assert _match(0.0001, _prediction([1.0, 0.2, 0.1])) == "exact"


def test_layer_that_nothing_fits_is_named_with_its_tolerance_and_best_circuit() -> None:
    with pytest.raises(InputError, match=r"'conv' tolerates an error std of 0.02.*best is .*fine.* with 0.2"):
        _match(0.01, _prediction([1.0, 0.2]), CANDIDATES[:2])


def test_rows_are_the_records_layer_table() -> None:
    measured = _prediction([0.9, 0.25, 0.0], mean=(-0.4, -0.1, 0.0))
    matching = match_layers(
        {"conv": 0.5}, {"conv": _prediction([1.0, 0.2, 0.0])}, {"conv": CANDIDATES}, measured={"conv": measured}
    )
    (row,) = json.loads(json.dumps(matching.rows))
    assert row == {
        "layer": "conv",
        "multiplier": "coarse",
        "digest": COARSE.digest,
        "swapped": False,
        "encoding_a": "unsigned",
        "encoding_w": "unsigned",
        "energy_ratio": 0.2,
        "sigma": 0.5,
        "tolerance": 1.0,
        "predicted_std": 1.0,
        "predicted_mean": 0.0,
        "measured_std": 0.9,
        "measured_mean": -0.4,
        "output_std": 2.0,
        "predicted_degradation": None,
    }
    assert matching.chosen == {"conv": 0}
    assert matching.energy_ratios == {"conv": 0.2}


@pytest.mark.parametrize(
    ("sigma", "options", "message"),
    [
        (-0.1, {}, "sigma -0.1"),
        (float("nan"), {}, "sigma nan"),
        (0.1, {"scale": 0.0}, "scale is 0.0"),
        (0.1, {"mean_limit": 1.0}, "bounds nothing"),
    ],
    ids=["negative sigma", "nan sigma", "scale", "mean limit with removed means"],
)
def test_wrong_settings_are_explained(sigma: float, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _match(sigma, _prediction([1.0, 0.2, 0.0]), **options)


def test_missing_and_misaligned_predictions_are_explained() -> None:
    with pytest.raises(InputError, match="'conv' has a sigma but no prediction"):
        match_layers({"conv": 0.1}, {}, {"conv": CANDIDATES})
    with pytest.raises(InputError, match="3 candidates and 2 predicted"):
        _match(0.1, _prediction([1.0, 0.2]))
