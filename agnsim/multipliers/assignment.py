"""Which circuit multiplies in which layer, and its file `assignment.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agnsim.errors import AgnsimError, LibraryError, UnknownName, did_you_mean
from agnsim.multipliers.choice import Choice
from agnsim.multipliers.libraries.card import read_json
from agnsim.multipliers.multiplier import Multiplier
from agnsim.types import Json

ASSIGNMENT_FORMAT = 1
_FIELDS = ("multiplier", "source", "digest", "swapped", "encoding_a", "encoding_w")


class Assignment(Mapping[str, Choice]):
    """A mapping from layer names to what multiplies there.

    Args:
        layers: Choice per qualified layer name; a bare `Multiplier` means `Choice.of` it.
    """

    def __init__(self, layers: Mapping[str, Choice | Multiplier]) -> None:
        self._layers = {
            layer: choice if isinstance(choice, Choice) else Choice.of(choice) for layer, choice in layers.items()
        }

    @classmethod
    def uniform(cls, choice: Choice | Multiplier, layers: Iterable[str]) -> Assignment:
        """Return the assignment of the same choice to all layers."""
        return cls(dict.fromkeys(layers, choice))

    @property
    def distinct_multipliers(self) -> int:
        """Number of different physical circuits."""
        return len({choice.multiplier for choice in self.values()})

    def to_json(self) -> Json:
        """Return the assignment as plain data, circuits by name, source and digest."""
        layers = {
            layer: {
                "multiplier": choice.multiplier.name,
                "source": choice.multiplier.source,
                "digest": choice.multiplier.digest,
                "swapped": choice.swapped,
                "encoding_a": choice.effective.encoding_a.value,
                "encoding_w": choice.effective.encoding_w.value,
            }
            for layer, choice in self.items()
        }
        return {"format": ASSIGNMENT_FORMAT, "layers": layers}

    @classmethod
    def from_json(
        cls, data: Mapping[str, Any], library: Mapping[str, Multiplier], *, where: str = "assignment"
    ) -> Assignment:
        """Return the assignment that `to_json` described.

        Args:
            data: As from `to_json`.
            library: The circuits by name.
            where: File or other place, for messages.

        Raises:
            LibraryError: Not an assignment, a field is wrong, or a circuit's table is not the one assigned.
            UnknownName: The library lacks a circuit.
        """
        layers = data.get("layers")
        if data.get("format") != ASSIGNMENT_FORMAT or not isinstance(layers, Mapping):
            raise LibraryError(
                f'{where}: not an assignment: it must have "format": {ASSIGNMENT_FORMAT} and an object "layers"'
            )
        return cls({layer: _choice(entry, library, f"{where}: layer {layer!r}") for layer, entry in layers.items()})

    def save(self, path: str | Path) -> None:
        """Write `to_json()` to a file, which is complete or not there at all."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        os.replace(partial, target)

    @classmethod
    def load(cls, path: str | Path, library: Mapping[str, Multiplier]) -> Assignment:
        """Return the assignment in a file; raises like `from_json`, and LibraryError where it can't be read."""
        return cls.from_json(read_json(Path(path)), library, where=str(path))

    def __getitem__(self, layer: str) -> Choice:
        if layer not in self._layers:
            raise UnknownName(f"the assignment has no layer {layer!r}.{did_you_mean(layer, self._layers)}")
        return self._layers[layer]

    def __contains__(self, layer: object) -> bool:
        return layer in self._layers

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return f"<Assignment of {self.distinct_multipliers} multipliers to {len(self)} layers>"


def _choice(entry: object, library: Mapping[str, Multiplier], where: str) -> Choice:
    if not isinstance(entry, Mapping) or set(entry) != set(_FIELDS):
        found = sorted(map(str, entry)) if isinstance(entry, Mapping) else entry
        raise LibraryError(f"{where}: found {found}; allowed is an object of {', '.join(_FIELDS)}")
    for field, kinds in (("multiplier", str), ("digest", str), ("swapped", bool)):
        if not isinstance(entry[field], kinds):
            raise LibraryError(f"{where}: {field} is {entry[field]!r}; it must be a {kinds.__name__}")
    name = entry["multiplier"]
    if name not in library:
        raise UnknownName(f"{where}: the library has no circuit {name!r}.{did_you_mean(name, library)}")
    circuit = library[name]
    if circuit.digest != entry["digest"]:
        raise LibraryError(
            f"{where}: digest of {name!r}: stated {entry['digest']}, the library's is {circuit.digest}: "
            "the names agree, the circuits do not; load the library that the assignment was made with"
        )
    try:
        return Choice(circuit, entry["swapped"], entry["encoding_a"], entry["encoding_w"])
    except AgnsimError as error:
        raise LibraryError(f"{where}: {error}") from error
