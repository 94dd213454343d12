"""C that is broken, malicious or endless: an error with file and line, soon, and nothing is executed."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnsim.multipliers.importers.c_source import c_netlist, read_c_functions
from agnsim.multipliers.importers.failure import SourceError

SECONDS = 20  # generous: the limits end all of these within two on an idle machine


def read(text: str) -> None:
    c_netlist(text, function="f", bits_a=8, bits_b=8, signed=False, where="f.c")


def function(body: str) -> str:
    return f"uint16_t f(uint8_t a, uint8_t b) {{\n{body}\n}}\n"


REFUSED = {
    "empty": ("", "no function 'f' returns a number; functions here: none"),
    "other function": ("int g(int a, int b) { return a; }", "no function 'f' returns a number; functions here: 'g'"),
    "void": ("void f(int a, int b) { }", "no function 'f' returns a number"),
    "three operands": ("int f(int a, int b, int c) { return a; }", "'f' has 3 parameters"),
    "twice": ("int f(int a) { return a; } int f(int a) { return a; }", "the function 'f' is defined twice"),
    "cut": (function("return a;")[:-3], "the end where"),
    "cut in an expression": ("int f(int a, int b) { return (a", "the end where ')' is expected"),
    "comment": ("int f(int a, int b) { /* return a; }", "a comment is not closed"),
    "many open comments": ("/* " * 700_000, "a comment is not closed"),
    "long": (" " * (4 * 2**20 + 1), "has 4194305 characters; a circuit may have 4194304"),
    "a megabyte in one line": (function("return a " + "+ a " * 300_000 + ";"), "more than 262144 words"),
    "a million assignments": ("int f(int a,int b){int x;" + "x=1;" * 1_000_000 + "}", "more than 262144 words"),
    "long name": (function("return " + "x" * 1_000_000 + ";"), "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is not"),
    "long number": (function("return " + "1" * 100_000 + ";"), "is no integer of 64 bits"),
    "large number": (function("return 18446744073709551616u;"), "is no integer of 64 bits"),
    "large decimal": (function("return 9223372036854775808;"), "is no integer of 64 bits"),
    "octal": (function("return 09;"), "'09' is no integer of 64 bits"),
    "float": (function("return 1.5;"), "'1.5' is no integer of 64 bits"),
    "suffix": (function("return 1lul;"), "'1lul' is no integer of 64 bits"),
    "parentheses": (function("return " + "(" * 100_000 + "a"), "nested more than 64 deep"),
    "brackets": (function("return " + "a[" * 100_000), "nested more than 64 deep"),
    "calls": (function("return " + "f(" * 100_000), "nested more than 64 deep"),
    "blocks": (function("{" * 100_000), "nested more than 64 deep"),
    "ifs": (function("if (1) " * 50_000), "nested more than 64 deep"),
    "else ifs": (function("if (0) ; " + "else if (0) ; " * 20_000 + "return 1;"), "nested more than 64 deep"),
    "choices": (function("return " + "a ? b : " * 50_000 + "a;"), "nested more than 64 deep"),
    "parameters": (f"int f({', '.join(f'int a{i}' for i in range(50_000))}) {{ }}", "more than 16 parameters"),
    "same parameters": ("int f(int a, int a) { return a; }", "the parameter 'a' is there twice"),
    "nameless": ("int f(int, int) { return 1; }", "a parameter of 'f' has no name"),
    "endless": (function("for (;;) ;"), "takes more than"),
    "endless counting": (function("for (uint8_t i = 0; i < 256; i++) { } return 0;"), "takes more than"),
    "doubling": (
        "int g0(int x) { return x ^ 1; }"
        + "".join(f"int g{i}(int x) {{ return g{i - 1}(x) + g{i - 1}(x + 1); }}" for i in range(1, 60))
        + function("return g59(a);"),
        "takes more than",
    ),
    "deep calls": (
        "int g0(int x) { return x; }"
        + "".join(f"int g{i}(int x) {{ return 1 && (x ? x : g{i - 1}(x)); }}" for i in range(1, 2000))
        + function("return g1999(a);"),
        "nested more than 120 deep",
    ),
    "many products": (
        function("uint64_t x = a; for (int i = 0; i < 1000; i++) x = x * x + b; return x;"),
        "takes more than",
    ),
    "untaken choices": (
        function("int x = 0; for (int i = 0; i < 100000; i++) x = 1 ? 1 : (" + "a + " * 100_000 + "a); return x;"),
        "takes more than",
    ),
    "fills": (
        function("int t[1024]; for (;;) for (int i = 0; i < 1024; i++) t[i] = " + "i + " * 20_000 + "i;"),
        "takes more than",
    ),
    "import": (function("return __import__('os').system('true');"), "\"'\" is not read here"),
    "import without quotes": (function("return __import__(a);"), "calls '__import__', which is not defined here"),
    "string": (function('return "a";'), "'\"' is not read here"),
    "attribute": (function("return a.b;"), "'.' is not read here"),
    "arrow": (function("return a->b;"), "where a name is expected"),
    "backslash": ("int x\\\n;", "'\\\\' is not read here"),
    "not ASCII": ("int é;", "'é' is not read here"),
    "null character": ("int \0;", "'\\x00' is not read here"),
    "replacement character": ("int \ufffd;", "is not read here"),
    "goto": (function("goto x; x: return a;"), "'goto' where a name is expected"),
    "while": (function("while (1) ;"), "'while' where a name is expected"),
    "asm": (function("asm(1);"), "'asm' where a name is expected"),
    "struct": ("struct s { int x; };", "'struct' is no integer type that is read here"),
    "typedef": ("typedef int x;", "'typedef' is no integer type that is read here"),
    "double": ("double f(double a, double b) { return a; }", "'double' is no integer type that is read here"),
    "type": ("unsigned float x;", "'float' where a name is expected"),
    "types": ("short long x;", "'short long' is no integer type that is read here"),
    "many type words": ("long " * 100_000 + "x;", "is no integer type"),
    "pointer parameter": ("int f(int *a, int b) { return 1; }", "'*' where a name is expected"),
    "array parameter": ("int f(int a[], int b) { return 1; }", "'[' in a parameter; only integers are read"),
    "pointers": ("int *t[4];", "'t' is an array of pointers"),
    "address": (function("return *&a;"), "the prefix '*' is not read inside an expression"),
    "increment": (function("return a++;"), "'++' where ';' is expected"),
    "assignment in an expression": (function("return a = b;"), "'=' where ';' is expected"),
    "no statement": (function("a;"), "';' behind 'a'; an assignment is expected"),
    "comma": (function("return a, b;"), "',' where ';' is expected"),
    "void variable": ("void x;", "a variable cannot be void"),
    "directive": ("#if 1\n#endif\n", "'#if 1' is not read"),
    "macro": ("#define F(x) x\n", "'#define F(x) x' is not read"),
    "directive in a line": ("int x; #include <stdint.h>\n", "is not read here"),
    "long directive": ("#include <" + "/* " * 300_000 + ">", "is not read here"),
    "guard of what is defined": ("#define X\n#ifndef X\nint y;\n#endif\n", "'#ifndef X' is not read"),
    "note": ("int f(int a /* 33-bit signed operand */, int b) { return a; }", "a comment says 33 bits"),
    "no note": ("int f(int a /* 0-bit signed operand */, int b) { return a; }", "a comment says 0 bits"),
    "pragma": ("#pragma GCC optimize\n", "is not read"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_hostile_source_is_an_error_soon(text: str, reason: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match=rf"^f\.c:\d+: .*{re.escape(reason)}") as caught:
        read(text)
    assert len(str(caught.value)) < 300
    assert time.monotonic() - started < SECONDS


def test_operand_wider_than_its_parameter_is_an_error() -> None:
    with pytest.raises(
        SourceError, match=r"^f\.c:2: parameter 'b' of 'f' is a int8_t, which holds no operand of 9 bits"
    ):
        c_netlist("\nint f(int a, int8_t b) { return a; }", function="f", bits_a=9, bits_b=9, signed=False, where="f.c")
    with pytest.raises(SourceError, match="holds no operand of 0 bits"):
        c_netlist("int f(int a, int b) { return a; }", function="f", bits_a=0, bits_b=1, signed=True, where="f.c")


@pytest.mark.parametrize(
    "expression",
    [
        "~" * 50_000 + "a",
        "(int)" * 40_000 + "a",
        " | ".join(["a"] * 20_000),
        " && ".join(["a"] * 20_000),
        "(" * 60 + "a" + ")" * 60,
    ],
    ids=["prefixes", "casts", "operators", "conditions", "parentheses"],
)
def test_long_expressions_are_read(expression: str) -> None:
    started = time.monotonic()
    read(function(f"return {expression};"))
    assert time.monotonic() - started < SECONDS


def test_many_functions_are_read_in_time() -> None:
    started = time.monotonic()
    functions = read_c_functions("\n" * 3_000_000 + "\n".join(f"int f{i}(){{}}" for i in range(30_000)), "f.c")
    assert [functions[0].line, functions[-1].line] == [3_000_001, 3_030_000]
    assert time.monotonic() - started < SECONDS


GOOD = """
#include <stdint.h>
static int t[4] = {1, 2};
uint16_t g(uint8_t x, int16_t y) { int w[3]; w[0] = x >> 2 & 1; w[2] = ~y ^ 0xFFU; return w[0] ? w[2] : !x; }
uint64_t f(const uint64_t B, const uint64_t A /* 8-bit unsigned operand */) {
  uint64_t O = 0; int n1, n2 = 3;
  static uint16_t * cache = NULL;
  if (!cache) { cache = (uint16_t *)malloc(256 * 256 * sizeof(uint16_t)); }
  for (int i = 0; i < 256; i++) { for (int j = 0; j < 256; j++) { cache[i * 256 + j] = g(i, j); } }
  for (n1 = 0; n1 < 4; ++n1) { O |= ((A >> n1) & 1 & (B >> 2)) << n1; n2 += t[n1 & 3] * 2 - 1; }
  return O + cache[(A & 0xFF) * 256 + (B & 0xFF)] * n2;
}
"""
WORDS = [*re.findall(r"\w+|[^\w\s]+", GOOD), "goto", "while", "/*", "*/", "//", "\n", "#", "'", "9" * 30]


def survives(text: str) -> None:
    """Only our error, or success."""
    try:
        names = [function.name for function in read_c_functions(text, "f.c")]
        for name in names:
            c_netlist(text, function=name, bits_a=3, bits_b=3, signed=True, where="f.c")
    except SourceError as error:
        assert str(error).startswith("f.c:")  # noqa: PT017


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_random_bytes(source: bytes) -> None:
    survives(source.decode("utf-8", "replace"))
    survives(function(source.decode("latin-1")))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_programs(data: st.DataObject) -> None:
    words = re.findall(r"\w+|[^\w\s]+|\s+", GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(words) - 1))
        length = data.draw(st.integers(0, 3))
        words[place : place + length] = data.draw(st.lists(st.sampled_from(WORDS), max_size=3))
    survives("".join(words))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.text("()[]{};,=+-*&|^~!?:<>#/ \nabx01", max_size=10))
def test_characters_replaced(place: int, length: int, inserted: str) -> None:
    survives(GOOD[:place] + inserted + GOOD[place + length :])
    survives(GOOD[:place])


def test_unchanged_program_is_read() -> None:
    netlist = c_netlist(GOOD, function="f", bits_a=3, bits_b=3, signed=True, where="f.c")
    assert netlist.table().any()
