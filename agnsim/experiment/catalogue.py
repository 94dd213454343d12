"""The names a study file may use, by kind: what `agnsim list` prints."""

from __future__ import annotations

import importlib
from enum import Enum
from typing import Any

from agnsim.errors import UnknownName, did_you_mean
from agnsim.registry import Registry
from agnsim.types import Json

_KINDS = {
    "models": ("agnsim.models", "models", "networks: model.name"),
    "datasets": ("agnsim.data", "datasets", "images: data.name"),
    "engines": ("agnsim.kernels", "engines", "ways to compute emulated products; `agnsim doctor` says which work here"),
    "gradients": (
        "agnsim.nn.gradients",
        "gradients",
        "ways to differentiate a circuit in retraining: training.gradient",
    ),
    "encodings": ("agnsim.multipliers", "Encoding", "ways a signed value reaches a circuit"),
    "families": ("agnsim.multipliers.families", "families", "circuit families of the built-in library"),
    "lr_schedules": ("agnsim.training", "schedules", "learning-rate schedules: training.schedule"),
}


def kinds() -> list[Json]:
    """Return the kinds that can be listed, as rows of `name` and `summary`."""
    return [{"name": kind, "summary": summary} for kind, (_, _, summary) in _KINDS.items()]


def catalogue(kind: str) -> list[Json]:
    """Return the names of one kind, as rows of `name` and `summary`; families also say what their parameters mean.

    Raises:
        UnknownName: No such kind.
    """
    if kind not in _KINDS:
        raise UnknownName(f"nothing of the kind {kind!r} can be listed.{did_you_mean(kind, _KINDS)}")
    module, attribute, _ = _KINDS[kind]
    named: Any = getattr(importlib.import_module(module), attribute)
    if isinstance(named, Registry):
        return [
            {"name": entry.name, "summary": entry.summary}
            | ({"parameters": dict(entry.value.parameters)} if kind == "families" else {})
            for entry in named.entries()
        ]
    assert issubclass(named, Enum)
    return [{"name": member.value, "summary": ""} for member in named]
