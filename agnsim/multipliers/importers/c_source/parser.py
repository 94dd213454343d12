"""C source to a `CProgram`: functions and variables, whitelisted statements, nothing else."""

from __future__ import annotations

from functools import lru_cache

from agnsim.multipliers.importers.c_source.expressions import ONE, QUALIFIERS, ExpressionParser
from agnsim.multipliers.importers.c_source.limits import MAX_PARAMETERS
from agnsim.multipliers.importers.c_source.program import (
    Assignment,
    Block,
    Call,
    CFunction,
    Code,
    CParameter,
    CProgram,
    Declaration,
    Do,
    For,
    If,
    Return,
    Statement,
)
from agnsim.multipliers.importers.c_source.tokens import tokenise
from agnsim.multipliers.importers.c_source.types import INT, CType
from agnsim.multipliers.importers.failure import shown_text

_ASSIGNMENTS = frozenset({"=", "|=", "&=", "^=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>="})
_SPECIFIERS = QUALIFIERS | {"static", "inline", "extern"}


@lru_cache(maxsize=1)
def parse_c(text: str, where: str) -> CProgram:
    """Return what C text defines. Nothing is evaluated; the last source is remembered.

    Args:
        text: The source.
        where: The file's name, for messages.

    Raises:
        SourceError: The text is not C of the kind that describes circuits, or exceeds a limit.
    """
    return _Parser(tokenise(text, where)).program()


class _Parser(ExpressionParser):
    _line, _counted = 1, 0

    def program(self) -> CProgram:
        functions: dict[str, CFunction] = {}
        variables: list[Declaration] = []
        while self.word:
            start = self.start
            _, returned = self._specifiers()
            if self._words[self.place + 1 : self.place + 2] != ["("]:
                if returned is None:
                    self.fail("a variable cannot be void")
                variables += self._declarators(start, returned, is_static=True)
                continue
            function = self._function(returned)
            if function is not None:
                if function.name in functions:
                    self.tokens.fail(start, f"the function {shown_text(function.name)} is defined twice")
                functions[function.name] = function
        return CProgram(self.tokens, functions, tuple(variables))

    def _specifiers(self) -> tuple[bool, CType | None]:
        """Whether `static` is in front, and the type; `None` for `void`."""
        is_static = False
        while self.word in _SPECIFIERS:
            is_static |= self.word == "static"
            self.place += 1
        return is_static, None if self.accept("void") else self.integer_type()

    def _function(self, returned: CType | None) -> CFunction | None:
        """A function, `None` for a mere prototype."""
        self._line += self.tokens.text.count("\n", self._counted, self.start)  # not from the top for every function
        line, self._counted = self._line, self.start
        name = self.name()
        self.expect("(")
        parameters = self._parameters()
        if self.accept(";"):
            return None
        if self.word != "{":
            self.expect("{")
        if "" in [parameter.name for parameter in parameters]:
            self.fail(f"a parameter of {shown_text(name)} has no name")
        return CFunction(name, returned, parameters, line, self._block())

    def _parameters(self) -> tuple[CParameter, ...]:
        parameters: list[CParameter] = []
        if self.word == "void" and self._words[self.place + 1] == ")":
            self.place += 1
        while not self.accept(")"):
            if parameters:
                self.expect(",")
            ctype = self.integer_type()
            name = "" if self.word in (",", ")") else self.name()
            if name and name in [parameter.name for parameter in parameters]:
                self.fail(f"the parameter {shown_text(name)} is there twice")
            if self.word not in (",", ")"):
                self.fail(f"{shown_text(self.word)} in a parameter; only integers are read")
            if len(parameters) == MAX_PARAMETERS:
                self.fail(f"more than {MAX_PARAMETERS} parameters")
            bits, signed = self.tokens.notes.get(self.place, (ctype.width, ctype.signed))
            if not 1 <= bits <= ctype.width:
                self.fail(f"a comment says {bits} bits; {ctype.name} holds 1 to {ctype.width}")
            parameters.append(CParameter(name, ctype, bits, signed))
        return tuple(parameters)

    def _block(self) -> Block:
        self.enter()
        start = self.start
        self.expect("{")
        statements: list[Statement] = []
        while not self.accept("}"):
            self._statement(statements)
        self.leave()
        return Block(start, tuple(statements))

    def _body(self) -> Block:
        """A block, or one statement without braces."""
        if self.word == "{":
            return self._block()
        self.enter()
        start = self.start
        statements: list[Statement] = []
        self._statement(statements)
        self.leave()
        return Block(start, tuple(statements))

    def _statement(self, statements: list[Statement]) -> None:
        """Append the statement at the place."""
        word, start = self.word, self.start
        if word == ";":
            self.place += 1
        elif word == "{":
            statements.append(self._block())
        elif self.accept("return"):
            statements.append(Return(start, None if self.word == ";" else self.expression()))
            self.expect(";")
        elif self.accept("if"):
            statements.append(self._if(start))
        elif self.accept("for"):
            statements.append(self._for(start))
        elif word in _SPECIFIERS or self.is_type():
            is_static, ctype = self._specifiers()
            if ctype is None:
                self.fail("a variable cannot be void")
            statements += self._declarators(start, ctype, is_static=is_static)
        else:
            statements.append(self._action())
            self.expect(";")

    def _if(self, start: int) -> If:
        self.expect("(")
        condition = self.expression()
        self.expect(")")
        then = self._body()
        return If(start, condition, then, self._body() if self.accept("else") else None)

    def _for(self, start: int) -> For:
        self.expect("(")
        initial: list[Statement] = []
        if self.is_type():
            initial += self._declarators(self.start, self.integer_type(), is_static=False)
        else:
            initial += self._actions(";")
        condition = None if self.word == ";" else self.expression()
        self.expect(";")
        step = self._actions(")")
        return For(start, tuple(initial), condition, tuple(step), self._body())

    def _actions(self, end: str) -> list[Statement]:
        actions: list[Statement] = []
        while not self.accept(end):
            if actions:
                self.expect(",")
            actions.append(self._action())
        return actions

    def _action(self) -> Statement:
        """An assignment, an increment or a call."""
        start, prefix = self.start, self.word
        if prefix in ("++", "--"):
            self.place += 1
        elif self._words[self.place + 1 : self.place + 2] == ["("]:
            return Call(start, self.expression())
        name, indices = self.name(), self.indices()
        operator = self.word
        if prefix in ("++", "--"):
            return Assignment(start, name, indices, prefix[0], ONE)
        if operator in ("++", "--"):
            self.place += 1
            return Assignment(start, name, indices, operator[0], ONE)
        if operator not in _ASSIGNMENTS:
            self.fail(f"{shown_text(operator)} behind {shown_text(name)}; an assignment is expected")
        self.place += 1
        return Assignment(start, name, indices, operator[:-1], self.expression())

    def _declarators(self, start: int, ctype: CType, *, is_static: bool) -> list[Declaration]:
        """The variables of one declaration, up to its semicolon."""
        declarations = []
        while True:
            is_pointer = self.accept("*")
            while self.accept("const"):
                pass
            name = self.name()
            is_open = self._words[self.place : self.place + 2] == ["[", "]"]
            self.place += 2 * is_open
            sizes = () if is_open else self.indices()
            initial, elements = None, None
            if self.accept("="):
                initial, elements = self._initial(is_array=is_open or bool(sizes))
            if is_open:
                sizes = (((Do.CONSTANT, (len(elements or ()), INT)),),)
            if sizes and is_pointer:
                self.fail(f"{shown_text(name)} is an array of pointers, which is not read")
            declarations.append(Declaration(start, name, ctype, sizes, is_pointer, is_static, initial, elements))
            if self.accept(";"):
                return declarations
            self.expect(",")

    def _initial(self, *, is_array: bool) -> tuple[Code | None, tuple[Code, ...] | None]:
        if not is_array:
            return self.expression(), None
        self.expect("{")
        return None, self.arguments("}")
