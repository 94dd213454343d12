"""Stage: plain exact multipliers with narrower operands, the honest rival of every approximate circuit.

Such a network needs no emulation: its products are exact. Its energy is that of the built-in library's exact array
of those widths, as a ratio to the exact 8 x 8 array of the same flow; activations are unsigned where they can be,
whatever the study's circuits are, since that is the better rival.
"""

from __future__ import annotations

from torch import nn

from agnsim.experiment.context import Context
from agnsim.experiment.error_table import matches
from agnsim.experiment.sections import NarrowSection, parse_width
from agnsim.experiment.stages.quantize import make_quantization
from agnsim.experiment.store import Trial
from agnsim.experiment.train import train
from agnsim.nn import convert
from agnsim.types import Json


def narrow(context: Context) -> None:
    """Quantise the float network to every width asked for, after training and, where asked for, by training."""
    section, parent = context.study.narrow, context.findings.float_network
    if section is None or parent is None:
        return
    for width in section.widths:
        _one_width(context, section, parent, width)


def _one_width(context: Context, section: NarrowSection, parent: Trial, width: str) -> None:
    bits_a, bits_b = parse_width(width)
    arithmetic = {
        "multiplier": f"exact a{bits_a}w{bits_b}",
        "distinct_multipliers": 1,
        "bits_a": bits_a,
        "bits_b": bits_b,
    }
    settings = context.study.quantization
    quantization = make_quantization(settings, activation="auto", activation_bits=bits_a, weight_bits=bits_b)

    def post_training() -> tuple[nn.Module, Json]:
        model = context.restore(parent)
        model = convert(model, quantization=quantization, calibration=context.calibration_batches())
        return model, arithmetic | {"method": "post-training", "retrained": False, "history": []}

    key = context.key("narrow", parents=[parent], quantization=settings.definition(), width=width)
    untrained = context.trial(key, f"exact {width}", post_training, base=parent)
    retrain = section.retrain if matches(width, section.retrain_include) else None
    if section.keep_untrained or retrain is None:
        context.findings.add(untrained)
    if retrain is None:
        return
    key = context.key("narrow", parents=[untrained], training=retrain.definition())

    def trained() -> tuple[nn.Module, Json]:
        model = context.restore(untrained)
        history = train(context, model, retrain, key)
        return model, arithmetic | {"method": "quantisation-aware", "retrained": True, "history": history}

    context.findings.add(context.trial(key, f"exact {width}, trained", trained, base=untrained))
