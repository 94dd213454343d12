"""Characterisations as plain data: what `agnsim multipliers characterize` prints and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from agnsim.multipliers.cost import Cost
from agnsim.multipliers.importers.failure import Failure
from agnsim.multipliers.importers.output import replaced_line
from agnsim.multipliers.synthesis.characterise import Baseline, Characterisation, Settings
from agnsim.multipliers.synthesis.datapath import Datapath
from agnsim.types import Json

COLUMNS = ("name", "bits", "mae", "wce", "area", "delay", "energy", "energy_worst", "energy_ratio", "recipe")
"""Columns of the table; others join where they were asked for or are published. Energy and area are in the units of
the flow, ratios to the baseline."""
_MAC_COLUMNS = ("energy", "energy_ratio", "with_registers_ratio", "ratio_to_reference")


def report(
    circuits: Sequence[Characterisation],
    failures: Sequence[Failure],
    settings: Settings,
    reference: Baseline | None = None,
    remarks: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Json:
    """Return everything that a run found out.

    `circuits` has a row each, `baselines` the exact circuits they are compared with, `reference` the one circuit that
    those of all widths are compared with (by default the first of the widest baselines), `rank_correlation` Spearman's
    coefficient against published power and area over the circuits that publish them (`None` below three). Whoever
    writes a library fills in `library`, its folder, and `replaced`, how many circuits an older one there had.
    """
    baselines = {circuit.baseline.name: circuit.baseline for circuit in circuits if circuit.baseline is not None}
    if reference is None:
        reference = max(baselines.values(), key=lambda baseline: sum(baseline.bits), default=None)
    return {
        "flow": settings.target.flow,
        "operands": settings.stimulus.label or "uniform",
        "fan_in": settings.stimulus.fan_in if settings.datapath else None,
        "reference": reference.name if reference else None,
        "baselines": [_baseline_row(baseline, reference) for baseline in baselines.values()],
        "circuits": [circuit_row(circuit, reference, remarks.get(circuit.multiplier.name, ())) for circuit in circuits],
        "rank_correlation": {
            "energy": _rank_correlation(circuits, "power_mw", "energy"),
            "area": _rank_correlation(circuits, "area_um2", "area"),
            "delay": _rank_correlation(circuits, "delay_ns", "delay"),
        },
        "failed": [{"file": failure.file, "line": failure.line, "reason": failure.reason} for failure in failures],
        "library": None,
        "replaced": None,
    }


def circuit_row(circuit: Characterisation, reference: Baseline | None = None, remarks: Sequence[str] = ()) -> Json:
    """Return one circuit's row; what is not known is None."""
    multiplier, cost, base = circuit.multiplier, circuit.cost, circuit.baseline
    published = published_cost(circuit)
    return {
        "name": multiplier.name,
        "bits": f"{multiplier.bits_a}x{multiplier.bits_b}",
        "signed_a": multiplier.signed_a,
        "signed_b": multiplier.signed_b,
        "digest": multiplier.digest if multiplier.has_table else None,
        "mae": multiplier.mae,
        "wce": multiplier.wce,
        "mre": multiplier.mre,
        "ep": multiplier.ep,
        **_cost_figures(cost),
        "baseline": base.name if base else None,
        "energy_ratio": _ratio(cost.energy, base.cost.energy if base else None),
        "area_ratio": _ratio(cost.area, base.cost.area if base else None),
        "delay_ratio": _ratio(cost.delay, base.cost.delay if base else None),
        "ratio_to_reference": _ratio(cost.energy, reference.cost.energy if reference else None),
        "published_power_mw": published.power_mw if published else None,
        "published_area_um2": published.area_um2 if published else None,
        "published_delay_ns": published.delay_ns if published else None,
        "recipes": {recipe: candidate.energy for recipe, candidate in circuit.synthesis.recipes.items()},
        "mac": _mac_figures(circuit.datapath, base, reference) if circuit.datapath else None,
        "remarks": list(remarks),
    }


def table_rows(document: Json) -> tuple[list[Json], list[str]]:
    """Return the rows of the printed table, baselines first, and its columns, of a document of `report`."""
    rows = []
    known = {_what(row) for row in document["circuits"]}
    baselines = [row for row in document["baselines"] if _what(row) not in known]
    for row in [*baselines, *document["circuits"]]:
        mac = row["mac"] or {}
        rows.append(row | {f"mac_{name}": mac.get(name) for name in _MAC_COLUMNS})
    columns = list(COLUMNS)
    if not _has_obvious_reference(document):
        columns.insert(columns.index("energy_ratio") + 1, "ratio_to_reference")
    optional = ("glitch_energy", "published_power_mw", *(f"mac_{name}" for name in _MAC_COLUMNS))
    if _has_obvious_reference(document):
        optional = optional[:-1]
    columns += [name for name in optional if any(row[name] is not None for row in rows)]
    return rows, columns


def _what(row: Json) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("name", "bits", "energy", "area", "delay"))


def _has_obvious_reference(document: Json) -> bool:
    """Return whether the reference is the baseline of all circuits, or there is none."""
    return document["reference"] is None or [row["name"] for row in document["baselines"]] == [document["reference"]]


def published_cost(circuit: Characterisation) -> Cost | None:
    """Return the cost in another flow that the circuit came with, one that states power where there are several."""
    costs = [cost for cost in (circuit.multiplier.cost, *circuit.multiplier.other_costs) if cost is not None]
    others = [cost for cost in costs if cost.flow != circuit.cost.flow]
    return next((cost for cost in others if cost.power_mw is not None), None)


def _baseline_row(baseline: Baseline, reference: Baseline | None) -> Json:
    return {
        "name": baseline.name,
        "bits": f"{baseline.bits[0]}x{baseline.bits[1]}",
        "mae": 0.0,
        "wce": 0,
        **_cost_figures(baseline.cost),
        "energy_ratio": 1.0,
        "ratio_to_reference": _ratio(baseline.cost.energy, reference.cost.energy if reference else None),
        "published_power_mw": None,
        "mac_multiplier": baseline.mac_name,
        "mac": _mac_figures(baseline.mac, baseline, reference) if baseline.mac else None,
    }


def _cost_figures(cost: Cost) -> Json:
    return {
        "energy": cost.energy,
        "energy_worst": cost.energy_worst,
        "glitch_energy": cost.glitch_energy,
        "area": cost.area,
        "delay": cost.delay,
        "recipe": cost.recipe,
        "flow": cost.flow,
        "technology": cost.technology,
    }


def _mac_figures(mac: Datapath, base: Baseline | None, reference: Baseline | None) -> Json:
    exact, common = (of.mac if of else None for of in (base, reference))
    return {
        "encoding_a": mac.encoding[0],
        "encoding_w": mac.encoding[1],
        "accumulator": mac.mac.accumulator,
        **_cost_figures(mac.synthesis.cost),
        "flip_flop": mac.flip_flop.name if mac.flip_flop else None,
        "flip_flops": mac.flip_flops,
        "clock_energy": mac.clock_energy,
        "register_data_energy": mac.data_energy,
        "energy_with_registers": mac.energy_with_registers,
        "area_with_registers": mac.area_with_registers,
        "baseline": base.mac_name if base else None,
        "energy_ratio": _ratio(mac.energy, exact.energy if exact else None),
        "area_ratio": _ratio(mac.synthesis.cost.area, exact.synthesis.cost.area if exact else None),
        "with_registers_ratio": _ratio(mac.energy_with_registers, exact.energy_with_registers if exact else None),
        "ratio_to_reference": _ratio(mac.energy, common.energy if common else None),
    }


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def _rank_correlation(circuits: Sequence[Characterisation], published: str, found: str) -> Json | None:
    pairs: list[tuple[Any, Any]] = []
    for circuit in circuits:
        cost = published_cost(circuit)
        stated = getattr(cost, published) if cost else None
        if stated is not None and getattr(circuit.cost, found) is not None:
            pairs.append((stated, getattr(circuit.cost, found)))
    if len(pairs) < 3 or any(len(set(column)) < 2 for column in zip(*pairs, strict=True)):
        return None
    from scipy.stats import spearmanr

    return {"spearman": float(spearmanr(*zip(*pairs, strict=True)).statistic), "circuits": len(pairs)}


def summary(document: Json) -> list[str]:
    """Return the lines below the printed table: flow, stimulus, rank correlations."""
    lines = [f"flow {document['flow']}, {document['operands']} operands; ratios to the exact array of the same widths"]
    if not _has_obvious_reference(document):
        lines.append(f"ratio_to_reference: of the energy to that of {document['reference']}")
    for figure, published in (("energy", "power"), ("area", "area"), ("delay", "delay")):
        found = document["rank_correlation"][figure]
        if found:
            lines.append(
                f"Spearman rank correlation of {figure} with published {published}: {found['spearman']:.3f} over "
                f"{found['circuits']} circuits"
            )
    lines += [f"assumed: {row['name']}: {'; '.join(row['remarks'])}" for row in document["circuits"] if row["remarks"]]
    if document["library"]:
        lines.append(f"wrote {len(document['circuits'])} circuits into {document['library']}")
        lines += replaced_line(document["library"], document["replaced"])
    return lines
