"""Other ways to assign circuits to layers, to compare the noise search with."""

from agnsim.noise.baselines.circuit_table import Assignments, CircuitTable, circuit_table
from agnsim.noise.baselines.evolution import best_within, evolve
from agnsim.noise.baselines.random_assignments import random_assignments
from agnsim.noise.baselines.sensitivity import greedy_path, sensitivity_assignments
from agnsim.noise.baselines.weight_remapping import RemappedChoice, remap_codes, remap_weights

__all__ = [
    "Assignments",
    "CircuitTable",
    "RemappedChoice",
    "best_within",
    "circuit_table",
    "evolve",
    "greedy_path",
    "random_assignments",
    "remap_codes",
    "remap_weights",
    "sensitivity_assignments",
]
