"""`deploy`: a converted network to one that computes on integers from the image to the logits."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from agnsim.errors import InputError
from agnsim.kernels import engines
from agnsim.nn.deploy.accumulator import WIDEST, Accumulator, Overflow
from agnsim.nn.deploy.chains import Chain, find_chains
from agnsim.nn.deploy.grid import Grid
from agnsim.nn.deploy.layer import DeployedLayer
from agnsim.nn.deploy.network import DeployedNetwork
from agnsim.nn.deploy.operations import Role
from agnsim.nn.deploy.plan import Plan, make_plan
from agnsim.nn.deploy.steps import ClampIntegers, Logits, QuantizeInput, Rescaling
from agnsim.nn.deploy.trace import Traced, trace
from agnsim.nn.layers import ApproxLayer
from agnsim.nn.modes import device_of
from agnsim.quantization.requantization import requantization


def deploy(
    model: nn.Module, *, accumulator_bits: int = WIDEST, overflow: Overflow = "error", engine: str = "auto"
) -> DeployedNetwork:
    """Return a converted network as integers only: what an accelerator would compute, equal on every platform.

    Batch norm, bias, mean corrections and scales become one integer multiplier, addend and shift per output channel;
    residual sums, concatenations and means are fixed-point integers. Images are quantised where they enter; the logits
    are float32, integers times one power of two. The network computes as in evaluation; it does not train.

    Args:
        model: A converted network (`agnsim.convert`, `agnsim.nn.assign`); not changed, and not shared.
        accumulator_bits: Width of the sums of products, two's complement, 2 to 32.
        overflow: `"error"`, `"wrap"` or `"saturate"`; see `agnsim.nn.deploy.accumulator.Accumulator`.
        engine: Kernel engine; the results do not depend on it.

    Raises:
        ConversionError: The network can't be followed, multiplies in float somewhere, or has an operation without an
            integer form; the message names it.
        InputError: An argument is not allowed, or a quantiser has not been calibrated.
        UnknownName: There is no such engine.
    """
    accumulator = Accumulator(accumulator_bits, overflow)
    if engine != "auto":
        engines[engine]
    if isinstance(model, ApproxLayer):
        model = nn.Sequential(model)
    traced = trace(model)
    plan = make_plan(traced, find_chains(traced, accumulator))
    return _Builder(model, traced, plan, accumulator, engine).build().to(device_of(model))


class _Builder:
    """Writes the integer network's graph, node after node."""

    def __init__(self, model: nn.Module, traced: Traced, plan: Plan, accumulator: Accumulator, engine: str) -> None:
        self.model, self.traced, self.plan = model, traced, plan
        self.accumulator, self.engine = accumulator, engine
        self.steps = nn.Module()
        self.graph = fx.Graph()
        self.made: dict[fx.Node, fx.Node] = {}
        self.as_codes: dict[tuple[fx.Node, Grid], fx.Node] = {}

    def build(self) -> DeployedNetwork:
        """Return the network."""
        for node in self.traced.graph.nodes:
            self._add(node)
        return DeployedNetwork(fx.GraphModule(self.steps, self.graph, "IntegerNetwork"))

    def _add(self, node: fx.Node) -> None:
        role, plan = self.traced.operations[node].role, self.plan
        if node in plan.chains:
            self.made[node] = self._chain(plan.chains[node])
        elif role is Role.INPUT:
            grid, (low, high) = plan.grids[node], plan.limits[node]
            image = self.graph.placeholder(node.name)
            self.made[node] = self._step("quantize", QuantizeInput(grid, low, high), image)
        elif role is Role.OUTPUT:
            result = self.traced.tensors(node)[0]
            self.graph.output(self._step("logits", Logits(plan.grids[result]), self.made[result]))
        elif node in plan.grids or role is Role.NUMBER:
            self.made[node] = self._value(node)

    def _value(self, node: fx.Node) -> fx.Node:
        operation = self.traced.operations[node]
        if operation.step is not None:
            return self._step(node.name, operation.step, self._input(node))
        if operation.role is Role.CLAMP:
            grid = self.plan.grids[node]
            low, high = grid.nearest(operation.low), grid.nearest(operation.high)
            return self._step(node.name, ClampIntegers(low, high), self._input(node))
        if operation.role is Role.ADD:
            first, second = (self.made[n] for n in _operands(node))
            return self.graph.call_function(torch.add, (first, second))
        if operation.role is Role.PAD:
            value = self.plan.grids[node].nearest(operation.value)
            return self.graph.call_function(F.pad, (self._input(node), operation.pad), {"value": value})
        if node.op == "call_module":
            return self._step(node.name, copy.deepcopy(self.model.get_submodule(str(node.target))), self._input(node))
        return self.graph.node_copy(node, lambda n: self.made[n])

    def _chain(self, chain: Chain) -> fx.Node:
        plan = self.plan
        grid, (low, high) = plan.grids[chain.end], plan.limits[chain.end]
        source = self.traced.tensors(chain.start)[0]
        affine, products = chain.affine, chain.products
        if products is None:
            steps, ends = plan.grids[source].scale, plan.limits[source]
            largest = torch.full(affine.factor.shape, max(map(abs, ends)))
        else:
            steps, largest = 1.0, torch.maximum(products.least.abs(), products.most.abs())
        rescaling = self._rescaling(
            affine.factor * steps, affine.offset, largest, grid, low, high, str(chain.start.target)
        )
        if products is None:
            return self._step(chain.start.name, rescaling, self.made[source])
        layer = DeployedLayer(
            products.layer,
            products.name,
            codes=products.codes,
            multiplier=products.multiplier,
            accumulator=self.accumulator,
            bounds=products.bounds,
            rescaling=rescaling,
            folded=chain.folded,
            engine=self.engine,
        )
        return self._step(chain.start.name, layer, self._codes(source, plan.codes[chain.start]))

    def _codes(self, node: fx.Node, grid: Grid) -> fx.Node:
        """Return a value as a layer's activation codes."""
        own = self.plan.grids[node]
        if own == grid:
            return self.made[node]
        if (node, grid) not in self.as_codes:
            largest = torch.tensor([max(map(abs, self.plan.limits[node]))])
            factor, offset = torch.tensor([own.scale], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
            rescaling = self._rescaling(factor, offset, largest, grid, grid.low, grid.high, node.name)
            self.as_codes[node, grid] = self._step(f"{node.name}_codes", rescaling, self.made[node])
        return self.as_codes[node, grid]

    def _rescaling(
        self, factor: Tensor, offset: Tensor, largest: Tensor, grid: Grid, low: int, high: int, place: str
    ) -> Rescaling:
        try:
            constants = requantization(
                (factor / grid.scale).tolist(),
                (offset / grid.scale + grid.zero_point).tolist(),
                largest=largest.tolist(),
                low=low,
                high=high,
            )
        except InputError as error:
            raise InputError(f"{place!r}: {error}") from error
        return Rescaling(constants, grid)

    def _step(self, name: str, step: nn.Module, source: fx.Node) -> fx.Node:
        unique, number = name, 1
        while hasattr(self.steps, unique):
            unique, number = f"{name}_{number}", number + 1
        self.steps.add_module(unique, step)
        return self.graph.call_module(unique, (source,))

    def _input(self, node: fx.Node) -> fx.Node:
        return self.made[self.traced.tensors(node)[0]]


def _operands(node: fx.Node) -> list[Any]:
    """Return an addition's two operands, wherever they were written."""
    return [*node.args, *(node.kwargs[name] for name in ("input", "other") if name in node.kwargs)][:2]
