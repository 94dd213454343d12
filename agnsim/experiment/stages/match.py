"""Stage: give every layer the cheapest circuit whose predicted error fits the tolerance it has learned."""

from __future__ import annotations

from agnsim.experiment.assigned import assigned_network
from agnsim.experiment.context import Context
from agnsim.experiment.error_table import error_table
from agnsim.noise import match_layers


def match(context: Context) -> None:
    """Match once per search and tolerance scale, on operands of the network that the search has left."""
    settings = context.study.match
    for search in context.findings.searches:
        table = error_table(context, search, exclude=settings.exclude)
        for scale in settings.tolerance_scales:
            matching = match_layers(
                search.outcome["sigma"],
                table.predicted,
                table.candidates,
                means_removed=context.means_removed,
                mean_limit=None if context.means_removed else settings.mean_limit,
                scale=scale,
                measured=table.measured,
            )
            noise_weight = search.outcome["noise_weight"]
            scaled = "" if scale == 1 else f" tolerance x{scale:g}"
            record = {
                "method": "noise search",
                "multiplier": f"mix noise weight {noise_weight:g}{scaled}",
                "noise_weight": noise_weight,
                "tolerance_scale": scale,
                "layers": matching.rows,
            }
            matched = assigned_network(
                context,
                search,
                matching.assignment,
                kind="heterogeneous",
                record=record,
                means=table.means(matching.chosen, settings.fold_mean),
            )
            context.findings.matched.append(matched)
            context.findings.add(matched)
        if not context.findings.predictions:
            context.findings.predictions = table.rows(means_removed=context.means_removed)
