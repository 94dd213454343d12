"""Stage: one circuit everywhere, for every circuit of the library: what a heterogeneous assignment has to beat."""

from __future__ import annotations

from agnsim.experiment.assigned import assigned_network, retrained_network
from agnsim.experiment.context import Context
from agnsim.experiment.error_table import error_table, matches
from agnsim.multipliers import Assignment


def uniform(context: Context) -> None:
    """Evaluate every circuit in all layers, oriented and encoded as is predicted to err least, and retrain some."""
    section, start = context.study.uniform, context.findings.quantized
    if section is None or start is None:
        return
    table = error_table(context, start)
    context.findings.predictions = table.rows(means_removed=context.means_removed)
    for name in context.library:
        if not matches(name, section.include):
            continue
        chosen = table.best_uniform(name, means_removed=context.means_removed)
        assignment = Assignment(table.choices(chosen))
        record = {"method": "uniform", "multiplier": name}
        untrained = assigned_network(
            context,
            start,
            assignment,
            kind="uniform",
            record=record,
            means=table.means(chosen, context.study.match.fold_mean),
            stretches=table.ranges(chosen),
        )
        context.findings.add(untrained)
        if section.retrain and matches(name, section.retrain_include):
            context.findings.add(retrained_network(context, untrained, section.retrain))
