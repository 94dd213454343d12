"""What a circuit costs, and in which flow it was measured. Two flows never meet in one ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from agnsim.errors import LibraryError

if TYPE_CHECKING:
    from agnsim.multipliers.multiplier import Multiplier


@dataclass(frozen=True)
class Cost:
    """Cost of one circuit. Figures that the flow doesn't give are `None`.

    Attributes:
        technology: Process, such as `"FreePDK45"`; `"none"` for unit costs.
        flow: Tools and conditions that gave the figures, such as `"evoapproxlib-v2022"`; `"unit"` for unit costs.
        power_mw: Power in milliwatts.
        area_um2: Area in square micrometres.
        delay_ns: Critical path in nanoseconds.
        energy_pj: Energy of one multiplication in picojoules.
        relative_energy: Unit flows: transistor-weighted toggles per operation.
        relative_area: Unit flows: transistors.
        relative_delay: Unit flows: unit gate delays on the longest path.
        energy_worst: Highest energy among the synthesis recipes, in the unit of `energy`, which is the lowest.
        glitch_energy: Energy with all transitions instead of the settled ones, in the unit of `energy`.
        clock_ns: Clock constraint in nanoseconds.
        corner: Process corner, such as `"tt_1v1_25c"`.
        recipe: Synthesis recipe that gave the figures.

    Raises:
        LibraryError: A figure is negative or not finite, or technology or flow is empty.
    """

    technology: str
    flow: str
    power_mw: float | None = None
    area_um2: float | None = None
    delay_ns: float | None = None
    energy_pj: float | None = None
    relative_energy: float | None = None
    relative_area: float | None = None
    relative_delay: float | None = None
    energy_worst: float | None = None
    glitch_energy: float | None = None
    clock_ns: float | None = None
    corner: str | None = None
    recipe: str | None = None

    def __post_init__(self) -> None:
        for label in ("technology", "flow"):
            if not isinstance(getattr(self, label), str) or not getattr(self, label):
                raise LibraryError(f"cost: {label} is {getattr(self, label)!r}; it must be a non-empty text")
        for label in ("corner", "recipe"):
            if not isinstance(getattr(self, label), str | None):
                raise LibraryError(f"cost: {label} is {getattr(self, label)!r}; it must be a text or null")
        for figure in FIGURES:
            value = getattr(self, figure)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
                raise LibraryError(
                    f"cost: {figure} is {value!r}; it must be a finite number of at least 0, or null where unknown"
                )
            object.__setattr__(self, figure, float(value))

    @property
    def conditions(self) -> tuple[object, ...]:
        """What two costs of one circuit must share to be the same measurement: flow, technology, corner and clock."""
        return self.flow, self.technology, self.corner, self.clock_ns

    @property
    def energy(self) -> float | None:
        """The figure that energy ratios use: `energy_pj`, else `power_mw`, else `relative_energy`."""
        return self._preferred("energy")

    @property
    def energy_figure(self) -> str | None:
        """Name of the field that `energy` is read from."""
        return _figure(self, "energy")

    @property
    def area(self) -> float | None:
        """The figure that area ratios use: `area_um2`, else `relative_area`."""
        return self._preferred("area")

    @property
    def delay(self) -> float | None:
        """The figure that delay ratios use: `delay_ns`, else `relative_delay`."""
        return self._preferred("delay")

    def _preferred(self, quantity: str) -> float | None:
        name = _figure(self, quantity)
        return None if name is None else float(getattr(self, name))


FIGURES = tuple(field.name for field in fields(Cost) if field.name not in ("technology", "flow", "corner", "recipe"))
_PREFERRED = {
    "energy": ("energy_pj", "power_mw", "relative_energy"),
    "area": ("area_um2", "relative_area"),
    "delay": ("delay_ns", "relative_delay"),
}


def energy_ratio(multiplier: Multiplier, reference: Multiplier | Sequence[Multiplier]) -> float:
    """Return the energy of one multiplication relative to `reference`, an exact circuit of the same flow.

    Args:
        multiplier: A circuit with a cost.
        reference: The exact circuit, or several, of which the one of the circuit's own flow counts.

    Raises:
        LibraryError: The flows differ, a cost is missing, or the reference costs nothing.
    """
    return _ratio("energy", multiplier, reference)


def area_ratio(multiplier: Multiplier, reference: Multiplier | Sequence[Multiplier]) -> float:
    """Return the area relative to `reference`; raises like `energy_ratio`."""
    return _ratio("area", multiplier, reference)


def delay_ratio(multiplier: Multiplier, reference: Multiplier | Sequence[Multiplier]) -> float:
    """Return the critical path relative to `reference`; raises like `energy_ratio`."""
    return _ratio("delay", multiplier, reference)


def _ratio(quantity: str, multiplier: Multiplier, references: Multiplier | Sequence[Multiplier]) -> float:
    cost = _cost_of(multiplier, quantity)
    several = references if isinstance(references, Sequence) else (references,)
    reference = next((one for one in several if one.cost is not None and one.cost.flow == cost.flow), several[0])
    base = _cost_of(reference, quantity)
    if (cost.flow, cost.technology) != (base.flow, base.technology):
        raise LibraryError(
            f"{quantity} of {multiplier.name!r} comes from flow {cost.flow!r} ({cost.technology}), that of the "
            f"reference {reference.name!r} from flow {base.flow!r} ({base.technology}): figures of two flows are not "
            "comparable; choose a reference of the same flow"
        )
    figure, base_figure = _figure(cost, quantity), _figure(base, quantity)
    for circuit, name in ((multiplier, figure), (reference, base_figure)):
        if name is None:
            raise LibraryError(f"multiplier {circuit.name!r}: its cost (flow {cost.flow!r}) has no {quantity} figure")
    if figure != base_figure:
        raise LibraryError(
            f"{quantity} of {multiplier.name!r} is given as {figure}, that of the reference {reference.name!r} as "
            f"{base_figure}: they are not comparable"
        )
    value, base_value = getattr(cost, quantity), getattr(base, quantity)
    if base_value == 0:
        raise LibraryError(f"reference multiplier {reference.name!r} has {quantity} 0: it can't be a denominator")
    return float(value / base_value)


def _cost_of(circuit: Multiplier, quantity: str) -> Cost:
    if circuit.cost is None:
        raise LibraryError(
            f"multiplier {circuit.name!r} (source {circuit.source!r}) has no cost, so it has no {quantity} ratio; "
            "give it a cost of the study's flow, or leave it out"
        )
    return circuit.cost


def _figure(cost: Cost, quantity: str) -> str | None:
    """Return the field that the quantity is read from."""
    return next((name for name in _PREFERRED[quantity] if getattr(cost, name) is not None), None)
