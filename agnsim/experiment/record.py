"""Everything a run says about itself, as one JSON document: what the report reads."""

from __future__ import annotations

from collections.abc import Sequence

from agnsim.errors import LibraryError
from agnsim.experiment.context import Context
from agnsim.experiment.plans import METHODS
from agnsim.experiment.store import Trial, address
from agnsim.experiment.trial_energy import layer_ratios
from agnsim.multipliers import Multiplier, area_ratio, delay_ratio, energy_ratio
from agnsim.types import Json


def make_record(context: Context, rows: Sequence[Json], headline: str | None, environment: Json, command: str) -> Json:
    """Return the record of a finished study."""
    study, findings = context.study, context.findings
    config = study.model_dump()
    sizes = {
        "train": len(context.splits.train),
        "selection": len(context.splits.selection),
        "report": len(context.splits.report),
        "all_test": len(context.splits.all_test),
    }
    return {
        "format": 1,
        "study": {
            "name": study.name,
            "claim": study.claim,
            "config": config,
            "config_digest": address(config),
            "command": command,
        },
        "environment": environment,
        "seeds": {"seed": study.seed},
        "data": {
            "name": study.data.name,
            "classes": context.source.num_classes,
            **sizes,
            "digest": context.source.digest,
            "selection_rule": context.splits.rule,
        },
        "model": {
            "name": study.model.name,
            "parameters": sum(p.numel() for p in context.new_model().parameters()),
            "macs": sum(shape.macs for shape in context.shapes.values()),
        },
        "reference_multiplier": _reference(context.references[0]),
        "more_references": [_reference(reference) for reference in context.references[1:]],
        "library": {
            "name": context.library.name,
            "circuits": [_circuit(m, context.references) for m in context.library.values()],
        },
        "layers": [_layer(context, name) for name in context.shapes],
        "trials": [_trial(context, row, trial) for row, trial in zip(rows, findings.trials, strict=True)],
        "searches": [
            {
                name: search.outcome[name]
                for name in ("noise_weight", "sigma_max", "sigma", "history", "selection")
                if name in search.outcome  # earlier versions did not evaluate the searched weights
            }
            for search in findings.searches
        ],
        "predictions": findings.predictions,
        "headline": headline,
        "headline_rule": HEADLINE_RULE.format(study.headline.max_drop_pp),
        "timings": findings.timings,
    }


HEADLINE_RULE = (
    "The heterogeneous network of the noise search of least multiplication energy whose accuracy on the selection "
    "images is at most {:g} points below the float network's; where none is, the most accurate one on the selection "
    "images."
)


def choose_headline(rows: Sequence[Json], max_drop_pp: float) -> str | None:
    """Return the id of the trial the study names first, chosen on selection images alone; None without candidates."""
    mixed = [row for row in rows if row["kind"] == "heterogeneous"]
    candidates = [row for row in mixed if row["method"] in METHODS.values()] or mixed
    if not candidates:
        return None
    reference = next(row["accuracy_selection"] for row in rows if row["kind"] == "float")
    good = [row for row in candidates if row["accuracy_selection"] >= reference - max_drop_pp]
    if good:
        best = min(good, key=lambda row: (row["multiplier_energy"], -row["accuracy_selection"]))
    else:
        best = max(candidates, key=lambda row: row["accuracy_selection"])
    return str(best["trial"])


def _reference(multiplier: Multiplier) -> Json:
    cost = multiplier.cost
    return {
        "name": multiplier.name,
        "digest": multiplier.digest,
        "flow": cost.flow if cost else "",
        "technology": cost.technology if cost else "",
    }


def _circuit(multiplier: Multiplier, references: Sequence[Multiplier]) -> Json:
    def ratio(of: object) -> float | None:
        try:
            return float(of(multiplier, references))  # type: ignore[operator]
        except LibraryError:
            return None

    metrics = multiplier.metrics
    return {
        "name": multiplier.name,
        "digest": multiplier.digest,
        "family": multiplier.family,
        "source": multiplier.source,
        "bits_a": multiplier.bits_a,
        "bits_b": multiplier.bits_b,
        "signed_a": multiplier.signed_a,
        "signed_b": multiplier.signed_b,
        **{name: getattr(metrics, name) for name in ("mae", "wce", "mre", "ep", "mean_error", "error_std")},
        "rank": multiplier.factors.rank if multiplier.factors else None,
        "energy_ratio": ratio(energy_ratio),
        "area_ratio": ratio(area_ratio),
        "delay_ratio": ratio(delay_ratio),
        "flow": multiplier.cost.flow if multiplier.cost else "",
    }


def _layer(context: Context, name: str) -> Json:
    shape = context.shapes[name]
    return {
        "name": name,
        "kind": shape.kind,
        "macs": shape.macs,
        "fan_in": shape.fan_in,
        "out_channels": shape.out_channels,
        "groups": shape.groups,
        "weights": shape.weights,
        "input_shape": list(shape.input_shape),
        "output_shape": list(shape.output_shape),
        "excluded": name not in context.assignable,
    }


def _trial(context: Context, row: Json, trial: Trial) -> Json:
    ratios = layer_ratios(context, trial)
    layers = [layer | {"energy_ratio": ratios[layer["layer"]]} for layer in trial.outcome.get("layers", [])]
    own = {name: trial.outcome[name] for name in _OWN if name in trial.outcome}
    return row | {"layers": layers, "history": trial.outcome.get("history", [])} | own


_OWN = (
    *("training_graph", "graph_note"),
    *("tolerance_scale", "predicted_degradation", "degradation_budget", "proven_optimal"),
    *("energy_limit", "images", "emulated", "measurements", "verified", "added_losses"),
)
"""What some trials record and others do not."""
