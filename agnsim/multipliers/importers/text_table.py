"""Tables as text: a matrix of products, one product a line, or a line `a,b,product` for every pair of operands.

Numbers are separated by commas, semicolons or white space. Whole numbers may be written as NumPy's `savetxt` does,
`1.638400e+04`. Lines in front of the numbers that start with a letter or as a comment are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path, shown_text
from agnsim.multipliers.importers.files import read_text
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions, found_table, int64, square_bits
from agnsim.multipliers.importers.reading import Int64Array

_SUFFIXES = (".csv", ".tsv", ".txt")
_MAX_PREAMBLE = 32
_MAX_NUMBERS = 1 << 22
_SEPARATOR = re.compile(r"[ \t]*[,;\t ][ \t]*")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_PREAMBLE = re.compile(r"[A-Za-z#%/\"]")
_COSTS = re.compile(r"(?:^|[,;\t ])(?:name|digest)(?:[,;\t ]|$)", re.IGNORECASE)


def read_text_table(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuit in a text file.

    Raises:
        SourceError: A line is no line of numbers, or they make no table.
        NoCircuit: A `.txt` file without numbers, or a table of costs.
    """
    where = shown_path(path)
    rows, lines = _numbers(read_text(path), where, is_csv=path.suffix.lower() != ".txt")
    columns = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != columns:
            raise SourceError(where, line, f"has {len(row)} numbers; the first line of numbers has {columns}")
    values = int64(rows)
    if columns == 3:
        return [_from_pairs(values, lines, path, where, options)]
    if columns == 1:
        said = options.naming(path.stem, path.parent.name).bits
        bits = said or square_bits(len(values))
        if bits is None or len(values) != 1 << sum(bits):
            wanted = f"{1 << sum(bits)} belong to {bits[0]}x{bits[1]} bits" if bits else "say --bits"
            raise SourceError(where, None, f"has {len(values)} products, which is no square table; {wanted}")
        values = values.reshape(1 << bits[0], 1 << bits[1])
        return [found_table(values, path, where, options, is_guess=said is None)]
    return [found_table(values, path, where, options)]


def _numbers(text: str, where: str, *, is_csv: bool) -> tuple[list[list[int]], list[int]]:
    """Return the numbers of every line that has some, and where these lines are."""
    rows: list[list[int]] = []
    lines: list[int] = []
    count = preamble = 0
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip(" \t,;")
        if not line or (rows and line.startswith("#")):
            continue
        row = _parse(line)
        if row is None:
            preamble += 1
            is_text = not rows and preamble <= _MAX_PREAMBLE and _PREAMBLE.match(line)
            if is_text and not (is_csv and _COSTS.search(line)):
                continue
            if not rows and (not is_csv or is_text):
                raise NoCircuit
            raise SourceError(where, number, f"{_stranger(line)} is no whole number")
        count += len(row)
        if count > _MAX_NUMBERS:
            raise SourceError(where, number, f"has more than {_MAX_NUMBERS} numbers; keep such a table as .npy")
        rows.append(row)
        lines.append(number)
    if not rows:
        if not is_csv:
            raise NoCircuit
        raise SourceError(where, None, "has no line of numbers: neither a matrix of products nor lines a,b,product")
    return rows, lines


def _parse(line: str) -> list[int] | None:
    """Return a line's whole numbers, `None` where something in it is none."""
    if not line.isascii() or "_" in line:
        return None
    words = _SEPARATOR.split(line)
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        reals = [_whole(word) for word in words]
        numbers = [real for real in reals if real is not None]
        if len(numbers) != len(words):
            return None
    return numbers if all(abs(number) < 1 << 53 for number in numbers) else None


def _whole(word: str) -> int | None:
    if not _NUMBER.fullmatch(word):
        return None
    number = float(word)
    return int(number) if abs(number) < 1 << 53 and number.is_integer() else None


def _stranger(line: str) -> str:
    """Return the first word of a line that is no whole number, as it may be shown."""
    return shown_text(next((word for word in _SEPARATOR.split(line) if _parse(word) is None), line))


def _from_pairs(values: Int64Array, lines: Sequence[int], path: Path, where: str, options: ImportOptions) -> Found:
    """Return the circuit whose products are given for each pair of operands, in any order."""
    operands = values[:, :2]
    is_signed = bool(operands.min() < 0)
    said = options.naming(path.stem, path.parent.name)
    if is_signed and said.signed is False:
        line = lines[int(np.argmin(operands.min(axis=1)))]
        raise SourceError(where, line, "has a negative operand, but the circuit is said to be unsigned")
    bits = said.bits or (_width(operands[:, 0], is_signed), _width(operands[:, 1], is_signed))
    if max(bits) > 16 or sum(bits) > 24 or len(values) != 1 << sum(bits):
        raise SourceError(
            where,
            None,
            f"has {len(values)} lines a,b,product; operands of {bits[0]} and {bits[1]} bits make {1 << sum(bits)}",
        )
    lowest = [-(1 << (width - 1)) if is_signed else 0 for width in bits]
    outside = (
        (operands < lowest) | (operands >= [low + (1 << width) for low, width in zip(lowest, bits, strict=True)])
    ).any(1)
    if outside.any():
        line = lines[int(np.argmax(outside))]
        raise SourceError(where, line, f"has an operand that {bits[0]}x{bits[1]} bits don't hold")
    index = ((operands[:, 0] & ((1 << bits[0]) - 1)) << bits[1]) | (operands[:, 1] & ((1 << bits[1]) - 1))
    _, first = np.unique(index, return_index=True)
    if len(first) != len(index):
        again = np.ones(len(index), dtype=bool)
        again[first] = False
        line = lines[int(np.argmax(again))]
        raise SourceError(where, line, "repeats a pair of operands; every pair has to be there once")
    table = np.empty(1 << sum(bits), dtype=np.int64)
    table[index] = values[:, 2]
    signed = True if is_signed else options.signed
    sure = ImportOptions(bits, signed, options.flow, options.source)
    return found_table(table.reshape(1 << bits[0], 1 << bits[1]), path, where, sure)


def _width(operand: Int64Array, is_signed: bool) -> int:
    lowest, highest = int(operand.min()), int(operand.max())
    needed = max((~lowest if lowest < 0 else 0).bit_length(), highest.bit_length()) + is_signed
    return max(1, needed)


IMPORTER = Importer("text table", lambda path: path.suffix.lower() in _SUFFIXES, read_text_table)
