"""Random assignments within an energy: what any search has to beat with as many networks emulated."""

from __future__ import annotations

import numpy as np

from agnsim.noise.baselines.circuit_table import Assignments, CircuitTable

_TRIES = 50
"""Draws for every assignment wanted, before fewer are returned."""


def random_assignments(
    table: CircuitTable, energy: float, count: int, *, seed: int, max_distinct: int | None = None
) -> Assignments:
    """Return up to `count` different random assignments of at most that energy.

    Every layer draws one of its circuits, all with the same chance. While that takes too much energy, a layer drawn at
    random, of those that have a cheaper circuit, draws one of its cheaper ones. With `max_distinct`, so many circuits
    are drawn first, and the layers draw from them.

    Args:
        table: Layers and circuits.
        energy: Multiplication energy at most, 1.0 = reference.
        count: Assignments wanted.
        seed: Same seed, same assignments.
        max_distinct: At most so many distinct circuits.

    Returns:
        `[N, L]`; N is smaller than `count` where there are not so many, and 0 where no assignment drawn is so cheap.
    """
    generator = np.random.default_rng(seed)
    found: dict[bytes, Assignments] = {}
    for _ in range(_TRIES * count):
        if len(found) == count:
            break
        drawn = _draw(table, energy, max_distinct, generator)
        if drawn is not None:
            found.setdefault(drawn.tobytes(), drawn)
    return np.array(list(found.values()), dtype=np.intp).reshape(-1, len(table.layers))


def _draw(
    table: CircuitTable, energy: float, max_distinct: int | None, generator: np.random.Generator
) -> Assignments | None:
    usable = table.usable
    if max_distinct is not None and max_distinct < len(table.circuits):
        held = np.zeros(len(table.circuits), dtype=bool)
        held[generator.choice(len(held), size=max_distinct, replace=False)] = True
        usable = usable & held
    if not usable.any(axis=1).all():
        return None
    options = [np.flatnonzero(own) for own in usable]  # by rising energy
    cheapest = np.array([own[0] for own in options])
    if table.energy(cheapest) > energy:
        return None
    assignment = np.array([generator.choice(own) for own in options])
    while table.energy(assignment) > energy:
        layer = int(generator.choice(np.flatnonzero(assignment > cheapest)))
        cheaper = options[layer][options[layer] < assignment[layer]]
        assignment[layer] = generator.choice(cheaper)
    return assignment
