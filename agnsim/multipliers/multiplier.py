"""What a multiplier is: a table of products, and everything that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError, MultiplierError, OperandRangeError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.encoding import (
    Encoding,
    check_full_magnitude,
    fold_encodings,
    natural_encoding,
    operand_map,
    operand_range,
    operand_values,
    parse_encoding,
)
from agnsim.multipliers.exact import exact_products
from agnsim.multipliers.factor_files import read_factors
from agnsim.multipliers.factors import Factors, factorise
from agnsim.multipliers.metrics import ErrorMetrics, error_metrics
from agnsim.multipliers.table_checks import checked_bits, checked_table
from agnsim.types import Int32Array

if TYPE_CHECKING:
    from agnsim.multipliers.netlist import Netlist

# Resolved to the encoding that belongs to the port's sign, so that readers always see an Encoding.
_NATURAL = cast(Encoding, None)


@dataclass(frozen=True, eq=False, repr=False)
class Multiplier:
    """A two-operand multiplier, exact or approximate, as its complete table. Immutable; equal by `identity`.

    The first operand is the activation, the second the weight. Build one with `from_table` or `exact`.

    Attributes:
        name: A label within `source`.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        signed_a: Whether patterns of the first operand are two's complement values.
        signed_b: The same of the second operand.
        table: int32 `[2**bits_a, 2**bits_b]`, read-only; `table[a & (2**bits_a - 1), b & (2**bits_b - 1)]` is the
            product for operand values a, b.
        source: Where the circuit comes from.
        cost: What the circuit costs (converters of encodings not included), or `None`.
        family: Family whose generator makes the circuit, or `None`.
        parameters: The generator's parameters.
        citation: Who published it.
        encoding_a: How values of the first operand reach the circuit's port.
        encoding_w: The same of the second operand.
        is_swapped: Whether the operand roles of `circuit` are exchanged.
        circuit: The physical circuit this was derived from by `swapped` or `encoded`; `None` for the circuit itself.
        factors_file: Where the circuit's library may keep its factors, or `None`.

    Raises:
        MultiplierError: Table, widths, signs or encodings are not a multiplier.
    """

    name: str
    bits_a: int
    bits_b: int
    signed_a: bool
    signed_b: bool
    table: Int32Array
    source: str = "user"
    cost: Cost | None = None
    family: str | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)
    citation: str | None = None
    encoding_a: Encoding = _NATURAL
    encoding_w: Encoding = _NATURAL
    is_swapped: bool = False
    circuit: Multiplier | None = None
    factors_file: Path | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise MultiplierError(f"name of a multiplier is {self.name!r}; it must be a non-empty text")
        where = f"multiplier {self.name!r}"
        bits_a, bits_b = checked_bits(self.bits_a, self.bits_b, where)
        for label, signed in (("signed_a", self.signed_a), ("signed_b", self.signed_b)):
            if not isinstance(signed, bool | np.bool_):
                raise MultiplierError(f"{where}: {label} is {signed!r}; it must be True or False")
        signed_a, signed_b = bool(self.signed_a), bool(self.signed_b)
        resolved: dict[str, Any] = {
            "bits_a": bits_a,
            "bits_b": bits_b,
            "signed_a": signed_a,
            "signed_b": signed_b,
            "table": checked_table(self.table, exact_products(bits_a, bits_b, signed_a, signed_b), where),
            "parameters": dict(self.parameters),
            "encoding_a": Encoding(self.encoding_a or natural_encoding(signed_a)),
            "encoding_w": Encoding(self.encoding_w or natural_encoding(signed_b)),
        }
        for attribute, value in resolved.items():
            object.__setattr__(self, attribute, value)

    @classmethod
    def from_table(
        cls,
        name: str,
        table: NDArray[np.integer[Any]],
        *,
        bits_a: int = 8,
        bits_b: int = 8,
        signed_a: bool,
        signed_b: bool,
        source: str = "user",
        cost: Cost | None = None,
        family: str | None = None,
        parameters: Mapping[str, int] | None = None,
        citation: str | None = None,
    ) -> Multiplier:
        """Return the multiplier with the given products.

        Args:
            name: A label within `source`.
            table: Integer array `[2**bits_a, 2**bits_b]`, indexed by the operands' bit patterns (a negative value v by
                `v + 2**bits`), first operand = activation. It is copied.
            bits_a: Width of the first operand.
            bits_b: Width of the second operand.
            signed_a: Whether the first operand is two's complement.
            signed_b: Whether the second operand is two's complement.
            source: Where the circuit comes from.
            cost: What it costs.
            family: Family whose generator makes it.
            parameters: The generator's parameters.
            citation: Who published it.

        Raises:
            MultiplierError: Not an integer array of that shape, or a value does not fit int32.
        """
        # Checked and converted by __post_init__.
        products = cast(Int32Array, table)
        return cls(name, bits_a, bits_b, signed_a, signed_b, products, source, cost, family, parameters or {}, citation)

    @classmethod
    def exact(cls, bits_a: int = 8, bits_b: int = 8, *, signed_a: bool, signed_b: bool) -> Multiplier:
        """Return the exact multiplier of those widths and signs, named `exact_u8xs8` or the like, without a cost.

        Raises:
            MultiplierError: The widths are not allowed.
        """
        bits_a, bits_b = checked_bits(bits_a, bits_b, "exact multiplier")
        name = f"exact_{'s' if signed_a else 'u'}{bits_a}x{'s' if signed_b else 'u'}{bits_b}"
        table = exact_products(bits_a, bits_b, bool(signed_a), bool(signed_b))
        return cls(name, bits_a, bits_b, signed_a, signed_b, table, source="exact")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the table as little-endian int32 in C order, 64 hexadecimal digits."""
        return hashlib.sha256(self.table.astype("<i4", copy=False).tobytes()).hexdigest()

    @property
    def identity(self) -> tuple[int, int, bool, bool, str]:
        """Widths, signs and digest: what makes two multipliers the same."""
        return self.bits_a, self.bits_b, self.signed_a, self.signed_b, self.digest

    def __eq__(self, other: object) -> bool:
        return self.identity == other.identity if isinstance(other, Multiplier) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        ports = " x ".join(
            f"{bits}-bit {encoding}"
            for bits, encoding in ((self.bits_a, self.encoding_a), (self.bits_b, self.encoding_w))
        )
        swapped = ", swapped" if self.is_swapped else ""
        return f"<Multiplier {self.name!r} {ports}{swapped}, {self.digest[:12]}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Multiplier:
        return self

    def __reduce__(self) -> tuple[type[Multiplier], tuple[Any, ...]]:
        return Multiplier, tuple(getattr(self, member.name) for member in fields(self))

    @property
    def range_a(self) -> tuple[int, int]:
        """Smallest and largest value the first operand may take."""
        return operand_range(self.bits_a, self.signed_a, self.encoding_a)

    @property
    def range_b(self) -> tuple[int, int]:
        """Smallest and largest value the second operand may take."""
        return operand_range(self.bits_b, self.signed_b, self.encoding_w)

    @property
    def exact_table(self) -> Int32Array:
        """The true products, int32 `[2**bits_a, 2**bits_b]`, read-only."""
        return exact_products(self.bits_a, self.bits_b, self.signed_a, self.signed_b)

    @property
    def error_table(self) -> Int32Array:
        """`table - exact_table`, int32 `[2**bits_a, 2**bits_b]`."""
        return self.table - self.exact_table

    @cached_property
    def metrics(self) -> ErrorMetrics:
        """Errors over the whole table, recomputed from it."""
        return error_metrics(self.table, self.exact_table)

    @cached_property
    def factors(self) -> Factors | None:
        """Exact integer factorisation of the table, or `None` where its rank is above 16.

        A library's circuits have theirs on file; the others' are found when first asked for, which takes milliseconds.
        """
        if self.circuit is not None and self.is_swapped and not self._is_encoded:
            return self.circuit.factors.transposed() if self.circuit.factors is not None else None
        operands = operand_values(self.bits_a, self.signed_a), operand_values(self.bits_b, self.signed_b)
        stored = None
        if self.factors_file is not None and self.circuit is None:
            stored = read_factors(self.factors_file, self.name, self.table, operands)
        return stored or factorise(self.table, operands=operands)

    @cached_property
    def netlist(self) -> Netlist | None:
        """Gates of the physical circuit, made by its family's generator; `None` where no generator makes it.

        Raises:
            MultiplierError: The generator refuses the parameters.
        """
        from agnsim.multipliers.families import families

        physical = self.circuit or self
        if physical.family is None or physical.family not in families or physical.signed_a != physical.signed_b:
            return None
        family = families[physical.family]
        return family.generate(physical.bits_a, physical.bits_b, physical.signed_a, **physical.parameters)

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether exchanging the operands changes nothing."""
        same_ports = (self.bits_a, self.signed_a, self.encoding_a) == (self.bits_b, self.signed_b, self.encoding_w)
        return same_ports and np.array_equal(self.table, self.table.T)

    @property
    def is_exact(self) -> bool:
        """Whether every product is true."""
        return self.metrics.wce == 0

    @property
    def mae(self) -> float:
        """Mean absolute error."""
        return self.metrics.mae

    @property
    def wce(self) -> int:
        """Worst-case error."""
        return self.metrics.wce

    @property
    def mre(self) -> float:
        """Mean relative error, a fraction."""
        return self.metrics.mre

    @property
    def ep(self) -> float:
        """Error probability, a fraction."""
        return self.metrics.ep

    @property
    def mse(self) -> float:
        """Mean squared error."""
        return self.metrics.mse

    @property
    def mean_error(self) -> float:
        """Mean error."""
        return self.metrics.mean_error

    @property
    def error_std(self) -> float:
        """Standard deviation of the error."""
        return self.metrics.error_std

    @property
    def power_mw(self) -> float | None:
        """Power in milliwatts, where known."""
        return self.cost.power_mw if self.cost else None

    @property
    def area_um2(self) -> float | None:
        """Area in square micrometres, where known."""
        return self.cost.area_um2 if self.cost else None

    @property
    def delay_ns(self) -> float | None:
        """Critical path in nanoseconds, where known."""
        return self.cost.delay_ns if self.cost else None

    @property
    def energy_pj(self) -> float | None:
        """Energy of one multiplication in picojoules, where known."""
        return self.cost.energy_pj if self.cost else None

    def swapped(self) -> Multiplier:
        """Return the same circuit with the operand roles exchanged: activations on port B, weights on port A."""
        if self.circuit is not None and self.is_swapped and not self._is_encoded:
            return self.circuit
        return replace(
            self,
            bits_a=self.bits_b,
            bits_b=self.bits_a,
            signed_a=self.signed_b,
            signed_b=self.signed_a,
            table=self.table.T,
            encoding_a=self.encoding_w,
            encoding_w=self.encoding_a,
            is_swapped=not self.is_swapped,
            circuit=self.circuit or self,
        )

    def encoded(
        self, a: Encoding | str | None = None, w: Encoding | str | None = None, *, full_magnitude: bool = False
    ) -> Multiplier:
        """Return the multiplier of true values that the circuit is when its operands are encoded.

        The encodings fold into the table: the result approximates `a * w` for all values in its ranges. The pattern
        of the most negative value, unreachable in sign-magnitude, holds the natural extension.

        Args:
            a: Encoding of the first operand; `None` feeds the value itself.
            w: Encoding of the second operand.
            full_magnitude: Sign-magnitude operands use the whole port, `+-(2**bits - 1)`, and are one bit wider.

        Raises:
            MultiplierError: The port can't take the encoding, the multiplier is encoded already, or `full_magnitude`
                is asked of no sign-magnitude operand or of a signed port.
        """
        where = f"multiplier {self.name!r}"
        if self._is_encoded:
            raise MultiplierError(
                f"{where} is encoded already ({self.encoding_a} x {self.encoding_w}); encode its physical circuit, "
                "`multiplier.circuit`, instead"
            )
        encoding_a = parse_encoding(a, signed=self.signed_a, where=f"{where}, operand a")
        encoding_w = parse_encoding(w, signed=self.signed_b, where=f"{where}, operand w")
        if full_magnitude:
            check_full_magnitude((encoding_a, encoding_w), (self.signed_a, self.signed_b), where)
        if (encoding_a, encoding_w) == (self.encoding_a, self.encoding_w):
            return self
        map_a = operand_map(self.bits_a, self.signed_a, encoding_a, full_magnitude=full_magnitude)
        map_w = operand_map(self.bits_b, self.signed_b, encoding_w, full_magnitude=full_magnitude)
        return replace(
            self,
            bits_a=map_a.bits,
            bits_b=map_w.bits,
            signed_a=map_a.signed,
            signed_b=map_w.signed,
            table=cast(Int32Array, fold_encodings(self.table, map_a, map_w)),
            encoding_a=encoding_a,
            encoding_w=encoding_w,
            circuit=self.circuit or self,
        )

    def product(self, a: Any, b: Any) -> Int32Array:
        """Return the products of operand values, looked up in the table.

        Args:
            a: Integers or integer arrays within `range_a`.
            b: Integers or integer arrays within `range_b`, broadcast against `a`.

        Raises:
            OperandRangeError: A value is out of range.
            InputError: An operand is not of integers.
        """
        patterns = []
        for label, operand, bits, limits in (
            ("first", a, self.bits_a, self.range_a),
            ("second", b, self.bits_b, self.range_b),
        ):
            values = np.asarray(operand)
            if not np.issubdtype(values.dtype, np.integer):
                raise InputError(f"{label} operand of {self.name!r} has dtype {values.dtype}; it must be integer")
            outside = (values < limits[0]) | (values > limits[1])
            if outside.any():
                raise OperandRangeError(
                    f"{label} operand of {self.name!r} is {int(values[outside].ravel()[0])}; allowed: "
                    f"{limits[0]} to {limits[1]}"
                )
            patterns.append(values.astype(np.int64) & ((1 << bits) - 1))
        return np.asarray(self.table[patterns[0], patterns[1]])

    @property
    def _is_encoded(self) -> bool:
        return bool({self.encoding_a, self.encoding_w} & {Encoding.SIGN_MAGNITUDE, Encoding.OFFSET})
