"""A library in memory: circuits by name, each read and verified when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from agnsim.errors import LibraryError, UnknownName, did_you_mean
from agnsim.multipliers.libraries.card import Card
from agnsim.multipliers.multiplier import Multiplier


@dataclass(frozen=True)
class LibraryEntry:
    """One circuit of a library, before its table is read.

    Attributes:
        name: The circuit's name.
        bits: Widths of the operands.
        signed: Signs of the operands.
        digest: SHA-256 of the table as the library states it; `None` for a circuit without a table.
        flow: Flow of the circuit's costs, or `None`.
        read: Reads the table, verifies it and returns the circuit.
        card: What the library states about the circuit, or `None` where only reading it tells.
    """

    name: str
    bits: tuple[int, int]
    signed: tuple[bool, bool]
    digest: str | None
    flow: str | None
    read: Callable[[], Multiplier]
    card: Card | None = None


class Library(Mapping[str, Multiplier]):
    """A named collection of multipliers; a mapping from circuit names to `Multiplier`.

    Args:
        name: The library's name.
        entries: Its circuits, in the order in which they are listed.
        path: The folder it was read from, or `None`.
        description: One sentence.
    """

    def __init__(
        self, name: str, entries: Iterable[LibraryEntry], *, path: Path | None = None, description: str = ""
    ) -> None:
        self.name = name
        self.path = path
        self.description = description
        self._entries: dict[str, LibraryEntry] = {}
        self._circuits: dict[str, Multiplier] = {}
        for entry in entries:
            if entry.name in self._entries:
                raise LibraryError(f"library {name!r} ({path}) has two circuits called {entry.name!r}")
            self._entries[entry.name] = entry

    @classmethod
    def of(cls, name: str, multipliers: Iterable[Multiplier], *, description: str = "") -> Library:
        """Return a library of multipliers that are in memory already.

        Raises:
            LibraryError: Two of them have the same name.
        """
        return cls(name, [_entry(multiplier) for multiplier in multipliers], description=description)

    @classmethod
    def joined(cls, libraries: Sequence[Library]) -> Library:
        """Return the circuits of several libraries as one; a single library as it is.

        Raises:
            LibraryError: Two of them have the same name.
        """
        if len(libraries) == 1:
            return libraries[0]
        whole = cls(" + ".join(library.name for library in libraries), [e for one in libraries for e in one.entries])
        for library in libraries:
            whole._circuits |= library._circuits
        return whole

    @property
    def flow(self) -> str | None:
        """The flow that all costs come from; `None` without costs.

        Raises:
            LibraryError: The circuits come from several flows.
        """
        flows = sorted({entry.flow for entry in self._entries.values() if entry.flow is not None})
        if len(flows) > 1:
            raise LibraryError(f"library {self.name!r} has costs of several flows ({', '.join(flows)}): select one")
        return flows[0] if flows else None

    @property
    def entries(self) -> tuple[LibraryEntry, ...]:
        """What is known of the circuits before their tables are read, in the library's order."""
        return tuple(self._entries.values())

    def card(self, name: str) -> Card:
        """Return what the library states about a circuit: its card, not yet checked, or else the circuit's own figures.

        Raises:
            UnknownName: There is no such circuit.
        """
        stated = self._entries[name].card if name in self._entries else None
        return stated or Card.of(self[name])

    def by_digest(self, digest: str) -> Multiplier:
        """Return the circuit whose table has that SHA-256.

        Raises:
            UnknownName: There is none.
        """
        for entry in self._entries.values():
            if entry.digest == digest:
                return self[entry.name]
        raise UnknownName(f"library {self.name!r} has no circuit with digest {digest}")

    def select(
        self,
        include: Iterable[str] = ("*",),
        exclude: Iterable[str] = (),
        *,
        signed: bool | None = None,
        bits: int | tuple[int, int] | None = None,
    ) -> Library:
        """Return the library of the circuits that fit, without reading a table.

        Args:
            include: Names or patterns (`*`, `?`, `[..]`) of which one must match.
            exclude: Names or patterns of which none may match.
            signed: Keep circuits whose operands are both signed (True) or both unsigned (False).
            bits: Keep circuits of these operand widths; one number means both.

        Raises:
            UnknownName: A name or pattern matches no circuit of this library.
        """
        included, excluded = self._matching(include), self._matching(exclude)
        widths = (bits, bits) if isinstance(bits, int) else bits
        kept = [
            entry
            for name, entry in self._entries.items()
            if name in included
            and name not in excluded
            and (signed is None or entry.signed == (signed, signed))
            and (widths is None or entry.bits == widths)
        ]
        selection = Library(self.name, kept, path=self.path, description=self.description)
        selection._circuits = self._circuits  # a circuit that one of them has read is verified for both
        return selection

    def _matching(self, patterns: Iterable[str]) -> set[str]:
        names: set[str] = set()
        for pattern in (patterns,) if isinstance(patterns, str) else patterns:
            found = {name for name in self._entries if fnmatchcase(name, pattern)}
            if not found and pattern != "*":
                raise UnknownName(f"no circuit of library {self.name!r} matches {pattern!r}.{self._suggest(pattern)}")
            names |= found
        return names

    def _suggest(self, name: str) -> str:
        return did_you_mean(name, self._entries)

    def __getitem__(self, name: str) -> Multiplier:
        if name not in self._entries:
            raise UnknownName(f"library {self.name!r} has no circuit {name!r}.{self._suggest(name)}")
        if name not in self._circuits:
            self._circuits[name] = self._entries[name].read()
        return self._circuits[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Library {self.name!r}, {len(self)} circuits>"


def _entry(multiplier: Multiplier) -> LibraryEntry:
    return LibraryEntry(
        name=multiplier.name,
        bits=(multiplier.bits_a, multiplier.bits_b),
        signed=(multiplier.signed_a, multiplier.signed_b),
        digest=multiplier.digest if multiplier.has_table else None,
        flow=multiplier.cost.flow if multiplier.cost else None,
        read=lambda: multiplier,
    )
