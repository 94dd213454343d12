"""Stage: from every layer's tolerance to its circuit, for each plan of the study."""

from __future__ import annotations

from agnsim.errors import ConfigError, InputError
from agnsim.experiment.assigned import assigned_network, kind_of
from agnsim.experiment.context import Context
from agnsim.experiment.error_table import ErrorTable, error_table
from agnsim.experiment.plans import METHODS, place_of, plan_label, shared_layers
from agnsim.experiment.sections import PlanSection
from agnsim.experiment.store import Trial
from agnsim.experiment.trial_energy import mac_ratio
from agnsim.noise import Matching, mac_shares, match_globally, match_layers


def match(context: Context) -> None:
    """Match once per search, plan and tolerance scale, on operands of the network that the search has left."""
    settings = context.study.match
    if not context.findings.searches:
        return
    for search in context.findings.searches:
        every = error_table(context, search, exclude=settings.exclude)
        for number, plan in enumerate(settings.plans):
            place = place_of(number)
            table = every.only(plan.include, plan.exclude, place=place)
            if plan.energy == "pe":
                table = table.costed(lambda choice: mac_ratio(context, choice), place=place)
            for scale in plan.tolerance_scales or settings.tolerance_scales:
                try:
                    matching = _match(context, search, table, plan, place, scale)
                except InputError as error:
                    raise ConfigError(
                        f"{place}, noise weight {search.outcome['noise_weight']:g}, scale {scale:g}: {error}"
                    ) from None
                matched = _assign(context, search, table, plan, scale, matching)
                if plan.retrain:
                    context.findings.matched.append(matched)
                context.findings.add(matched)
        if not context.findings.predictions:
            context.findings.predictions = every.rows(means_removed=context.means_removed)


def _match(context: Context, search: Trial, table: ErrorTable, plan: PlanSection, place: str, scale: float) -> Matching:
    sigma, channel_sigma = search.outcome["sigma"], search.outcome.get("channel_sigma")
    shares, noise_weight = mac_shares(context.shapes, sigma), search.outcome["noise_weight"]
    if plan.method == "global":
        return match_globally(
            sigma,
            table.predicted,
            table.candidates,
            shares,
            scale=scale,
            noise_weight=noise_weight,
            means_removed=context.means_removed,
            channel_sigma=channel_sigma,
            max_distinct=plan.max_distinct,
            max_delay=plan.max_delay,
            max_area=plan.max_area,
            shared=shared_layers(place, plan.shared, list(sigma)),
            measured=table.measured,
        )
    return match_layers(
        sigma,
        table.predicted,
        table.candidates,
        means_removed=context.means_removed,
        mean_limit=None if context.means_removed else context.study.match.mean_limit,
        scale=scale,
        shares=shares,
        noise_weight=noise_weight,
        channel_sigma=channel_sigma,
        max_delay=plan.max_delay,
        measured=table.measured,
    )


def _assign(
    context: Context, search: Trial, table: ErrorTable, plan: PlanSection, scale: float, matching: Matching
) -> Trial:
    noise_weight = search.outcome["noise_weight"]
    return assigned_network(
        context,
        search,
        matching.assignment,
        kind=kind_of(matching.assignment),
        record={
            "method": METHODS[plan.method],
            "multiplier": plan_label(plan, noise_weight, scale),
            "noise_weight": noise_weight,
            "tolerance_scale": scale,
            "predicted_degradation": matching.degradation,
            "degradation_budget": matching.budget,
            "proven_optimal": matching.proven_optimal,
            "layers": matching.rows,
        },
        means=table.means(matching.chosen, context.study.match.fold_mean),
        stretches=table.ranges(matching.chosen),
    )
