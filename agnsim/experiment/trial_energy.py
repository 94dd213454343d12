"""What a trial's arithmetic costs, computed from its circuits whenever results are written.

Costs are not part of a trial: a library whose costs were corrected changes the energies of trials, not the trials.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from agnsim.energy import MacRatio, mac_energy_ratio, multiplier_energy, narrow_mac_ratio, pe_energy
from agnsim.experiment.context import Context
from agnsim.experiment.store import Trial
from agnsim.multipliers import Assignment, Choice, Cost, load_library
from agnsim.multipliers import energy_ratio as ratio_of
from agnsim.types import Json

EXACT_BITS = (8, 8)


def trial_energy(context: Context, trial: Trial) -> Json:
    """Return `multiplier_energy`, `pe_energy` (None where they cannot be computed) and what they are ratios in.

    `energy_flow` names the flows whose costs `multiplier_energy` is a ratio of; `pe_label` how the MACs were costed.
    """
    assigned = assigned_choices(context, trial)
    if assigned:
        ratios = layer_ratios(context, trial)
        flows = {_flow(choice.multiplier.cost) for choice in assigned.values()}
        return _multiplier(context, ratios, " + ".join(sorted(flows))) | _pe(
            context, {layer: mac_energy_ratio(choice, context.references) for layer, choice in assigned.items()}
        )
    kind, bits = trial.key["kind"], (trial.outcome.get("bits_a", 0), trial.outcome.get("bits_b", 0))
    if kind == "narrow":
        ratio, flow = narrow_ratio(*bits)
        found = _multiplier(context, dict.fromkeys(context.assignable, ratio), flow)
    elif kind == "quantized" and bits == EXACT_BITS:
        found = _multiplier(context, {}, _flow(context.references[0].cost))
    else:
        return {"multiplier_energy": None, "energy_flow": "", "pe_energy": None, "pe_label": ""}
    return found | _pe(context, dict.fromkeys(context.assignable, narrow_mac_ratio(*bits)))


def assigned_choices(context: Context, trial: Trial) -> dict[str, Choice]:
    """Return what multiplies in each assigned layer."""
    stored = trial.outcome.get("assignment")
    return dict(Assignment.from_json(stored, context.library)) if stored else {}


def mac_ratio(context: Context, choice: Choice) -> float | None:
    """Return the energy of the MAC around a choice over that of the cheapest exact 8-bit MAC, where it is known."""
    found = mac_energy_ratio(choice, context.references)
    return None if found is None else found.ratio


def layer_ratios(context: Context, trial: Trial) -> dict[str, float]:
    """Return each assigned layer's energy as a ratio to the reference circuit of its flow."""
    assigned = assigned_choices(context, trial)
    return {layer: ratio_of(choice.multiplier, context.references) for layer, choice in assigned.items()}


@functools.cache  # the library's cards and tables are read and checked once per width
def narrow_ratio(bits_a: int, bits_b: int) -> tuple[float, str]:
    """Return the energy of the built-in unsigned exact array of these widths over that of 8 x 8 bits, and its flow."""
    arrays = load_library("builtin")
    array = arrays[f"mul{bits_a}u_array" if bits_a == bits_b else f"mul{bits_a}x{bits_b}u_array"]
    return ratio_of(array, arrays["mul8u_array"]), _flow(array.cost)


def _multiplier(context: Context, ratios: Mapping[str, float], flow: str) -> Json:
    return {"multiplier_energy": multiplier_energy(context.shapes, ratios), "energy_flow": flow}


def _pe(context: Context, macs: Mapping[str, MacRatio | None]) -> Json:
    labels = sorted({mac.label for mac in macs.values() if mac is not None})
    ratios = {layer: None if mac is None else mac.ratio for layer, mac in macs.items()}
    return {"pe_energy": pe_energy(context.shapes, ratios), "pe_label": " + ".join(labels)}


def _flow(cost: Cost | None) -> str:
    return cost.flow if cost else ""
