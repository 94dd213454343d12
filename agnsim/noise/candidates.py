"""Which circuits, in which orientation and encoding, may stand in a layer, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from agnsim.errors import InputError, LibraryError
from agnsim.multipliers import Choice, Multiplier, area_ratio, choices, delay_ratio, energy_ratio
from agnsim.types import Json


@dataclass(frozen=True)
class Candidate:
    """One way to multiply in a layer.

    Attributes:
        choice: Circuit, orientation and operand encodings.
        energy_ratio: The circuit's energy over that of its flow's reference circuit.
        delay_ratio: Likewise its critical path; `None` where the flow gives none.
        area_ratio: Likewise its area.
    """

    choice: Choice
    energy_ratio: float
    delay_ratio: float | None = None
    area_ratio: float | None = None

    def to_json(self) -> Json:
        """Return what the rows of a matching state of it: circuit, orientation, encodings, energy."""
        choice = self.choice
        return {
            "multiplier": choice.multiplier.name,
            "digest": choice.multiplier.digest,
            "swapped": choice.swapped,
            "encoding_a": choice.effective.encoding_a.value,
            "encoding_w": choice.effective.encoding_w.value,
            "energy_ratio": self.energy_ratio,
        }


def candidates(
    circuits: Mapping[str, Multiplier] | Iterable[Multiplier],
    reference: Multiplier | Sequence[Multiplier],
    *,
    signed_a: bool,
) -> list[Candidate]:
    """Return every sensible way to use the circuits in a layer, cheapest first.

    Args:
        circuits: A library, or some of its circuits. Narrow exact ones belong among them: they are the rival.
        reference: The exact reference circuit, the denominator of the ratios; or one for each flow.
        signed_a: Whether the layer's activations take both signs (else they are non-negative, as after a ReLU).

    Returns:
        One candidate per circuit, orientation and encoding; of equal cost in the order given.

    Raises:
        InputError: No circuit can be used with such activations.
        LibraryError: A circuit has no cost, or a cost of another flow than the reference.
    """
    pool = circuits.values() if isinstance(circuits, Mapping) else circuits
    found: list[Candidate] = []
    for circuit in pool:
        energy = energy_ratio(circuit, reference)
        delay, area = _known(delay_ratio, circuit, reference), _known(area_ratio, circuit, reference)
        found.extend(Candidate(choice, energy, delay, area) for choice in choices(circuit, signed_a=signed_a))
    if not found:
        kind = "signed" if signed_a else "non-negative"
        raise InputError(f"none of the circuits can multiply {kind} activations; add circuits to the library")
    return sorted(found, key=lambda candidate: candidate.energy_ratio)


def _known(
    ratio: Callable[[Multiplier, Multiplier | Sequence[Multiplier]], float],
    circuit: Multiplier,
    reference: Multiplier | Sequence[Multiplier],
) -> float | None:
    try:
        return ratio(circuit, reference)
    except LibraryError:
        return None
