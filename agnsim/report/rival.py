"""The honest rival: what exact multipliers, 8 bits wide and narrower, reach in the same study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agnsim.analysis.pareto import pareto_front
from agnsim.report.record import Record, Trial

EXACT_KINDS = ("quantized", "narrow")
APPROXIMATE_KINDS = ("uniform", "heterogeneous", "pruned", "pruned_heterogeneous")


@dataclass(frozen=True)
class Point:
    """A trial that has both coordinates of the plot.

    Attributes:
        trial: The trial.
        energy: `multiplier_energy`, ratio to the reference; lower is better.
        accuracy: Top-1 accuracy on the report images in percent; higher is better.
    """

    trial: Trial
    energy: float
    accuracy: float

    def dominates(self, other: Point) -> bool:
        """Whether this point is at least as good in both coordinates and better in one."""
        no_worse = self.energy <= other.energy and self.accuracy >= other.accuracy
        return no_worse and (self.energy < other.energy or self.accuracy > other.accuracy)


def points(trials: Iterable[Trial]) -> list[Point]:
    """Return the trials that have an energy and an accuracy."""
    return [
        Point(trial, trial.multiplier_energy, trial.accuracy_top1)
        for trial in trials
        if trial.multiplier_energy is not None and trial.accuracy_top1 is not None
    ]


def front(candidates: Iterable[Point]) -> list[Point]:
    """Return the non-dominated points, cheapest first."""
    rows = list(candidates)
    if not rows:
        return []
    kept = pareto_front([(point.energy, point.accuracy) for point in rows], maximise=(False, True))
    return [rows[index] for index in kept]


def dominated_by_exact(record: Record) -> list[tuple[Point, Point]]:
    """Pair every approximate point that an exact network dominates with the cheapest such network.

    Returns:
        `(dominated, by)`, in the record's order. Point estimates are compared, not intervals.
    """
    exact_front = front(points(record.of_kind(*EXACT_KINDS)))
    pairs = []
    for point in points(record.of_kind(*APPROXIMATE_KINDS)):
        better = next((exact for exact in exact_front if exact.dominates(point)), None)
        if better is not None:
            pairs.append((point, better))
    return pairs


def cheapest_exact_as_accurate(record: Record, than: Trial) -> Point | None:
    """Return the cheapest exact network at the same or better accuracy on the report images."""
    if than.accuracy_top1 is None:
        return None
    return cheapest(p for p in points(record.of_kind(*EXACT_KINDS)) if p.accuracy >= than.accuracy_top1)


def best_exact_as_cheap(record: Record, than: Trial) -> Point | None:
    """Return the most accurate exact network of the same or less energy."""
    energy = than.multiplier_energy
    if energy is None:
        return None
    rows = [point for point in points(record.of_kind(*EXACT_KINDS)) if point.energy <= energy]
    return max(rows, key=lambda point: (point.accuracy, -point.energy), default=None)


def cheapest(candidates: Iterable[Point]) -> Point | None:
    """Return the point of least energy, the more accurate one among equals."""
    return min(candidates, key=lambda point: (point.energy, -point.accuracy), default=None)


def flows(trials: Sequence[Trial]) -> list[str]:
    """Return the characterisation flows that the trials' energy ratios come from."""
    return sorted({trial.energy_flow for trial in trials if trial.energy_flow and trial.multiplier_energy is not None})
