"""Random assignments: within the energy, different, reproducible, of few circuits where asked for."""

from dataclasses import replace

import numpy as np
import pytest

from agnsim.noise.baselines import CircuitTable, random_assignments


@pytest.mark.parametrize("max_distinct", [None, 1, 2, 3])
@pytest.mark.parametrize("energy", [0.25, 0.5, 1.0])
def test_within_energy_and_circuits(table: CircuitTable, energy: float, max_distinct: int | None) -> None:
    found = random_assignments(table, energy, 12, seed=1, max_distinct=max_distinct)
    assert (table.energy(found) <= energy).all()
    assert len(np.unique(found, axis=0)) == len(found)
    assert len(found) == 12 if max_distinct is None or max_distinct > 1 else 0 < len(found) <= 5
    assert max(len(np.unique(row)) for row in found) <= (max_distinct or 5)
    assert np.array_equal(found, random_assignments(table, energy, 12, seed=1, max_distinct=max_distinct))
    if len(found) == 12:
        assert not np.array_equal(found, random_assignments(table, energy, 12, seed=2, max_distinct=max_distinct))


def test_all_circuits_are_as_likely_where_energy_is_free(table: CircuitTable) -> None:
    drawn = random_assignments(table, 1.0, 400, seed=0)
    assert np.bincount(drawn.ravel(), minlength=5) / drawn.size == pytest.approx(0.2, abs=0.03)


def test_energy_that_none_reaches_gives_none(table: CircuitTable) -> None:
    assert random_assignments(table, 0.15, 5, seed=0).shape == (0, 7)


def test_circuits_that_cannot_be_used_are_not(table: CircuitTable) -> None:
    options = table.options.copy()
    options[3, :2] = -1
    found = random_assignments(replace(table, options=options), 0.5, 20, seed=0)
    assert len(found) == 20
    assert found[:, 3].min() == 2
