"""Energy of the whole processing element: multiplier, sign handling, accumulator adder and registers together.

What a multiplier saves is diluted by what surrounds it, and moves it: an approximate circuit's product toggles other
adder bits, a narrow one needs a narrower accumulator. So a circuit whose gates are known is characterised inside its
MAC (`agnsim.multipliers.libraries.mac_costs`); of one that has nothing but published figures the multiplier alone
scales with them, inside the exact MAC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agnsim.energy.multiplier_energy import multiplier_energy
from agnsim.errors import LibraryError
from agnsim.multipliers import Choice, Multiplier, energy_ratio
from agnsim.multipliers.libraries.mac_costs import EXACT_BITS, MacCost, MacCosts, builtin_mac_costs
from agnsim.types import LayerShape

CHARACTERISED = "characterised MAC"
"""Label: the circuit was synthesised together with sign handling and accumulator."""
FROM_RATIO = "multiplier ratio within an exact MAC"
"""Label: the multiplier's part of the exact 8-bit MAC was multiplied by its energy ratio; the rest stays."""


class MacRatio(NamedTuple):
    """Energy of a MAC over that of the cheapest exact 8-bit MAC (`MacCosts.reference`).

    Attributes:
        ratio: With registers.
        without_registers: Multiplier, sign handling and accumulator adder of both.
        label: `CHARACTERISED` or `FROM_RATIO`.
    """

    ratio: float
    without_registers: float
    label: str


def mac_energy_ratio(
    choice: Choice | Multiplier, references: Multiplier | Sequence[Multiplier], *, macs: MacCosts | None = None
) -> MacRatio | None:
    """Return the energy of the MAC around a circuit, as a layer uses it, relative to the cheapest exact 8-bit MAC.

    A circuit without figures of its own MAC scales the multiplier's part of the exact 8x8 MAC that takes operands of
    the same signs in the same encodings; sign handling, accumulator and registers stay as they are there. For a
    narrower or approximate circuit that is too much rather than too little.

    Args:
        choice: The circuit with orientation and encodings.
        references: The exact 8x8 circuits that multiplier energies are ratios to, one for each flow.
        macs: The characterised MACs; the built-in library's by default.

    Returns:
        `None` where it can't be computed: where the circuit has no figures of its own MAC, and none of its energy in a
        reference's flow, ports of two signs or of more than 8 bits, or encodings without an exact MAC.
    """
    macs = macs if macs is not None else builtin_mac_costs()
    choice = choice if isinstance(choice, Choice) else Choice.of(choice)
    found = macs.find(choice)
    if found is not None:
        return _ratio(found.energy, found, macs.reference, CHARACTERISED)
    effective, circuit = choice.effective, choice.multiplier
    if circuit.signed_a != circuit.signed_b or max(circuit.bits_a, circuit.bits_b) > max(EXACT_BITS):
        return None
    exact = macs.cheapest_exact(
        EXACT_BITS, signed=circuit.signed_a, encoding_a=effective.encoding_a, encoding_w=effective.encoding_w
    )
    if exact is None or exact.multiplier_energy is None:
        return None
    try:
        multiplier = energy_ratio(circuit, references)
    except LibraryError:  # no energy, or that of another flow
        return None
    energy = multiplier * exact.multiplier_energy + exact.energy - exact.multiplier_energy
    return _ratio(energy, exact, macs.reference, FROM_RATIO)


def narrow_mac_ratio(bits_a: int, bits_w: int, *, macs: MacCosts | None = None) -> MacRatio | None:
    """Return the energy of the cheapest exact MAC of unsigned activations and signed weights of these widths.

    Args:
        bits_a: Width of the activations, 2 to 8.
        bits_w: Width of the weights, sign included, 2 to 8.
        macs: The characterised MACs; the built-in library's by default.
    """
    macs = macs if macs is not None else builtin_mac_costs()
    found = macs.narrow(bits_a, bits_w)
    return None if found is None else _ratio(found.energy, found, macs.reference, CHARACTERISED)


def pe_energy(shapes: Mapping[str, LayerShape], ratios: Mapping[str, float | None]) -> float | None:
    """Return `sum_l macs_l * ratio_l / sum_l macs_l`, 1.0 where every layer has the cheapest exact 8-bit MAC.

    Args:
        shapes: Size of every multiplying layer by name, those included that keep exact products.
        ratios: Energy of the layer's MAC over that of the cheapest exact 8-bit one. A layer left out counts as 1.0.

    Returns:
        `None` where a layer's ratio is `None`.

    Raises:
        UnknownName, InputError: As `multiplier_energy`.
    """
    known = {layer: ratio for layer, ratio in ratios.items() if ratio is not None}
    total = multiplier_energy(shapes, known)
    return total if len(known) == len(ratios) else None


def _ratio(energy: float, mac: MacCost, reference: MacCost, label: str) -> MacRatio:
    """Return the ratio of a MAC whose combinational part takes `energy` and whose registers are those of `mac`."""
    registers = mac.clock_energy + mac.data_energy
    return MacRatio((energy + registers) / reference.energy_with_registers, energy / reference.energy, label)
