"""Netlist in, cells out: every recipe tried, each result checked, the one of lowest energy kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agnsim.errors import InputError, MultiplierError
from agnsim.multipliers.cost import Cost
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import Operands
from agnsim.multipliers.synthesis.equivalence import EqualTo, Undecided
from agnsim.multipliers.synthesis.target import Target
from agnsim.multipliers.synthesis.unit_target import UnitTarget


@dataclass(frozen=True)
class Synthesis:
    """A synthesised circuit.

    Attributes:
        netlist: The mapped netlist of the lowest energy; in the unit flow each gate is one unit cell.
        cost: Its cost, with `recipe` and the highest energy of all recipes in `energy_worst`.
        recipes: The cost of every recipe's result by its name, in the order in which they are tried.
    """

    netlist: Netlist
    cost: Cost
    recipes: Mapping[str, Cost]


def synthesise(
    netlist: Netlist,
    *,
    operands: Operands | None = None,
    label: str | None = None,
    glitches: bool = False,
    target: Target[Any] | None = None,
    check_all: bool = True,
) -> Synthesis:
    """Map a netlist to cells by every recipe and return the one of lowest settled energy.

    Of results that miss the target's clock the fastest is returned, if none meets it. Every result is compared with
    the source, for all operands; one that can't be proven equal, which happens to wide circuits alone, is left out. The
    same input gives the same result.

    Args:
        netlist: The circuit.
        operands: The operand stream that toggles are counted for: two integer arrays `[N]` of bit patterns, N a
            multiple of 64; uniform ones by default.
        label: Name of the stream in the cost's flow, which is then another one than that of uniform operands; by
            default a digest of its patterns.
        glitches: Also report the energy of all transitions.
        target: The cells; our unit cells by default.
        check_all: Compare every recipe's result with the source, not only the one that is returned: the others' costs
            are then those of circuits nobody looked at.

    Raises:
        MissingDependency: pyosys is not installed.
        InputError: The operand stream is no such pair of arrays.
        MultiplierError: ABC failed, or what it made is another circuit.
    """
    target = target if target is not None else UnitTarget()
    operands = None if operands is None else _checked(operands)
    flow = target.flow if operands is None else f"{target.flow}:operands-{label or _digest(operands)}"
    candidates, same = target.map(netlist), EqualTo(netlist)
    costs = {
        recipe: replace(target.cost(candidate, operands, glitches=False), recipe=recipe, flow=flow)
        for recipe, candidate in candidates.items()
    }
    best: str | None = None
    undecided: Undecided | None = None
    for recipe in sorted(costs, key=lambda recipe: _rank(costs[recipe])):
        if best is not None and not check_all:
            break
        try:
            found = same.difference(candidates[recipe].netlist)
        except Undecided as error:
            undecided = error
            del costs[recipe]
            continue
        if found:
            raise MultiplierError(f"recipe {recipe!r} changed the circuit: {found}")
        best = best or recipe
    if best is None:
        raise undecided or MultiplierError("no recipe made anything of the circuit")
    cost = target.cost(candidates[best], operands, glitches=glitches)
    worst = max(candidate.energy or 0.0 for candidate in costs.values())
    cost = replace(cost, recipe=best, flow=flow, energy_worst=worst)
    return Synthesis(candidates[best].netlist, cost, costs)


def synthesise_many(
    netlists: Mapping[str, Netlist],
    *,
    operands: Mapping[str, Operands] | None = None,
    label: str | None = None,
    glitches: bool = False,
    target: Target[Any] | None = None,
    jobs: int = 1,
) -> Iterator[tuple[str, Synthesis]]:
    """Yield name and synthesis of every circuit in the order given, `jobs` of them in work at a time.

    Args:
        netlists: The circuits by name.
        operands: Operand stream of every circuit.
        label: As `synthesise`.
        glitches: As `synthesise`.
        target: As `synthesise`.
        jobs: How many are in work at a time.

    Raises:
        MissingDependency: pyosys is not installed.
        InputError: As `synthesise`.
        MultiplierError: As `synthesise`; the message begins with the circuit's name.
    """

    def one(name: str) -> Synthesis:
        stream = operands[name] if operands is not None else None
        try:
            return synthesise(netlists[name], operands=stream, label=label, glitches=glitches, target=target)
        except MultiplierError as error:
            raise MultiplierError(f"{name}: {error}") from error

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        yield from zip(netlists, pool.map(one, netlists), strict=True)


def _checked(operands: Operands) -> Operands:
    a, b = (np.asarray(operand) for operand in operands)
    if a.ndim != 1 or a.shape != b.shape or len(a) == 0 or len(a) % 64:
        raise InputError(
            f"an operand stream is two arrays of the same length, a multiple of 64; these have the shapes "
            f"{list(a.shape)} and {list(b.shape)}"
        )
    if not all(np.issubdtype(operand.dtype, np.integer) for operand in (a, b)):
        raise InputError(f"an operand stream holds bit patterns, not {a.dtype} and {b.dtype}")
    return a.astype(np.int64), b.astype(np.int64)


def _digest(operands: Operands) -> str:
    digest = hashlib.sha256()
    for operand in operands:
        digest.update(operand.astype("<i8").tobytes())
    return digest.hexdigest()[:12]


def _rank(cost: Cost) -> tuple[float, ...]:
    missed = cost.clock_ns is not None and (cost.delay or 0.0) > cost.clock_ns
    figures = (cost.energy or 0.0, cost.area or 0.0, cost.delay or 0.0)
    return (1.0, *reversed(figures)) if missed else (0.0, *figures)
