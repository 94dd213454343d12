"""What a noise search learns beside the weights, and how it is moved on and kept."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from agnsim.nn import Noisy
from agnsim.types import Json

SIGMA_MIN = 1e-4

_ADAM = ("step", "exp_avg", "exp_avg_sq")


class SigmaTraining:
    """The noise levels of all layers, the Adam that moves them, and the noise's own random states.

    The log sigmas themselves are parameters of the network while it is searched, and kept with it.

    Args:
        noisy: Layer to its arithmetic.
        lr: Learning rate of log sigma.
        sigma_max: Upper bound of every sigma; the lower is `1e-4`.
        identity: Settings that a resumed search must share.
    """

    def __init__(self, noisy: Mapping[str, Noisy], *, lr: float, sigma_max: float, identity: Json) -> None:
        self.noisy = noisy
        self.identity = identity
        self._log_sigmas = [arithmetic.log_sigma for arithmetic in noisy.values()]
        self._bounds = math.log(SIGMA_MIN), math.log(sigma_max)
        self._adam = torch.optim.Adam(self._log_sigmas, lr=lr)

    def step(self) -> None:
        """Move every sigma by its gradient, within the bounds."""
        self._adam.step()
        self._adam.zero_grad()
        with torch.no_grad():
            for log_sigma in self._log_sigmas:
                log_sigma.clamp_(*self._bounds)

    def state_dict(self) -> dict[str, Tensor]:
        """Return, per layer, Adam's state, the running averages and the state of the noise's generator."""
        tensors: dict[str, Tensor] = {}
        for name, arithmetic in self.noisy.items():
            state = self._adam.state[arithmetic.log_sigma]
            found = {key: state[key] for key in _ADAM} | dict(arithmetic.named_buffers())
            if arithmetic.generator is not None:
                found["generator"] = arithmetic.generator.get_state()
            tensors |= {f"{name}.{key}": value for key, value in found.items()}
        return tensors

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state, in place.

        Raises:
            KeyError: It lacks something.
            RuntimeError: It is of other layers.
        """
        adam = {index: {key: state[f"{name}.{key}"] for key in _ADAM} for index, name in enumerate(self.noisy)}
        self._adam.load_state_dict({"state": adam, "param_groups": self._adam.state_dict()["param_groups"]})
        for name, arithmetic in self.noisy.items():
            for key, buffer in arithmetic.named_buffers():
                buffer.copy_(state[f"{name}.{key}"])
            if arithmetic.generator is not None:
                arithmetic.generator.set_state(state[f"{name}.generator"])
