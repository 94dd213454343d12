"""Evolution of assignments on energy and predicted error: NSGA-II, as ALWANN has it.

After Mrazek, Vasicek, Sekanina, Hanif and Shafique (ALWANN, ICCAD 2019, DOI 10.1109/ICCAD45719.2019.8942068) with the
algorithm of Deb, Pratap, Agarwal and Meyarivan (IEEE Transactions on Evolutionary Computation 6(2), 2002), as pymoo
implements it. ALWANN emulates every individual; here a look-up predicts its error, and only the best are emulated.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from agnsim.errors import MissingDependency
from agnsim.noise.baselines.circuit_table import Assignments, CircuitTable
from agnsim.noise.baselines.genome import Genes, Genome
from agnsim.types import FloatArray

REMEDY = 'pip install "agnsim[search]"'


def evolve(
    table: CircuitTable, *, population: int, generations: int, seed: int, max_distinct: int | None = None
) -> Assignments:
    """Return the Pareto front of energy and predicted error of all that evolution has seen, `[N, L]`, by rising energy.

    An individual is one circuit per layer; with `max_distinct`, the circuits of so many tiles, and the tile of each
    layer. The first generation holds circuits in all layers at once and random individuals, half and half. Parents
    exchange every gene by an even chance (uniform crossover); a gene is drawn anew with a chance of one by their
    number.

    Args:
        table: Layers and circuits.
        population: Individuals per generation.
        generations: Generations, the first included.
        seed: Same seed, same front.
        max_distinct: At most so many distinct circuits.

    Returns:
        Nothing (N = 0) where no individual could be used.

    Raises:
        MissingDependency: pymoo is not installed.
    """
    check_available()
    from pymoo.core.problem import Problem

    genome = Genome.of(table, max_distinct)
    generator = np.random.default_rng(seed)
    first = genome.first_generation(population, generator)
    algorithm = _algorithm(population, first, genome.sizes)
    algorithm.setup(
        Problem(n_var=len(genome.sizes), n_obj=2, xl=0, xu=genome.sizes - 1, vtype=int),
        termination=("n_gen", generations),
        seed=int(generator.integers(2**31)),
    )
    seen: list[Assignments] = []
    while algorithm.has_next():
        individuals = algorithm.ask()
        if individuals is None:  # no more individuals that have not been seen
            break
        seen.append(genome.assignments(individuals.get("X").astype(np.intp)))
        individuals.set("F", objectives(table, seen[-1]))
        algorithm.tell(infills=individuals)
    return _front(table, np.unique(np.concatenate(seen), axis=0))


def best_within(table: CircuitTable, front: Assignments, energy: float, count: int) -> Assignments:
    """Return up to `count` assignments `[N, L]` of at most that energy, the least predicted error first."""
    within = front[table.energy(front) <= energy]
    return within[np.argsort(table.error(within), kind="stable")[:count]]


def objectives(table: CircuitTable, assignments: Assignments) -> FloatArray:
    """Return energy and logarithm of the predicted error, `[N, 2]`; what cannot be used loses in both against all else.

    Errors span orders of magnitude. Crowding, which keeps the front's points apart, would see but the greatest.
    """
    errors = table.error(assignments)
    usable = np.isfinite(errors)
    found = np.full((len(assignments), 2), _UNUSABLE)
    found[usable, 0] = table.energy(assignments[usable])
    found[usable, 1] = np.log(errors[usable] + _EXACT)
    return found


def check_available() -> None:
    """Raise MissingDependency, which names the remedy, where pymoo is not installed."""
    if importlib.util.find_spec("pymoo") is None:
        raise MissingDependency(f"nsga2 evolves with pymoo, which is not installed: {REMEDY}")


_UNUSABLE = 1e6
_EXACT = 1e-9
"""Added to every error, so that none has a logarithm too: far below what any network would notice."""


def _front(table: CircuitTable, assignments: Assignments) -> Assignments:
    """Return those that no other takes less energy and errs less than, by rising energy."""
    usable = assignments[np.isfinite(table.error(assignments))]
    energies, errors = table.energy(usable), table.error(usable)
    order = np.lexsort((errors, energies))
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], errors[order]]))[:-1]
    return usable[order[errors[order] < best_before]]


def _algorithm(population: int, first: Genes, sizes: Genes) -> Any:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.mutation import Mutation
    from pymoo.operators.crossover.ux import UniformCrossover

    class DrawAnew(Mutation):  # type: ignore[misc]  # pymoo has no types
        """Draws a gene anew: circuits have no order in which a neighbour would be more like than any other."""

        def _do(self, problem: Any, X: Any, random_state: Any = None, **options: Any) -> Any:
            changed = random_state.random(X.shape) < 1 / len(sizes)
            return np.where(changed, random_state.integers(0, sizes, size=X.shape), X)

    return NSGA2(pop_size=population, sampling=first, crossover=UniformCrossover(), mutation=DrawAnew())
