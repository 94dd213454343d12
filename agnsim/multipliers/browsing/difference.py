"""What two libraries have in common and what not, by identity: names say little, the function says all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from agnsim.multipliers.cost import Cost
from agnsim.multipliers.libraries.card import Card
from agnsim.multipliers.libraries.collection import Library
from agnsim.types import Json

Identity = tuple[int, int, bool, bool, str]


def library_difference(first: Library, second: Library) -> Json:
    """Compare two libraries as their cards state them.

    Returns:
        `same`: number of functions that both have under the same names; `renamed`: functions that both have, with their
        names where these differ; `changed`: names that stand for different functions; `only_first`, `only_second`:
        circuits whose function and name the other library lacks; `costs`: figures of one function and flow that
        differ; `costs_only_first`, `costs_only_second`: costs of a function that both have, which the other library
        lacks; `equal`: whether nothing of all that was found.
    """
    cards = tuple({name: library.card(name) for name in library} for library in (first, second))
    names = tuple(_names_by_identity(library, own) for library, own in zip((first, second), cards, strict=True))
    shared = [identity for identity in names[0] if identity in names[1]]
    renamed = [
        {"digest": identity[4], "first": names[0][identity], "second": names[1][identity]}
        for identity in shared
        if set(names[0][identity]) != set(names[1][identity])
    ]
    identities = tuple({name: identity for identity, group in own.items() for name in group} for own in names)
    changed = [
        _change(name, cards[0][name], cards[1][name])
        for name, identity in identities[0].items()
        if name in identities[1] and identity != identities[1][name]
    ]
    only = [
        [
            _brief(card)
            for name, card in cards[index].items()
            if identities[index][name] not in names[1 - index] and name not in cards[1 - index]
        ]
        for index in (0, 1)
    ]
    pairs = [pair for identity in shared for pair in _pairs(names[0][identity], names[1][identity])]
    costs = [row for one, other in pairs for row in _costs(cards[0][one], cards[1][other])]
    lacking = [
        [row for one, other in pairs for row in _only(cards[0][one], cards[1][other])],
        [row for one, other in pairs for row in _only(cards[1][other], cards[0][one])],
    ]
    return {
        "first": first.name,
        "second": second.name,
        "same": len(shared) - len(renamed),
        "renamed": renamed,
        "changed": changed,
        "only_first": only[0],
        "only_second": only[1],
        "costs": costs,
        "costs_only_first": lacking[0],
        "costs_only_second": lacking[1],
        "equal": not (renamed or changed or only[0] or only[1] or costs or lacking[0] or lacking[1]),
    }


def _names_by_identity(library: Library, cards: Mapping[str, Card]) -> dict[Identity, list[str]]:
    found: dict[Identity, list[str]] = {}
    for name, card in cards.items():
        # Beyond 2**24 products a card states no digest: there the netlist is the identity.
        digest = card.digest or library[name].identity[4]
        found.setdefault((card.bits_a, card.bits_b, card.signed_a, card.signed_b, digest), []).append(name)
    return found


def _brief(card: Card) -> Json:
    return {
        "name": card.name,
        "bits_a": card.bits_a,
        "bits_b": card.bits_b,
        "signed_a": card.signed_a,
        "signed_b": card.signed_b,
        "mae": card.errors["mae"],
        "digest": card.digest,
    }


def _change(name: str, first: Card, second: Card) -> Json:
    return {
        "name": name,
        "digest_first": first.digest,
        "digest_second": second.digest,
        "mae_first": first.errors["mae"],
        "mae_second": second.errors["mae"],
    }


def _pairs(first: list[str], second: list[str]) -> list[tuple[str, str]]:
    """Return which circuits of one function to compare: those of the same name, or else the first of both."""
    return [(name, name) for name in first if name in second] or [(first[0], second[0])]


def _costs(first: Card, second: Card) -> list[Json]:
    """Return the figures of two circuits that differ between costs of the same conditions."""
    theirs = {cost.conditions: cost for cost in _all_costs(second)}
    return [
        row
        for cost in _all_costs(first)
        if cost.conditions in theirs
        for row in _figures(first.name, second.name, cost, theirs[cost.conditions])
    ]


def _only(first: Card, second: Card) -> list[Json]:
    """Return the costs of a circuit under conditions for which the other one has none."""
    theirs = {cost.conditions for cost in _all_costs(second)}
    return [
        {
            "name": first.name,
            "flow": cost.flow,
            "technology": cost.technology,
            "corner": cost.corner,
            "clock_ns": cost.clock_ns,
            "energy": cost.energy,
            "area": cost.area,
            "delay": cost.delay,
        }
        for cost in _all_costs(first)
        if cost.conditions not in theirs
    ]


def _all_costs(card: Card) -> list[Cost]:
    return [cost for cost in (card.cost, *card.other_costs) if cost is not None]


def _figures(name: str, other: str, first: Cost, second: Cost) -> list[Json]:
    ours, theirs = asdict(first), asdict(second)
    return [
        {
            "name_first": name,
            "name_second": other,
            "flow": first.flow,
            "figure": figure,
            "first": ours[figure],
            "second": theirs[figure],
        }
        for figure in ours
        if ours[figure] != theirs[figure]
    ]
