"""C expressions to code for a stack machine: operators by precedence, recursion for parentheses only and bounded."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from agnsim.multipliers.importers.c_source.limits import MAX_LITERAL, MAX_NESTING
from agnsim.multipliers.importers.c_source.program import Code, Do
from agnsim.multipliers.importers.c_source.tokens import Tokens
from agnsim.multipliers.importers.c_source.types import (
    INT,
    NAMED_TYPES,
    SIZE,
    TYPE_WORDS,
    CType,
    literal_type,
    spelled_type,
)
from agnsim.multipliers.importers.failure import shown_text

QUALIFIERS = frozenset({"const", "register", "volatile"})
_KEYWORDS = (
    "NULL", "_Bool", "asm", "auto", "bool", "break", "case", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "restrict", "return", "sizeof", "static", "struct", "switch",
    "typedef", "union", "void", "while",
)  # fmt: skip
_RESERVED = QUALIFIERS | TYPE_WORDS | NAMED_TYPES.keys() | frozenset(_KEYWORDS)
_PRECEDENCE = {
    operator: rank
    for rank, operators in enumerate(
        ("||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* / %"), start=1
    )
    for operator in operators.split()
}
_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class ExpressionParser:
    """A place in the words of a source, and the parser of the expression there.

    Args:
        tokens: The source.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.place = 0
        self._words = tokens.words
        self._nesting = 0
        self._code: list[tuple[Do, Any]] = []

    @property
    def word(self) -> str:
        """The word at the place; empty at the end of the source."""
        return self._words[self.place]

    @property
    def start(self) -> int:
        """The word's offset in the text."""
        return self.tokens.starts[self.place]

    def fail(self, reason: str) -> NoReturn:
        """Raise the error that names the line of the word."""
        self.tokens.fail(self.start, reason)

    def accept(self, word: str) -> bool:
        """Go past the word if it is this one; return whether it was."""
        if self._words[self.place] != word:
            return False
        self.place += 1
        return True

    def expect(self, word: str) -> None:
        """Go past the word, which must be this one."""
        if self._words[self.place] != word:
            self.fail(f"{shown_text(self.word) if self.word else 'the end'} where {word!r} is expected")
        self.place += 1

    def name(self) -> str:
        """Go past an identifier and return it."""
        word = self._words[self.place]
        if word in _RESERVED or not _NAME.fullmatch(word):
            self.fail(f"{shown_text(word) if word else 'the end'} where a name is expected")
        self.place += 1
        return word

    def enter(self) -> None:
        """Count one more level of parentheses or blocks."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self.fail(f"nested more than {MAX_NESTING} deep")

    def leave(self) -> None:
        """Count one level less."""
        self._nesting -= 1

    def is_type(self) -> bool:
        """Return whether a type is at the place."""
        word = self._words[self.place]
        return word in NAMED_TYPES or word in TYPE_WORDS or word in QUALIFIERS

    def integer_type(self) -> CType:
        """Go past an integer type and return it."""
        ctype, spelled = None, list[str]()
        start = self.start
        while True:
            word = self._words[self.place]
            if word in NAMED_TYPES and ctype is None and not spelled:
                ctype = NAMED_TYPES[word]
            elif word in TYPE_WORDS and ctype is None and len(spelled) < 5:
                spelled.append(word)
            elif word not in QUALIFIERS:
                break
            self.place += 1
        if spelled:
            ctype = spelled_type(spelled)
        if ctype is None:
            what = shown_text(" ".join(spelled) or self.word)
            self.tokens.fail(start, f"{what} is no integer type that is read here")
        return ctype

    def expression(self) -> Code:
        """Go past an expression and return its code."""
        outer, self._code = self._code, []
        self._expression()
        code, self._code = tuple(self._code), outer
        return code

    def arguments(self, end: str) -> tuple[Code, ...]:
        """Go past expressions between commas and the word that ends them; return their code."""
        codes: list[Code] = []
        while not self.accept(end):
            if codes:
                self.expect(",")
                if end == "}" and self.accept(end):
                    break
            codes.append(self.expression())
        return tuple(codes)

    def _expression(self) -> None:
        self.enter()
        waiting: list[tuple[int, str, int]] = []
        while True:
            self._operand()
            operator = self._words[self.place]
            rank = _PRECEDENCE.get(operator, 0)
            while waiting and waiting[-1][0] >= rank:
                self._apply(*waiting.pop()[1:])
            if not rank:
                break
            waiting.append((rank, operator, len(self._code)))
            self.place += 1
        if self.accept("?"):
            then = self.expression()
            self.expect(":")
            self._code.append((Do.CHOOSE, (then, self.expression())))
        self.leave()

    def _apply(self, operator: str, right: int) -> None:
        """Append the operator; the code of its right operand starts at `right`."""
        if operator in ("&&", "||"):
            code = tuple(self._code[right:])
            del self._code[right:]
            self._code.append((Do.BOTH if operator == "&&" else Do.EITHER, code))
        else:
            self._code.append((Do.BINARY, operator))

    def _operand(self) -> None:
        """Prefixes and the operand behind them."""
        prefixes: list[tuple[Do, Any]] = []
        while True:
            word = self._words[self.place]
            if word == "(":
                self.place += 1
                if self.is_type():
                    prefixes.append(self._cast())
                    continue
                self._expression()
                self.expect(")")
                break
            self.place += 1
            if word in ("~", "!", "-", "+"):
                prefixes.append((Do.UNARY, word))
            elif "0" <= word[:1] <= "9":
                self._literal(word)
                break
            else:
                self.place -= 1
                self._named(word)
                break
        self._code.extend(reversed(prefixes))

    def _cast(self) -> tuple[Do, Any]:
        ctype = self.integer_type()
        what = Do.POINTER if self.accept("*") else Do.CAST
        self.expect(")")
        return what, ctype

    def _named(self, word: str) -> None:
        if self.accept("NULL"):
            self._code.append((Do.NULL, None))
            return
        if self.accept("sizeof"):
            self.expect("(")
            self._code.append((Do.CONSTANT, (self.integer_type().width // 8, SIZE)))
            self.expect(")")
            return
        if word in ("++", "--", "*", "&"):
            self.fail(f"the prefix {word!r} is not read inside an expression")
        name = self.name()
        if self.accept("("):
            arguments = self.arguments(")")
            for code in arguments:
                self._code.extend(code)
            self._code.append((Do.CALL, (name, len(arguments))))
        elif self.word == "[":
            indices = self.indices()
            for code in indices:
                self._code.extend(code)
            self._code.append((Do.ELEMENT, (name, len(indices))))
        else:
            self._code.append((Do.LOAD, name))

    def indices(self) -> tuple[Code, ...]:
        """Go past expressions in brackets, if any, and return their code."""
        codes: list[Code] = []
        while self.accept("["):
            codes.append(self.expression())
            self.expect("]")
        return tuple(codes)

    def _literal(self, word: str) -> None:
        match = _LITERAL.fullmatch(word) if len(word) <= MAX_LITERAL else None
        ctype = None
        if match:
            digits, suffix = match.groups()
            base = {"x": 16, "b": 2}.get(digits[1:2].lower(), 8 if digits[0] == "0" else 10)
            try:
                value = int(digits, base)
            except ValueError:  # 09 is no octal number
                value = 1 << 64
            ctype = literal_type(value, decimal=base == 10, suffix=suffix)
        if ctype is None:
            self.place -= 1
            self.fail(f"{shown_text(word)} is no integer of 64 bits")
        self._code.append((Do.CONSTANT, (value, ctype)))


ONE: Code = ((Do.CONSTANT, (1, INT)),)
"""Code of the number 1."""
