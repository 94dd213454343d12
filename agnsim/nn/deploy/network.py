"""The deployed network as a module."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from torch import Tensor, fx, nn

from agnsim.errors import CheckpointError
from agnsim.nn.deploy.accumulator import SumRecord
from agnsim.nn.deploy.layer import DeployedLayer
from agnsim.types import Json

FORMAT = 1


class DeployedNetwork(nn.Module):
    """Integers from the quantised image to the logits. Made by `deploy`.

    The state dict holds integer tensors, the scales at the two ends excepted, and `structure`, a digest of
    `describe()`: the state of another network, or of another quantisation, is refused.

    Attributes:
        steps: The graph of integer steps; its code is readable as `network.steps.code`.
    """

    structure: Tensor

    def __init__(self, steps: fx.GraphModule) -> None:
        super().__init__()
        self.steps = steps
        self.register_buffer("structure", torch.frombuffer(bytearray(self._digest()), dtype=torch.uint8).clone())
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, float32, without gradient; equal for every engine, batch size and platform.

        Args:
            x: Floating point images, as the converted network takes them.

        Raises:
            AccumulatorOverflow: A sum does not fit, and `overflow="error"`; the first such layer is named.
            InputError: The input is not floating point, or holds NaN.
        """
        with torch.no_grad():
            logits: Tensor = self.steps(x)
        return logits

    @property
    def layers(self) -> list[DeployedLayer]:
        """The multiplying layers in the order of execution; one that runs twice is there twice."""
        modules = dict(self.steps.named_modules())
        called = (modules[str(node.target)] for node in self.steps.graph.nodes if node.op == "call_module")
        return [module for module in called if isinstance(module, DeployedLayer)]

    def overflow_report(self) -> list[SumRecord]:
        """Return what the accumulators have held since `reset_overflow`, in the order of execution.

        Records are kept where `accumulator_bits` is below 32, or a sum could leave 32 bits.
        """
        return [layer.record for layer in self.layers]

    @property
    def first_overflow(self) -> str | None:
        """The first layer, in the order of execution, with a sum that did not fit; `None` if all fitted."""
        return next((record.layer for record in self.overflow_report() if record.overflows), None)

    def reset_overflow(self) -> None:
        """Forget what the accumulators have held."""
        for record in self.overflow_report():
            record.least, record.most, record.overflows = None, None, 0

    def describe(self) -> Json:
        """Return the steps as plain data: with the state dict and the circuits' tables, all there is to compute."""
        modules = dict(self.steps.named_modules())
        steps: list[Json] = []
        for node in self.steps.graph.nodes:
            entry: Json = {"name": node.name, "inputs": [n.name for n in node.all_input_nodes]}
            if node.op == "call_module":
                module = modules[str(node.target)]
                of_module = module.describe() if hasattr(module, "describe") else {"kind": repr(module)}
                entry |= {"module": str(node.target), **of_module}
            else:
                entry |= {"kind": node.op, "call": _name(node.target), "arguments": repr((node.args, node.kwargs))}
            steps.append(entry)
        return {"format": FORMAT, "steps": steps}

    def _digest(self) -> bytes:
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).digest()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        stored = state_dict.get(prefix + "structure")
        if stored is not None and bytes(stored.tolist()) != self._digest():
            raise CheckpointError(
                "the state belongs to another deployed network: other operations, grids, circuits or accumulators. "
                "Deploy the network it was made from."
            )
        super()._load_from_state_dict(state_dict, prefix, *args)


def _name(target: object) -> str:
    return target if isinstance(target, str) else str(getattr(target, "__name__", target))
