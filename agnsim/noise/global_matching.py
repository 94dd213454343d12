"""Chooses all layers' circuits together: the least energy within one budget of predicted degradation.

The greedy rule gives every layer its own tolerance, and what a layer leaves of it is lost. Here all layers share one
budget, as large as what using every tolerance fully would cause (`agnsim.noise.degradation`), and an integer program
finds the assignment of least MAC-weighted energy within it and within what an architect can build: so many distinct
circuits, so much area, layers that hold the same one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from agnsim.errors import InputError
from agnsim.noise.candidates import Candidate
from agnsim.noise.integer_program import Limits, Options, Solution, minimise
from agnsim.noise.layer_options import Matching, check_scale, layer_options, matched, rounded_up
from agnsim.noise.option_dominance import undominated
from agnsim.noise.prediction import ErrorPrediction
from agnsim.noise.shared_layers import GroupOption, group_options

_SLACK = 1e-9
"""Relative: sums in another order differ in their last bits."""


def match_globally(
    sigma: Mapping[str, float],
    predictions: Mapping[str, ErrorPrediction],
    candidates: Mapping[str, Sequence[Candidate]],
    shares: Mapping[str, float],
    *,
    scale: float = 1.0,
    noise_weight: float | None = None,
    means_removed: bool = True,
    channel_sigma: Mapping[str, Sequence[float]] | None = None,
    max_distinct: int | None = None,
    max_delay: float | None = None,
    max_area: float | None = None,
    shared: Sequence[Sequence[str]] = (),
    measured: Mapping[str, ErrorPrediction] | None = None,
    time_limit: float = 60.0,
) -> Matching:
    """Choose the candidates of least energy whose predicted degradation, all layers together, is within the budget.

    The budget is `scale^2 * sum_l noise_weight * share_l * sigma_l / 2`: what all layers cause that use their scaled
    tolerances fully. It is met to a millionth.

    Args:
        sigma: Tolerated noise std over output std, per layer.
        predictions: Predicted errors per layer, aligned with `candidates`.
        candidates: Candidates per layer.
        shares: Each layer's share of the operations, as from `mac_shares`.
        scale: Factor on every tolerance.
        noise_weight: Of the search: then degradations are in nats. It cancels from the choice; without it, or where it
            is 0, degradations are in units of `share * sigma`.
        means_removed: Each channel's mean error will be folded into the bias or absorbed by a batch norm, so that
            only the spread about it counts; else the error's mean square does, mean and spread.
        channel_sigma: Tolerances of each layer's output channels, over each channel's std.
        max_distinct: At most so many distinct physical circuits, whatever their orientation and encodings.
        max_delay: Longest critical path of a circuit, over that of its flow's reference.
        max_area: Area of the distinct circuits together, each over that of its flow's reference.
        shared: Groups of layers that run on the same hardware: same circuit, orientation and encodings.
        measured: Measured errors aligned with `candidates`, to be shown in the rows beside the predicted ones.
        time_limit: Seconds for the solver; the best assignment found by then is returned as not proven optimal.

    Raises:
        InputError: As `match_layers`; or a limit cannot be kept: which one, and the nearest that can.
    """
    check_scale(scale)
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
    if not layers:
        raise InputError("matching: no layer has a sigma; give the noise levels that a search found")
    if max_distinct is not None and max_distinct < 1:
        raise InputError(f"matching: max_distinct is {max_distinct}; at least one circuit is needed")
    found = group_options(layers, shares, shared)
    options = _table(found, with_area=max_area is not None)
    full = math.fsum(layer.budget for layer in layers if layer.budget is not None)
    solution = _solve(options, Limits(scale**2 * full, max_distinct, max_area), full, time_limit)
    chosen: dict[str, int] = {}
    for number in solution.taken.tolist():
        chosen |= found[number].indices
    ordered = {layer.layer: chosen[layer.layer] for layer in layers}
    return matched(layers, ordered, scale, measured=measured, proven_optimal=solution.proven)


def _table(found: Sequence[GroupOption], *, with_area: bool) -> Options:
    """Number the circuits; return the options as arrays."""
    circuits: dict[tuple[str, ...], int] = {}
    areas: list[float] = []
    for option in found:
        multiplier, area = option.candidate.choice.multiplier, option.candidate.area_ratio
        if circuits.setdefault((multiplier.source, multiplier.name, multiplier.digest), len(areas)) < len(areas):
            continue
        if with_area and area is None:
            raise InputError(
                f"matching: max_area is set, but the area of {multiplier.name} is not known; leave the circuit out, "
                "state its area, or set no limit"
            )
        areas.append(0.0 if area is None else area)
    identities = [option.candidate.choice.multiplier for option in found]
    return Options(
        group=np.array([option.group for option in found]),
        circuit=np.array([circuits[m.source, m.name, m.digest] for m in identities]),
        energy=np.array([option.energy for option in found]),
        degradation=np.array([option.degradation for option in found]),
        area=np.array(areas),
        number=np.arange(len(found)),
    )


def _solve(options: Options, limits: Limits, full: float, time_limit: float) -> Solution:
    budget, least = limits.degradation or 0.0, float(options.least_degradation().sum())
    if least > budget * (1 + _SLACK):
        raise InputError(
            f"matching: no assignment degrades less than {least:.4g}, the budget is {budget:.4g}; add the "
            f"exact reference circuit to the candidates, or raise the scale from {math.sqrt(budget / full):.4g} to "
            f"{rounded_up(math.sqrt(least / full))}"
        )
    try:
        reduced = undominated(options, limits)
        solution = minimise(reduced, limits, by_option=reduced.energy, time_limit=time_limit)
        if solution is None:
            raise InputError(_obstacle(options, limits, full, time_limit))
    except TimeoutError:
        raise InputError(
            f"matching: no assignment was found within {time_limit:g} s; loosen a limit or leave circuits out"
        ) from None
    return solution


def _obstacle(options: Options, limits: Limits, full: float, time_limit: float) -> str:
    """Say that the limits on circuits cannot be kept, and what could be: of each limit the nearest value."""
    options = replace(options, energy=np.zeros(len(options.energy)))  # of no interest here: more is dominated
    named = [(name, getattr(limits, name)) for name in ("distinct", "area") if getattr(limits, name) is not None]

    def least(within: Limits, *, of: str) -> float | None:
        reduced = undominated(options, within)
        cost = {
            "degradation": {"by_option": reduced.degradation},
            "distinct": {"by_circuit": np.ones(len(options.area))},
            "area": {"by_circuit": options.area},
        }[of]
        found = minimise(reduced, within, time_limit=time_limit, **cost)
        return None if found is None else found.value

    nearest: list[str] = []
    gentlest = least(replace(limits, degradation=None), of="degradation")
    if gentlest is not None and full > 0:
        nearest.append(f"scale {rounded_up(math.sqrt(gentlest / full))}")
    for name, _ in named:
        # A limit that binds nothing, unlike none, still counts when circuits are compared.
        unbound: dict[str, float] = {"distinct": len(options.area), "area": math.inf}
        free = replace(limits, **{name: unbound[name]})  # type: ignore[arg-type]
        value = least(free, of=name)
        if value is not None:
            nearest.append(f"max_{name} {rounded_up(value)}")
    kept = " and ".join(f"max_{name} {value:g}" for name, value in named)
    remedy = f"alone, any of these would do: {', '.join(nearest)}" if nearest else "loosen them together"
    return f"matching: {kept} cannot be kept within the budget of degradation {limits.degradation:.4g}; {remedy}"
