"""Everything that is known of one circuit, as plain data: what `agnsim multipliers show` prints."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product

import numpy as np

from agnsim.errors import InputError
from agnsim.multipliers.browsing.error_profile import ConditionalError, conditional_errors, zero_products
from agnsim.multipliers.browsing.listing import circuit_row
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.encoding import Encoding, allowed_encodings
from agnsim.multipliers.factors import Factors
from agnsim.multipliers.libraries.card import Card
from agnsim.multipliers.libraries.factor_files import stored_names
from agnsim.multipliers.multiplier import Multiplier
from agnsim.multipliers.operands.operand_distribution import OperandDistribution, Use, error_moments
from agnsim.types import Json

_MAX_FACTORISED = 1 << 18
"""Largest table that is factorised for a figure of a description: larger ones would take seconds each."""


def describe(multiplier: Multiplier, operands: OperandDistribution, *, energy_ratio: float | None = None) -> Json:
    """Return everything that is known of one circuit.

    Args:
        multiplier: A physical circuit, neither swapped nor encoded.
        operands: Distribution for `operands`, which says what the circuit errs in either orientation and encoding.
        energy_ratio: Its energy over that of the library's cheapest exact circuit of its kind, where that is known.

    Returns:
        The circuit's row of a listing, its identity and source; `costs`, one for each flow; `factorisation`,
        `zero_behaviour`, `conditional_error` and `operands`, which are None for a circuit without a table.
    """
    factors, has_table = _known_factors(multiplier), multiplier.has_table
    return {
        **circuit_row(Card.of(multiplier), factors.rank if factors is not None else None, energy_ratio),
        "mse": multiplier.metrics.mse,
        "range_a": list(multiplier.range_a),
        "range_b": list(multiplier.range_b),
        "exact": multiplier.is_exact,
        "symmetric": multiplier.is_symmetric if has_table else None,
        "digest": multiplier.digest if has_table else None,
        "gates": len(multiplier.netlist.gates) if multiplier.netlist is not None else None,
        "parameters": dict(multiplier.parameters),
        "citation": multiplier.citation,
        "published": dict(multiplier.published),
        "costs": [_cost(cost) for cost in (multiplier.cost, *multiplier.other_costs) if cost is not None],
        "factorisation": _factorisation(factors),
        "zero_behaviour": _zero_behaviour(multiplier) if has_table else None,
        "conditional_error": _conditional(multiplier) if has_table else None,
        "operands": _under_operands(multiplier, operands) if has_table else None,
    }


def _cost(cost: Cost) -> Json:
    return {name: value for name, value in asdict(cost).items() if value is not None}


def _known_factors(multiplier: Multiplier) -> Factors | None:
    """Return the factors, but for a circuit without a table only those on file: to prove others takes a minute."""
    file = multiplier.factors_file
    on_file = file is not None and multiplier.name in stored_names(file)
    return multiplier.factors if multiplier.has_table or on_file else None


def _factorisation(factors: Factors | None) -> Json | None:
    if factors is None:
        return None
    return {
        "rank": factors.rank,
        "scale": factors.scale,
        "exact_term": factors.has_exact_term,
        "significant_bits": factors.significant_bits,
        "terms": [
            {"largest_u": int(np.abs(u).max()), "largest_v": int(np.abs(v).max())}
            for u, v in zip(factors.u, factors.v, strict=True)
        ],
    }


def _zero_behaviour(multiplier: Multiplier) -> Json:
    at_zero_a, at_zero_w = zero_products(multiplier)
    return {
        "zero_activation_gives_zero": at_zero_a == 0,
        "largest_product_of_zero_activation": at_zero_a,
        "zero_weight_gives_zero": at_zero_w == 0,
        "largest_product_of_zero_weight": at_zero_w,
    }


def _conditional(multiplier: Multiplier) -> Json:
    def lists(error: ConditionalError) -> Json:
        return {"value": error.values.tolist(), "mean": error.mean.tolist(), "std": error.std.tolist()}

    given_a, given_w = conditional_errors(multiplier)
    return {"a": lists(given_a), "w": lists(given_w)}


def _under_operands(multiplier: Multiplier, operands: OperandDistribution) -> Json:
    signed = multiplier.signed_a, multiplier.signed_b
    orientations = []
    for swapped in (False, True):
        pair = operands.encodings(signed, swapped=swapped)
        orientations.append({"swapped": swapped, **_figures(Use(multiplier, pair, swapped), operands)})
    encodings = [
        {**_figures(Use(multiplier, (first, second)), operands), "rank": _encoded_rank(multiplier, first, second)}
        for first, second in product(allowed_encodings(signed[0]), allowed_encodings(signed[1]))
    ]
    return {"distribution": operands.name, "orientations": orientations, "encodings": encodings}


def _figures(use: Use, operands: OperandDistribution) -> Json:
    figures: Json = {"encoding_a": use.encodings[0].value, "encoding_w": use.encodings[1].value}
    try:
        return figures | error_moments(use, operands)
    except InputError:  # the port does not take such operands
        return figures | {"mae": None, "mean_error": None, "error_std": None}


def _encoded_rank(multiplier: Multiplier, encoding_a: Encoding, encoding_w: Encoding) -> int | None:
    if multiplier.table.size > _MAX_FACTORISED:
        return None
    factors = multiplier.encoded(encoding_a, encoding_w).factors
    return factors.rank if factors is not None else None
