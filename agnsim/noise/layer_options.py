"""What every rule of matching starts from and ends with: the layers' candidates with their errors, and the choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError
from agnsim.multipliers import Assignment
from agnsim.noise.candidates import Candidate
from agnsim.noise.degradation import Tolerance
from agnsim.noise.prediction import ErrorPrediction
from agnsim.types import FloatArray, Json


@dataclass(frozen=True)
class Matching:
    """The circuits chosen for the layers.

    Attributes:
        assignment: Layer to choice.
        chosen: Layer to the index of its choice among the layer's candidates.
        energy_ratios: Layer to the chosen circuit's energy ratio.
        rows: One JSON-ready dict per layer: layer, multiplier, digest, swapped, encoding_a, encoding_w,
            energy_ratio, sigma, tolerance, predicted_std, predicted_mean, measured_std, measured_mean, output_std
            (real units; measured figures are None unless given), predicted_degradation.
        degradation: Predicted rise of the task's loss, all layers together (`agnsim.noise.degradation`); None where
            the layers' shares are not known.
        budget: The rise that using every layer's scaled tolerance fully would cause; likewise.
        proven_optimal: Whether no assignment within the same limits takes less energy; None where none was sought.
    """

    assignment: Assignment
    chosen: dict[str, int]
    energy_ratios: dict[str, float]
    rows: list[Json]
    degradation: float | None = None
    budget: float | None = None
    proven_optimal: bool | None = None


@dataclass(frozen=True, eq=False)
class LayerOptions:
    """One layer's M candidates.

    Attributes:
        layer: Qualified module name.
        sigma: Tolerated noise, not scaled.
        tolerance: The same in real units, of the layer or of its channels.
        prediction: The candidates' errors.
        candidates: In the same order.
        allowed: `[M]`, those no slower than the limit.
        spread: float64 `[M]`, standard deviation of the error as it compares with the tolerance.
        degradation: float64 `[M]`, predicted rise of the task's loss; None where the shares are not known.
        budget: The rise that using the tolerance (scale 1) fully causes.
        means_removed: Each channel's mean error does not count.
    """

    layer: str
    sigma: float
    tolerance: Tolerance
    prediction: ErrorPrediction
    candidates: Sequence[Candidate]
    allowed: NDArray[np.bool_]
    spread: FloatArray
    degradation: FloatArray | None
    budget: float | None
    means_removed: bool


def layer_options(
    sigma: Mapping[str, float],
    predictions: Mapping[str, ErrorPrediction],
    candidates: Mapping[str, Sequence[Candidate]],
    *,
    means_removed: bool,
    shares: Mapping[str, float] | None = None,
    noise_weight: float | None = None,
    channel_sigma: Mapping[str, Sequence[float]] | None = None,
    max_delay: float | None = None,
) -> list[LayerOptions]:
    """Check and gather what is known of every layer that has a sigma; arguments as of `match_globally`.

    Raises:
        InputError: Something is missing, does not align or is out of range, or no circuit of a layer is fast enough.
    """
    if noise_weight is not None and not (math.isfinite(noise_weight) and noise_weight >= 0):
        raise InputError(f"matching: noise_weight is {noise_weight}; it must be a finite number >= 0")
    found: list[LayerOptions] = []
    for layer, tolerated in sigma.items():
        prediction, options = aligned(layer, predictions, candidates)
        if not (math.isfinite(tolerated) and tolerated >= 0):
            raise InputError(f"matching: layer {layer!r} has sigma {tolerated}; it must be a finite number >= 0")
        if channel_sigma is not None and layer not in channel_sigma:
            raise InputError(f"matching: channel_sigma lacks layer {layer!r}; give all layers one or none")
        own = np.asarray(channel_sigma[layer], dtype=np.float64) if channel_sigma is not None else None
        tolerance = Tolerance.of(prediction, tolerated, own)
        degradation, budget = None, None
        if shares is not None:
            if not shares.get(layer, math.nan) > 0:
                raise InputError(f"matching: layer {layer!r} has no positive share of the operations; see mac_shares")
            # Without a noise weight the unit is unknown, the layers' proportions are not.
            budget = tolerance.degradation((noise_weight or 1.0) * shares[layer])
            used = tolerance.used(prediction, means_removed=means_removed)
            degradation = np.multiply(used, budget, out=np.full_like(used, np.inf), where=np.isfinite(used))
        found.append(
            LayerOptions(
                layer=layer,
                sigma=tolerated,
                tolerance=tolerance,
                prediction=prediction,
                candidates=options,
                allowed=_fast_enough(layer, options, max_delay),
                spread=tolerance.spread(prediction, means_removed=means_removed),
                degradation=degradation,
                budget=budget,
                means_removed=means_removed,
            )
        )
    return found


def matched(
    layers: Sequence[LayerOptions],
    chosen: Mapping[str, int],
    scale: float,
    *,
    measured: Mapping[str, ErrorPrediction] | None = None,
    proven_optimal: bool | None = None,
) -> Matching:
    """Return the matching that takes these candidates; arguments as of `match_globally`."""
    rows: list[Json] = []
    for options in layers:
        measurement = None
        if measured is not None:
            measurement, _ = aligned(options.layer, measured, {options.layer: options.candidates})
        rows.append(_row(options, chosen[options.layer], scale, measurement))
    used = [row["predicted_degradation"] for row in rows]
    budgets = [options.budget for options in layers]
    picked = {options.layer: options.candidates[chosen[options.layer]] for options in layers}
    return Matching(
        assignment=Assignment({layer: candidate.choice for layer, candidate in picked.items()}),
        chosen=dict(chosen),
        energy_ratios={layer: candidate.energy_ratio for layer, candidate in picked.items()},
        rows=rows,
        degradation=None if None in used else math.fsum(used),
        budget=None if None in budgets else scale**2 * math.fsum(budget for budget in budgets if budget is not None),
        proven_optimal=proven_optimal,
    )


def aligned(
    layer: str, predictions: Mapping[str, ErrorPrediction], candidates: Mapping[str, Sequence[Candidate]]
) -> tuple[ErrorPrediction, Sequence[Candidate]]:
    """Return a layer's prediction and candidates, which must be there and of one length."""
    if layer not in predictions or not candidates.get(layer):
        raise InputError(f"matching: layer {layer!r} has a sigma but no prediction or no candidates; give both")
    prediction, options = predictions[layer], candidates[layer]
    if len(prediction.std) != len(options):
        raise InputError(
            f"matching: layer {layer!r} has {len(options)} candidates and {len(prediction.std)} predicted errors; "
            "they must be listed in the same order"
        )
    return prediction, options


def check_scale(scale: float) -> None:
    """Refuse a factor on tolerances that is none."""
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"matching: scale is {scale}; it must be a positive finite number")


def rounded_up(value: float) -> str:
    """Write a number to four significant digits, rounded up, so that what is written suffices."""
    if value <= 0:
        return "0"
    digit = 10.0 ** (math.floor(math.log10(value)) - 3)
    return f"{math.ceil(value / digit - 1e-6) * digit:.4g}"


def _fast_enough(layer: str, options: Sequence[Candidate], max_delay: float | None) -> NDArray[np.bool_]:
    if max_delay is None:
        return np.ones(len(options), dtype=bool)
    delays: list[float] = []
    for option in options:
        if option.delay_ratio is None:
            raise InputError(
                f"matching: max_delay is {max_delay:g}, but the delay of {option.choice.multiplier.name} is not known; "
                "leave the circuit out, state its delay, or set no limit"
            )
        delays.append(option.delay_ratio)
    if not min(delays) <= max_delay:
        fastest = options[int(np.argmin(delays))].choice.multiplier.name
        raise InputError(
            f"matching: max_delay is {max_delay:g}, but the fastest circuit for layer {layer!r}, {fastest}, takes "
            f"{rounded_up(min(delays))} of its reference's delay; raise max_delay to that, or add faster circuits"
        )
    return np.array(delays) <= max_delay


def _row(options: LayerOptions, index: int, scale: float, measurement: ErrorPrediction | None) -> Json:
    prediction = options.prediction

    def std(errors: ErrorPrediction) -> float:
        return float((errors.std_centred if options.means_removed else errors.std)[index])

    return {
        "layer": options.layer,
        **options.candidates[index].to_json(),
        "sigma": scale * options.sigma,
        "tolerance": scale * options.tolerance.layer_std,
        "predicted_std": std(prediction),
        "predicted_mean": float(prediction.mean[index]),
        "measured_std": std(measurement) if measurement is not None else None,
        "measured_mean": float(measurement.mean[index]) if measurement is not None else None,
        "output_std": prediction.output_std,
        "predicted_degradation": float(options.degradation[index]) if options.degradation is not None else None,
    }
