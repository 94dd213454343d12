"""Uniform against heterogeneous against narrow exact, at equal accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agnsim.report.methods import NARROW_PER_LAYER, method_of
from agnsim.report.numbers import fixed, percent, saving
from agnsim.report.record import Record, Trial
from agnsim.report.rival import EXACT_KINDS, MULTIPLICATION, Energy, Point, cheapest, cheapest_within, points

LIMITS_PP = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Cell:
    """The cheapest network of a group under a limit, in words; empty strings where none keeps the limit."""

    saved: str = ""
    label: str = ""
    trial: str = ""
    drop: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class LimitTable:
    """The comparison.

    Attributes:
        energy: What is saved, within a sentence.
        limits: Column heads, in percentage points.
        rows: Group name and one cell per limit.
        chosen_on: Which images decided whether a network keeps a limit.
    """

    energy: str
    limits: list[str]
    rows: list[tuple[str, list[Cell]]]
    chosen_on: str


def limit_table(record: Record, energy: Energy = MULTIPLICATION) -> LimitTable | None:
    """Find the cheapest network of each group within each limit of the float accuracy, chosen on selection images."""
    baseline = record.float_trial
    groups = [(name, members) for name, members in _groups(record) if points(members, energy)]
    if baseline is None or not groups:
        return None
    found = [[cheapest_within(record, members, limit, energy) for limit in LIMITS_PP] for _, members in groups]
    best = [cheapest(point for row in found if (point := row[column]) is not None) for column in range(len(LIMITS_PP))]
    rows = [
        (name, [_cell(point, best[column]) for column, point in enumerate(cells)])
        for (name, _), cells in zip(groups, found, strict=True)
    ]
    chosen_on = "selection images"
    if baseline.accuracy_selection is None:
        chosen_on = "report images, as the study has no selection accuracies"
    return LimitTable(energy.noun, [f"{limit:g}" for limit in LIMITS_PP], rows, chosen_on)


def _groups(record: Record) -> list[tuple[str, Sequence[Trial]]]:
    """Return the trials in groups; assignments by how they were found, where the study has more than one way."""
    exact = record.of_kind(*EXACT_KINDS)
    groups: list[tuple[str, Sequence[Trial]]] = [("Exact, 8 bits and narrower", exact)]
    per_layer = [trial for trial in exact if method_of(trial) == NARROW_PER_LAYER]
    if per_layer:
        one_width = [trial for trial in exact if method_of(trial) != NARROW_PER_LAYER]
        groups = [("Exact, one width", one_width), ("Exact, a width per layer", per_layer)]
    assigned = record.of_kind("heterogeneous")
    methods = dict.fromkeys(method_of(trial) for trial in assigned)
    groups += _halves("One approximate multiplier", record.of_kind("uniform"))
    if len(methods) <= 1:
        return groups + _halves("A multiplier per layer", assigned)
    for method in methods:
        members = [trial for trial in assigned if method_of(trial) == method]
        groups.append((f"A multiplier per layer, {method.name}", members))
    return groups


def _halves(title: str, members: Sequence[Trial]) -> list[tuple[str, Sequence[Trial]]]:
    return [
        (f"{title}, not retrained", [trial for trial in members if not trial.retrained]),
        (f"{title}, retrained", [trial for trial in members if trial.retrained]),
    ]


def _cell(point: Point | None, best: Point | None) -> Cell:
    if point is None:
        return Cell()
    trial = point.trial
    is_best = best is not None and point.energy == best.energy
    # "One approximate multiplier" is two groups whose names say which; the others hold both
    label = f"{trial.label}, retrained" if trial.kind != "uniform" and trial.retrained else trial.label
    return Cell(percent(saving(point.energy)), label, trial.trial, fixed(trial.accuracy_drop_pp), is_best)
