"""Noise search: how much error every layer tolerates, and which circuit stays within it."""

from agnsim.noise.agreement import FrontAgreement, compare_fronts
from agnsim.noise.candidates import Candidate, candidates
from agnsim.noise.correction import fold_means
from agnsim.noise.error_model import predict_errors
from agnsim.noise.global_matching import match_globally
from agnsim.noise.ground_truth import measure_errors
from agnsim.noise.layer_options import Matching
from agnsim.noise.matching import match_layers
from agnsim.noise.operand_fit import OperandFit, Stretch, fit_operands
from agnsim.noise.prediction import ErrorPrediction
from agnsim.noise.range_fit import fit_ranges
from agnsim.noise.search import NoiseSearch, mac_shares, search_noise
from agnsim.noise.search_state import SIGMA_MIN

__all__ = [
    "SIGMA_MIN",
    "Candidate",
    "ErrorPrediction",
    "FrontAgreement",
    "Matching",
    "NoiseSearch",
    "OperandFit",
    "Stretch",
    "candidates",
    "compare_fronts",
    "fit_operands",
    "fit_ranges",
    "fold_means",
    "mac_shares",
    "match_globally",
    "match_layers",
    "measure_errors",
    "predict_errors",
    "search_noise",
]
