"""What a multiplier is: a table of products, and everything that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

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
from agnsim.multipliers.factors import Factors, factorise
from agnsim.multipliers.figures import Figures
from agnsim.multipliers.libraries.factor_files import read_factors, read_wide_factors, stored_names
from agnsim.multipliers.metrics import ErrorMetrics, error_metrics, is_exhaustible, netlist_metrics
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.table_checks import checked_bits, checked_table, is_tabulated
from agnsim.multipliers.wide_factors import factorise_netlist
from agnsim.types import Int32Array

STATUSES = ("verified", "differs", "unpublished")
# Resolved to the encoding that belongs to the port's sign, so that readers always see an Encoding.
_NATURAL = cast(Encoding, None)


@dataclass(frozen=True, eq=False, repr=False)
class Multiplier(Figures):
    """A two-operand multiplier, exact or approximate, as its complete table. Immutable; equal by `identity`.

    The first operand is the activation, the second the weight. Build one with `from_table`, `from_netlist` or `exact`.
    A circuit of more than 2**24 products (16x16) has no table, only a netlist.

    Attributes:
        name: A label within `source`.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        signed_a: Whether patterns of the first operand are two's complement values.
        signed_b: The same of the second operand.
        products: The table, or `None` where it would have more than 2**24 entries; read it as `table`.
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
        stored_netlist: Gates of the circuit that came with it, or `None`.
        stated_metrics: Errors as its library states them, where there is no table to compute them from.
        other_costs: What the circuit costs in other flows.
        published: Error figures as the publisher writes them, by name of the metric.
        status: Whether these are the circuit's: `"verified"`, `"differs"`, `"unpublished"`; `None` where nobody looked.

    Raises:
        MultiplierError: Table, widths, signs or encodings are not a multiplier.
    """

    name: str
    bits_a: int
    bits_b: int
    signed_a: bool
    signed_b: bool
    products: Int32Array | None
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
    stored_netlist: Netlist | None = None
    stated_metrics: ErrorMetrics | None = None
    other_costs: tuple[Cost, ...] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    status: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise MultiplierError(f"name of a multiplier is {self.name!r}; it must be a non-empty text")
        where = f"multiplier {self.name!r}"
        bits_a, bits_b = checked_bits(self.bits_a, self.bits_b, where, tabulated=self.products is not None)
        if self.products is None and (self.stored_netlist is None or is_tabulated(bits_a, bits_b)):
            raise MultiplierError(
                f"{where} has no table; only a circuit with a netlist and more than 2**24 products may"
            )
        if self.status not in (None, *STATUSES):
            raise MultiplierError(
                f"{where}: status is {self.status!r}; it must be one of {', '.join(STATUSES)} or None"
            )
        for label, signed in (("signed_a", self.signed_a), ("signed_b", self.signed_b)):
            if not isinstance(signed, bool | np.bool_):
                raise MultiplierError(f"{where}: {label} is {signed!r}; it must be True or False")
        signed_a, signed_b = bool(self.signed_a), bool(self.signed_b)
        resolved: dict[str, Any] = {
            "bits_a": bits_a,
            "bits_b": bits_b,
            "signed_a": signed_a,
            "signed_b": signed_b,
            "parameters": dict(self.parameters),
            "other_costs": tuple(self.other_costs),
            "published": dict(self.published),
            "encoding_a": Encoding(self.encoding_a or natural_encoding(signed_a)),
            "encoding_w": Encoding(self.encoding_w or natural_encoding(signed_b)),
        }
        if self.products is not None:
            exact = exact_products(bits_a, bits_b, signed_a, signed_b)
            resolved["products"] = checked_table(self.products, exact, where)
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
    def from_netlist(
        cls,
        name: str,
        netlist: Netlist,
        *,
        signed_a: bool,
        signed_b: bool,
        source: str = "user",
        cost: Cost | None = None,
        other_costs: tuple[Cost, ...] = (),
        published: Mapping[str, str] | None = None,
        status: str | None = None,
        citation: str | None = None,
    ) -> Multiplier:
        """Return the multiplier that a netlist is.

        Args:
            name: A label within `source`.
            netlist: The circuit, which is kept; its table is made up to 2**24 entries.
            signed_a: Whether the first operand is two's complement.
            signed_b: Whether the second operand is two's complement.
            source: Where the circuit comes from.
            cost: What it costs.
            other_costs: What it costs in other flows.
            published: Error figures as the publisher writes them, by name of the metric.
            status: Whether these are the circuit's.
            citation: Who published it.

        Raises:
            MultiplierError: A width is above 16, or a product does not fit int32 where there is a table.
        """
        return cls(
            name,
            netlist.bits_a,
            netlist.bits_b,
            signed_a,
            signed_b,
            netlist.table() if is_tabulated(netlist.bits_a, netlist.bits_b) else None,
            source,
            cost,
            citation=citation,
            stored_netlist=netlist,
            other_costs=other_costs,
            published=published or {},
            status=status,
        )

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

    @property
    def has_table(self) -> bool:
        """Whether the circuit has a table, which it has up to 2**24 products."""
        return self.products is not None

    @property
    def table(self) -> Int32Array:
        """int32 `[2**bits_a, 2**bits_b]`, read-only: `table[a & (2**bits_a - 1), b & (2**bits_b - 1)]` is the product.

        Raises:
            MultiplierError: The circuit has more than 2**24 products.
        """
        self._check_tabulated()
        return cast(Int32Array, self.products)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the table as little-endian int32 in C order, 64 hexadecimal digits.

        Raises:
            MultiplierError: The circuit has no table.
        """
        return hashlib.sha256(self.table.astype("<i4", copy=False).tobytes()).hexdigest()

    @property
    def identity(self) -> tuple[int, int, bool, bool, str]:
        """Widths, signs and digest: what makes two multipliers the same; without a table, the netlist's own digest."""
        if self.has_table:
            digest = self.digest
        else:
            digest = f"netlist {cast(Netlist, self.netlist).digest}" + (", swapped" if self.is_swapped else "")
        return self.bits_a, self.bits_b, self.signed_a, self.signed_b, digest

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
        identity = self.digest[:12] if self.has_table else "no table"
        return f"<Multiplier {self.name!r} {ports}{swapped}, {identity}>"

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
        """The true products, int32 `[2**bits_a, 2**bits_b]`, read-only; raises like `table`."""
        self._check_tabulated()
        return exact_products(self.bits_a, self.bits_b, self.signed_a, self.signed_b)

    @property
    def error_table(self) -> Int32Array:
        """`table - exact_table`, int32 `[2**bits_a, 2**bits_b]`."""
        return self.table - self.exact_table

    @cached_property
    def metrics(self) -> ErrorMetrics:
        """Errors over all products, recomputed from the table, or from the netlist where that is quicker.

        Without a table they are what the circuit's library states, or else computed product by product, which takes
        seconds.
        """
        drawn = self.stored_netlist if self.circuit is None else None
        if self.has_table and (drawn is None or not is_exhaustible(drawn)):
            return error_metrics(self.table, self.exact_table)
        if drawn is None:
            return cast(Multiplier, self.circuit).metrics
        if self.stated_metrics is not None:
            return self.stated_metrics
        return netlist_metrics(drawn, self.signed_a, self.signed_b)

    @cached_property
    def factors(self) -> Factors | None:
        """Exact integer factorisation of the table, or `None` where its rank is above 16.

        A library's circuits have theirs on file; the others' are found when first asked for, which takes milliseconds.
        Without a table they are proved product by product, which takes seconds.
        """
        if self.circuit is not None and self.is_swapped and not self._is_encoded:
            return self.circuit.factors.transposed() if self.circuit.factors is not None else None
        if not self.has_table:
            return self._wide_factors()
        operands = operand_values(self.bits_a, self.signed_a), operand_values(self.bits_b, self.signed_b)
        stored = None
        if self.factors_file is not None and self.circuit is None:
            stored = read_factors(self.factors_file, self.name, self.table, operands)
        return stored or factorise(self.table, operands=operands)

    @property
    def netlist(self) -> Netlist | None:
        """Gates of the physical circuit: those that came with it, else its family's; `None` where there are neither.

        Raises:
            MultiplierError: The family's generator refuses the parameters.
        """
        physical = self.circuit or self
        return physical.stored_netlist or physical.generated_netlist

    @cached_property
    def generated_netlist(self) -> Netlist | None:
        """Gates of the physical circuit as its family's generator draws them; `None` where no generator makes it.

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
            products=None if self.products is None else self.products.T,
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
            products=cast(Int32Array, fold_encodings(self.table, map_a, map_w)),
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

    def _wide_factors(self) -> Factors | None:
        netlist, stored = cast(Netlist, self.netlist), None
        if self.factors_file is not None:
            stored = read_wide_factors(self.factors_file, self.name, netlist)
            if self.name not in stored_names(self.factors_file):
                return None  # whoever wrote the library looked for them
        return stored or factorise_netlist(netlist)

    def _check_tabulated(self) -> None:
        if not self.has_table:
            raise MultiplierError(
                f"multiplier {self.name!r} has 2**{self.bits_a + self.bits_b} products; tables, and emulation by them, "
                "end at 2**24. Choose narrower operands, or evaluate the pairs you need with `.netlist.product`"
            )

    @property
    def _is_encoded(self) -> bool:
        return bool({self.encoding_a, self.encoding_w} & {Encoding.SIGN_MAGNITUDE, Encoding.OFFSET})
