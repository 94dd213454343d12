"""C sources that hold a table: `const int16_t lut[256][256] = {{0, 1, ...}, ...};`, as AdaPT and TransAxx read.

Numbers between braces are all that is read.
"""

from __future__ import annotations

import re
from pathlib import Path

from agnsim.multipliers.importers.failure import Failure, NoCircuit, SourceError, shown_path, shown_text
from agnsim.multipliers.importers.files import read_text
from agnsim.multipliers.importers.importer import Found, Importer, ImportOptions, found_table, int64, square_bits
from agnsim.multipliers.importers.naming import fit_name
from agnsim.multipliers.importers.reading import Int64Array

_SUFFIXES = (".h", ".hpp", ".cuh", ".inc")
_LEAST = 16  # numbers; a shorter array is no table of a multiplier
_MAX_NUMBERS = 1 << 22
_MAX_ARRAYS = 256
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_ARRAY = re.compile(r"(?<!\w)([A-Za-z_]\w{0,99}+)\s*+((?:\[[0-9A-Za-z_ ]{0,40}+\]\s*+){1,2}+)=\s*+(?=\{)", re.ASCII)
_LENGTH = re.compile(r"\[([^\]]*)\]")
_BODY = re.compile(r"[{},\s0-9a-fA-FxXuUlL+-]*")
_ROW = re.compile(r"\{([^{}]*)\}")
_OCTAL = re.compile(r"(?<!\w)0[0-9]", re.ASCII)
_WORD = re.compile(r"[^{},\s]+")
_NUMBER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]{1,16}|[1-9][0-9]{0,18}|0)[uUlL]{0,3}", re.ASCII)


def holds_table(text: str) -> bool:
    """Tell whether C text sets an array."""
    return _ARRAY.search(_COMMENT.sub(" ", text)) is not None


def read_c_table(path: Path, options: ImportOptions) -> list[Found | Failure]:
    """Return the circuits whose tables a C source holds; short arrays are passed over.

    Raises:
        SourceError: An array holds something else than numbers, or not as many as a table.
        NoCircuit: There is no array.
    """
    where = shown_path(path)
    text = _COMMENT.sub(lambda match: " " + "\n" * match[0].count("\n"), read_text(path))
    arrays: list[tuple[str, list[str], Int64Array, set[int], int]] = []
    for count, match in enumerate(_ARRAY.finditer(text), start=1):
        line = text.count("\n", 0, match.start()) + 1
        if count > _MAX_ARRAYS:
            raise SourceError(where, line, f"holds more than {_MAX_ARRAYS} arrays")
        numbers, braced = _numbers(text, match.end(), where)
        if any(match[1] == array for array, *_ in arrays):
            reason = f"sets {shown_text(match[1])} a second time; which of both a compiler would see is not looked into"
            raise SourceError(where, line, reason)
        if len(numbers) >= _LEAST:
            arrays.append((match[1], _LENGTH.findall(match[2]), numbers, braced, line))
    if not arrays:
        raise NoCircuit
    found: list[Found | Failure] = []
    for array, lengths, numbers, braced, line in arrays:
        name = fit_name(path, "" if len(arrays) == 1 else array)
        rows, columns, is_guess = _shape(lengths, len(numbers), name, path, options)
        if braced not in ({len(numbers)}, {columns}):
            reason = (
                f"array {shown_text(array)} has rows of {min(braced)} and {max(braced)} numbers instead of {columns}"
            )
            raise SourceError(where, line, reason)
        if lengths[1:] == [] and _length(lengths[0]) not in (0, len(numbers)):
            reason = f"array {shown_text(array)} has {len(numbers)} numbers instead of {_length(lengths[0])}"
            raise SourceError(where, line, reason)
        if rows * columns != len(numbers):
            reason = f"array {shown_text(array)} has {len(numbers)} numbers, which make no table: say --bits"
            raise SourceError(where, line, reason)
        found.append(found_table(numbers.reshape(rows, columns), path, where, options, name=name, is_guess=is_guess))
    return found


def _shape(lengths: list[str], count: int, name: str, path: Path, options: ImportOptions) -> tuple[int, int, bool]:
    """Return rows, columns, and whether they are guessed; a length may be left out or be a macro's name."""
    said = [_length(length) for length in lengths]
    if len(said) == 2 and said[1]:
        return said[0] or count // said[1], said[1], False
    named = options.naming(name, path.parent.name).bits
    bits = named or square_bits(count) or (0, 0)
    return 1 << bits[0], 1 << bits[1], named is None


def _length(text: str) -> int:
    """Return what an array's length says, 0 where it is left out or a macro's name."""
    return int(text) if text.strip().isdigit() else 0


def _numbers(text: str, start: int, where: str) -> tuple[Int64Array, set[int]]:
    """Return an array's numbers, and how many there are in each pair of innermost braces."""
    body = _BODY.match(text, start)
    assert body is not None  # it matches nothing, too
    end = body.end()
    if not body[0].rstrip().endswith("}"):
        what = shown_text(text[end : end + 20]) if end < len(text) else "the end of the file"
        raise SourceError(where, text.count("\n", 0, end) + 1, f"{what} in an array; only numbers are read")
    words = _WORD.findall(body[0])
    rows = {len(_WORD.findall(row)) for row in _ROW.findall(body[0])}
    if len(words) > _MAX_NUMBERS:
        raise SourceError(where, None, f"holds an array of more than {_MAX_NUMBERS} numbers; keep such a table as .npy")
    try:
        if not _OCTAL.search(body[0]):  # which Python would read as decimal
            return int64([int(word) for word in words]), rows
    except (ValueError, OverflowError):
        pass
    return int64([_parse(word, where) for word in words]), rows


def _parse(word: str, where: str) -> int:
    match = _NUMBER.fullmatch(word)
    number = int(match[2], 0) if match else 1 << 63
    if match is None or number >= 1 << 63:
        raise SourceError(where, None, f"{shown_text(word)} in an array is no whole number of 64 bits")
    return -number if match[1] == "-" else number


IMPORTER = Importer("C table", lambda path: path.suffix.lower() in _SUFFIXES, read_c_table)
