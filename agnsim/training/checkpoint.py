"""State of a training after an epoch, in one safetensors file, so that a killed training goes on bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from agnsim.errors import CheckpointError
from agnsim.models import save_tensors
from agnsim.types import Json

_FORMAT = 1


class Companion(Protocol):
    """What a training changes beside the model and its optimiser, so that a resumed training has it too."""

    @property
    def identity(self) -> Json:
        """Settings that a resumed training must share."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return its state."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state, in place."""


def save_training(
    file: Path,
    model: nn.Module,
    optimizer: Optimizer,
    facts: Json,
    device: torch.device,
    companion: Companion | None = None,
) -> None:
    """Write model, optimiser, random state, companion and `facts` (JSON) in one rename.

    Raises:
        CheckpointError: The model's state dict holds something that is no tensor.
    """
    tensors: dict[str, Tensor] = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise CheckpointError(f"the model's state {name!r} is a {type(value).__name__}; only tensors can be kept")
        tensors[f"model.{name}"] = value
    if companion is not None:
        tensors |= {f"companion.{name}": value for name, value in companion.state_dict().items()}
    state = optimizer.state_dict()
    plain: dict[str, Json] = {}
    for index, values in state["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                plain.setdefault(str(index), {})[key] = value
    content = {"format": _FORMAT, "facts": facts, "param_groups": state["param_groups"], "state": plain}
    save_tensors(tensors, file, {"training": json.dumps(content)})


def load_training(
    file: Path, model: nn.Module, optimizer: Optimizer, device: torch.device, companion: Companion | None = None
) -> Json:
    """Restore what `save_training` wrote, in place, and return its `facts`.

    Raises:
        CheckpointError: The file is damaged, or belongs to another model or optimiser.
    """
    content, tensors = _read(file)
    found, beside = (
        {name.removeprefix(part): tensor for name, tensor in tensors.items() if name.startswith(part)}
        for part in ("model.", "companion.")
    )
    states: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in content["state"].items()}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            states.setdefault(int(index), {})[key] = tensor
    try:
        model.load_state_dict(found)
        optimizer.load_state_dict({"state": states, "param_groups": content["param_groups"]})
        if companion is not None:
            companion.load_state_dict(beside)
    except (RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{file} belongs to another training; remove it to begin anew: {error}") from error
    torch.set_rng_state(tensors["random.cpu"])
    if device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"], device)
    facts: Json = content["facts"]
    return facts


def _read(file: Path) -> tuple[Json, dict[str, Tensor]]:
    try:
        with safe_open(file, framework="pt") as archive:
            content = json.loads((archive.metadata() or {})["training"])
            if content["format"] != _FORMAT:
                raise CheckpointError(f"{file} has the format {content['format']}; this version reads {_FORMAT}")
            return content, {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{file} is no state of a training, or is damaged; remove it: {error}") from error
