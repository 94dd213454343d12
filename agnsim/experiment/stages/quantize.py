"""Stage: the network in uniform integer arithmetic with the exact multiplier, the start of everything after it."""

from __future__ import annotations

from torch import nn

from agnsim.experiment.context import Context
from agnsim.experiment.sections import QuantizationSection
from agnsim.experiment.train import train
from agnsim.nn import convert
from agnsim.quantization import Quantization
from agnsim.types import Json


def quantize(context: Context) -> None:
    """Quantise after training and, where asked for, train on through the quantisers."""
    study = context.study
    parent = context.findings.float_network
    if parent is None:
        return
    quantization = study_quantization(context)
    settings = {"quantization": study.quantization.definition(), "activation": quantization.activation}
    exact: Json = {
        "multiplier": "exact",
        "distinct_multipliers": 1,
        "bits_a": quantization.activation_bits,
        "bits_b": quantization.weight_bits,
    }

    def post_training() -> tuple[nn.Module, Json]:
        model = convert(context.restore(parent), quantization=quantization, calibration=context.calibration_batches())
        return model, exact | {"method": "post-training", "retrained": False, "history": []}

    key = context.key("quantized", parents=[parent], **settings)
    quantized = context.trial(key, "quantised network", post_training, base=parent)
    context.findings.add(quantized)

    section = study.quantization_aware_training
    if section is not None:
        start = quantized
        key = context.key("quantized", parents=[start], training=section.definition())

        def trained() -> tuple[nn.Module, Json]:
            model = context.restore(start)
            history = train(context, model, section, key)
            return model, exact | {"method": "quantisation-aware", "retrained": True, "history": history}

        quantized = context.trial(key, "quantisation-aware training", trained, base=start)
        context.findings.add(quantized)
    context.findings.quantized = quantized


def study_quantization(context: Context) -> Quantization:
    """Return the study's quantisation; `auto` activations are symmetric where every circuit is signed."""
    section = context.study.quantization
    activation = section.activation
    if activation == "auto" and all(multiplier.signed_a for multiplier in context.library.values()):
        activation = "symmetric"
    return make_quantization(section, activation=activation)


def make_quantization(section: QuantizationSection, **changes: object) -> Quantization:
    """Return the section as the layers' own type, with some fields changed."""
    fields = section.model_dump() | changes
    return Quantization(**(fields | {"exclude": tuple(fields["exclude"])}))
