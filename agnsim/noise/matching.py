"""Chooses each layer's circuit: the cheapest whose error stays within the tolerance that the noise search found.

After Trommer, Waschneck and Kumar (ICCAD 2022): greedy, layer by layer. Their rule looks at the standard deviation
alone; here the mean is either removed (folded into the bias, absorbed by a batch norm) or can be bounded too.
Scaling all tolerances of one search follows QoS-Nets (arXiv 2410.07762).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError
from agnsim.noise.candidates import Candidate
from agnsim.noise.layer_options import LayerOptions, Matching, check_scale, layer_options, matched
from agnsim.noise.prediction import ErrorPrediction


def match_layers(
    sigma: Mapping[str, float],
    predictions: Mapping[str, ErrorPrediction],
    candidates: Mapping[str, Sequence[Candidate]],
    *,
    means_removed: bool = True,
    mean_limit: float | None = None,
    scale: float = 1.0,
    shares: Mapping[str, float] | None = None,
    noise_weight: float | None = None,
    channel_sigma: Mapping[str, Sequence[float]] | None = None,
    max_delay: float | None = None,
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
        shares: Each layer's share of the operations, as from `mac_shares`; with them the matching states its
            predicted degradation, as `match_globally` does.
        noise_weight: Of the search, for the unit of that degradation.
        channel_sigma: Tolerances of each layer's output channels, over each channel's std. Errors are then weighed
            channel by channel: a circuit fits where it causes no more degradation than the layer's tolerance does.
        max_delay: Longest critical path of a circuit, over that of its flow's reference.
        measured: Measured errors aligned with `candidates`, to be shown in the rows beside the predicted ones.

    Raises:
        InputError: Layers without predictions or candidates, lists that do not align, a negative or non-finite
            sigma or scale, a mean limit together with removed means, or a layer that nothing fits.
    """
    check_scale(scale)
    if mean_limit is not None and (means_removed or not mean_limit > 0):
        raise InputError(
            f"matching: mean_limit is {mean_limit}; it must be positive, and it bounds nothing where the means "
            "are removed (set means_removed=False or leave it out)"
        )
    layers = layer_options(
        sigma,
        predictions,
        candidates,
        means_removed=means_removed,
        shares=shares,
        noise_weight=noise_weight,
        channel_sigma=channel_sigma,
        max_delay=max_delay,
    )
    chosen: dict[str, int] = {}
    for options in layers:
        tolerance = scale * options.tolerance.layer_std
        fits = options.allowed & (options.spread <= tolerance)
        if mean_limit is not None:
            fits &= np.abs(options.prediction.mean) <= mean_limit * tolerance
        chosen[options.layer] = _cheapest(options, fits, tolerance)
    return matched(layers, chosen, scale, measured=measured)


def _cheapest(options: LayerOptions, fits: NDArray[np.bool_], tolerance: float) -> int:
    candidates, spread = options.candidates, options.spread
    feasible: list[int] = np.flatnonzero(fits).tolist()
    if feasible:
        return min(feasible, key=lambda index: (candidates[index].energy_ratio, float(spread[index])))
    allowed: list[int] = np.flatnonzero(options.allowed).tolist()
    exact = [index for index in allowed if candidates[index].choice.multiplier.is_exact]
    if exact:
        return min(exact, key=lambda index: (float(spread[index]), candidates[index].energy_ratio))
    best = min(allowed, key=lambda index: float(spread[index]))
    raise InputError(
        f"matching: layer {options.layer!r} tolerates an error std of {tolerance:.4g}, no candidate fits and none is "
        f"exact; the best is {candidates[best].choice.label} with {spread[best]:.4g}. Add the exact reference circuit "
        "to the candidates, or raise sigma_max or noise_weight"
    )
