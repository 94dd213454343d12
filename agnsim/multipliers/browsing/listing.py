"""A library as rows: what `agnsim multipliers list` prints. Cards are read, tables are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from agnsim.errors import InputError, LibraryError, did_you_mean
from agnsim.multipliers.browsing.conditions import fulfilling, parse_condition
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.libraries.card import Card
from agnsim.multipliers.libraries.collection import Library
from agnsim.multipliers.libraries.factor_files import FACTORS, stored_ranks
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.operands.operand_distribution import Traced, Use, error_moments
from agnsim.multipliers.operands.operand_energy import energy_under_operands, mean_energies
from agnsim.multipliers.operands.operand_trace import OperandTrace
from agnsim.multipliers.widths import parse_bits
from agnsim.progress import Progress
from agnsim.types import Json

COLUMNS = (
    *("name", "family", "bits_a", "bits_b", "signed_a", "signed_b"),
    *("mae", "wce", "mre", "ep", "mean_error", "error_std", "rank"),
    *("energy", "energy_ratio", "area", "delay", "flow", "status", "source"),
)
"""Columns of `circuit_rows`. Errors are in units of the product (`mre` and `ep` are fractions); `rank` is the number of
terms of the stored factorisation; energy, area and delay are the figures that ratios within `flow` are made of;
`energy_ratio` is to the cheapest exact circuit of the same widths, signs and flow in the library."""

ERROR_COLUMNS = ("mae_operands", "mean_error_operands", "error_std_operands")
OPERAND_COLUMNS = ("energy_operands", "basis", *ERROR_COLUMNS)
"""Columns of a listing under traced operands: energy, its basis (`"operands"` or `"published"`), and errors."""

_MAX_PRODUCTS = 1 << 18
"""Largest table whose errors under operands are listed: larger ones are not stored, and take a second each to make."""


def circuit_row(card: Card, rank: int | None, energy_ratio: float | None) -> Json:
    """Return one circuit's `COLUMNS`; what is not known is None."""
    cost = card.cost
    return {
        "name": card.name,
        "family": card.family,
        "bits_a": card.bits_a,
        "bits_b": card.bits_b,
        "signed_a": card.signed_a,
        "signed_b": card.signed_b,
        **{metric: card.errors[metric] for metric in ("mae", "wce", "mre", "ep", "mean_error", "error_std")},
        "rank": rank,
        "energy": cost.energy if cost else None,
        "energy_ratio": energy_ratio,
        "area": cost.area if cost else None,
        "delay": cost.delay if cost else None,
        "flow": cost.flow if cost else None,
        "status": card.status,
        "source": card.source,
    }


def all_rows(library: Mapping[str, Multiplier]) -> list[Json]:
    """Return the rows of all circuits, in the library's order; ranks are those of factors on file, and 1 if exact."""
    whole = library if isinstance(library, Library) else Library.of("circuits", library.values())
    ranks: dict[str, int] = {}
    if whole.path is not None:
        for factors in (whole.path / FACTORS, *sorted(whole.path.glob(f"*/{FACTORS}"))):
            with suppress(LibraryError):  # a damaged file is for `verify` to name; factors can be found again
                ranks |= stored_ranks(factors)
    ratios = energy_ratios(whole)
    cards = [whole.card(name) for name in whole]
    return [
        circuit_row(card, 1 if card.errors["wce"] == 0 else ranks.get(card.name), ratios[card.name]) for card in cards
    ]


def energy_ratios(library: Library) -> dict[str, float | None]:
    """Return each circuit's stated energy over that of the cheapest exact circuit that it may be compared with.

    That is one of the library's of the same widths, signs and flow; without one, and without a cost, it is None.
    """
    cards = [library.card(name) for name in library]
    cheapest: dict[tuple[object, ...], float] = {}
    for card in cards:
        if card.cost and card.cost.energy and card.errors["wce"] == 0:
            key = _comparable(card, card.cost)
            cheapest[key] = min(card.cost.energy, cheapest.get(key, card.cost.energy))
    bases = {card.name: cheapest.get(_comparable(card, card.cost)) if card.cost else None for card in cards}
    return {
        card.name: card.cost.energy / base
        if (base := bases[card.name]) and card.cost and card.cost.energy is not None
        else None
        for card in cards
    }


def _comparable(card: Card, cost: Cost) -> tuple[object, ...]:
    ports = card.bits_a, card.bits_b, card.signed_a, card.signed_b
    return *ports, cost.flow, cost.technology, cost.energy_figure


def circuit_rows(
    library: Mapping[str, Multiplier],
    *,
    family: str | None = None,
    source: str | None = None,
    bits: str | None = None,
    signed: bool | None = None,
    exact: bool | None = None,
    max_rank: int | None = None,
    where: Sequence[str] = (),
    sort: str | None = None,
    descending: bool = False,
    operands: tuple[OperandTrace, tuple[str, ...]] | None = None,
    progress: Progress | None = None,
) -> list[Json]:
    """Return the rows of a library's circuits.

    Args:
        library: The circuits.
        family: Keep this family alone.
        source: Keep circuits whose source matches this pattern (`*`, `?`, `[..]`).
        bits: Keep these widths alone: `8x4`, or `8` for both.
        signed: Keep circuits whose two operands are signed (True) or unsigned (False).
        exact: Keep exact circuits (True) or approximate ones (False).
        max_rank: Keep circuits whose factorisation on file has at most that many terms.
        where: Conditions such as `mae<10` that must all hold.
        sort: A name of `COLUMNS`, unknown values last; the library's own order by default.
        descending: Sort the largest first.
        operands: A trace and names of its layers: adds `OPERAND_COLUMNS`, over all multiplications of these layers.
        progress: Where the progress of that is shown; nowhere by default.

    Raises:
        InputError: No such family, column, widths or condition.
    """
    rows = all_rows(library)
    columns = (*COLUMNS, *OPERAND_COLUMNS) if operands else COLUMNS
    conditions = [parse_condition(text, columns) for text in where]
    if family is not None and family not in (families := {row["family"] for row in rows if row["family"]}):
        raise InputError(
            f"--family {family}: no circuit of this library belongs to it.{did_you_mean(family, families)}"
        )
    if sort is not None and sort not in columns:
        raise InputError(f"--sort {sort}: no such column.{did_you_mean(sort, columns)}")
    widths = parse_bits(bits)
    kept = [
        row
        for row in fulfilling(rows, [c for c in conditions if c.column not in OPERAND_COLUMNS])
        if (family is None or row["family"] == family)
        and (source is None or fnmatchcase(row["source"], source))
        and (widths is None or (row["bits_a"], row["bits_b"]) == widths)
        and (signed is None or (row["signed_a"] is signed and row["signed_b"] is signed))
        and (exact is None or (row["wce"] == 0) is exact)
        and (max_rank is None or (row["rank"] is not None and row["rank"] <= max_rank))
    ]
    if operands is not None:
        kept = _under_operands(kept, {row["name"]: library[row["name"]] for row in kept}, *operands, progress)
        kept = fulfilling(kept, [c for c in conditions if c.column in OPERAND_COLUMNS])
    return kept if sort is None else sorted_rows(kept, sort, descending=descending)


def _under_operands(
    rows: Sequence[Json],
    circuits: Mapping[str, Multiplier],
    trace: OperandTrace,
    layers: tuple[str, ...],
    progress: Progress | None,
) -> list[Json]:
    """Return the rows with `OPERAND_COLUMNS`."""
    by_layer = energy_under_operands(circuits, trace, layers=layers, progress=progress)
    energies = {mean.multiplier: mean for mean in mean_energies(by_layer, trace)}
    traced = Traced(trace, layers)
    found = []
    for row in rows:
        mean = energies[row["name"]]
        errors = traced_errors(circuits[row["name"]], traced)
        found.append(row | {"energy_operands": mean.energy, "basis": mean.basis} | errors)
    return found


def traced_errors(multiplier: Multiplier, operands: Traced) -> Json:
    """Return a circuit's `ERROR_COLUMNS`, unswapped and in its default encodings; None where its table is large."""
    if multiplier.bits_a + multiplier.bits_b > _MAX_PRODUCTS.bit_length() - 1:
        return dict.fromkeys(ERROR_COLUMNS)
    encodings = operands.encodings((multiplier.signed_a, multiplier.signed_b), swapped=False)
    return {f"{name}_operands": value for name, value in error_moments(Use(multiplier, encodings), operands).items()}


def sorted_rows(rows: Sequence[Json], column: str, *, descending: bool = False) -> list[Json]:
    """Return rows in the order of a column, those where it is not known last."""
    known = sorted((row for row in rows if row[column] is not None), key=lambda row: row[column], reverse=descending)
    return [*known, *(row for row in rows if row[column] is None)]
