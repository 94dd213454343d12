"""Where a deployed network and the training graph it was made from come apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agnsim.errors import ConversionError
from agnsim.nn.deploy.network import DeployedNetwork
from agnsim.nn.layers import ApproxLayer, approx_layers
from agnsim.nn.modes import device_of, evaluating, inputs_of


@dataclass(frozen=True)
class LayerDifference:
    """Activation codes that one layer reads, in both graphs.

    Attributes:
        layer: Its path.
        elements: Codes compared.
        differing: Share of them that differ, 0 to 1.
        mean_difference: Mean of deployed minus training, in steps of the code.
        mean_magnitude: Mean of the difference's magnitude, likewise.
        largest: Largest magnitude.
    """

    layer: str
    elements: int
    differing: float
    mean_difference: float
    mean_magnitude: float
    largest: int


def compare_deployed(model: nn.Module, deployed: DeployedNetwork, batches: Iterable[Any]) -> list[LayerDifference]:
    """Return how far the activation codes of every layer differ, in the order of execution.

    Differences travel: a layer reads what all layers before it have made. Where the share jumps, something is lost.

    Args:
        model: The converted network that `deployed` was made from, unchanged since.
        deployed: From `deploy`.
        batches: Batches of inputs: tensors, or tuples that begin with one.

    Raises:
        ConversionError: The two do not run the same layers.
        DataError: There is no data, or it is not finite.
    """
    totals: dict[int, _Total] = {}
    expected: list[tuple[str, Tensor]] = []
    found: list[tuple[str, Tensor]] = []
    names = {layer: name for name, layer in approx_layers(model).items()}
    hooks = [
        layer.register_forward_pre_hook(_codes_to(expected, name), with_kwargs=True) for layer, name in names.items()
    ]
    hooks += [
        layer.register_forward_pre_hook(lambda module, inputs: found.append((module.layer, inputs[0])))
        for layer in set(deployed.layers)
    ]
    try:
        with evaluating(model):
            for x in inputs_of(batches, device_of(model), purpose="comparison"):
                expected.clear()
                found.clear()
                model(x)
                deployed(x)
                if [name for name, _ in expected] != [name for name, _ in found]:
                    raise ConversionError(
                        "the deployed network runs other layers than this model: deploy the model anew."
                    )
                for index, ((layer, a), (_, b)) in enumerate(zip(expected, found, strict=True)):
                    totals.setdefault(index, _Total(layer)).add(b.to(torch.int32) - a)
    finally:
        for hook in hooks:
            hook.remove()
    return [totals[index].result() for index in sorted(totals)]


def _codes_to(codes: list[tuple[str, Tensor]], name: str) -> Callable[..., None]:
    def hook(layer: ApproxLayer, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        x: Tensor = arguments[0] if arguments else keywords["input"]
        codes.append((name, layer.activation_quantizer.codes(x)))

    return hook


@dataclass
class _Total:
    layer: str
    elements: int = 0
    differing: int = 0
    signed: int = 0
    magnitude: int = 0
    largest: int = 0

    def add(self, difference: Tensor) -> None:
        size = difference.abs()
        self.elements += difference.numel()
        self.differing += int(torch.count_nonzero(difference))
        self.signed += int(difference.sum())
        self.magnitude += int(size.sum())
        self.largest = max(self.largest, int(size.max())) if size.numel() else self.largest

    def result(self) -> LayerDifference:
        count = max(1, self.elements)
        return LayerDifference(
            self.layer, self.elements, self.differing / count, self.signed / count, self.magnitude / count, self.largest
        )
