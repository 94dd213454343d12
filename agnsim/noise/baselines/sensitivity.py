"""Layer by layer: the circuit that saves most energy for the least measured loss, again and again.

Every circuit is tried in one layer alone, all other layers exact, and the loss of the network is measured. The losses
of several layers are taken to add up. (Layer-wise sensitivity is what most heuristics for mixed precision and mixed
circuits begin with, such as MAx-DNN, arXiv 2506.21371.)
"""

from __future__ import annotations

import numpy as np

from agnsim.errors import InputError
from agnsim.noise.baselines.circuit_table import Assignments, CircuitTable
from agnsim.types import FloatArray

_TRIES = 20


def sensitivity_assignments(
    table: CircuitTable, losses: FloatArray, energy: float, count: int, *, seed: int
) -> Assignments:
    """Return up to `count` different assignments of at most that energy, the one that all measurements lead to first.

    The others are what random halves of the images lead to: they show how much the path depends on the images, and
    use up the budget of emulations that other methods have.

    Args:
        table: Layers and circuits.
        losses: float64 `[L, C, F]`, what the circuit in that layer alone adds to the network's loss, on each of F parts
            of the images; infinite where a circuit cannot be used.
        energy: Multiplication energy at most, 1.0 = reference.
        count: Assignments wanted.
        seed: Of the halves.

    Returns:
        `[N, L]`; N is smaller than `count` where the halves lead to fewer, and 0 where no assignment is so cheap.

    Raises:
        InputError: The losses do not fit the table, or one is not a number.
    """
    if losses.shape[:2] != table.errors.shape or losses.ndim != 3 or np.isnan(losses).any():
        raise InputError(
            f"sensitivity: losses of shape {list(losses.shape)} for {len(table.layers)} layers and "
            f"{len(table.circuits)} circuits; give [layers, circuits, parts] without NaN"
        )
    generator = np.random.default_rng(seed)
    parts = losses.shape[2]
    found: dict[bytes, Assignments] = {}
    for trial in range(1 + _TRIES * (count - 1)):
        half = np.arange(parts) if trial == 0 else generator.choice(parts, size=(parts + 1) // 2, replace=False)
        path = greedy_path(table, losses[:, :, half].mean(axis=2), energy)
        if path is None or len(found) == count:
            break
        found.setdefault(path.tobytes(), path)
    return np.array(list(found.values()), dtype=np.intp).reshape(-1, len(table.layers))


def greedy_path(table: CircuitTable, losses: FloatArray, energy: float) -> Assignments | None:
    """Return where the greedy path first takes no more than that energy, `[L]`; None where it never does.

    It begins with every layer's least loss. A step gives one layer a cheaper circuit: the step with the most energy
    saved per loss added. The last step may save more than is needed; therefore steps are then taken back, as far as
    the energy allows, the one that wins back most loss first.

    Args:
        table: Layers and circuits, by rising energy.
        losses: float64 `[L, C]`, infinite where a circuit cannot be used.
        energy: Multiplication energy at most.
    """
    losses = np.where(table.usable, losses, np.inf)
    rows, costs = np.arange(len(losses)), table.shares[:, None] * table.energies
    path: Assignments = losses.argmin(axis=1)
    while table.energy(path) > energy:
        saved = costs[rows, path][:, None] - costs
        added = losses - losses[rows, path][:, None]
        possible = (saved > 0) & np.isfinite(losses)
        if not possible.any():
            return None
        # A step that adds no loss comes before all others, the one that saves most first.
        free = possible & (added <= 0)
        worth = (
            np.where(free, saved, -np.inf)
            if free.any()
            else np.where(possible, saved / np.where(added > 0, added, 1), -np.inf)
        )
        layer, circuit = np.unravel_index(worth.argmax(), worth.shape)
        path[layer] = circuit
    while True:
        left = energy - table.energy(path)
        regained = losses[rows, path][:, None] - losses
        regained[costs - costs[rows, path][:, None] > left] = -np.inf
        layer, circuit = np.unravel_index(regained.argmax(), regained.shape)
        if not regained[layer, circuit] > 0:
            return path
        path[layer] = circuit
