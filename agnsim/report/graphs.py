"""Which graph of each network the accuracies are those of."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.report.record import Record

_MEANING = {
    "deployed": "integers from the image to the logits, the same on every platform",
    "training": "integer products, floating point between them",
}


@dataclass(frozen=True)
class Graphs:
    """What was evaluated.

    Attributes:
        sentence: For the whole run; empty where the record does not say.
        notes: Trial, label and note of the networks that could not be deployed, or lose accuracy by it.
    """

    sentence: str
    notes: list[tuple[str, str, str]]


def graphs(record: Record) -> Graphs:
    """Summarise the graphs of a run's trials, the float network left out."""
    counts = {
        graph: sum(trial.graph == graph for trial in record.trials if trial.kind != "float") for graph in _MEANING
    }
    parts = [f"{count} of the {graph} graph ({_MEANING[graph]})" for graph, count in counts.items() if count]
    return Graphs(
        sentence=f"Accuracies of quantised networks: {', '.join(parts)}." if parts else "",
        notes=[(trial.trial, trial.label, trial.graph_note) for trial in record.trials if trial.graph_note],
    )
