"""The circuits of a study: those that may be chosen, and the exact ones that their costs are ratios to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agnsim.analysis import pareto_front
from agnsim.data_root import find
from agnsim.errors import ConfigError, LibraryError, UnknownName
from agnsim.experiment.config import Study
from agnsim.experiment.sections import LibrarySection
from agnsim.multipliers import Library, Multiplier, energy_ratio, load_library


def load_circuits(study: Study) -> tuple[Library, tuple[Multiplier, ...]]:
    """Return the study's selection of circuits and its references, one for each flow, the study's own first.

    Raises:
        ConfigError, LibraryError: There is no such library or circuit, or they do not go together.
    """
    parts = [("library", study.library, "reference_multiplier", study.reference_multiplier)]
    parts += [
        (f"more_libraries.{i}", more, f"more_libraries.{i}.reference_multiplier", more.reference_multiplier)
        for i, more in enumerate(study.more_libraries)
    ]
    loaded = [_load(study, place, section, key, name) for place, section, key, name in parts]
    references: dict[str, Multiplier] = {}
    for (_, reference), (_, section, key, _) in zip(loaded, parts, strict=True):
        flow = reference.cost.flow if reference.cost else ""
        other = references.setdefault(flow, reference)
        if (other.name, other.cost) != (reference.name, reference.cost):
            raise ConfigError(
                f"{key}: {reference.name} of {section.name!r} and {other.name} are both references of the flow "
                f"{flow!r}; name the same circuit, so that all its circuits have one denominator."
            )
    try:
        library = Library.joined([selected for selected, _ in loaded])
    except LibraryError as error:
        raise ConfigError(f"more_libraries: {error}. Leave one out with include or exclude.") from None
    matched = select("match.exclude", library, ["*"], study.match.exclude)
    if study.search is not None and not any(multiplier.is_exact for multiplier in matched.values()):
        raise ConfigError(
            "library: a search needs an exact circuit among those selected, for layers that tolerate none of the "
            f"others. Add one to library.include, such as {study.reference_multiplier}, and leave it out of "
            "match.exclude."
        )
    return library, tuple(references.values())


def select(key: str, library: Library, include: Iterable[str], exclude: Iterable[str] = ()) -> Library:
    """Return the circuits that match; a name or pattern that matches none is the study's mistake at `key`."""
    try:
        return library.select(include, exclude)
    except UnknownName as error:
        raise ConfigError(f"{key}: {error}") from None


def _load(study: Study, place: str, section: LibrarySection, key: str, name: str) -> tuple[Library, Multiplier]:
    """Return the selection and the reference of one library."""
    costs = section.costs
    whole = load_library(_path(study, section), costs=costs and (find(costs, study.data.root) or costs))
    selected = select(place, whole, section.include, section.exclude)
    if not selected:
        raise ConfigError(
            f"{place}: no circuit of {section.name!r} matches include {section.include} "
            f"and exclude {section.exclude}. `agnsim multipliers list` shows the names."
        )
    if name not in whole:
        select(key, whole, [name])
    reference = whole[name]
    if (reference.bits_a, reference.bits_b) != (8, 8) or not reference.is_exact:
        raise ConfigError(
            f"{key}: {reference.name} takes {reference.bits_a} x {reference.bits_b} bits and has a mean "
            f"absolute error of {reference.mae:g}; the denominator of all ratios must be an exact 8 x 8 circuit."
        )
    for multiplier in selected.values():
        energy_ratio(multiplier, reference)  # refuses a circuit without a cost, or of another flow
        if not all(2 <= bits <= 8 for bits in (multiplier.bits_a, multiplier.bits_b)):
            raise ConfigError(
                f"{place}: {multiplier.name} takes {multiplier.bits_a} x {multiplier.bits_b} bits; layers hold "
                f"operands of 2 to 8 bits. Leave it out with {place}.exclude."
            )
    return _front(selected, reference, section.front), reference


def _front(selected: Library, reference: Multiplier, size: int | None) -> Library:
    """Return at most `size` circuits of the Pareto set of mean absolute error and energy, evenly over the energies.

    Circuits are compared with those of the same operands: a narrow exact one, whose own products have no error, would
    beat every wider one.
    """
    if size is None or len(selected) <= size:
        return selected
    operands: dict[tuple[object, ...], list[Multiplier]] = {}
    for circuit in selected.values():
        ports = circuit.bits_a, circuit.bits_b, circuit.signed_a, circuit.signed_b
        operands.setdefault(ports, []).append(circuit)
    front: list[tuple[float, Multiplier]] = []
    for circuits in operands.values():
        energies = [energy_ratio(circuit, reference) for circuit in circuits]
        points = [[energy, circuit.mae] for energy, circuit in zip(energies, circuits, strict=True)]
        front += [(energies[i], circuits[i]) for i in pareto_front(points).tolist()]
    low, high = min(energy for energy, _ in front), max(energy for energy, _ in front)
    kept: list[str] = []
    for place in range(size):  # from the dearest, the widest exact one, down
        left = [(energy, circuit) for energy, circuit in front if circuit.name not in kept]
        if left:
            wanted = high - (high - low) * place / max(size - 1, 1)
            kept.append(min(left, key=lambda found: abs(found[0] - wanted))[1].name)
    return selected.select(kept)


def _path(study: Study, section: LibrarySection) -> str | Path:
    """Return the library's name, or its folder where the study names a data root of its own that has it."""
    found = None if section.name == "builtin" else find(section.name, study.data.root)
    return found or section.name
