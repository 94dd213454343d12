"""Stage: plain exact multipliers with narrower operands, the honest rival of every approximate circuit.

Such a network needs no emulation: its products are exact. Its energy is that of the built-in library's exact array
of those widths, as a ratio to the exact 8 x 8 array of the same flow; activations are unsigned where they can be,
whatever the study's circuits are, since that is the better rival.
"""

from __future__ import annotations

from torch import nn

from agnsim.energy import multiplier_energy
from agnsim.experiment.config import NarrowSection, parse_width
from agnsim.experiment.context import Context
from agnsim.experiment.stages.quantize import make_quantization
from agnsim.experiment.store import Trial
from agnsim.experiment.train import train
from agnsim.multipliers import Library, energy_ratio, load_library
from agnsim.nn import convert
from agnsim.types import Json


def narrow(context: Context) -> None:
    """Quantise the float network to every width asked for, after training and, where asked for, by training."""
    section, parent = context.study.narrow, context.findings.float_network
    if section is None or parent is None:
        return
    arrays = load_library("builtin")
    for width in section.widths:
        _one_width(context, section, parent, width, _cost(context, arrays, *parse_width(width)))


def _one_width(context: Context, section: NarrowSection, parent: Trial, width: str, cost: Json) -> None:
    bits_a, bits_b = parse_width(width)
    settings = context.study.quantization
    quantization = make_quantization(settings, activation="auto", activation_bits=bits_a, weight_bits=bits_b)

    def post_training() -> tuple[nn.Module, Json]:
        model = context.restore(parent)
        model = convert(model, quantization=quantization, calibration=context.calibration_batches())
        return model, cost | {"method": "post-training", "retrained": False, "history": []}

    key = context.key("narrow", parents=[parent], quantization=settings.model_dump(), width=width)
    untrained = context.trial(key, f"exact {width}", post_training, base=parent)
    if section.keep_untrained or section.retrain is None:
        context.findings.trials.append(untrained)
    retrain = section.retrain
    if retrain is None:
        return
    key = context.key("narrow", parents=[untrained], training=retrain.model_dump())

    def trained() -> tuple[nn.Module, Json]:
        model = context.restore(untrained)
        history = train(context, model, retrain, key)
        return model, cost | {"method": "quantisation-aware", "retrained": True, "history": history}

    context.findings.trials.append(context.trial(key, f"exact {width}, trained", trained, base=untrained))


def _cost(context: Context, arrays: Library, bits_a: int, bits_b: int) -> Json:
    """Return what a network of these widths costs, from the unsigned exact arrays of the built-in library."""
    name = f"mul{bits_a}u_array" if bits_a == bits_b else f"mul{bits_a}x{bits_b}u_array"
    array = arrays[name]
    ratio = energy_ratio(array, arrays["mul8u_array"])
    return {
        "multiplier": f"exact a{bits_a}w{bits_b}",
        "multiplier_energy": multiplier_energy(context.shapes, dict.fromkeys(context.assignable, ratio)),
        "energy_flow": array.cost.flow if array.cost else "",
        "distinct_multipliers": 1,
        "bits_a": bits_a,
        "bits_b": bits_b,
    }
