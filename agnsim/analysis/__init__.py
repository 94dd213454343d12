"""Shared mathematics: what a measured accuracy difference is worth, and which points form a front."""

from agnsim.analysis.intervals import PairedInterval, paired_interval
from agnsim.analysis.pareto import dominated, hypervolume_2d, pareto_front

__all__ = ["PairedInterval", "dominated", "hypervolume_2d", "paired_interval", "pareto_front"]
