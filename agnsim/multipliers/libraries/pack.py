"""Importer of a pack of truth tables: `circuits.csv` beside `.npz` files, as EvoApproxLib is handed around.

Source: V. Mrazek, R. Hrbacek, Z. Vasicek, L. Sekanina, "EvoApprox8b: Library of Approximate Adders and Multipliers for
Circuit Design and Benchmarking of Approximation Methods", DATE 2017; the LITE release of 2022. Names are not
identities (another release gives most names to other functions), so every table is checked against its SHA-256 and
the published errors.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from agnsim.errors import LibraryError, MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.libraries.card import is_digest
from agnsim.multipliers.libraries.collection import Library, LibraryEntry
from agnsim.multipliers.libraries.factor_files import FACTORS
from agnsim.multipliers.libraries.tables import read_table, table_names
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.published import agrees, differences, status_of
from agnsim.multipliers.table_checks import checked_bits

INDEX = "circuits.csv"
TECHNOLOGY = "FreePDK45"
FLOW = "evoapproxlib-v2022"
CITATION = "V. Mrazek et al., EvoApprox8b, DATE 2017 (EvoApproxLib LITE, release v2022)"

_REQUIRED = ("name", "signed", "width_a", "width_b", "sha256")
_COSTS = ("power_mw", "area_um2", "delay_ns", "energy_pj")
# Column: error metric and what is written behind the figure.
_PUBLISHED = {
    "published_mae": ("mae", ""),
    "published_wce": ("wce", ""),
    "published_ep_percent": ("ep", " %"),
    "published_mre_percent": ("mre", " %"),
    "published_mse": ("mse", ""),
}
_MOMENTS = ("mean_error", "error_std")


@dataclass(frozen=True)
class PackRow:
    """One line of `circuits.csv`.

    Attributes:
        where: File and line, for messages.
        name: The circuit's name.
        signed: Sign of both operands.
        bits: Widths of the operands.
        digest: SHA-256 of the table.
        cost: Published cost, or `None`.
        published: Published error figures by metric, as they are written.
        moments: Stated mean and standard deviation of the error.
    """

    where: str
    name: str
    signed: bool
    bits: tuple[int, int]
    digest: str
    cost: Cost | None
    published: Mapping[str, str]
    moments: Mapping[str, Decimal]


def read_pack(path: Path) -> Library:
    """Return the library in a folder with `circuits.csv` and `.npz` files of int32 tables.

    Required columns are `name, signed (0|1), width_a, width_b, sha256`; costs (`power_mw, area_um2, delay_ns,
    energy_pj`) and published errors are optional, and so are `technology` and `flow`, which are EvoApproxLib's v2022
    where they are left out. Other columns are ignored. A `factors.npz` there may hold factors of the tables
    (`agnsim.multipliers.libraries.factor_files`).

    Raises:
        LibraryError: A file can't be read, a value is wrong, or a circuit has no table or two.
    """
    homes: dict[str, Path] = {}
    for tables in sorted(path.glob("*.npz")):
        if tables.name == FACTORS:
            continue
        for name in table_names(tables):
            if name in homes:
                raise LibraryError(f"{tables}: table {name!r} is in {homes[name].name} too; a name is allowed once")
            homes[name] = tables
    entries = []
    for row in _read_rows(path / INDEX):
        if row.name not in homes:
            files = ", ".join(sorted({home.name for home in homes.values()})) or "no .npz file there"
            raise LibraryError(f"{row.where}: circuit {row.name!r} has no table (looked in {files})")
        entries.append(
            LibraryEntry(
                name=row.name,
                bits=row.bits,
                signed=(row.signed, row.signed),
                digest=row.digest,
                flow=row.cost.flow if row.cost else None,
                read=partial(_read_circuit, row, homes[row.name]),
            )
        )
    return Library(path.resolve().name, entries, path=path, description=f"imported from {path / INDEX}")


def _read_rows(path: Path) -> list[PackRow]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in _REQUIRED if column not in (reader.fieldnames or ())]
            if missing:
                raise LibraryError(f"{path}: lacks the column {missing[0]!r}; required are {', '.join(_REQUIRED)}")
            return [_parse_row(row, f"{path}:{reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"{path}: can't be read as CSV ({error})") from error


def _parse_row(row: Mapping[str | None, str | None], where: str) -> PackRow:
    if None in row or None in row.values():
        raise LibraryError(f"{where}: the line has not as many fields as the header")
    fields = {str(column): (value or "").strip() for column, value in row.items()}
    if not fields["name"]:
        raise LibraryError(f"{where}: name is empty")
    if fields["signed"] not in ("0", "1"):
        raise LibraryError(f"{where}: signed is {fields['signed']!r}; it must be 0 or 1")
    if not is_digest(fields["sha256"].lower()):
        raise LibraryError(f"{where}: sha256 is {fields['sha256']!r}; it must be 64 hexadecimal digits")
    try:
        bits = checked_bits(_width(fields["width_a"]), _width(fields["width_b"]), where)
    except MultiplierError as error:
        raise LibraryError(str(error)) from error
    costs = {column: _number(fields, column, where) for column in _COSTS}
    figures = {column: _number(fields, column, where) for column in (*_PUBLISHED, *_MOMENTS)}
    return PackRow(
        where=where,
        name=fields["name"],
        signed=fields["signed"] == "1",
        bits=bits,
        digest=fields["sha256"].lower(),
        cost=_cost(fields, costs, where),
        published={
            metric: f"{figures[column]}{unit}"
            for column, (metric, unit) in _PUBLISHED.items()
            if figures[column] is not None
        },
        moments={column: value for column in _MOMENTS if (value := figures[column]) is not None},
    )


def _width(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else text


def _number(fields: Mapping[str, str], column: str, where: str) -> Decimal | None:
    text = fields.get(column, "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value.adjusted()) > 100:
        raise LibraryError(f"{where}: {column} is {text!r}; it must be a finite number")
    return value


def _cost(fields: Mapping[str, str], costs: Mapping[str, Decimal | None], where: str) -> Cost | None:
    figures: dict[str, Any] = {name: float(value) for name, value in costs.items() if value is not None}
    if not figures:
        return None
    try:
        return Cost(technology=fields.get("technology") or TECHNOLOGY, flow=fields.get("flow") or FLOW, **figures)
    except LibraryError as error:
        raise LibraryError(f"{where}: {error}") from error


def _read_circuit(row: PackRow, tables: Path) -> Multiplier:
    table = read_table(tables, row.name, (1 << row.bits[0], 1 << row.bits[1]))
    circuit = Multiplier(
        name=row.name,
        products=table,
        bits_a=row.bits[0],
        bits_b=row.bits[1],
        signed_a=row.signed,
        signed_b=row.signed,
        source=row.cost.flow if row.cost else FLOW,
        cost=row.cost,
        citation=CITATION,
        factors_file=tables.parent / FACTORS,
        published=row.published,
        status=status_of(row.published, []),
    )
    if circuit.digest != row.digest:
        raise LibraryError(f"{row.where}: sha256 of {row.name!r}: stated {row.digest}, the table's is {circuit.digest}")
    for wrong in differences(circuit):
        column = next(column for column, (metric, _) in _PUBLISHED.items() if metric == wrong.metric)
        _contradict(row, column, wrong.published.removesuffix(" %"), wrong.found)
    for moment, stated in row.moments.items():
        found = getattr(circuit.metrics, moment)
        if not agrees(Decimal(found), stated):
            _contradict(row, moment, stated, found)
    return circuit


def _contradict(row: PackRow, what: str, stated: object, found: float) -> NoReturn:
    raise LibraryError(f"{row.where}: {what} of {row.name!r}: stated {stated}, the table's is {found:.6g}")
