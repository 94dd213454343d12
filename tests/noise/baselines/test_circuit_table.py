"""What baselines choose from: one option per layer and circuit, energies and errors of whole assignments."""

import numpy as np
import pytest

from agnsim.energy import multiplier_energy
from agnsim.errors import InputError
from agnsim.multipliers import Choice, load_library
from agnsim.noise import Candidate, ErrorPrediction
from agnsim.noise.baselines import CircuitTable, circuit_table
from agnsim.types import LayerShape

LIBRARY = load_library("builtin")
EXACT, ROUGH = LIBRARY["mul8u_array"], LIBRARY["mul8u_column_truncation_k7"]


def prediction(layer: str, mean: list[float], std: list[float], output_std: float = 10.0) -> ErrorPrediction:
    means, spread = np.array(mean), np.array(std)
    channel_mean = np.stack([means - 1, means + 1], axis=1)
    total = np.sqrt(spread**2 + 1)
    return ErrorPrediction(layer, means, total, spread, channel_mean, np.stack([spread, spread], axis=1), output_std)


CANDIDATES = {
    "conv": [
        Candidate(Choice(ROUGH, False, "unsigned", "sign_magnitude"), 0.5),
        Candidate(Choice(ROUGH, False, "unsigned", "offset"), 0.5),
        Candidate(Choice(EXACT, False, "unsigned", "sign_magnitude"), 1.0),
    ],
    "fc": [Candidate(Choice(ROUGH, False, "unsigned", "offset"), 0.5)],
}
PREDICTIONS = {"conv": prediction("conv", [0.5, -8.0, 0.0], [2.0, 1.0, 0.0]), "fc": prediction("fc", [1.0], [3.0])}
SHARES = {"conv": 0.6, "fc": 0.3}


@pytest.mark.parametrize(
    ("means_removed", "option", "error"), [(True, 1, 0.01), (False, 0, 0.0525)], ids=["spread", "mean and spread"]
)
def test_a_circuit_is_used_the_way_it_errs_least(means_removed: bool, option: int, error: float) -> None:
    table = circuit_table(CANDIDATES, PREDICTIONS, SHARES, means_removed=means_removed)
    assert table.circuits == ("mul8u_column_truncation_k7", "mul8u_array")
    assert table.options.tolist() == [[option, 2], [0, -1]]
    assert table.errors[0, 0] == pytest.approx(error)
    assert table.errors[1, 1] == np.inf
    assert table.usable.tolist() == [[True, True], [True, False]]
    assert table.chosen(np.array([1, 0])) == {"conv": 2, "fc": 0}


def test_energy_is_that_of_the_results(table: CircuitTable) -> None:
    shapes = {
        name: LayerShape(name, "conv2d", round(share * 1e9), 9, 4, 1, 36, (1, 4, 4), (4, 4, 4))
        for name, share in zip((*table.layers, "left out"), (*table.shares, 1 - table.shares.sum()), strict=True)
    }
    assignments = np.random.default_rng(1).integers(0, 5, size=(20, 7))
    for assignment, energy in zip(assignments, table.energy(assignments), strict=True):
        ratios = dict(zip(table.layers, table.energies[assignment], strict=True))
        assert energy == pytest.approx(multiplier_energy(shapes, ratios), rel=1e-7)


def test_errors_of_the_layers_add_up(table: CircuitTable) -> None:
    assignments = np.random.default_rng(1).integers(0, 5, size=(20, 7))
    expected = [sum(table.errors[layer, circuit] for layer, circuit in enumerate(row)) for row in assignments]
    assert table.error(assignments) == pytest.approx(expected)


@pytest.mark.parametrize(("std", "error"), [(0.0, 0.0), (2.0, 1.0)], ids=["no error", "some error"])
def test_layer_of_constant_output(std: float, error: float) -> None:
    options = {"fc": CANDIDATES["fc"]}
    predicted = {"fc": prediction("fc", [0.0], [std], output_std=0.0)}
    assert circuit_table(options, predicted, SHARES, means_removed=True).errors == error


def test_what_does_not_align_is_refused() -> None:
    with pytest.raises(InputError, match="no layers"):
        circuit_table({}, {}, {}, means_removed=True)
    with pytest.raises(InputError, match="'conv' has 1 candidates and 3"):
        circuit_table({"conv": CANDIDATES["conv"][:1]}, PREDICTIONS, SHARES, means_removed=True)
