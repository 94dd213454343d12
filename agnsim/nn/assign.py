"""Put multipliers into the layers of a converted network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from agnsim.errors import ConversionError
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.arithmetic import Quantized
from agnsim.nn.calibrate import calibrate, install
from agnsim.nn.emulated import Emulated
from agnsim.nn.formats import as_choice, check_layers, formats_for
from agnsim.nn.gradients import STRAIGHT_THROUGH
from agnsim.nn.layers import approx_layers
from agnsim.nn.modes import device_of, inputs_of


def assign(
    model: nn.Module,
    assignment: Mapping[str, Choice | Multiplier],
    *,
    calibration: Iterable[Any] | None = None,
    engine: str = "auto",
    gradient: str = STRAIGHT_THROUGH,
) -> None:
    """Emulate a multiplier in every layer named, in place; other layers keep their arithmetic.

    A layer whose multiplier takes other operands (width or sign) than the layer is quantised to gets new quantisers,
    calibrated on `calibration`; the others keep theirs. Where an error is raised the model is unchanged.

    Args:
        model: A converted network.
        assignment: Choice by layer name; a bare multiplier means natural encodings.
        calibration: Batches of inputs (a tensor, or a tuple that begins with one); may be `None` where no layer needs
            recalibration.
        engine: Kernel engine.
        gradient: Gradient estimator, perhaps with parameters: `difference(half_window=8)`.

    Raises:
        UnknownName: A name is not that of a converted layer, or of an engine or estimator.
        ConversionError: Widths do not fit, a layer is kept exact, or recalibration is needed without data.
        DataError: The calibration data is empty or not finite.
    """
    layers = approx_layers(model)
    check_layers(assignment, {name: layer.assignable for name, layer in layers.items()})
    choices = {name: as_choice(entry, name) for name, entry in assignment.items()}
    changed = {}
    for name, choice in choices.items():
        current = layers[name].activation_quantizer.spec, layers[name].weight_quantizer.spec
        formats = formats_for(choice, current, name)
        if formats != current:
            changed[name] = formats
    if changed and calibration is None:
        name = next(iter(changed))
        effective = choices[name].effective
        raise ConversionError(
            f"layer {name!r}: multiplier {effective.name!r} takes codes {_words(effective)}, to which the layer is not "
            "quantised; give calibration data."
        )
    emulated = {name: Emulated(choice, engine, gradient=gradient) for name, choice in choices.items()}
    if changed:
        inputs = inputs_of(calibration, device_of(model), purpose="calibration data")
        for name, quantizers in calibrate(model, changed, inputs).items():
            layers[name].arithmetic = Quantized()
            install(layers[name], quantizers)
    for name, arithmetic in emulated.items():
        layers[name].arithmetic = arithmetic


def _words(multiplier: Multiplier) -> str:
    (low_a, high_a), (low_b, high_b) = multiplier.range_a, multiplier.range_b
    return f"{low_a}..{high_a} x {low_b}..{high_b}"
