"""The sentence and the key figures at the top, all computed from the record."""

from __future__ import annotations

from dataclasses import dataclass

from agnsim.report.numbers import count, fixed, interval, percent, saving
from agnsim.report.record import Record, Trial
from agnsim.report.rival import (
    APPROXIMATE_KINDS,
    EXACT_KINDS,
    MAC,
    MULTIPLICATION,
    Energy,
    best_exact_as_cheap,
    cheapest_exact_as_accurate,
    dominated_by_exact,
    points,
)


@dataclass(frozen=True)
class Tile:
    """One key figure."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Headline:
    """What the page says first.

    Attributes:
        result: What the headline trial reaches.
        rival: What exact multipliers reach at the same or better accuracy.
        verdict: `"ahead"`, `"behind"`, or `""` where the two cannot be compared.
        mac_rival: The same by the energy of the whole multiply-accumulate unit; empty where that is not known.
        mac_verdict: As `verdict`.
        tiles: Key figures.
    """

    result: str
    rival: str
    verdict: str
    mac_rival: str
    mac_verdict: str
    tiles: list[Tile]


def headline(record: Record) -> Headline:
    """Compose the top of the page."""
    trial = record.headline_trial
    if trial is None:
        rule = f" Its rule: {record.headline_rule}" if record.headline_rule else ""
        result = f"No trial of this study is its headline.{rule}"
        return Headline(result, "", "", "", "", _study_tiles(record))
    rival, verdict = _rival(record, trial)
    mac_rival, mac_verdict = "", ""
    if trial.pe_energy is not None and points(record.of_kind("narrow"), MAC):
        mac_rival, mac_verdict = _rival(record, trial, MAC)
        saved = percent(saving(trial.pe_energy))
        costed = f" ({trial.pe_label})" if trial.pe_label else ""
        mac_rival = f"By MAC energy{costed}, of which it saves {saved}: {mac_rival[0].lower()}{mac_rival[1:]}"
    tiles = _trial_tiles(record, trial) + _study_tiles(record)
    return Headline(_result(record, trial), rival, verdict, mac_rival, mac_verdict, tiles)


def _result(record: Record, trial: Trial) -> str:
    reference = f" ({record.reference_multiplier.name})" if record.reference_multiplier else ""
    saved = percent(saving(trial.multiplier_energy))
    energy = (
        f"saves {saved} of the multiplication energy of the exact reference{reference}"
        if saved
        else ("has an unknown multiplication energy")
    )
    return f"{record.model.name} {_how(trial)} {energy} and {_drop(trial)}."


def _how(trial: Trial) -> str:
    if trial.kind == "uniform":
        return f"with {trial.multiplier or trial.trial} in every layer"
    if trial.kind != "heterogeneous":
        return f"({trial.label})"
    facts = [] if trial.noise_weight is None else [f"noise weight {trial.noise_weight:g}"]
    if trial.distinct_multipliers:
        facts.append(
            f"{trial.distinct_multipliers} distinct multiplier{'' if trial.distinct_multipliers == 1 else 's'}"
        )
    if not trial.retrained:
        facts.append("not retrained")
    return "with a multiplier per layer" + (f" ({', '.join(facts)})" if facts else "")


def _drop(trial: Trial) -> str:
    drop = trial.accuracy_drop_pp
    if drop is None:
        return "has an unknown accuracy drop"
    verb = "loses" if drop >= 0 else "gains"
    span = interval(trial.drop_low_pp, trial.drop_high_pp)
    bracket = f" (paired {percent(95, 0)} interval of the drop: {span})" if span else ""
    return f"{verb} {fixed(abs(drop))} points of top-1 accuracy against the float network{bracket}"


def _rival(record: Record, trial: Trial, energy: Energy = MULTIPLICATION) -> tuple[str, str]:
    if not points(record.of_kind("narrow"), energy):
        return "No narrower exact network was evaluated, so this saving has not met its honest rival.", ""
    own = energy.of(trial)
    if own is None:
        return "", ""
    best, as_cheap = cheapest_exact_as_accurate(record, trial, energy), _as_cheap(record, trial, energy)
    if best is None:
        return f"No exact network of this study, of any width, is as accurate.{as_cheap}", "ahead"
    name = f"A {best.trial.label} network"
    if best.trial.kind == "quantized":
        name = "The plain 8-bit exact network"
    elif best.trial.layers:
        name = f"A network of exact multipliers, a width per layer ({best.trial.multiplier or best.trial.trial}),"
    fact = (
        f"{name} is at least as accurate ({percent(best.accuracy, 2)} against {percent(trial.accuracy_top1, 2)}) and "
        f"saves {percent(saving(best.energy))}"
    )
    gap = 100.0 * (best.energy - own)
    if round(gap, 1) > 0:
        ahead = f"{fact}: the approximate multipliers are ahead by {fixed(gap, 1)} points of energy."
        return ahead + as_cheap, "ahead"
    if round(gap, 1) < 0:
        return f"{fact}: the exact rival wins by {fixed(-gap, 1)} points of energy.", "behind"
    return f"{fact}: the exact rival does as well, so nothing is gained.", "behind"


def _as_cheap(record: Record, trial: Trial, energy: Energy) -> str:
    """Say what exact multipliers reach for the same energy: at equal accuracy alone, one image can decide the gap."""
    best = best_exact_as_cheap(record, trial, energy)
    if best is None or trial.accuracy_top1 is None:
        return ""
    less = fixed(trial.accuracy_top1 - best.accuracy)
    reached = f"{best.trial.label} reaches {percent(best.accuracy, 2)}, {less} points less"
    return f" For no more energy, {reached}, and saves {percent(saving(best.energy))}."


def _trial_tiles(record: Record, trial: Trial) -> list[Tile]:
    saved, drop = saving(trial.multiplier_energy), trial.accuracy_drop_pp
    tiles = []
    if saved is not None:
        tiles.append(Tile("Multiplication energy saved", percent(saved), "of the exact reference", "main"))
    if trial.pe_energy is not None:
        tiles.append(Tile("MAC energy saved", percent(saving(trial.pe_energy)), "of the exact 8-bit MAC"))
    if drop is not None:
        span = interval(trial.drop_low_pp, trial.drop_high_pp)
        tiles.append(Tile("Top-1 accuracy drop", f"{fixed(drop)} pp", f"{percent(95, 0)}: {span}" if span else ""))
    if points(record.of_kind("narrow")):
        best = cheapest_exact_as_accurate(record, trial)
        value = "none" if best is None else percent(saving(best.energy))
        note = "at this accuracy" if best is None else f"{best.trial.label} ({best.trial.trial})"
        tiles.append(Tile("Saved by the exact rival", value, note, "rival"))
    if trial.distinct_multipliers:
        layers = f"in {len(trial.layers)} layers" if trial.layers else ""
        tiles.append(Tile("Distinct multipliers", str(trial.distinct_multipliers), layers))
    return tiles


def _study_tiles(record: Record) -> list[Tile]:
    tiles = []
    baseline = record.float_trial
    if baseline is not None and baseline.accuracy_top1 is not None:
        images = f"top-1 on {count(record.data.report)} images" if record.data.report else "top-1"
        tiles.append(Tile("Float network", percent(baseline.accuracy_top1, 2), images))
    approximate = points(record.of_kind(*APPROXIMATE_KINDS))
    if approximate and points(record.of_kind(*EXACT_KINDS)):
        beaten = len(dominated_by_exact(record))
        tiles.append(Tile("Dominated by exact", f"{beaten} of {len(approximate)}", "approximate networks"))
    return tiles
