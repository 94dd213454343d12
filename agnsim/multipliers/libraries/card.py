"""The card of a circuit: what a library states about it, and the check of that against its table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from agnsim.errors import InputError, LibraryError, MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.libraries.factor_files import FACTORS
from agnsim.multipliers.metrics import ErrorMetrics
from agnsim.multipliers.multiplier import STATUSES, Multiplier
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.table_checks import checked_bits, is_tabulated
from agnsim.types import Int32Array, Json

CARD_FORMAT = 2
LARGEST = 1e300  # comparing excludes NaN, infinity and integers that no float holds
METRICS = tuple(field.name for field in fields(ErrorMetrics))


@dataclass(frozen=True)
class Card:
    """What a library states about one circuit, before its table is read.

    Attributes:
        name: The circuit's name.
        bits_a: Width of the first operand.
        bits_b: Width of the second operand.
        signed_a: Whether the first operand is two's complement.
        signed_b: Whether the second operand is two's complement.
        digest: SHA-256 of the table, lower-case hexadecimal; `None` where there is none, beyond 2**24 products.
        errors: Stated value of every error metric.
        source: Where the circuit comes from.
        cost: What it costs, or `None`.
        family: Family whose generator makes it, or `None`.
        parameters: The generator's parameters.
        citation: Who published it.
        other_costs: What it costs in other flows.
        published: Error figures as the publisher writes them, by name of the metric.
        status: Whether these are the circuit's, or `None`.
    """

    name: str
    bits_a: int
    bits_b: int
    signed_a: bool
    signed_b: bool
    digest: str | None
    errors: Mapping[str, float]
    source: str
    cost: Cost | None
    family: str | None
    parameters: Mapping[str, int]
    citation: str | None
    other_costs: tuple[Cost, ...]
    published: Mapping[str, str]
    status: str | None

    @classmethod
    def of(cls, multiplier: Multiplier) -> Card:
        """Return the true card of a multiplier."""
        return cls(
            multiplier.name,
            multiplier.bits_a,
            multiplier.bits_b,
            multiplier.signed_a,
            multiplier.signed_b,
            multiplier.digest if multiplier.has_table else None,
            asdict(multiplier.metrics),
            multiplier.source,
            multiplier.cost,
            multiplier.family,
            multiplier.parameters,
            multiplier.citation,
            multiplier.other_costs,
            multiplier.published,
            multiplier.status,
        )

    def generated_netlist(self, path: Path) -> Netlist:
        """Return the netlist that the family's generator makes.

        Args:
            path: The card's file, for messages.

        Raises:
            LibraryError: There is no family, or the generator refuses the parameters.
        """
        from agnsim.multipliers.families import families

        if self.family is None or self.family not in families:
            known = ", ".join(families)
            raise LibraryError(f"{path}: family: {self.family!r} is none of {known}, so the table can't be made")
        try:
            return families[self.family].generate(self.bits_a, self.bits_b, self.signed_a, **self.parameters)
        except (InputError, TypeError) as error:
            raise LibraryError(f"{path}: the generator of family {self.family!r} refuses the card ({error})") from error

    def multiplier(self, table: Int32Array | None, netlist: Netlist | None, path: Path) -> Multiplier:
        """Return the circuit with that table, after checking digest and errors against the card.

        Args:
            table: int32 `[2**bits_a, 2**bits_b]`, or `None` beyond 2**24 products, where nothing is checked.
            netlist: The stored netlist, or `None`.
            path: The card's file, for messages.

        Raises:
            LibraryError: The table is not what the card says.
        """
        try:
            circuit = Multiplier(
                self.name,
                self.bits_a,
                self.bits_b,
                self.signed_a,
                self.signed_b,
                table,
                self.source,
                self.cost,
                self.family,
                self.parameters,
                self.citation,
                factors_file=path.parent / FACTORS,
                stored_netlist=netlist,
                stated_metrics=None if table is not None else ErrorMetrics(**dict(self.errors)),  # type: ignore[arg-type]
                other_costs=self.other_costs,
                published=self.published,
                status=self.status,
            )
        except MultiplierError as error:
            raise LibraryError(f"{path}: {error}") from error
        if table is None:
            return circuit
        if circuit.digest != self.digest:
            raise LibraryError(f"{path}: digest: stated {self.digest}, the table's is {circuit.digest}")
        self.check_errors(circuit.metrics, path)
        return circuit

    def check_errors(self, found: ErrorMetrics, path: Path) -> None:
        """Compare the stated errors with computed ones.

        Raises:
            LibraryError: They differ.
        """
        for metric, stated in self.errors.items():
            true = getattr(found, metric)
            if not math.isclose(stated, true, rel_tol=1e-9, abs_tol=1e-12):
                raise LibraryError(f"{path}: errors.{metric}: stated {stated}, the circuit's is {true}")


def write_card(path: Path, card: Card) -> None:
    """Write a card as indented JSON with sorted keys."""
    content: Json = asdict(card)
    content["format"] = CARD_FORMAT
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_card(path: Path) -> Card:
    """Return a circuit's card.

    Raises:
        LibraryError: Unreadable, another format, or a field is missing, unknown or of the wrong type.
    """
    content = read_json(path)
    if content.pop("format", None) != CARD_FORMAT:
        raise LibraryError(f"{path}: format must be {CARD_FORMAT}")
    known = {member.name for member in fields(Card)}
    for problem, names in (("lacks the field", known - set(content)), ("has an unknown field", set(content) - known)):
        if names:
            raise LibraryError(f"{path}: {problem} {sorted(names)[0]!r}; a card has {', '.join(sorted(known))}")
    for name in ("name", "source"):
        _require(path, name, content[name], isinstance(content[name], str) and content[name] != "", "a non-empty text")
    for name in ("signed_a", "signed_b"):
        _require(path, name, content[name], isinstance(content[name], bool), "true or false")
    for name in ("family", "citation"):
        _require(path, name, content[name], isinstance(content[name], str | None), "a text or null")
    _check_numbers(path, content)
    status, published = content["status"], content["published"]
    _require(path, "status", status, status in (None, *STATUSES), f"null or one of {', '.join(STATUSES)}")
    is_texts = isinstance(published, dict) and all(isinstance(text, str) for text in published.values())
    _require(path, "published", published, is_texts, "an object of texts")
    others = content["other_costs"]
    _require(path, "other_costs", others, isinstance(others, list) and None not in others, "a list of costs")
    if content["name"] != path.stem:
        raise LibraryError(f"{path}: name: stated {content['name']!r}, but the file is called {path.stem!r}")
    digest = content["digest"]
    try:
        bits_a, bits_b = checked_bits(content["bits_a"], content["bits_b"], str(path), tabulated=digest is not None)
    except MultiplierError as error:
        raise LibraryError(str(error)) from error
    if is_tabulated(bits_a, bits_b):
        _require(path, "digest", digest, is_digest(digest), "64 lower-case hexadecimal digits")
    costs = tuple(cost for item in others if (cost := _read_cost(path, item)) is not None)
    return Card(**{**content, "cost": _read_cost(path, content["cost"]), "other_costs": costs})


def read_json(path: Path) -> Json:
    """Return the object in a JSON file.

    Raises:
        LibraryError: Unreadable, not JSON, or not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path}: can't be read ({error})") from error
    except (ValueError, RecursionError) as error:
        raise LibraryError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise LibraryError(f"{path}: must hold one JSON object, not {type(content).__name__}")
    return content


def is_digest(value: object) -> bool:
    """Tell whether `value` is a SHA-256 in lower-case hexadecimal."""
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _require(path: Path, name: str, value: object, is_right: bool, allowed: str) -> None:
    if not is_right:
        raise LibraryError(f"{path}: {name} is {value!r}; it must be {allowed}")


def _check_numbers(path: Path, content: Json) -> None:
    errors, parameters = content["errors"], content["parameters"]
    _require(path, "errors", errors, isinstance(errors, dict), "an object")
    _require(path, "parameters", parameters, isinstance(parameters, dict), "an object")
    if set(errors) != set(METRICS):
        raise LibraryError(f"{path}: errors has {sorted(errors)}; it must have {sorted(METRICS)}")
    for metric, value in errors.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
        _require(path, f"errors.{metric}", value, is_number, "a finite number")
    for parameter, value in parameters.items():
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        _require(path, f"parameters.{parameter}", value, is_integer, "an integer")


def _read_cost(path: Path, content: Any) -> Cost | None:
    if content is None:
        return None
    known = {member.name for member in fields(Cost)}
    if not isinstance(content, dict) or not {"technology", "flow"} <= set(content) <= known:
        raise LibraryError(f"{path}: cost is {content!r}; it must be null or an object of {', '.join(sorted(known))}")
    try:
        return Cost(**content)
    except LibraryError as error:
        raise LibraryError(f"{path}: {error}") from error
