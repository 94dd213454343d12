"""Which grid every value of a deployed network lies on.

Values that are moved, compared, clamped, added or averaged share a grid. Where all readers of such a group are layers
with the same activation codes, and nothing is added or averaged in it, the grid is those codes; otherwise it is fixed
point: int32 multiples of a power of two, as fine as the largest value that can occur allows, sums of additions
included, but no finer than `FRACTION_BITS` below the step of the finest codes made from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import fx

from agnsim.nn.deploy.chains import Chain
from agnsim.nn.deploy.grid import Grid
from agnsim.nn.deploy.operations import Role
from agnsim.nn.deploy.ranges import find_values, integer_ranges, real_ranges
from agnsim.nn.deploy.trace import Traced

FRACTION_BITS = 20
"""Of fixed point below the step of the finest codes made from it, at most."""
_WIDTH, _LOGIT_WIDTH = 30, 23  # magnitudes of real values; one bit is left for the rounding of what is added

_SHARING = (Role.MOVE, Role.PAD, Role.CLAMP, Role.ADD, Role.MEAN)


@dataclass
class _Group:
    """Values on one grid."""

    readers: set[Grid] = field(default_factory=set)
    fixed_point: bool = False
    logits: bool = False
    largest: float = 0.0

    @property
    def codes(self) -> Grid | None:
        """The readers' common codes, where they are the grid."""
        return next(iter(self.readers)) if not self.fixed_point and len(self.readers) == 1 else None

    def grid(self) -> Grid:
        """Return the grid, once the largest value is known."""
        if self.codes is not None:
            return self.codes
        exponent = math.frexp(self.largest)[1] - (_LOGIT_WIDTH if self.logits else _WIDTH)
        if self.readers:
            finest = min(grid.scale for grid in self.readers)
            exponent = max(exponent, math.frexp(finest)[1] - 1 - FRACTION_BITS)
        return Grid.fixed_point(exponent)


@dataclass(frozen=True)
class Plan:
    """What to build.

    Attributes:
        chains: By their last node.
        grids: Of every value: inputs, ends of chains, and what shares a grid with them.
        limits: Smallest and largest integer each of them can be.
        codes: Grid of each layer's input, by the layer's node.
    """

    chains: dict[fx.Node, Chain]
    grids: dict[fx.Node, Grid]
    limits: dict[fx.Node, tuple[int, int]]
    codes: dict[fx.Node, Grid]


def make_plan(traced: Traced, chains: dict[fx.Node, Chain]) -> Plan:
    """Return the grids and limits of all values.

    Raises:
        ConversionError: A value can't be held.
        InputError: A quantiser has not been calibrated.
    """
    codes = {
        chain.start: Grid.of_quantizer(chain.products.layer.activation_quantizer)
        for chain in chains.values()
        if chain.products is not None
    }
    values = find_values(traced, chains)
    groups = _groups(traced, chains, codes, values)
    ranges = real_ranges(traced, chains, values, {node: group.codes for node, group in groups.items()})
    for node, interval in ranges.items():
        groups[node].largest = max(groups[node].largest, *map(abs, interval))
    grids = {node: group.grid() for node, group in groups.items()}
    return Plan(chains, grids, integer_ranges(traced, chains, values, grids), codes)


def _groups(
    traced: Traced, chains: dict[fx.Node, Chain], codes: dict[fx.Node, Grid], values: list[fx.Node]
) -> dict[fx.Node, _Group]:
    leader = {node: node for node in values}

    def find(node: fx.Node) -> fx.Node:
        while leader[node] is not node:
            node = leader[node]
        return node

    for node in values:
        if node not in chains and traced.operations[node].role in _SHARING:
            for source in traced.tensors(node):
                leader[find(source)] = find(node)
    by_leader: dict[fx.Node, _Group] = {find(node): _Group() for node in values}
    groups = {node: by_leader[find(node)] for node in values}
    for node in values:
        if traced.operations[node].role in (Role.ADD, Role.MEAN):
            groups[node].fixed_point = True
    for chain in chains.values():
        read = groups[traced.tensors(chain.start)[0]]
        if chain.products is None:
            read.fixed_point = True
        else:
            read.readers.add(codes[chain.start])
    last = groups[traced.tensors(traced.graph.output_node())[0]]
    last.fixed_point = last.logits = True
    return groups
