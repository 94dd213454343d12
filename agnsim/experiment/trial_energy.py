"""What a trial's multiplications cost, computed from its circuits whenever results are written.

Costs are not part of a trial: a library whose costs were corrected changes the energies of trials, not the trials.
"""

from __future__ import annotations

import functools

from agnsim.energy import multiplier_energy
from agnsim.experiment.context import Context
from agnsim.experiment.store import Trial
from agnsim.multipliers import Cost, Multiplier, load_library
from agnsim.multipliers import energy_ratio as ratio_of
from agnsim.types import Json

EXACT_BITS = (8, 8)


def trial_energy(context: Context, trial: Trial) -> Json:
    """Return `multiplier_energy` (None where it cannot be computed) and `energy_flow`, whose costs it is a ratio of."""
    kind, outcome = trial.key["kind"], trial.outcome
    if outcome.get("assignment"):
        return _row(multiplier_energy(context.shapes, layer_ratios(context, trial)), _flows(context, trial))
    if kind == "narrow":
        ratio, flow = narrow_ratio(outcome["bits_a"], outcome["bits_b"])
        return _row(multiplier_energy(context.shapes, dict.fromkeys(context.assignable, ratio)), flow)
    if kind == "quantized" and (outcome["bits_a"], outcome["bits_b"]) == EXACT_BITS:
        return _row(1.0, _flow(context.references[0].cost))
    return _row(None, "")


def layer_ratios(context: Context, trial: Trial) -> dict[str, float]:
    """Return each assigned layer's energy as a ratio to the reference circuit of its flow."""
    return {layer: ratio_of(circuit, context.references) for layer, circuit in _circuits(context, trial).items()}


def _circuits(context: Context, trial: Trial) -> dict[str, Multiplier]:
    layers = trial.outcome["assignment"]["layers"] if trial.outcome.get("assignment") else {}
    return {layer: context.library[entry["multiplier"]] for layer, entry in layers.items()}


@functools.cache  # the library's cards and tables are read and checked once per width
def narrow_ratio(bits_a: int, bits_b: int) -> tuple[float, str]:
    """Return the energy of the built-in unsigned exact array of these widths over that of 8 x 8 bits, and its flow."""
    arrays = load_library("builtin")
    array = arrays[f"mul{bits_a}u_array" if bits_a == bits_b else f"mul{bits_a}x{bits_b}u_array"]
    return ratio_of(array, arrays["mul8u_array"]), _flow(array.cost)


def _row(energy: float | None, flow: str) -> Json:
    return {"multiplier_energy": energy, "energy_flow": flow}


def _flows(context: Context, trial: Trial) -> str:
    return " + ".join(sorted({_flow(circuit.cost) for circuit in _circuits(context, trial).values()}))


def _flow(cost: Cost | None) -> str:
    return cost.flow if cost else ""
