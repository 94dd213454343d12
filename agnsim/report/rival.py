"""The honest rival: what exact multipliers, 8 bits wide and narrower, reach in the same study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agnsim.analysis.pareto import pareto_front
from agnsim.report.record import Record, Trial

EXACT_KINDS = ("quantized", "narrow")
APPROXIMATE_KINDS = ("uniform", "heterogeneous", "pruned", "pruned_heterogeneous")


@dataclass(frozen=True)
class Energy:
    """An energy that networks are compared by.

    Attributes:
        column: Its column in `results.csv`.
        title: At the head of axes and columns.
    """

    column: str
    title: str

    def of(self, trial: Trial) -> float | None:
        """Return a trial's energy as a ratio to the reference; lower is better."""
        value: float | None = getattr(trial, self.column)
        return value

    @property
    def noun(self) -> str:
        """Its name within a sentence."""
        return self.title if self.title.startswith("MAC") else self.title.lower()


MULTIPLICATION = Energy("multiplier_energy", "Multiplication energy")
MAC = Energy("pe_energy", "MAC energy")


@dataclass(frozen=True)
class Point:
    """A trial that has both coordinates of the plot.

    Attributes:
        trial: The trial.
        energy: Ratio to the reference; lower is better.
        accuracy: Top-1 accuracy on the report images in percent; higher is better.
    """

    trial: Trial
    energy: float
    accuracy: float

    def dominates(self, other: Point) -> bool:
        """Whether this point is at least as good in both coordinates and better in one."""
        no_worse = self.energy <= other.energy and self.accuracy >= other.accuracy
        return no_worse and (self.energy < other.energy or self.accuracy > other.accuracy)


def energies(record: Record) -> list[Energy]:
    """Return the energies that networks of the study can be compared by: at least two have them."""
    return [MULTIPLICATION, *([MAC] if len(points(record.trials, MAC)) > 1 else [])]


def points(trials: Iterable[Trial], energy: Energy = MULTIPLICATION) -> list[Point]:
    """Return the trials that have an energy and an accuracy."""
    rows = ((trial, energy.of(trial), trial.accuracy_top1) for trial in trials)
    return [Point(trial, cost, accuracy) for trial, cost, accuracy in rows if cost is not None and accuracy is not None]


def front(candidates: Iterable[Point]) -> list[Point]:
    """Return the non-dominated points, cheapest first."""
    rows = list(candidates)
    if not rows:
        return []
    kept = pareto_front([(point.energy, point.accuracy) for point in rows], maximise=(False, True))
    return [rows[index] for index in kept]


def dominated_by_exact(
    record: Record, energy: Energy = MULTIPLICATION, kinds: Sequence[str] = APPROXIMATE_KINDS
) -> list[tuple[Point, Point]]:
    """Pair every point of these kinds that an exact network dominates with the cheapest such network.

    Returns:
        `(dominated, by)`, in the record's order. Point estimates are compared, not intervals.
    """
    exact_front = front(points(record.of_kind(*EXACT_KINDS), energy))
    pairs = []
    for point in points(record.of_kind(*kinds), energy):
        better = next((exact for exact in exact_front if exact.dominates(point)), None)
        if better is not None:
            pairs.append((point, better))
    return pairs


def cheapest_exact_as_accurate(record: Record, than: Trial, energy: Energy = MULTIPLICATION) -> Point | None:
    """Return the cheapest exact network at the same or better accuracy on the report images."""
    if than.accuracy_top1 is None:
        return None
    return cheapest(p for p in points(record.of_kind(*EXACT_KINDS), energy) if p.accuracy >= than.accuracy_top1)


def best_exact_as_cheap(record: Record, than: Trial, energy: Energy = MULTIPLICATION) -> Point | None:
    """Return the most accurate exact network of the same or less energy."""
    most = energy.of(than)
    if most is None:
        return None
    rows = [point for point in points(record.of_kind(*EXACT_KINDS), energy) if point.energy <= most]
    return max(rows, key=lambda point: (point.accuracy, -point.energy), default=None)


def cheapest(candidates: Iterable[Point]) -> Point | None:
    """Return the point of least energy, the more accurate one among equals."""
    return min(candidates, key=lambda point: (point.energy, -point.accuracy), default=None)


def cheapest_within(
    record: Record, candidates: Iterable[Trial], limit_pp: float, energy: Energy = MULTIPLICATION
) -> Point | None:
    """Return the cheapest network at most `limit_pp` points below float; equal energies: the smaller drop.

    The limit is checked on the selection images, so that the reported drop is of images that chose nothing; in
    studies without selection accuracies it is checked on the report images.
    """
    baseline = record.float_trial
    if baseline is None:
        return None
    drops = [(point, _selection_drop(baseline, point.trial)) for point in points(candidates, energy)]
    kept = [(point.energy, drop, point) for point, drop in drops if drop is not None and drop <= limit_pp]
    return min(kept, key=lambda row: row[:2], default=(None, None, None))[2]


def _selection_drop(baseline: Trial, trial: Trial) -> float | None:
    if baseline.accuracy_selection is None:
        return trial.accuracy_drop_pp
    return None if trial.accuracy_selection is None else baseline.accuracy_selection - trial.accuracy_selection


def flows(trials: Sequence[Trial]) -> list[str]:
    """Return the characterisation flows that the trials' energy ratios come from."""
    return sorted({trial.energy_flow for trial in trials if trial.energy_flow and trial.multiplier_energy is not None})
