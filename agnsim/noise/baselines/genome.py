"""How an individual of the evolution stands for an assignment of circuits to layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.noise.baselines.circuit_table import Assignments, CircuitTable

Genes = NDArray[np.intp]
"""Whole numbers `[N, G]`, one individual a row."""


@dataclass(frozen=True, eq=False)
class Genome:
    """One gene per layer: its circuit. With tiles: the circuit of each tile, then for every layer the tile it runs on.

    Tiles are those of ALWANN: groups of equal multipliers on the chip, of which there are fewer than layers.

    Attributes:
        table: Layers and circuits.
        tiles: Number of tiles, 0 where every layer may have a circuit of its own.
    """

    table: CircuitTable
    tiles: int

    @classmethod
    def of(cls, table: CircuitTable, max_distinct: int | None) -> Genome:
        """Return the genome of assignments of at most so many circuits; tiles only where they limit anything."""
        free = max_distinct is None or max_distinct >= min(len(table.layers), len(table.circuits))
        return cls(table, 0 if free or max_distinct is None else max_distinct)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """How many values each gene takes, `[G]`."""
        layers, circuits = len(self.table.layers), len(self.table.circuits)
        if not self.tiles:
            return np.full(layers, circuits)
        return np.array([circuits] * self.tiles + [self.tiles] * layers)

    def assignments(self, genes: Genes) -> Assignments:
        """Return the assignments `[N, L]` of individuals."""
        if not self.tiles:
            return genes
        return np.take_along_axis(genes[:, : self.tiles], genes[:, self.tiles :], axis=1)

    def first_generation(self, count: int, generator: np.random.Generator) -> Genes:
        """Return individuals `[count, G]`: each circuit in all layers, spread over the energies, then random ones."""
        genes = generator.integers(0, self.sizes, size=(count, len(self.sizes)))
        circuits = len(self.table.circuits)
        uniform = np.unique(np.linspace(0, circuits - 1, min(count // 2, circuits)).round().astype(np.intp))
        held = genes[: len(uniform)]
        if self.tiles:
            held[:, 0] = uniform
            held[:, self.tiles :] = 0
        else:
            held[:] = uniform[:, None]
        return genes
