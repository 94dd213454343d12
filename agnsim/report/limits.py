"""Uniform against heterogeneous against narrow exact, at equal accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.report.numbers import fixed, percent, saving
from agnsim.report.record import Record, Trial
from agnsim.report.rival import Point, cheapest, points

LIMITS_PP = (0.5, 1.0, 2.0)
GROUPS: tuple[tuple[str, str, bool | None], ...] = (
    ("Exact, 8 bits and narrower", "narrow", None),
    ("One approximate multiplier, not retrained", "uniform", False),
    ("One approximate multiplier, retrained", "uniform", True),
    ("A multiplier per layer, not retrained", "heterogeneous", False),
    ("A multiplier per layer, retrained", "heterogeneous", True),
)


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
        limits: Column heads, in percentage points.
        rows: Group name and one cell per limit.
        chosen_on: Which images decided whether a network keeps a limit.
    """

    limits: list[str]
    rows: list[tuple[str, list[Cell]]]
    chosen_on: str


def limit_table(record: Record) -> LimitTable | None:
    """Find the cheapest network of each group within each limit of the float accuracy.

    Which network is cheapest within a limit is decided on the selection images, so that the reported drops are of
    images that chose nothing; studies without selection accuracies are decided on the report images.
    """
    baseline = record.float_trial
    if baseline is None:
        return None
    by_selection = baseline.accuracy_selection is not None
    rows: list[tuple[str, list[Cell]]] = []
    found = [
        [_cheapest(record, baseline, kind, retrained, limit, by_selection) for limit in LIMITS_PP]
        for _, kind, retrained in GROUPS
    ]
    best = [cheapest(point for row in found if (point := row[column]) is not None) for column in range(len(LIMITS_PP))]
    for (name, kind, retrained), cells in zip(GROUPS, found, strict=True):
        if not _members(record, kind, retrained):
            continue
        rows.append((name, [_cell(point, best[column]) for column, point in enumerate(cells)]))
    if not rows:
        return None
    chosen_on = "selection images" if by_selection else "report images, as the study has no selection accuracies"
    return LimitTable([f"{limit:g}" for limit in LIMITS_PP], rows, chosen_on)


def _members(record: Record, kind: str, retrained: bool | None) -> list[Point]:
    kinds = ("narrow", "quantized") if kind == "narrow" else (kind,)
    return [p for p in points(record.of_kind(*kinds)) if retrained is None or bool(p.trial.retrained) == retrained]


def _cheapest(
    record: Record, baseline: Trial, kind: str, retrained: bool | None, limit: float, by_selection: bool
) -> Point | None:
    drops = [(point, _drop(baseline, point.trial, by_selection)) for point in _members(record, kind, retrained)]
    kept = [(point.energy, drop, point) for point, drop in drops if drop is not None and drop <= limit]
    return min(kept, key=lambda row: row[:2], default=(None, None, None))[2]  # equal energies: the smaller drop


def _drop(baseline: Trial, trial: Trial, by_selection: bool) -> float | None:
    if not by_selection:
        return trial.accuracy_drop_pp
    if baseline.accuracy_selection is None or trial.accuracy_selection is None:
        return None
    return baseline.accuracy_selection - trial.accuracy_selection


def _cell(point: Point | None, best: Point | None) -> Cell:
    if point is None:
        return Cell()
    trial = point.trial
    is_best = best is not None and point.energy == best.energy
    # the exact networks' group holds both; the other groups' names say which
    label = f"{trial.label}, retrained" if trial.kind == "narrow" and trial.retrained else trial.label
    return Cell(percent(saving(point.energy)), label, trial.trial, fixed(trial.accuracy_drop_pp), is_best)
