"""The plans of `match.plans`: what their patterns stand for, and what they are called in results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agnsim.errors import ConfigError, LibraryError
from agnsim.experiment.circuits import select
from agnsim.experiment.config import Study
from agnsim.experiment.error_table import matches
from agnsim.experiment.sections import PlanSection
from agnsim.multipliers import Library, Multiplier, area_ratio, delay_ratio
from agnsim.noise.layer_options import rounded_up

METHODS = {"greedy": "noise search", "global": "noise search, global"}
"""How results call the plans' methods."""


def check_plans(study: Study, library: Library, references: Sequence[Multiplier], layers: Iterable[str]) -> None:
    """Refuse plans whose patterns fit nothing, that may leave a layer without a circuit, or that no circuit can keep.

    Args:
        study: The configuration.
        library: Its circuits.
        references: The exact circuits that costs are ratios to.
        layers: Names of the layers that may hold a circuit.

    Raises:
        ConfigError: Which plan, which pattern.
    """
    names = list(layers)
    circuits = select("match.exclude", library, ["*"], study.match.exclude)
    for number, plan in enumerate(study.match.plans):
        place = place_of(number)
        chosen = select(place, circuits, plan.include, plan.exclude)
        if not chosen:
            raise ConfigError(f"{place}: no circuit matches include {plan.include} and exclude {plan.exclude}.")
        if plan.method == "greedy" and not any(circuit.is_exact for circuit in chosen.values()):
            raise ConfigError(
                f"{place}: greedy needs an exact circuit among those that may be chosen, for layers that tolerate none "
                "of the others; add one to include."
            )
        for limit, ratio in (("max_delay", delay_ratio), ("max_area", area_ratio)):
            _check_limit(f"{place}.{limit}", getattr(plan, limit), ratio, chosen, references)
        shared_layers(place, plan.shared, names)


def _check_limit(
    place: str,
    limit: float | None,
    ratio: Callable[[Multiplier, Sequence[Multiplier]], float],
    circuits: Library,
    references: Sequence[Multiplier],
) -> None:
    """Refuse a limit on circuits' costs where one is not known, or that none of them keeps alone."""
    if limit is None:
        return
    try:
        ratios = {name: ratio(circuit, references) for name, circuit in circuits.items()}
    except LibraryError as error:
        raise ConfigError(f"{place}: {error}. State that cost, leave the circuit out, or set no limit.") from None
    least = min(ratios, key=lambda name: ratios[name])
    if ratios[least] > limit:
        raise ConfigError(
            f"{place}: none of the circuits keeps {limit:g}; the least is {rounded_up(ratios[least])}, of {least}. "
            "Raise the limit, or include others."
        )


def place_of(number: int) -> str:
    """Return where in the study a plan stands."""
    return f"match.plans.{number}"


def shared_layers(place: str, groups: Sequence[Sequence[str]], layers: Sequence[str]) -> list[list[str]]:
    """Return the layers that each group's patterns fit, in the network's order.

    Raises:
        ConfigError: A pattern fits no layer, or a layer is in two groups.
    """
    found: list[list[str]] = []
    for number, patterns in enumerate(groups):
        for pattern in patterns:
            if not any(matches(layer, [pattern]) for layer in layers):
                raise ConfigError(
                    f"{place}.shared.{number}: {pattern!r} fits no layer that may hold a circuit. The layers are "
                    f"{', '.join(layers)}."
                )
        found.append([layer for layer in layers if matches(layer, patterns)])
        twice = [layer for layer in found[-1] if any(layer in other for other in found[:-1])]
        if twice:
            raise ConfigError(f"{place}.shared.{number}: {twice[0]} is in another group already; merge the two.")
    return found


def plan_label(plan: PlanSection, noise_weight: float, scale: float) -> str:
    """Return what results call an assignment: everything but the method that tells it from those of other plans."""
    label = f"mix noise weight {noise_weight:g}"
    if scale != 1:
        label += f" tolerance x{scale:g}"
    if plan.energy == "pe":
        label += ", least MAC energy"
    if plan.include != ["*"]:
        label += f", of {' '.join(plan.include)}"
    if plan.exclude:
        label += f", without {' '.join(plan.exclude)}"
    if plan.max_distinct is not None:
        label += f", at most {plan.max_distinct} circuit{'' if plan.max_distinct == 1 else 's'}"
    if plan.max_delay is not None:
        label += f", delay at most {plan.max_delay:g}"
    if plan.max_area is not None:
        label += f", area at most {plan.max_area:g}"
    if plan.shared:
        label += f", shared by {'; '.join(' '.join(patterns) for patterns in plan.shared)}"
    return label
