"""What an importer is: it recognises files of one kind and reads circuits from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agnsim.multipliers.importers.failure import Failure, SourceError
from agnsim.multipliers.importers.naming import Naming, fit_name, parse_name
from agnsim.multipliers.importers.reading import Int64Array, Widths, read_products
from agnsim.multipliers.multiplier import Multiplier


@dataclass(frozen=True)
class ImportOptions:
    """What the user says about the files.

    Attributes:
        bits: Widths of the operands; `None`: by name or size.
        signed: Sign of both operands; `None`: by name, else by the smaller error.
        flow: Flow of published costs; `None`: by what can be told.
        source: Where the circuits come from, where they don't say it themselves.
    """

    bits: tuple[int, int] | None = None
    signed: bool | None = None
    flow: str | None = None
    source: str = "user"

    def naming(self, name: str, folder: str = "") -> Naming:
        """Return widths and sign: the user's word first, then what a name says."""
        said = parse_name(name, folder)
        return Naming(self.bits or said.bits, said.signed if self.signed is None else self.signed)


@dataclass(frozen=True)
class Found:
    """A circuit that was read.

    Attributes:
        multiplier: The circuit.
        remarks: What was assumed in reading it.
    """

    multiplier: Multiplier
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Importer:
    """A reader of one kind of file.

    Attributes:
        name: The kind, as it is reported.
        recognises: Whether a path may be one of that kind, judged by its name.
        read: Returns the circuits in a file, and what of it can't be read. Raises `SourceError` where nothing can,
            another `AgnsimError` where it is no multiplier, `NoCircuit` where it is a file of another kind after all.
    """

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, ImportOptions], list[Found | Failure]]


def found_table(
    values: Int64Array, path: Path, where: str, options: ImportOptions, *, name: str = "", is_guess: bool = False
) -> Found:
    """Return the circuit that a table of products is.

    Args:
        values: int64 `[2**bits_a, 2**bits_b]`.
        path: Its file, which names it where `name` doesn't.
        where: The place, for messages.
        options: What the user says.
        name: The circuit's name.
        is_guess: Whether the widths are guessed.

    Raises:
        SourceError: Not a table of the widths that the user or the name says, or its meaning can't be told.
    """
    said = options.naming(name or path.stem, path.parent.name)
    bits = table_bits(values.shape, where)
    if said.bits not in (None, bits):
        wanted, found = ("x".join(map(str, pair)) for pair in (said.bits, bits))
        raise SourceError(
            where, None, f"holds a {found} table; {'--bits' if options.bits else 'the name'} says {wanted}"
        )
    widths = Widths.GUESS if is_guess else Widths.SHAPE if said.bits is None else Widths.SAID
    reading = read_products(values, bits, where, signed=said.signed, widths=widths)
    multiplier = Multiplier.from_table(
        name or fit_name(path),
        reading.products,
        bits_a=bits[0],
        bits_b=bits[1],
        signed_a=reading.signed,
        signed_b=reading.signed,
        source=options.source,
    )
    return Found(multiplier, reading.remarks)


def table_bits(shape: tuple[int, ...], where: str) -> tuple[int, int]:
    """Return the operand widths that a table's shape means.

    Raises:
        SourceError: Not two powers of two, or more than 2**24 entries.
    """
    sizes = [n.bit_length() - 1 for n in shape]
    if len(shape) != 2 or any(n < 2 or n != 1 << size for n, size in zip(shape, sizes, strict=True)):
        raise SourceError(where, None, f"has shape {shape}; a table is [2**bits_a, 2**bits_b]")
    if max(sizes) > 16 or sum(sizes) > 24:
        raise SourceError(where, None, f"has shape {shape}; tables end at 2**24 entries and 16-bit operands")
    return sizes[0], sizes[1]


def square_bits(entries: int) -> tuple[int, int] | None:
    """Return the widths of a square table with so many entries, or `None`."""
    width = (entries.bit_length() - 1) // 2
    return (width, width) if 1 <= width <= 12 and entries == 1 << 2 * width else None


def int64(values: object) -> Int64Array:
    """Return integers as an int64 array."""
    return np.asarray(values, dtype=np.int64)
