"""Reading and writing a network's state dict; never a pickle that may run code."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from agnsim.data_root import find, looked_in
from agnsim.errors import CheckpointError

_SHOWN = 8
_WRAPPERS = ("state_dict", "model", "model_state_dict")


def load_weights(model: nn.Module, path: Path | str, *, root: Path | str | None = None) -> None:
    """Load a state dict into `model`, in place.

    Args:
        model: Receives the tensors; nothing changes where the file does not fit.
        path: `.safetensors`, or a file of `torch.save` that holds tensors only; absolute, relative to the working
            directory, or relative to the data root. A state dict under the key "state_dict" and names that begin
            with "module." (of a parallel wrapper) are understood.
        root: Data root; AGNSIM_DATA by default.

    Raises:
        CheckpointError: The file is missing, unreadable, holds more than tensors, names and shapes differ from the
            model's (the message lists the differences), or a value is NaN or infinite.
    """
    file = find(path, root)
    if file is None:
        raise CheckpointError(f"no weights {str(path)!r}: {looked_in(path, root)}")
    state = _without_prefix(_read(file))
    expected = model.state_dict()
    _check_fits(state, expected, file, type(model).__name__)
    _check_finite(state, file)
    # Older files lack the counters of batch norm, which only count; a model keeps its own.
    model.load_state_dict({**{k: v for k, v in expected.items() if _is_counter(k)}, **state})


def save_weights(model: nn.Module, path: Path | str) -> None:
    """Write the model's state dict as safetensors: to a temporary name first, then renamed."""
    save_tensors(model.state_dict(), Path(path))


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors: to a temporary name beside `path` first, then renamed.

    Args:
        tensors: Any devices and layouts; tensors that share memory are written once each.
        path: The file; its folder is made.
        metadata: Texts that travel in the file's header.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(owned, temporary, metadata)
    os.replace(temporary, path)


def _read(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another pickle protocol: it loads, or is refused below
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file} holds more than tensors, or is no file of torch.save; agnsim reads weights only, because a pickle "
            "can run code. Save the state dict: torch.save(model.state_dict(), FILE)"
        ) from error
    except Exception as error:  # a file that is none makes PyTorch's reader fail in any way
        raise CheckpointError(
            f"{file} cannot be read as weights ({type(error).__name__}: {error}). Save the state dict: "
            "torch.save(model.state_dict(), FILE)"
        ) from error
    return _state_dict(content, file)


def _state_dict(content: Any, file: Path) -> dict[str, Tensor]:
    if isinstance(content, dict):
        for key in _WRAPPERS:
            if isinstance(content.get(key), dict):
                return _state_dict(content[key], file)
        if content and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()):
            return content
    raise CheckpointError(f"{file} holds no state dict (a mapping of names to tensors), but a {type(content).__name__}")


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    if all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): value for name, value in state.items()}
    return state


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _check_fits(state: Mapping[str, Tensor], expected: Mapping[str, Any], file: Path, kind: str) -> None:
    missing = [k for k in expected if k not in state and not _is_counter(k)]
    unexpected = [k for k in state if k not in expected]
    other_shape = [
        f"{k} (file {list(state[k].shape)}, model {list(expected[k].shape)})"
        for k in expected
        if k in state and state[k].shape != expected[k].shape
    ]
    differences = [
        f"{title}: {', '.join(names[:_SHOWN])}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}"
        for title, names in (("missing", missing), ("not in the model", unexpected), ("other shape", other_shape))
        if names
    ]
    if differences:
        raise CheckpointError(f"{file} does not fit {kind}: {'; '.join(differences)}")


def _check_finite(state: Mapping[str, Tensor], file: Path) -> None:
    for name, tensor in state.items():
        broken = (~torch.isfinite(tensor)).nonzero()
        if len(broken):
            at = tuple(broken[0].tolist())
            raise CheckpointError(
                f"{file}: {name} holds {tensor[at].item()} at {list(at)} ({len(broken)} of {tensor.numel()} values are "
                "not finite); the training that made it diverged: take an earlier checkpoint"
            )
