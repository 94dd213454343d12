"""A table of seven layers and five circuits, whose errors fall with energy, each layer to its own degree."""

import numpy as np
import pytest

from agnsim.noise.baselines import CircuitTable


@pytest.fixture
def table() -> CircuitTable:
    generator = np.random.default_rng(0)
    energies = np.array([0.1, 0.25, 0.4, 0.7, 1.0])
    errors = 10.0 ** (-4 * energies) * generator.uniform(0.2, 5, (7, 1)) * generator.uniform(0.8, 1.25, (7, 5))
    errors[:, -1] = 0.0
    shares = generator.uniform(0.2, 1.0, 7)
    return CircuitTable(
        layers=tuple(f"layer{index}" for index in range(7)),
        circuits=("e10", "e25", "e40", "e70", "exact"),
        shares=0.9 * shares / shares.sum(),
        energies=energies,
        errors=errors,
        options=np.tile(np.arange(5)[::-1], (7, 1)),
    )
