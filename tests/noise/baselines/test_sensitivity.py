"""The greedy path over measured losses, and what halves of the images lead to."""

from dataclasses import replace

import numpy as np
import pytest

from agnsim.errors import InputError
from agnsim.noise.baselines import CircuitTable, greedy_path, sensitivity_assignments

EQUAL = CircuitTable(
    layers=("a", "b"),
    circuits=("rough", "fair", "exact"),
    shares=np.array([0.5, 0.5]),
    energies=np.array([0.2, 0.5, 1.0]),
    errors=np.zeros((2, 3)),
    options=np.tile(np.arange(3), (2, 1)),
)
LOSSES = np.array([[4.0, 1.0, 0.0], [9.0, 3.0, 0.0]])


@pytest.mark.parametrize(
    ("energy", "path"),
    [
        (1.0, [2, 2]),
        (0.8, [1, 2]),  # a: 0.25 saved for 1, b: 0.25 for 3
        (0.5, [1, 1]),  # a rough: 0.15 for 3, b fair: 0.25 for 3
        (0.35, [0, 1]),  # a rough: 0.15 for 3, b rough: 0.15 for 6
        (0.2, [0, 0]),
    ],
)
def test_each_step_saves_most_per_loss(energy: float, path: list[int]) -> None:
    found = greedy_path(EQUAL, LOSSES, energy)
    assert found is not None
    assert found.tolist() == path


def test_a_step_that_adds_no_loss_comes_first() -> None:
    found = greedy_path(EQUAL, np.array([[4.0, 1.0, 0.0], [0.0, 3.0, 0.0]]), 0.6)
    assert found is not None
    assert found.tolist() == [2, 0]


def test_what_the_last_step_saved_too_much_is_taken_back() -> None:
    # First b becomes rough (0.4 saved for 0.5), then a (0.4 for 2): 0.2 in all. Within 0.55 both can be fair instead.
    found = greedy_path(EQUAL, np.array([[2.0, 1.9, 0.0], [0.5, 0.4, 0.0]]), 0.55)
    assert found is not None
    assert found.tolist() == [1, 1]


def test_path_is_near_the_best_of_all(table: CircuitTable) -> None:
    every = np.stack(np.meshgrid(*[np.arange(5)] * 7), axis=-1).reshape(-1, 7)
    errors, energies = table.error(every), table.energy(every)
    for energy in (0.25, 0.35, 0.5, 0.7):
        found = greedy_path(table, table.errors, energy)
        assert found is not None
        assert table.energy(found) <= energy
        assert errors[energies <= energy].min() <= table.error(found) <= 1.25 * errors[energies <= energy].min()


def test_whole_measurement_comes_first_and_halves_differ(table: CircuitTable) -> None:
    noise = np.random.default_rng(0).uniform(0.3, 1.7, (7, 5, 10))
    losses = table.errors[:, :, None] * noise
    found = sensitivity_assignments(table, losses, 0.4, 6, seed=0)
    assert found[0].tolist() == greedy_path(table, losses.mean(axis=2), 0.4).tolist()
    assert len(np.unique(found, axis=0)) == len(found) == 4  # all that 100 halves lead to
    assert len(sensitivity_assignments(table, losses, 0.4, 3, seed=0)) == 3
    assert (table.energy(found) <= 0.4).all()
    assert np.array_equal(found, sensitivity_assignments(table, losses, 0.4, 6, seed=0))


def test_images_that_agree_lead_to_one_assignment(table: CircuitTable) -> None:
    losses = np.repeat(table.errors[:, :, None], 10, axis=2)
    assert len(sensitivity_assignments(table, losses, 0.4, 6, seed=0)) == 1


def test_energy_that_none_reaches_gives_none(table: CircuitTable) -> None:
    assert sensitivity_assignments(table, table.errors[:, :, None], 0.15, 3, seed=0).shape == (0, 7)


def test_circuits_that_cannot_be_used_are_not(table: CircuitTable) -> None:
    options = table.options.copy()
    options[:, 0] = -1
    found = greedy_path(replace(table, options=options), np.zeros((7, 5)), 0.4)
    assert found is not None
    assert found.min() == 1


@pytest.mark.parametrize("losses", [np.zeros((7, 5)), np.zeros((7, 4, 2)), np.full((7, 5, 2), np.nan)])
def test_losses_that_do_not_fit_are_refused(table: CircuitTable, losses: np.ndarray) -> None:
    with pytest.raises(InputError, match="sensitivity: losses"):
        sensitivity_assignments(table, losses, 0.5, 1, seed=0)
