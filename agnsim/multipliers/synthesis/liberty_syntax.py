"""The syntax of Liberty files: nested groups of attributes, read without recursion and within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agnsim.errors import MultiplierError

MAX_BYTES = 128 << 20
MAX_DEPTH = 32
_SKIPPED = frozenset(("timing", "lu_table_template", "power_lut_template", "statetable", "test_cell", "wire_load"))
"""Groups that nothing here reads; they are most of a library's text."""

_TOKEN = re.compile(
    r"""(?P<blank>(?:\s|\\\r?\n|/\*.*?(?:\*/|\Z)|//[^\n]*)+)
    |"(?P<string>(?:[^"\\]|\\.)*)"
    |(?P<mark>[{}();:,])
    |(?P<word>[^\s{}();:,"\\]+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Group:
    """One group: `kind (name) { ... }`.

    Attributes:
        kind: Such as `cell` or `pin`.
        name: What stands in its parentheses.
        attributes: Values of its attributes by name, those of complex ones joined by commas; the last of equal names.
        groups: The groups inside it.
    """

    kind: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Group]:
        """Return the groups inside of that kind."""
        return [group for group in self.groups if group.kind == kind]


def read_groups(path: Path) -> Group:
    """Return the library group of a Liberty file.

    Raises:
        MultiplierError: The file can't be read, is too large or no Liberty; the message names file and line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MultiplierError(f"{path}: can't be read ({error.strerror})") from error
    if len(content) > MAX_BYTES:
        raise MultiplierError(f"{path}: is larger than {MAX_BYTES >> 20} MiB")
    text = content.decode("utf-8", errors="replace")
    root = _parse(text, path)
    libraries = root.of_kind("library")
    if len(libraries) != 1:
        raise MultiplierError(f"{path}: holds {len(libraries)} library groups; a Liberty file has one")
    return libraries[0]


def _parse(text: str, path: Path) -> Group:
    tokens = _tokens(text, path)
    root = Group("", "")
    stack = [root]
    statement: list[str] = []  # the words of a statement, marks included, until `;`, `{` or a line's end closes it
    for kind, value, at in tokens:
        if kind == "mark" and value == "{":
            if not statement:
                raise MultiplierError(f"{_place(text, path, at)}: a group without a name")
            if len(stack) > MAX_DEPTH:
                raise MultiplierError(f"{_place(text, path, at)}: groups are nested deeper than {MAX_DEPTH}")
            group = Group(statement[0], "".join(word for word in statement[1:] if word not in "()"))
            statement = []
            if group.kind in _SKIPPED:
                _skip(tokens, text, path, at)
            else:
                stack[-1].groups.append(group)
                stack.append(group)
        elif kind == "mark" and value == "}":
            _store(stack[-1], statement)
            statement = []
            if len(stack) == 1:
                raise MultiplierError(f"{_place(text, path, at)}: a brace closes no group")
            stack.pop()
        elif kind == "mark" and value == ";":
            _store(stack[-1], statement)
            statement = []
        else:
            # Some libraries leave out the semicolon behind `name (values)`.
            if statement and statement[-1] == ")" and kind != "mark":
                _store(stack[-1], statement)
                statement = []
            statement.append(value)
    if len(stack) != 1:
        raise MultiplierError(f"{path}: ends inside the group {stack[-1].kind} ({stack[-1].name})")
    return root


def _store(group: Group, statement: list[str]) -> None:
    if len(statement) >= 3 and statement[1] == ":":
        group.attributes[statement[0]] = " ".join(statement[2:])
    elif len(statement) >= 3 and statement[1] == "(":
        group.attributes[statement[0]] = "".join(word for word in statement[2:] if word != ")")


def _skip(tokens: Iterator[tuple[str, str, int]], text: str, path: Path, at: int) -> None:
    depth = 1
    for kind, value, _ in tokens:
        if kind == "mark" and value in "{}":
            depth += 1 if value == "{" else -1
            if not depth:
                return
    raise MultiplierError(f"{_place(text, path, at)}: the group that begins here has no end")


def _tokens(text: str, path: Path) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MultiplierError(f"{_place(text, path, at)}: {text[at : at + 20]!r} is no Liberty")
        if match.lastgroup is not None and match.lastgroup != "blank":
            yield match.lastgroup, match.group(match.lastgroup), at
        at = match.end()


def _place(text: str, path: Path, at: int) -> str:
    return f"{path}:{text.count(chr(10), 0, at) + 1}"
