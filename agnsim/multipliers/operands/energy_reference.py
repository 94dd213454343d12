"""The exact circuits that energies are set against: the library's own, or where it has none the built-in ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from agnsim.multipliers.libraries.collection import Library
from agnsim.multipliers.libraries.library import load_library
from agnsim.multipliers.multiplier import Multiplier


def exact_circuits(
    library: Mapping[str, Multiplier], bits_a: int, bits_b: int, flows: Collection[str]
) -> list[Multiplier]:
    """Return the exact circuits of these widths that circuits of these flows can be compared with.

    Args:
        library: The circuits; of a `Library` only those that fit are read.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        flows: Flows for which the built-in library stands in, where `library` has no such circuit in them.
    """
    own = _exact(library, bits_a, bits_b)
    missing = set(flows) - {circuit.cost.flow for circuit in own if circuit.cost}
    if not missing:
        return own
    builtin = _exact(load_library("builtin"), bits_a, bits_b)
    return [*own, *(circuit for circuit in builtin if circuit.cost and circuit.cost.flow in missing)]


def _exact(library: Mapping[str, Multiplier], bits_a: int, bits_b: int) -> list[Multiplier]:
    if isinstance(library, Library):
        fitting = library.select(bits=(bits_a, bits_b))
        # The card is not proven: it spares reading circuits that do not even state to be exact.
        return [fitting[name] for name in fitting if fitting.card(name).errors["wce"] == 0 and fitting[name].is_exact]
    return [c for c in library.values() if (c.bits_a, c.bits_b) == (bits_a, bits_b) and c.is_exact]
