"""Drops options that no assignment of least energy needs, before an integer program is built of the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agnsim.noise.integer_program import Limits, Options

_SLACK = 1e-9
"""Relative: sums in another order differ in their last bits."""


def undominated(options: Options, limits: Limits) -> Options:
    """Return the options that remain where another is as good in every respect.

    An option gives way to one of its group that takes no more energy and degrades no more: one of any circuit where
    it does not matter how many are used, else one of the same circuit. A whole circuit gives way to one that does so
    in every group that could hold it, and is no larger where the area is limited. What alone exceeds the limit of
    degradation, all other groups at their least, is never taken.

    Args:
        options: What can be taken.
        limits: What must not be exceeded.
    """
    if limits.degradation is not None:
        least = options.least_degradation()
        room = limits.degradation * (1 + _SLACK) - (least.sum() - least[options.group])
        options = options.kept((options.degradation <= room) | (options.degradation <= least[options.group]))
    rivals = options.group * len(options.area) + options.circuit if limits.of_circuits else options.group
    options = options.kept(_front(rivals, options))
    return _useful_circuits(options, limits) if limits.of_circuits else options


def _front(rivals: NDArray[np.int64], options: Options) -> NDArray[np.bool_]:
    """Return `[N]` whether an option has no better one of least energy and degradation among its rivals."""
    keep = np.zeros(len(rivals), dtype=bool)
    best: dict[int, float] = {}
    for i in np.lexsort((options.degradation, options.energy, rivals)):
        if options.degradation[i] < best.get(int(rivals[i]), np.inf):
            best[int(rivals[i])] = float(options.degradation[i])
            keep[i] = True
    return keep


def _useful_circuits(options: Options, limits: Limits) -> Options:
    """Drop the circuits that another one can stand in for everywhere."""
    circuits, groups = np.unique(options.circuit), int(options.group.max()) + 1
    places: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for circuit in circuits.tolist():
        own = options.circuit == circuit
        if len(np.unique(options.group[own])) < own.sum():
            continue  # it has a choice of energies within a group: not compared
        energy, degradation = np.full(groups, np.inf), np.full(groups, np.inf)
        energy[options.group[own]], degradation[options.group[own]] = options.energy[own], options.degradation[own]
        places[circuit] = energy, degradation
    kept: list[int] = [circuit for circuit in circuits.tolist() if circuit not in places]

    def best_first(circuit: int) -> tuple[int, float, float]:
        energy, degradation = (values[np.isfinite(values)] for values in places[circuit])
        return groups - len(energy), float(energy.sum()), float(degradation.sum())

    for circuit in sorted(places, key=best_first):
        energy, degradation = places[circuit]
        stand_in = any(
            (places[other][0] <= energy).all()
            and (places[other][1] <= degradation).all()
            and (limits.area is None or options.area[other] <= options.area[circuit])
            for other in kept
            if other in places
        )
        if not stand_in:
            kept.append(circuit)
    return options.kept(np.isin(options.circuit, kept))
