"""The trials of a run folder: content-addressed, written whole or not at all (ADR-0006).

A trial's address is the SHA-256 of what defines it: its own settings and the addresses of the trials it starts
from. A finished trial is a JSON file; its tensors, if any, lie beside it as safetensors and are written first. A
checkpoint holds only the tensors that differ from its base trial's, so a hundred trials of one network stay small.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from agnsim.errors import RunFolderError
from agnsim.types import Json

State = dict[str, torch.Tensor]
ID_LENGTH = 12


def address(key: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a trial's definition, written as canonical JSON."""
    text = json.dumps(key, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        digest: Its address, 64 hex digits.
        key: What defines it.
        outcome: What it found, plain JSON.
        cached: Whether it was there already.
    """

    digest: str
    key: Json
    outcome: Json
    cached: bool

    @property
    def id(self) -> str:
        """The first digits of the address, as shown to people."""
        return self.digest[:ID_LENGTH]


class TrialStore:
    """Reads and writes the trials of one run folder.

    Args:
        folder: The run folder; `trials/` and `checkpoints/` are made in it.

    Attributes:
        made: Trials that `get_or_make` has made.
        reused: Trials that it has found.
    """

    def __init__(self, folder: Path) -> None:
        self.trials = folder / "trials"
        self.checkpoints = folder / "checkpoints"
        self.made = 0
        self.reused = 0

    def find(self, trial: str) -> Trial:
        """Return the trial whose id or digest begins with `trial`.

        Raises:
            RunFolderError: None or several do, or its file is damaged.
        """
        found = sorted(self.trials.glob("*.json")) if self.trials.is_dir() else []
        matching = [path for path in found if path.stem == trial[:ID_LENGTH] or path.stem.startswith(trial)]
        if len(matching) != 1:
            known = ", ".join(path.stem for path in found[:20])
            count = "no" if not matching else "more than one"
            raise RunFolderError(f"{self.trials}: {count} trial {trial!r}. Known: {known or 'none'}.")
        return self._read(matching[0])

    def get_or_make(
        self, key: Json, make: Callable[[], tuple[Json, State | None]], *, base: str | None = None
    ) -> Trial:
        """Return the trial defined by `key`, making it if it is not there.

        Args:
            key: Definition: settings and the digests of the trials it starts from.
            make: Returns the outcome and the model state to keep, or `None` for no state.
            base: Digest of a trial whose checkpoint holds most of the tensors.
        """
        digest = address(key)
        path = self.trials / f"{digest[:ID_LENGTH]}.json"
        if path.is_file():
            self.reused += 1
            return self._read(path)
        outcome, state = make()
        self.made += 1
        if state is not None:
            self._save_state(digest, state, base)
            outcome = outcome | {"checkpoint": f"checkpoints/{digest[:ID_LENGTH]}.safetensors"}
        write_json(path, {"format": 1, "digest": digest, "key": key, "outcome": outcome})
        return Trial(digest, key, outcome, cached=False)

    def unfinished(self, key: Json) -> Path:
        """Return the file that keeps the state of a trial's training until the trial is made."""
        return self.checkpoints / f"{address(key)[:ID_LENGTH]}.unfinished.safetensors"

    def load_state(self, digest: str) -> State:
        """Return the full model state of a trial, following its bases.

        Raises:
            RunFolderError: A checkpoint is missing or damaged.
        """
        path = self.checkpoints / f"{digest[:ID_LENGTH]}.safetensors"
        remedy = f"Delete {self.trials / path.stem}.json and run the study again."
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                own = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (OSError, SafetensorError) as error:
            raise RunFolderError(f"{path}: the checkpoint cannot be read: {error}. {remedy}") from None
        if metadata.get("digest") != digest:
            raise RunFolderError(f"{path}: this is the checkpoint of another trial. {remedy}")
        if "base" not in metadata:
            return own
        state = self.load_state(metadata["base"]) | own
        return {name: state[name] for name in json.loads(metadata["names"])}

    def _save_state(self, digest: str, state: State, base: str | None) -> None:
        metadata: dict[str, str] = {"digest": digest}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        if base is not None:
            inherited = self.load_state(base)
            metadata |= {"base": base, "names": json.dumps(list(tensors))}
            tensors = {n: t for n, t in tensors.items() if n not in inherited or not _same(t, inherited[n])}
        path = self.checkpoints / f"{digest[:ID_LENGTH]}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, temporary, metadata)
        temporary.replace(path)

    def _read(self, path: Path) -> Trial:
        content = read_json(path)
        try:
            trial = Trial(content["digest"], content["key"], content["outcome"], cached=True)
        except (KeyError, TypeError):
            raise RunFolderError(f"{path}: not a trial of agnsim; delete it and run the study again.") from None
        if address(trial.key) != trial.digest or trial.id != path.stem:
            raise RunFolderError(f"{path}: its content does not match its address; delete it and run the study again.")
        return trial


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)


def write_json(path: Path, content: Json) -> None:
    """Write a JSON file under a temporary name and rename it, so that a reader never sees half of it."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_json(path: Path) -> Json:
    """Read a JSON object.

    Raises:
        RunFolderError: Missing, or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{path}: no such file; is this a finished run folder?") from None
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: expected a JSON object, found {type(content).__name__}.")
    return content
