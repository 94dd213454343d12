"""Formats of quantised tensors and the quantisation settings of a whole network."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from agnsim.errors import InputError

MIN_BITS, MAX_BITS = 2, 8

Calibration = Literal["minmax", "percentile", "mse"]
ActivationFormat = Literal["auto", "unsigned", "symmetric", "affine"]
WeightFormat = Literal["symmetric", "affine"]
LayerRole = Literal["same", "exact", "float"]


@dataclass(frozen=True)
class QuantizerSpec:
    """Format of one quantised tensor: `q = clamp(round(x / scale) + zero_point, qmin, qmax)`.

    Attributes:
        bits: Width of a code, 2 to 8.
        signed: Codes are signed values.
        symmetric: The zero point is 0. Symmetric signed codes are `+-(2**(bits-1) - 1)`; symmetric unsigned ones clip
            negative values to 0. Otherwise (affine) the zero point is calibrated and every code is used.
        per_channel: One scale (and zero point) per output channel, dimension 0 of the tensor.
        calibration: How the clipping range is chosen: observed extremes, a percentile, or least squared error.
        percentile: Percent of the values that the `percentile` range keeps.
        learnable: The scale is a parameter with the LSQ gradient (Esser et al., ICLR 2020).

    Raises:
        InputError: A field is outside what is allowed.
    """

    bits: int = 8
    signed: bool = True
    symmetric: bool = True
    per_channel: bool = False
    calibration: Calibration = "minmax"
    percentile: float = 99.99
    learnable: bool = False

    def __post_init__(self) -> None:
        _check_bits("bits", self.bits)
        _check_fields(self)
        _check_percentile(self.percentile)

    @property
    def qmin(self) -> int:
        """Smallest code."""
        if not self.signed:
            return 0
        return -self.qmax if self.symmetric else -(1 << (self.bits - 1))

    @property
    def qmax(self) -> int:
        """Largest code."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1


@dataclass(frozen=True)
class Quantization:
    """How a network is quantised.

    Attributes:
        activation_bits: Width of activation codes, 2 to 8.
        weight_bits: Width of weight codes, 2 to 8.
        activation: `"unsigned"` (zero point 0), `"affine"` (unsigned codes with a zero point), `"symmetric"` (signed),
            or `"auto"`: unsigned where no negative value was seen, else affine; symmetric on a signed multiplier.
        weight: `"symmetric"` (signed) or `"affine"` (unsigned codes with zero points).
        per_channel_weights: One weight scale per output channel.
        activation_calibration: How activation ranges are chosen.
        weight_calibration: How weight ranges are chosen.
        percentile: Percent of the values that a `"percentile"` range keeps.
        learnable: Scales are trained along (LSQ).
        exclude: `fnmatch` patterns of layer names that stay as they are, in float.
        first_layer: The first layer executed: `"same"` as the others; `"exact"`: 8 bits, exact products, never
            assigned a multiplier; `"float"`: left as it is.
        last_layer: Likewise for the last layer executed.

    Raises:
        InputError: A field is outside what is allowed.
    """

    activation_bits: int = 8
    weight_bits: int = 8
    activation: ActivationFormat = "auto"
    weight: WeightFormat = "symmetric"
    per_channel_weights: bool = True
    activation_calibration: Calibration = "mse"
    weight_calibration: Calibration = "minmax"
    percentile: float = 99.99
    learnable: bool = False
    exclude: tuple[str, ...] = ()
    first_layer: LayerRole = "same"
    last_layer: LayerRole = "same"

    def __post_init__(self) -> None:
        _check_bits("activation_bits", self.activation_bits)
        _check_bits("weight_bits", self.weight_bits)
        _check_fields(self)
        _check_percentile(self.percentile)
        if isinstance(self.exclude, str):
            raise InputError(
                f"exclude: {self.exclude!r} is a string; a tuple of patterns is needed: ({self.exclude!r},)"
            )

    def activation_spec(self) -> QuantizerSpec:
        """Return the format of activations where no multiplier asks for another; `"auto"` is affine, see there."""
        signed = self.activation == "symmetric"
        return QuantizerSpec(
            bits=self.activation_bits,
            signed=signed,
            symmetric=signed or self.activation == "unsigned",
            calibration=self.activation_calibration,
            percentile=self.percentile,
            learnable=self.learnable,
        )

    def weight_spec(self) -> QuantizerSpec:
        """Return the format of weights where no multiplier asks for another."""
        symmetric = self.weight == "symmetric"
        return QuantizerSpec(
            bits=self.weight_bits,
            signed=symmetric,
            symmetric=symmetric,
            per_channel=self.per_channel_weights,
            calibration=self.weight_calibration,
            percentile=self.percentile,
            learnable=self.learnable,
        )


def _check_bits(name: str, bits: Any) -> None:
    if not isinstance(bits, int) or isinstance(bits, bool) or not MIN_BITS <= bits <= MAX_BITS:
        raise InputError(f"{name}: {bits!r} is not an integer from {MIN_BITS} to {MAX_BITS}")


def _check_percentile(percentile: float) -> None:
    if not 50 < percentile <= 100:
        raise InputError(f"percentile: {percentile!r} is not above 50 and at most 100")


def _check_fields(spec: QuantizerSpec | Quantization) -> None:
    """Check every field whose type is a `Literal` against its values."""
    types = get_type_hints(type(spec))
    for field in fields(spec):
        allowed, value = get_args(types[field.name]), getattr(spec, field.name)
        if allowed and all(isinstance(choice, str) for choice in allowed) and value not in allowed:
            names = ", ".join(repr(choice) for choice in allowed)
            raise InputError(f"{field.name}: {value!r} is not allowed; choose from {names}")
