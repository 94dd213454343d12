"""What one layer is given: a physical circuit, its orientation and the encodings of its operands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from agnsim.errors import MultiplierError
from agnsim.multipliers.encoding import Encoding, natural_encoding, parse_encoding
from agnsim.multipliers.multiplier import Multiplier


@dataclass(frozen=True)
class Choice:
    """A circuit as a layer uses it: `multiplier`, then swapped, then encoded.

    Attributes:
        multiplier: The physical circuit, neither swapped nor encoded.
        swapped: Whether activations go to the second port.
        encoding_a: Encoding of the activations; `None` is replaced by the natural encoding of their port.
        encoding_w: Encoding of the weights.

    Raises:
        MultiplierError: A port can't take its encoding.
    """

    multiplier: Multiplier
    swapped: bool = False
    encoding_a: Encoding | None = None
    encoding_w: Encoding | None = None

    def __post_init__(self) -> None:
        circuit = self.multiplier
        if circuit.circuit is not None:
            raise MultiplierError(
                f"{circuit!r} is swapped or encoded, a Choice takes the physical circuit; Choice.of takes either"
            )
        signs = (circuit.signed_b, circuit.signed_a) if self.swapped else (circuit.signed_a, circuit.signed_b)
        for label, operand, signed in (("encoding_a", "a", signs[0]), ("encoding_w", "w", signs[1])):
            where = f"multiplier {circuit.name!r}{', swapped' if self.swapped else ''}, operand {operand}"
            encoding = parse_encoding(getattr(self, label), signed=signed, where=where)
            object.__setattr__(self, label, encoding)

    @classmethod
    def of(cls, multiplier: Multiplier) -> Choice:
        """Return the choice whose `effective` is `multiplier`, which may be swapped or encoded.

        Raises:
            MultiplierError: It is encoded with the full magnitude, which widens an operand and can't be assigned.
        """
        if multiplier.circuit is None:
            return cls(multiplier)
        choice = cls(multiplier.circuit, multiplier.is_swapped, multiplier.encoding_a, multiplier.encoding_w)
        if choice.effective != multiplier:
            raise MultiplierError(f"{multiplier!r} uses the full magnitude; a layer can't be assigned such an operand")
        return choice

    @cached_property
    def effective(self) -> Multiplier:
        """The multiplier of true values that the layer computes with."""
        oriented = self.multiplier.swapped() if self.swapped else self.multiplier
        return oriented.encoded(self.encoding_a, self.encoding_w)

    @property
    def label(self) -> str:
        """Name, orientation and the encodings that are not natural, such as `mul8u_17C8 swapped w:sign_magnitude`."""
        circuit = self.multiplier
        signs = (circuit.signed_b, circuit.signed_a) if self.swapped else (circuit.signed_a, circuit.signed_b)
        parts = [circuit.name, *(["swapped"] if self.swapped else [])]
        for operand, encoding, signed in (("a", self.encoding_a, signs[0]), ("w", self.encoding_w, signs[1])):
            if encoding is not natural_encoding(signed):
                parts.append(f"{operand}:{encoding}")
        return " ".join(parts)


def choices(multiplier: Multiplier, *, signed_a: bool | None = None) -> list[Choice]:
    """Return every sensible orientation and encoding of a circuit, none twice.

    Weights are signed, so an unsigned port takes them in sign-magnitude or offset, a signed port as they are or in
    sign-magnitude. Activations go as they are (unsigned codes of an unsigned port may be affine); where they may be
    negative, in sign-magnitude too. Both orientations are tried unless the circuit is symmetric.

    Args:
        multiplier: A physical circuit.
        signed_a: Whether activations may be negative; `None`: not known, so they may.
    """
    found: dict[tuple[object, ...], Choice] = {}
    for swapped in (False,) if multiplier.is_symmetric else (False, True):
        port_a, port_w = multiplier.signed_a, multiplier.signed_b
        if swapped:
            port_a, port_w = port_w, port_a
        for encoding_a in _activation_encodings(port_a, signed_a is not False):
            for encoding_w in _weight_encodings(port_w):
                choice = Choice(multiplier, swapped, encoding_a, encoding_w)
                effective = choice.effective
                found.setdefault((effective.identity, effective.range_a, effective.range_b), choice)
    return list(found.values())


def _activation_encodings(port_signed: bool, may_be_negative: bool) -> Iterator[Encoding]:
    yield natural_encoding(port_signed)
    if may_be_negative:
        yield Encoding.SIGN_MAGNITUDE


def _weight_encodings(port_signed: bool) -> Iterator[Encoding]:
    if port_signed:
        yield Encoding.TWOS_COMPLEMENT  # first: where both err the same, the one that needs no converter is taken
    yield Encoding.SIGN_MAGNITUDE
    if not port_signed:
        yield Encoding.OFFSET
