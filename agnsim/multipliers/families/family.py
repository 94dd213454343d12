"""What a family of multipliers is: a generator of netlists, the formula they compute, and the instances we ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import MultiplierError, did_you_mean
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.registry import Registry

MIN_BITS, MAX_BITS = 2, 16

Parameters = Mapping[str, int]
Widths = tuple[int, int]


@dataclass(frozen=True)
class Circuit:
    """One instance of a family.

    Attributes:
        name: Unique in the built-in library.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        signed: Whether both operands and the product are in two's complement.
        parameters: The family's parameters.
    """

    name: str
    bits_a: int
    bits_b: int
    signed: bool
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """A parametrised construction of multipliers.

    Attributes:
        name: Registry name.
        citation: The paper it is from.
        summary: One line.
        parameters: Meaning of each parameter by its name; all are integers and required.
        netlist: Callable `(bits_a, bits_b, *, signed, **parameters) -> Netlist`; use `generate`, which checks.
        formula: Callable `(a, b, *, bits_a, bits_b, signed, **parameters) -> int64 array`; use `product`, which checks.
        circuits: Callable that returns the instances of the built-in library.
        signs: Which operands it is defined for: unsigned (False), signed (True) or both.
    """

    name: str
    citation: str
    summary: str
    parameters: Mapping[str, str]
    netlist: Callable[..., Netlist]
    formula: Callable[..., NDArray[np.int64]]
    circuits: Callable[[], tuple[Circuit, ...]]
    signs: tuple[bool, ...] = (False, True)

    def generate(self, bits_a: int, bits_b: int, signed: bool, **parameters: int) -> Netlist:
        """Return the simplified netlist of one circuit.

        Raises:
            MultiplierError: Widths outside 2..16, unsigned operands of a family that has signed ones only, a parameter
                that is missing, unknown or out of range.
        """
        self._check(bits_a, bits_b, signed, parameters)
        return self.netlist(bits_a, bits_b, signed=signed, **parameters)

    def product(
        self, a: NDArray[Any], b: NDArray[Any], *, bits_a: int, bits_b: int, signed: bool, **parameters: int
    ) -> NDArray[np.int64]:
        """Return the circuit's products by its formula, without a netlist.

        Args:
            a: Integer operand values (not patterns), any shape.
            b: Integer operand values, broadcast against a.
            bits_a: Width of the first operand.
            bits_b: Width of the second operand.
            signed: Whether the operands are in two's complement.
            **parameters: The family's parameters.

        Returns:
            int64, the broadcast shape.

        Raises:
            MultiplierError: As `generate`.
        """
        self._check(bits_a, bits_b, signed, parameters)
        wide_a, wide_b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
        return self.formula(wide_a, wide_b, bits_a=bits_a, bits_b=bits_b, signed=signed, **parameters)

    def _check(self, bits_a: int, bits_b: int, signed: bool, parameters: Parameters) -> None:
        for operand, bits in (("first", bits_a), ("second", bits_b)):
            if not MIN_BITS <= bits <= MAX_BITS:
                raise MultiplierError(
                    f"family {self.name!r}: the {operand} operand has {bits} bits; {MIN_BITS}..{MAX_BITS} are generated"
                )
        if signed not in self.signs:
            raise MultiplierError(f"family {self.name!r} multiplies {'unsigned' if signed else 'signed'} operands only")
        for parameter in parameters:
            if parameter not in self.parameters:
                raise MultiplierError(
                    f"family {self.name!r} has no parameter {parameter!r}.{did_you_mean(parameter, self.parameters)}"
                )
        missing = sorted(self.parameters.keys() - parameters.keys())
        if missing:
            wanted = ", ".join(f"{parameter} ({self.parameters[parameter]})" for parameter in missing)
            raise MultiplierError(f"family {self.name!r} also needs: {wanted}")


families: Registry[Family] = Registry("multiplier family")


def register(family: Family) -> Family:
    """Add a family to `families` under its name."""
    return families.add(family.name, family, family.summary)


def check_parameter(family: str, parameter: str, value: int, low: int, high: int) -> None:
    """Raise MultiplierError unless `low <= value <= high`."""
    if not low <= value <= high:
        raise MultiplierError(f"family {family!r}: {parameter} = {value}; allowed are {low}..{high}")


def circuit_name(bits_a: int, bits_b: int, *, signed: bool, family: str, tag: str = "") -> str:
    """Return the library name, such as `mul8u_drum_k4` or `mul6x5s_array`."""
    widths = f"{bits_a}" if bits_a == bits_b else f"{bits_a}x{bits_b}"
    return f"mul{widths}{'s' if signed else 'u'}_{family}" + (f"_{tag}" if tag else "")


def instances(
    family: str,
    parameters: Mapping[str, Parameters],
    widths: Sequence[Widths] = ((8, 8),),
    *,
    signs: Sequence[bool] = (False, True),
) -> tuple[Circuit, ...]:
    """Return circuits of a family: the parameters of every name tag, at all widths, unsigned and signed.

    Args:
        family: Name of the family.
        parameters: Parameters of an instance by its name tag.
        widths: Pairs of (bits_a, bits_b).
        signs: Which of unsigned (False) and signed (True).
    """
    return tuple(
        Circuit(circuit_name(*bits, signed=signed, family=family, tag=tag), *bits, signed, chosen)
        for bits in widths
        for signed in signs
        for tag, chosen in parameters.items()
    )


def magnitudes(
    a: NDArray[np.int64], b: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (|a|, |b|, sign of the product) of operand values; the sign is -1, 0 or 1."""
    return np.abs(a), np.abs(b), np.sign(a) * np.sign(b)
