"""An import's result as data and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agnsim.multipliers.importers.circuit import Imported
from agnsim.multipliers.importers.output import replaced_line
from agnsim.multipliers.importers.run import ImportResult
from agnsim.multipliers.multiplier import STATUSES
from agnsim.multipliers.published import parse_figure
from agnsim.types import Json


def document(result: ImportResult) -> Json:
    """Return the result as one JSON document: numbers as numbers, null where something is not known."""
    return {
        "imported": [_row(circuit) for circuit in result.imported],
        "failed": [{"file": f.file, "line": f.line, "reason": f.reason} for f in result.failures],
        "copies": result.copies,
        "skipped": result.skipped,
        "library": None if result.library is None else str(result.library),
        "replaced": result.replaced,
    }


def lines(result: ImportResult) -> Iterator[str]:
    """Yield the result for a reader: counts, then every contradiction, assumption and failure."""
    counts = Counter(circuit.stored.card.status for circuit in result.imported)
    statuses = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    where = f" into {result.library}" if result.library is not None else ""
    yield f"imported {len(result.imported)} circuits{where}" + (f": {statuses}" if statuses else "")
    if result.library is not None:
        yield from replaced_line(result.library, result.replaced)
    others = (
        (result.copies, "copies of them left out"),
        (result.skipped, "other files passed over"),
        (len(result.failures), "failed"),
    )
    told = ", ".join(f"{count} {what}" for count, what in others if count)
    if told:
        yield told
    for circuit in result.imported:
        if circuit.differences:
            yield f"differs: {circuit.name} ({circuit.file}): {'; '.join(map(str, circuit.differences))}"
    for circuit in result.imported:
        if circuit.remarks:
            yield f"assumed: {circuit.name} ({circuit.file}): {'; '.join(circuit.remarks)}"
    for failure in result.failures:
        yield f"failed: {failure}"


def _row(circuit: Imported) -> Json:
    card = circuit.stored.card
    return {
        "name": card.name,
        "bits_a": card.bits_a,
        "bits_b": card.bits_b,
        "signed_a": card.signed_a,
        "signed_b": card.signed_b,
        "digest": card.digest,
        "mae": card.errors["mae"],
        "wce": card.errors["wce"],
        "published_mae": _number(card.published.get("mae")),
        "published_wce": _number(card.published.get("wce")),
        "status": card.status,
        "differences": [
            {"metric": metric, "published": published, "found": found}
            for metric, published, found in circuit.differences
        ],
        "file": circuit.file,
        "kind": circuit.kind,
        "remarks": list(circuit.remarks),
        "flow": card.cost.flow if card.cost else None,
        "netlist": circuit.stored.netlist is not None,
        "rank": circuit.stored.factors.rank if circuit.stored.factors is not None else None,
    }


def _number(text: str | None) -> float | int | None:
    figure = None if text is None else parse_figure(text)
    if figure is None:
        return None
    number = figure[0]
    return int(number) if number == number.to_integral_value() and abs(number) < 2**53 else float(number)
