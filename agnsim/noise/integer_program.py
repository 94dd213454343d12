"""Which option each group of layers takes, as an integer linear program, solved by HiGHS (`scipy.optimize.milp`).

One binary variable x per option of a group says that the group takes it; one y per circuit that some group does:

    sum of a group's x = 1,     x of a group's options with circuit m, summed, <= y_m        (only with limits on y)

The second is stated group by group, not summed over the groups: that is as strict a linear relaxation as there is, and
little needs branching.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agnsim.types import FloatArray

MIP_GAP = 1e-4
"""Energy over the proven lower bound minus 1, from which on an assignment counts as optimal."""


@dataclass(frozen=True, eq=False)
class Options:
    """N options of G groups of layers, using C circuits.

    Attributes:
        group: int64 `[N]`, each option's group, 0 to G - 1; every group has an option.
        circuit: int64 `[N]`, its circuit, 0 to C - 1.
        energy: float64 `[N]`, what it adds to the energy.
        degradation: float64 `[N]`, what it adds to the degradation, finite.
        area: float64 `[C]`, each circuit's area.
        number: int64 `[N]`, the caller's number of each option.
    """

    group: NDArray[np.int64]
    circuit: NDArray[np.int64]
    energy: FloatArray
    degradation: FloatArray
    area: FloatArray
    number: NDArray[np.int64]

    def kept(self, keep: NDArray[np.bool_]) -> Options:
        """Return the options where `keep` `[N]` holds; circuits keep their numbers."""
        rows = {name: getattr(self, name)[keep] for name in ("group", "circuit", "energy", "degradation", "number")}
        return replace(self, **rows)

    def least_degradation(self) -> FloatArray:
        """Return every group's smallest degradation, `[G]`."""
        least = np.full(int(self.group.max()) + 1, np.inf)
        np.minimum.at(least, self.group, self.degradation)
        return least


@dataclass(frozen=True)
class Limits:
    """Upper bounds; None: none.

    Attributes:
        degradation: On the sum over the groups.
        distinct: On the number of circuits used.
        area: On the sum of their areas.
    """

    degradation: float | None = None
    distinct: int | None = None
    area: float | None = None

    @property
    def of_circuits(self) -> bool:
        """Whether it matters which circuits are used at all."""
        return self.distinct is not None or self.area is not None


@dataclass(frozen=True, eq=False)
class Solution:
    """An assignment.

    Attributes:
        taken: int64 `[G]`, the number of each group's option.
        value: What was minimised.
        proven: Nothing within the limits is better by more than the gap.
    """

    taken: NDArray[np.int64]
    value: float
    proven: bool


def minimise(
    options: Options,
    limits: Limits,
    *,
    by_option: FloatArray | None = None,
    by_circuit: FloatArray | None = None,
    time_limit: float = 60.0,
) -> Solution | None:
    """Return the options that minimise a cost within limits; None where nothing is within them.

    Args:
        options: What can be taken.
        limits: What must not be exceeded.
        by_option: Cost of each option taken, `[N]`.
        by_circuit: Cost of each circuit used, `[C]`.
        time_limit: Seconds after which the best assignment so far will do.

    Raises:
        TimeoutError: None has been found by then.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    count, circuits = len(options.group), len(options.area)
    with_circuits = limits.of_circuits or by_circuit is not None
    width = count + (circuits if with_circuits else 0)
    index = np.arange(count)

    def rows(row: NDArray[np.int64], column: NDArray[np.int64], value: FloatArray, height: int) -> coo_array:
        return coo_array((value, (row, column)), shape=(height, width))

    def bound(value: FloatArray, first: int, limit: float, unit: float) -> LinearConstraint:
        columns = first + np.arange(len(value))
        return LinearConstraint(rows(np.zeros_like(columns), columns, value / unit, 1), -np.inf, limit / unit)

    groups = int(options.group.max()) + 1
    constraints = [LinearConstraint(rows(options.group, index, np.ones(count), groups), 1, 1)]
    if limits.degradation is not None:
        # Solvers' tolerances are absolute: in units of the limit.
        constraints.append(bound(options.degradation, 0, limits.degradation, limits.degradation or 1.0))
    if with_circuits:
        pairs, pair = np.unique(options.group * circuits + options.circuit, return_inverse=True)
        x = rows(pair, index, np.ones(count), len(pairs))
        y = rows(np.arange(len(pairs)), count + pairs % circuits, np.ones(len(pairs)), len(pairs))
        constraints.append(LinearConstraint((x - y).tocsr(), -np.inf, 0))
    if limits.distinct is not None:
        constraints.append(bound(np.ones(circuits), count, limits.distinct, 1.0))
    if limits.area is not None:
        constraints.append(bound(options.area, count, limits.area, 1.0))
    cost = np.zeros(width)
    if by_option is not None:
        cost[:count] = by_option
    if by_circuit is not None:
        cost[count:] = by_circuit
    unit = float(np.abs(cost).max()) or 1.0
    result = milp(
        cost / unit,
        integrality=np.ones(width),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"time_limit": time_limit, "mip_rel_gap": MIP_GAP},
    )
    if result.status == 2:
        return None
    if result.x is None:
        raise TimeoutError(result.message)
    taken = index[result.x[:count] > 0.5]
    taken = taken[np.argsort(options.group[taken], kind="stable")]
    return Solution(options.number[taken], float(cost @ np.round(result.x)), proven=result.status == 0)
