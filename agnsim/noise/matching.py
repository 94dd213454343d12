"""Chooses each layer's circuit: the cheapest whose error stays within the tolerance that the noise search found.

After Trommer, Waschneck and Kumar (ICCAD 2022): greedy, layer by layer. Their rule looks at the standard deviation
alone; here the mean is either removed (folded into the bias, absorbed by a batch norm) or can be bounded too.
Scaling all tolerances of one search follows QoS-Nets (arXiv 2410.07762).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError
from agnsim.multipliers import Assignment
from agnsim.noise.candidates import Candidate
from agnsim.noise.prediction import ErrorPrediction
from agnsim.types import Json


@dataclass(frozen=True)
class Matching:
    """The circuits chosen for the layers.

    Attributes:
        assignment: Layer to choice.
        chosen: Layer to the index of its choice among the layer's candidates.
        energy_ratios: Layer to the chosen circuit's energy ratio.
        rows: One JSON-ready dict per layer: layer, multiplier, digest, swapped, encoding_a, encoding_w,
            energy_ratio, sigma, tolerance, predicted_std, predicted_mean, measured_std, measured_mean, output_std
            (real units; measured figures are None unless given).
    """

    assignment: Assignment
    chosen: dict[str, int]
    energy_ratios: dict[str, float]
    rows: list[Json]


def match_layers(
    sigma: Mapping[str, float],
    predictions: Mapping[str, ErrorPrediction],
    candidates: Mapping[str, Sequence[Candidate]],
    *,
    means_removed: bool = True,
    mean_limit: float | None = None,
    scale: float = 1.0,
    measured: Mapping[str, ErrorPrediction] | None = None,
) -> Matching:
    """Choose the cheapest candidate per layer whose error std is at most `scale * sigma * output_std`.

    Equal costs go to the smaller error. Where nothing fits, the exact circuit among the candidates whose error is
    smallest is taken (a narrow exact one still rounds).

    Args:
        sigma: Tolerated noise std over output std, per layer.
        predictions: Predicted errors per layer, aligned with `candidates`.
        candidates: Candidates per layer.
        means_removed: Each channel's mean error will be folded into the bias or absorbed by a batch norm, so that
            only the spread about it counts (`std_centred`); else `std` counts.
        mean_limit: Without `means_removed`: bound the mean as well, |mean| <= mean_limit * tolerance.
        scale: Factor on every tolerance.
        measured: Measured errors aligned with `candidates`, to be shown in the rows beside the predicted ones.

    Raises:
        InputError: Layers without predictions or candidates, lists that do not align, a negative or non-finite
            sigma or scale, a mean limit together with removed means, or a layer that nothing fits.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"match_layers: scale is {scale}; it must be a positive finite number")
    if mean_limit is not None and (means_removed or not mean_limit > 0):
        raise InputError(
            f"match_layers: mean_limit is {mean_limit}; it must be positive, and it bounds nothing where the means "
            "are removed (set means_removed=False or leave it out)"
        )
    chosen: dict[str, int] = {}
    rows: list[Json] = []
    for layer, tolerated in sigma.items():
        prediction, options = _aligned(layer, predictions, candidates)
        if not (math.isfinite(tolerated) and tolerated >= 0):
            raise InputError(f"match_layers: layer {layer!r} has sigma {tolerated}; it must be a finite number >= 0")
        tolerance = scale * tolerated * prediction.output_std
        spread = prediction.std_centred if means_removed else prediction.std
        fits = spread <= tolerance
        if mean_limit is not None:
            fits &= np.abs(prediction.mean) <= mean_limit * tolerance
        index = _cheapest(layer, options, spread, fits, tolerance)
        chosen[layer] = index
        measurement = _aligned(layer, measured, candidates)[0] if measured is not None else None
        rows.append(_row(options[index], index, scale * tolerated, tolerance, prediction, measurement, means_removed))
    assignment = Assignment({layer: candidates[layer][index].choice for layer, index in chosen.items()})
    ratios = {layer: candidates[layer][index].energy_ratio for layer, index in chosen.items()}
    return Matching(assignment, chosen, ratios, rows)


def _aligned(
    layer: str, predictions: Mapping[str, ErrorPrediction], candidates: Mapping[str, Sequence[Candidate]]
) -> tuple[ErrorPrediction, Sequence[Candidate]]:
    if layer not in predictions or not candidates.get(layer):
        raise InputError(f"match_layers: layer {layer!r} has a sigma but no prediction or no candidates; give both")
    prediction, options = predictions[layer], candidates[layer]
    if len(prediction.std) != len(options):
        raise InputError(
            f"match_layers: layer {layer!r} has {len(options)} candidates and {len(prediction.std)} predicted errors; "
            "they must be listed in the same order"
        )
    return prediction, options


def _cheapest(
    layer: str, options: Sequence[Candidate], spread: NDArray[np.float64], fits: NDArray[np.bool_], tolerance: float
) -> int:
    feasible: list[int] = np.flatnonzero(fits).tolist()
    if feasible:
        return min(feasible, key=lambda index: (options[index].energy_ratio, float(spread[index])))
    exact = [index for index, option in enumerate(options) if option.choice.multiplier.is_exact]
    if exact:
        return min(exact, key=lambda index: (float(spread[index]), options[index].energy_ratio))
    best = int(np.argmin(spread))
    raise InputError(
        f"match_layers: layer {layer!r} tolerates an error std of {tolerance:.4g}, no candidate fits and none is "
        f"exact; the best is {options[best].choice.label} with {spread[best]:.4g}. Add the exact reference circuit "
        "to the candidates, or raise sigma_max or noise_weight"
    )


def _row(
    option: Candidate,
    index: int,
    sigma: float,
    tolerance: float,
    prediction: ErrorPrediction,
    measurement: ErrorPrediction | None,
    means_removed: bool,
) -> Json:
    choice = option.choice

    def std(errors: ErrorPrediction) -> float:
        return float((errors.std_centred if means_removed else errors.std)[index])

    return {
        "layer": prediction.layer,
        "multiplier": choice.multiplier.name,
        "digest": choice.multiplier.digest,
        "swapped": choice.swapped,
        "encoding_a": choice.effective.encoding_a.value,
        "encoding_w": choice.effective.encoding_w.value,
        "energy_ratio": option.energy_ratio,
        "sigma": sigma,
        "tolerance": tolerance,
        "predicted_std": std(prediction),
        "predicted_mean": float(prediction.mean[index]),
        "measured_std": std(measurement) if measurement is not None else None,
        "measured_mean": float(measurement.mean[index]) if measurement is not None else None,
        "output_std": prediction.output_std,
    }
