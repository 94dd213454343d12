"""Named plug-ins: an object is the real thing, its name is sugar for study files and the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from agnsim.errors import UnknownName, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One row of a registry.

    Attributes:
        name: The public name.
        value: The registered object.
        summary: First line of its docstring, shown by `agnsim list`.
    """

    name: str
    value: T
    summary: str


class Registry(Mapping[str, T]):
    """A mapping from public names to objects of one kind; a name is registered once.

    Args:
        kind: What the entries are, singular, used in messages ("engine", "model").
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[T]] = {}

    def add(self, name: str, value: T, summary: str | None = None) -> T:
        """Register `value` under `name`.

        Raises:
            ValueError: The name is taken.
        """
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        text = summary if summary is not None else (value.__doc__ or "")
        first_line = text.strip().splitlines()[0] if text.strip() else ""
        self._entries[name] = Entry(name, value, first_line)
        return value

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""

        def decorate(value: T) -> T:
            return self.add(name, value)

        return decorate

    def entries(self) -> list[Entry[T]]:
        """Return all rows, in the order of their registration."""
        return list(self._entries.values())

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise UnknownName(f"unknown {self.kind} {name!r}.{did_you_mean(name, self._entries)}")
        return self._entries[name].value

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
