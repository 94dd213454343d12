"""One network in every arithmetic that is compared."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor, nn

from agnsim.bench.fake_quantized import fake_quantized
from agnsim.bench.subjects import Circuit, Network
from agnsim.multipliers import Choice
from agnsim.nn import approx_layers, assign, convert
from agnsim.nn.deploy import deploy
from agnsim.quantization import Quantization

FLOAT, FAKE, QUANTIZED = "float", "fake-quantised", "quantised"
PLAIN = (FLOAT, FAKE, QUANTIZED)
"""The variants without a circuit."""


class Variants:
    """Makes a network's variants, all with the same weights, calibrated on the same random images.

    Args:
        network: The network.
        device: Where they are put.
    """

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network, self._device = network, device
        self._emulated: dict[str, nn.Module] = {}

    @cached_property
    def _float(self) -> nn.Module:
        return self._network.build().to(self._device)

    @cached_property
    def _calibration(self) -> Tensor:
        return self._network.images(4).to(self._device)

    @cached_property
    def _quantized(self) -> nn.Module:
        return convert(self._float, quantization=Quantization(), calibration=[self._calibration])

    def plain(self, variant: str) -> nn.Module:
        """Return a variant of `PLAIN`: float, fake-quantised by PyTorch's own operators, or agnsim's quantised."""
        if variant == FLOAT:
            return self._float
        return fake_quantized(self._quantized) if variant == FAKE else self._quantized

    def emulated(self, circuit: Circuit, engine: str) -> nn.Module:
        """Return the network with one circuit in every layer."""
        if circuit.name not in self._emulated:
            self._emulated[circuit.name] = convert(
                self._float,
                quantization=Quantization(),
                assignment=self._everywhere(circuit, self._quantized),
                calibration=[self._calibration],
            )
        model = copy.deepcopy(self._emulated[circuit.name])
        assign(model, self._everywhere(circuit, model), engine=engine)
        return model

    def deployed(self, circuit: Circuit) -> nn.Module:
        """Return the integers-only network with one circuit in every layer."""
        return deploy(self.emulated(circuit, "auto"))

    @staticmethod
    def _everywhere(circuit: Circuit, model: nn.Module) -> Mapping[str, Choice]:
        return dict.fromkeys(approx_layers(model), circuit.choice)
