"""Put multipliers into the layers of a converted network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from agnsim.errors import ConversionError, InputError
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.arithmetic import Quantized
from agnsim.nn.calibrate import calibrate, install
from agnsim.nn.emulated import Emulated
from agnsim.nn.formats import as_choice, check_layers, formats_for
from agnsim.nn.gradients import STRAIGHT_THROUGH
from agnsim.nn.layers import approx_layers
from agnsim.nn.modes import device_of, inputs_of
from agnsim.nn.stretch import stretched_quantizers


def assign(
    model: nn.Module,
    assignment: Mapping[str, Choice | Multiplier],
    *,
    calibration: Iterable[Any] | None = None,
    stretches: Mapping[str, tuple[float, float]] | None = None,
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
        stretches: Layer to the factors by which the steps of its activations' and its weights' codes are refined, as
            from `agnsim.noise.fit_ranges`: 2 maps half the present range to all of the codes. Such a layer's ranges
            follow from its present ones, without calibration.
        engine: Kernel engine.
        gradient: Gradient estimator, perhaps with parameters: `difference(half_window=8)`.

    Raises:
        UnknownName: A name is not that of a converted layer, or of an engine or estimator.
        ConversionError: Widths do not fit, a layer is kept exact, or recalibration is needed without data.
        InputError: A stretch is not positive and finite, or of a layer that is not assigned.
        DataError: The calibration data is empty or not finite.
    """
    layers = approx_layers(model)
    check_layers(assignment, {name: layer.assignable for name, layer in layers.items()})
    choices = {name: as_choice(entry, name) for name, entry in assignment.items()}
    changed, fitted = {}, {}
    for name, choice in choices.items():
        current = layers[name].activation_quantizer.spec, layers[name].weight_quantizer.spec
        formats = formats_for(choice, current, name)
        if stretches is not None and name in stretches:
            fitted[name] = stretched_quantizers(layers[name], choice, formats, stretches[name])
        elif formats != current:
            changed[name] = formats
    if unknown := set(stretches or ()) - set(choices):
        raise InputError(f"stretches: layer {min(unknown)!r} is assigned no multiplier; leave it out")
    if changed and calibration is None:
        name = next(iter(changed))
        effective = choices[name].effective
        raise ConversionError(
            f"layer {name!r}: multiplier {effective.name!r} takes codes {_words(effective)}, to which the layer is not "
            "quantised; give calibration data."
        )
    emulated = {name: Emulated(choice, engine, gradient=gradient) for name, choice in choices.items()}
    made = dict(fitted)
    if changed:
        inputs = inputs_of(calibration, device_of(model), purpose="calibration data")
        made |= calibrate(model, changed, inputs)
    for name, quantizers in made.items():
        layers[name].arithmetic = Quantized()
        install(layers[name], quantizers)
    for name, arithmetic in emulated.items():
        layers[name].arithmetic = arithmetic


def _words(multiplier: Multiplier) -> str:
    (low_a, high_a), (low_b, high_b) = multiplier.range_a, multiplier.range_b
    return f"{low_a}..{high_a} x {low_b}..{high_b}"
