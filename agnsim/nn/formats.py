"""Which operand formats a multiplier asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agnsim.errors import ConversionError, InputError, UnknownName, did_you_mean
from agnsim.multipliers import Choice, Multiplier
from agnsim.nn.layers import Formats
from agnsim.quantization import QuantizerSpec

_WIDTHS = range(2, 9)


def formats_for(choice: Choice, current: Formats, layer: str) -> Formats:
    """Return the formats of activation and weight that the multiplier takes.

    Signed operands (two's complement, sign-magnitude, offset) are symmetric with zero point 0; unsigned ones are
    affine, unless the current format is already unsigned without a zero point. Calibration settings are kept.

    Args:
        choice: The circuit, its orientation and encodings.
        current: Formats of the layer so far.
        layer: Its name, for messages.

    Raises:
        ConversionError: The circuit's widths are not 2 to 8 bits.
    """
    multiplier = choice.effective
    if multiplier.bits_a not in _WIDTHS or multiplier.bits_b not in _WIDTHS:
        raise ConversionError(
            f"layer {layer!r}: multiplier {multiplier.name!r} takes {multiplier.bits_a} x {multiplier.bits_b} bits; "
            f"layers quantise to {_WIDTHS.start} to {_WIDTHS.stop - 1} bits. Assign a circuit of such widths."
        )
    activation, weight = current
    return (
        _format(activation, multiplier.bits_a, signed=multiplier.signed_a),
        _format(weight, multiplier.bits_b, signed=multiplier.signed_b),
    )


def _format(current: QuantizerSpec, bits: int, *, signed: bool) -> QuantizerSpec:
    symmetric = signed or (current.symmetric and not current.signed)
    return replace(current, bits=bits, signed=signed, symmetric=symmetric)


def as_choice(value: object, layer: str) -> Choice:
    """Return an assignment's entry as a choice; a bare multiplier stands for itself.

    Raises:
        InputError: It is neither.
        ConversionError: The multiplier was derived from its circuit in a way no choice describes.
    """
    if isinstance(value, Choice):
        return value
    if not isinstance(value, Multiplier):
        raise InputError(f"layer {layer!r}: {type(value).__name__} is not a Multiplier or a Choice")
    if value.circuit is None:
        return Choice(value)
    choice = Choice(value.circuit, value.is_swapped, value.encoding_a, value.encoding_w)
    if choice.effective.identity != value.identity:
        raise ConversionError(
            f"layer {layer!r}: multiplier {value.name!r} uses the full magnitude of its port ({value.bits_a} x "
            f"{value.bits_b} bits), which layers do not quantise to; encode it without full_magnitude."
        )
    return choice


def check_layers(assignment: Mapping[str, object], assignable: Mapping[str, bool]) -> None:
    """Check that every assigned layer exists and may be assigned.

    Args:
        assignment: Entries by layer name.
        assignable: The converted layers, and whether a multiplier may be assigned to each.

    Raises:
        UnknownName: A name is not that of a converted layer.
        ConversionError: A layer is kept exact.
    """
    for name in assignment:
        if name not in assignable:
            raise UnknownName(f"assignment: the model has no converted layer {name!r}.{did_you_mean(name, assignable)}")
        if not assignable[name]:
            raise ConversionError(f"assignment: layer {name!r} is kept exact (first_layer / last_layer); leave it out.")
