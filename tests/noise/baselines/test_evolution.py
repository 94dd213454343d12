"""NSGA-II against the front of all assignments, with and without a limit on distinct circuits."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from agnsim.errors import MissingDependency
from agnsim.noise.baselines import CircuitTable, best_within, evolve, random_assignments
from agnsim.noise.baselines.evolution import objectives
from agnsim.noise.baselines.genome import Genome


def least_error(table: CircuitTable, energy: float, max_distinct: int) -> float:
    every = np.stack(np.meshgrid(*[np.arange(5)] * 7), axis=-1).reshape(-1, 7)
    every = every[table.energy(every) <= energy]
    distinct = np.array([len(np.unique(row)) for row in every]) if max_distinct < 5 else np.zeros(len(every))
    return float(table.error(every[distinct <= max_distinct]).min())


@pytest.mark.parametrize("max_distinct", [None, 2])
def test_front_comes_near_the_best_of_all_and_beats_chance(table: CircuitTable, max_distinct: int | None) -> None:
    front = evolve(table, population=64, generations=100, seed=3, max_distinct=max_distinct)
    assert max(len(np.unique(row)) for row in front) <= (max_distinct or 5)
    energies, errors = table.energy(front), table.error(front)
    assert (np.diff(energies) > 0).all()
    assert (np.diff(errors) < 0).all()
    for energy in (0.3, 0.5):
        best = best_within(table, front, energy, 1)
        assert table.energy(best) <= energy
        assert table.error(best) <= 1.3 * least_error(table, energy, max_distinct or 5)
        drawn = random_assignments(table, energy, 10, seed=0, max_distinct=max_distinct)
        assert table.error(best) < table.error(drawn).min()


def test_same_seed_same_front(table: CircuitTable) -> None:
    fronts = [evolve(table, population=8, generations=6, seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(fronts[0], fronts[1])
    assert not np.array_equal(fronts[0], fronts[2])


def test_best_are_those_within_the_energy_least_error_first(table: CircuitTable) -> None:
    front = evolve(table, population=16, generations=10, seed=0)
    best = best_within(table, front, 0.5, 4)
    assert len(best) == 4
    assert (np.diff(table.error(best)) > 0).all()
    others = front[table.energy(front) <= 0.5]
    assert table.error(best[0]) == table.error(others).min()
    assert best_within(table, front, 0.01, 4).shape == (0, 7)


def test_circuits_that_cannot_be_used_are_on_no_front(table: CircuitTable) -> None:
    errors, options = table.errors.copy(), table.options.copy()
    errors[2, :3], options[2, :3] = np.inf, -1
    limited = replace(table, errors=errors, options=options)
    front = evolve(limited, population=16, generations=10, seed=0)
    assert front[:, 2].min() >= 3
    unusable, usable = objectives(limited, np.array([[0] * 7, [4] * 7]))
    assert (unusable > usable).all()


@pytest.mark.parametrize(("max_distinct", "tiles"), [(None, 0), (5, 0), (9, 0), (3, 3), (1, 1)])
def test_tiles_are_used_only_where_they_limit(table: CircuitTable, max_distinct: int | None, tiles: int) -> None:
    genome = Genome.of(table, max_distinct)
    assert genome.tiles == tiles
    genes = genome.first_generation(30, np.random.default_rng(0))
    assert (genes < genome.sizes).all()
    assignments = genome.assignments(genes)
    assert {tuple(row) for row in assignments} >= {(circuit,) * 7 for circuit in range(5)}
    if tiles:
        assert assignments[20].tolist() == [genes[20, gene] for gene in genes[20, tiles:]]


def test_missing_pymoo_is_named_with_the_remedy(table: CircuitTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r'pip install "agnsim\[search\]"'):
        evolve(table, population=8, generations=2, seed=0)


def test_evolution_that_has_seen_everything_ends(table: CircuitTable) -> None:
    front = evolve(table, population=8, generations=50, seed=0, max_distinct=1)
    assert front.tolist() == [[circuit] * 7 for circuit in range(5)]
