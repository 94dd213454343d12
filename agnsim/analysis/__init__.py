"""Shared mathematics: what a measured difference is worth, which points form a front, how good a prediction is."""

from agnsim.analysis.error_model_accuracy import ErrorModelAccuracy, error_model_accuracy, spearman
from agnsim.analysis.front_comparison import HypervolumeRatio, hypervolume_ratio
from agnsim.analysis.image_outcomes import pack_outcomes, unpack_outcomes
from agnsim.analysis.intervals import PairedInterval, paired_interval
from agnsim.analysis.pareto import dominated, hypervolume_2d, pareto_front

__all__ = [
    "ErrorModelAccuracy",
    "HypervolumeRatio",
    "PairedInterval",
    "dominated",
    "error_model_accuracy",
    "hypervolume_2d",
    "hypervolume_ratio",
    "pack_outcomes",
    "paired_interval",
    "pareto_front",
    "spearman",
    "unpack_outcomes",
]
