"""C text to words: comments and harmless directives fall away, operand notes in comments are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import ascii_letters, digits
from typing import NoReturn

from agnsim.multipliers.importers.c_source.limits import MAX_CHARACTERS, MAX_TOKENS
from agnsim.multipliers.importers.failure import SourceError, shown_text

# White space and comments, then one word; atomic, so that nothing is ever tried twice. The last two always match.
_WORD = re.compile(
    r"(?>(?:[ \t\r\n\f\v]+|//[^\n]*|/\*.*?\*/)*)"
    r"([A-Za-z_]\w*|[0-9][\w.]*|<<=|>>=|<<|>>|\+\+|--|&&|\|\||[-+*/%&|^<>=!]=|/\*|\#[^\n]*|.|\Z)",
    re.ASCII | re.DOTALL,
)
_CHARACTERS = frozenset(ascii_letters + digits + "_+-*/%&|^~!<>=?:;,(){}[]")
_NOTE = re.compile(r"\b([0-9]{1,2})-bit (un)?signed\b")
_LONGEST_DIRECTIVE = 200
_LEAST_NOTE = len("/*1-bit signed*/")

_INCLUDE = re.compile(r'\#\s*include\s*(<[\w./]+>|"[\w./]+")\s*')
_DEFINE = re.compile(r"\#\s*define\s+([A-Za-z_]\w*)\s*([0-9]\w*|\([0-9]\w*\))?\s*", re.ASCII)
_GUARD = re.compile(r"\#\s*(?:ifndef\s+(\w+)|endif)\s*", re.ASCII)
_CPLUSPLUS = re.compile(r"\#\s*ifdef\s+__cplusplus\s*")
_COMMENT = re.compile(r"//.*|/\*.*?\*/")


@dataclass(frozen=True)
class Tokens:
    """The words of a source.

    Attributes:
        text: The source.
        where: The file's name, for messages.
        words: The words; an empty one ends them.
        starts: Offset of each word in the text.
        notes: (bits, signed) that a comment in front of a word states, by the word's number.
    """

    text: str
    where: str
    words: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    notes: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def line(self, start: int) -> int:
        """Return the line, from 1, of an offset."""
        return self.text.count("\n", 0, start) + 1

    def fail(self, start: int, reason: str) -> NoReturn:
        """Raise the error that names the line of an offset."""
        raise SourceError(self.where, self.line(start), reason)


def tokenise(text: str, where: str) -> Tokens:
    """Return the words of C text.

    `#include` lines, include guards and what only C++ sees are left out; `#define NAME 42` replaces the name.

    Raises:
        SourceError: The text is too long, or holds a character or directive that is not read.
    """
    tokens = Tokens(text, where)
    if len(text) > MAX_CHARACTERS:
        raise SourceError(where, 1, f"has {len(text)} characters; a circuit may have {MAX_CHARACTERS}")
    words, starts, constants = tokens.words, tokens.starts, dict[str, str]()
    is_skipped = False
    for match in _WORD.finditer(text):
        word, start = match[1], match.start(1)
        if word[:1] == "#":
            is_skipped = _directive(tokens, start, word, constants, is_skipped)
            continue
        if is_skipped and word:
            continue
        if start - match.start() >= _LEAST_NOTE and (note := _NOTE.search(text, match.start(), start)):
            tokens.notes[len(words)] = (int(note[1]), note[2] is None)
        words.append(constants.get(word, word) if constants else word)
        starts.append(start)
        if not word:
            break
        if word == "/*":
            tokens.fail(start, "a comment is not closed")
        if len(word) == 1 and word not in _CHARACTERS:
            tokens.fail(start, f"{shown_text(word)} is not read here")
        if len(words) > MAX_TOKENS:
            tokens.fail(start, f"more than {MAX_TOKENS} words; that is no circuit")
    return tokens


def _directive(tokens: Tokens, start: int, line: str, constants: dict[str, str], is_skipped: bool) -> bool:
    """Take note of a line that starts with #; return whether the lines behind it are skipped."""
    if tokens.text[tokens.text.rfind("\n", 0, start) + 1 : start].strip() or len(line) > _LONGEST_DIRECTIVE:
        tokens.fail(start, f"{shown_text(line)} is not read here")
    code = _COMMENT.sub(" ", line)
    if is_skipped:
        return not re.match(r"\#\s*endif", code)
    if _CPLUSPLUS.fullmatch(code):
        return True
    if define := _DEFINE.fullmatch(code):
        constants[define[1]] = (define[2] or define[1]).strip("()")
        return False
    guard = _GUARD.fullmatch(code)
    if (guard and guard[1] in constants) or not (guard or _INCLUDE.fullmatch(code)):
        tokens.fail(start, f"{shown_text(line)} is not read; only includes, guards and integer constants are")
    return False
