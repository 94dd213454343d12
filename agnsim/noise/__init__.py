"""Noise search: how much error every layer tolerates, and which circuit stays within it."""

from agnsim.noise.candidates import Candidate, candidates
from agnsim.noise.correction import fold_means
from agnsim.noise.error_model import predict_errors
from agnsim.noise.ground_truth import measure_errors
from agnsim.noise.matching import Matching, match_layers
from agnsim.noise.operand_fit import OperandFit, fit_operands
from agnsim.noise.prediction import ErrorPrediction
from agnsim.noise.search import SIGMA_MIN, NoiseSearch, search_noise

__all__ = [
    "SIGMA_MIN",
    "Candidate",
    "ErrorPrediction",
    "Matching",
    "NoiseSearch",
    "OperandFit",
    "candidates",
    "fit_operands",
    "fold_means",
    "match_layers",
    "measure_errors",
    "predict_errors",
    "search_noise",
]
