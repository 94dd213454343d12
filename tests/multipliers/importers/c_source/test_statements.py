"""Statements: loops, conditions, arrays, calls, caches of products, and that nothing is remembered between calls."""

from __future__ import annotations

import re

import numpy as np
import pytest

from agnsim.multipliers.importers.c_source import c_netlist
from agnsim.multipliers.importers.failure import SourceError
from agnsim.types import Int32Array


def read(text: str, bits_a: int = 4, bits_b: int = 4, *, signed: bool = False) -> Int32Array:
    return c_netlist(text, function="f", bits_a=bits_a, bits_b=bits_b, signed=signed, where="f.c").table()


def function(body: str) -> str:
    return f"uint32_t f(uint16_t a, uint16_t b) {{\n{body}\n}}\n"


A, B = np.arange(16)[:, None], np.arange(16)[None, :]


@pytest.mark.parametrize(
    ("text", "products"),
    [
        (function("uint32_t p = 0; for (int i = 0; i < 4; i++) p += ((b >> i) & 1) * (a << i); return p;"), A * B),
        (function("int i; int p = 0; for (i = 3; i >= 0; --i) { p <<= 1; p += b >> i & 1 ? a : 0; } return p;"), A * B),
        (function("int p = 1, q; for (q = 0; ; q += 2) { if (q == 4) return p * a; p *= 2; }"), 4 * A + 0 * B),
        (function("int w[2][3] = {1, 2, 3, 4}; w[1][2] ^= a; return w[1][0] + w[0][1] + w[1][2];"), 4 + 2 + A + 0 * B),
        (function("uint8_t t[] = {3, 1, 4, 1}; return t[a & 3] + t[1];"), np.array([3, 1, 4, 1])[A & 3] + 1 + 0 * B),
        (function("int x = 1; { int x = 2; x++; } if (x == 1 && !0) return a - -x; else return 0;"), A + 1 + 0 * B),
        ("#define N 3\n#ifndef H\n#define H\n#endif\nint f(int a, int b) { return a >= N ? a : b % 1; }", "unread"),
        ("#define N (3)\nint f(int a, int b) { return a >= N ? a : N; }", np.maximum(A, 3) + 0 * B),
        ("int g(int x);\nint f(int a, int b) { return g(g(a)); }\nint g(int x) { x ^= 5; return x + 1; }",
         (((A ^ 5) + 1) ^ 5) + 1 + 0 * B),
        ("const int t[2] = {5, 7}; int n = 2; int f(int a, int b) { return t[0] * n + t[1] + a; }", 17 + A + 0 * B),
        (function("int *p = NULL; int q[3]; p = q; p[2] = a; if (p != NULL && p) return q[2]; return 0;"), A + 0 * B),
        (function("uint8_t x = 7 / 2; int8_t y = -7 / 2 + -7 % 4; return x + y + a + 3;"), A + 0 * B),
        (function("return (a < 8 ? a : a >> 1) << (b & 3);"), np.where(A < 8, A, A >> 1) << (B & 3)),
        (function("uint8_t x = 200; return i8(x) + 56 + a;") + "int i8(int8_t x) { return x; }", A + 0 * B),
        ("int g(int x) { return x; }"
         + function("int t[1024]; for (int i = 0; i < 1024; i++) t[g(i)] = i + 3; return t[a];"), A + 3 + 0 * B),
        (function("int t[1030]; for (int i = 0; i < 1024; i++) t[i + 5] = i; return t[(a & 7) + 8 | 32];"),
         (A & 7) + 35 + 0 * B),
        (function("return sizeof(uint16_t) * a + sizeof(int);"), 2 * A + 4 + 0 * B),
    ],
)  # fmt: skip
def test_statements(text: str, products: Int32Array | str) -> None:
    if isinstance(products, str):
        with pytest.raises(SourceError, match=r"f\.c:5: a division is read between constants only"):
            read(text)
    else:
        assert np.array_equal(read(text), products)


# Two different 8x8 circuits, called by position: `low` is named (B, A), and must not be swapped here.
CIRCUITS = """
uint64_t low(const uint64_t B,const uint64_t A)
{
   uint64_t O; O = (B & 0xF0) * A; return O;
}
uint16_t high(uint8_t a, uint8_t b)
{
  uint16_t c = 0;
  c |= a * (b | 1);
  return c;
}
"""
COMBINED = """
    opt += (uint32_t)cacheLL[(a & 0xFF       ) * 256 + (b & 0xFF             )];
    opt += (uint32_t)cacheLH[(a & 0xFF       ) * 256 + ((b >> 8) & 0xFF      )] << 8;
    opt += (uint32_t)cacheHL[((a >> 8) & 0xFF) * 256 + (b & 0xFF             )] << 8;
    opt += (uint32_t)cacheHH[((a >> 8) & 0xFF) * 256 + ((b >> 8) & 0xFF      )] << 16;
"""
FILL = """
        for(int i = 0; i < 256; i++) {
            for(int j = 0; j < 256; j++) {
                cacheLL[i * 256 + j] = low(i, j);
                cacheLH[i * 256 + j] = low(i, j);
                cacheHL[i * 256 + j] = high(i, j);
                cacheHH[i * 256 + j] = high(i, j);
            }
        }
"""
CACHES = ("cacheLL", "cacheLH", "cacheHL", "cacheHH")
ALLOCATED = "\n".join(f"    static uint16_t * {name} = NULL;" for name in CACHES)
ALLOCATE = "\n".join(f"    if(!{name}) {name} = (uint16_t *)malloc(256 * 256 * sizeof(uint16_t));" for name in CACHES)
STATIC = "\n".join(f"    static uint16_t {name}[256 * 256];" for name in CACHES)
COMPOSITES = {
    "allocated": f"""
{CIRCUITS}
uint32_t f (uint16_t a, uint16_t b) {{
{ALLOCATED}
    int fillData = cacheLL == NULL || cacheLH == NULL || cacheHL == NULL || cacheHH == NULL;
{ALLOCATE}
    if(fillData) {{
{FILL}
    }}
    uint32_t opt = 0;
{COMBINED}
    return opt;
}}""",
    "flag": f"""
{CIRCUITS}
uint32_t f (uint16_t a, uint16_t b) {{
{STATIC}
    static int isInit = 0;
    if(!isInit) {{
{FILL}
        isInit = 1;
    }}
    uint32_t opt = 0;
{COMBINED}
    return opt;
}}""",
    "every call": f"""
{CIRCUITS}
{STATIC}
void fill(void) {{
{FILL}
}}
uint32_t f (uint16_t a, uint16_t b) {{
    fill();
    uint32_t opt = 0;
{COMBINED}
    return opt;
}}""",
    "one loop": f"""
{CIRCUITS}
{STATIC}
static int ready;
uint32_t f (uint16_t a, uint16_t b) {{
    const int key = 0;
    if (ready == 0)
        for (uint32_t n = 0; n <= 65535; ++n) {{
            cacheLL[n] = low(n >> 8, n & 255 | key); cacheLH[n] = low(n / 1 >> 8, n & 255);
            cacheHL[n] = high(n >> 8, n); cacheHH[n] = high(n >> 8, n & 0xFF);
        }}
    ready = 1;
    uint32_t opt = 0;
{COMBINED}
    return opt;
}}""".replace("n / 1 ", "n "),
    "two dimensions": f"""
{CIRCUITS}
static uint16_t c[256][256], d[0x100][256];
uint32_t f (uint16_t a, uint16_t b) {{
    for (int j = 0; j < 256; j++) for (int i = 0; i < 256; i++) {{ c[i][j] = low(i, j); d[j][i] = high(i, j); }}
    return c[a & 0xFF][b & 0xFF] + ((uint32_t)c[a & 0xFF][b >> 8] << 8) + ((uint32_t)d[b & 0xFF][a >> 8] << 8)
        + ((uint32_t)d[b >> 8][a >> 8] << 16);
}}""",
}


def test_table_that_a_function_sets_up_once() -> None:
    text = """
    int square(int x) {
        static int t[16]; static int ready;
        if (!ready) { for (int i = 0; i < 16; i++) t[i] = i * i; ready = 1; }
        return t[x];
    }
    int f(int a, int b) {
        static uint16_t cache[65536];
        for (int i = 0; i < 65536; i++) cache[i] = square(i >> 8 & 15) + square(i & 15);
        return cache[a * 256 + b];
    }"""
    assert np.array_equal(read(text), (A**2 + B**2) & 255)


@pytest.mark.parametrize("composite", COMPOSITES.values(), ids=COMPOSITES)
def test_products_from_caches_of_products(composite: str) -> None:
    netlist = c_netlist(composite, function="f", bits_a=16, bits_b=16, signed=False, where="f.c")
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 2**16, (2, 5000))

    def low(x: Int32Array, y: Int32Array) -> Int32Array:
        return ((x & 0xF0) * y) & 0xFFFF

    def high(x: Int32Array, y: Int32Array) -> Int32Array:
        return (x * (y | 1)) & 0xFFFF

    a_low, a_high, b_low, b_high = a & 255, a >> 8, b & 255, b >> 8
    middle = (low(a_low, b_high) << 8) + (high(a_high, b_low) << 8)
    combined = low(a_low, b_low) + middle + (high(a_high, b_high) << 16)
    assert np.array_equal(netlist.product(a, b).astype(np.int64) & 0xFFFFFFFF, combined & 0xFFFFFFFF)


HELPERS = (
    "int count(int x) { static int n; int m = n; n = m + 1; return x + m; } "
    "static int mode = 1; int m(int x) { return x * mode; } "
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("static int last; int r = last ^ a; last = a; return r;", "'last' would carry operands from one call"),
        ("static int n; n = n + 1; return n == 1 ? a : b;", "a second call of 'f' would not do the same"),
        ("static int n; n++; return a;", "a second call of 'f' would not do the same"),
        ("static int t[4]; t[1] = b; return t[1];", "'t' would carry operands"),
        ("static int *p; if (!p) p = malloc(8); p[1] = b; return p[1];", "'p' would carry operands"),
        ("static int t[1024]; for (int i = 0; i < 1024; i++) t[i] = i * a; return t[3];", "'a' would carry operands"),
        ("if (a) return 1; return 0;", "a condition depends on the operands"),
        ("for (int i = 0; i < a; i++) { } return 0;", "a condition depends on the operands"),
        ("int t[3]; t[a & 1] = 1; return 0;", "the index of an assignment depends on the operands"),
        ("int t[3] = {1}; return t[a & 3];", "may lie outside of 0..2"),
        ("int t[3] = {1}; return t[3];", "the index 3 lies outside of 0..2"),
        ("int t[3] = {1, 2, 3, 4}; return 0;", "'t' has more than its 3 elements"),
        ("int t[3]; return t[0];", "element 0 of an array is read before it has a value"),
        ("int t[2][2]; return t[0];", "1 indices for an array of 2 dimensions"),
        ("int x; return x;", "'x' is read before it has a value"),
        ("int x; x |= 1; return x;", "'x' is read before it has a value"),
        ("int x = 1; int x = 2; return x;", "'x' is declared twice"),
        ("return x;", "'x' is not declared"),
        ("x = 1; return 0;", "'x' is no variable"),
        ("f = 1; return 0;", "'f' is no variable"),
        ("return a << 32;", "a shift of 32 bits by 32"),
        ("return a << (b - 1);", "a shift of 32 bits by a number that may be larger or negative"),
        ("return 1 && free(NULL);", "a number is expected here"),
        ("return a / 3;", "a division is read between constants only"),
        ("return 1 / 0;", "a division by 0"),
        ("int p[2]; return p + 1;", "the operator + is read between numbers"),
        ("int p[2]; return p == 1;", "a pointer is compared with a number"),
        ("int p[2]; return ~p;", "a number is expected here"),
        ("int *p = 5; return 0;", "this is no pointer to int32_t"),
        ("int *p = NULL; return p[0];", "'p' is no array"),
        ("uint8_t q[3]; int *p = q; return 0;", "this is no pointer to int32_t"),
        ("return abs(a);", "calls 'abs', which is not defined here"),
        ("return system(1);", "calls 'system', which is not defined here"),
        ("return f(a);", "'f' takes 2 arguments, not 1"),
        ("return f(a, b);", "nested more than"),
        ("a = 1;", "'f' ends without returning a value"),
        ("return;", "'f' ends without returning a value"),
        ("int t[0]; return 0;", "is an array of 0 elements"),
        ("int t[a]; return 0;", "the size of an array depends on the operands"),
        ("int t[1024]; for (int i = 0; i < 1024; i++) t[i] = i; t[1] = 2; return t[1];", "after loops have filled"),
        ("int t[2048]; for (int i = 0; i < 1024; i++) t[i] = i; return t[a & 1 | 1024];", "of the 1024 elements"),
        ("int t[1024]; for (int i = 0; i < 1024; i++) t[i] = count(i); return t[a & 1023];", "remembers"),
        ("int t[1024]; for (int i = 0; i < 1024; i++) t[i] = m(i); mode = 2; return t[a & 3];", "'mode' has changed"),
        ("uint8_t t[9000] = {1}; return t[a & 8191];", "operands choose from more than"),
    ],
)  # fmt: skip
def test_what_is_no_circuit_is_an_error(body: str, reason: str) -> None:
    with pytest.raises(SourceError, match=rf"^f\.c:[12]: .*{re.escape(reason)}"):
        read(HELPERS + function(body), 16, 16)


def test_error_names_the_line_at_work() -> None:
    text = "int g(int x)\n{\n  int y;\n  return y;\n}\nint f(int a, int b)\n{\n  return g(a);\n}\n"
    with pytest.raises(SourceError) as caught:
        read(text)
    assert (caught.value.where, caught.value.line, caught.value.reason) == (
        "f.c",
        4,
        "'y' is read before it has a value",
    )
