"""What every value of a deployed network can be, whatever the image: the proof that no integer leaves its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import fx

from agnsim.errors import ConversionError
from agnsim.nn.deploy.chains import Chain, Interval
from agnsim.nn.deploy.grid import Grid
from agnsim.nn.deploy.operations import Role
from agnsim.nn.deploy.pooling import AveragePool
from agnsim.nn.deploy.trace import Traced

INPUT_RANGE = 1024.0
"""Images that are not quantised at once (they are averaged first, say) are fixed point within this range."""

N = TypeVar("N", int, float)


def find_values(traced: Traced, chains: dict[fx.Node, Chain]) -> list[fx.Node]:
    """Return the nodes whose value exists in the deployed network, in order: all but those inside a chain."""
    inside = set()
    for chain in chains.values():
        node = chain.start
        while node is not chain.end:
            inside.add(node)
            node = next(iter(node.users))
    without = (Role.NUMBER, Role.OUTPUT)
    return [n for n in traced.graph.nodes if n not in inside and traced.operations[n].role not in without]


def real_ranges(
    traced: Traced, chains: dict[fx.Node, Chain], values: list[fx.Node], codes: dict[fx.Node, Grid | None]
) -> dict[fx.Node, Interval]:
    """Return the real values that each value can be, before it is rounded.

    Args:
        traced: The network.
        chains: By their last node.
        values: From `find_values`.
        codes: The codes that a value is rounded to at once, or `None`.
    """

    def of_input(node: fx.Node) -> Interval:
        grid = codes[node]
        if grid is None:
            return -INPUT_RANGE, INPUT_RANGE
        return (grid.low - grid.zero_point) * grid.scale, (grid.high - grid.zero_point) * grid.scale

    return _propagate(
        traced, values, chains, of_input, lambda chain, inputs: chain.interval(inputs), lambda node, value: value
    )


def integer_ranges(
    traced: Traced, chains: dict[fx.Node, Chain], values: list[fx.Node], grids: dict[fx.Node, Grid]
) -> dict[fx.Node, tuple[int, int]]:
    """Return the integers that each value can be.

    Raises:
        ConversionError: One does not fit its type.
    """

    def of_input(node: fx.Node) -> tuple[int, int]:
        grid = grids[node]
        return (grid.nearest(-INPUT_RANGE), grid.nearest(INPUT_RANGE)) if grid.is_fixed_point else (grid.low, grid.high)

    def of_chain(chain: Chain, inputs: tuple[int, int]) -> tuple[int, int]:
        scale = 0.0 if chain.products is not None else grids[traced.tensors(chain.start)[0]].scale
        low, high = chain.interval((inputs[0] * scale, inputs[1] * scale))
        return grids[chain.end].nearest(low), grids[chain.end].nearest(high)

    found = _propagate(traced, values, chains, of_input, of_chain, lambda node, value: grids[node].nearest(value))
    for node, (low, high) in found.items():
        grid = grids[node]
        if not grid.low <= low <= high <= grid.high:
            raise ConversionError(
                f"the values at node {node.name!r} reach {low}..{high}, beyond {grid.low}..{grid.high}; its additions "
                "are too many for fixed point."
            )
    return found


def _propagate(
    traced: Traced,
    values: list[fx.Node],
    chains: dict[fx.Node, Chain],
    of_input: Callable[[fx.Node], tuple[N, N]],
    of_chain: Callable[[Chain, tuple[N, N]], tuple[N, N]],
    on_grid: Callable[[fx.Node, float], N],
) -> dict[fx.Node, tuple[N, N]]:
    found: dict[fx.Node, tuple[N, N]] = {}
    for node in values:
        operation = traced.operations[node]
        if operation.role is Role.INPUT:
            found[node] = of_input(node)
        elif node in chains:
            found[node] = of_chain(chains[node], found[traced.tensors(chains[node].start)[0]])
        else:
            read = [found[source] for source in _read(traced, node)]
            lows, highs = [ends[0] for ends in read], [ends[1] for ends in read]
            if operation.role is Role.ADD:
                found[node] = sum(lows), sum(highs)
            elif operation.role is Role.CLAMP:
                low, high = on_grid(node, operation.low), on_grid(node, operation.high)
                found[node] = min(max(lows[0], low), high), min(max(highs[0], low), high)
            else:
                if operation.role is Role.PAD:
                    lows.append(on_grid(node, operation.value))
                    highs.append(on_grid(node, operation.value))
                found[node] = min(lows), max(highs)
                if isinstance(operation.step, AveragePool):
                    found[node] = operation.step.interval(*found[node])
    return found


def _read(traced: Traced, node: fx.Node) -> list[fx.Node]:
    """Return the tensors a node reads, as often as it reads them (`x + x`)."""
    found: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), lambda n: found.append(n))
    tensors = traced.tensors(node)
    return [n for n in found if n in tensors]
