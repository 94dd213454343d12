"""Stage: retrain every matched network through its bit-exact emulation."""

from __future__ import annotations

from agnsim.experiment.assigned import retrained_network
from agnsim.experiment.context import Context


def retrain(context: Context) -> None:
    """Retrain the matched networks, one trial each."""
    section = context.study.retrain
    if section is None:
        return
    for matched in context.findings.matched:
        context.findings.add(retrained_network(context, matched, section))
