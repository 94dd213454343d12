"""What yosys never gets to see; none of this needs yosys."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.multipliers.importers.failure import SourceError
from agnsim.multipliers.synthesis import verilog_scan
from agnsim.multipliers.synthesis.verilog_scan import module_names, read_source


def source(folder: Path, text: str | bytes) -> str:
    file = folder / "x.v"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_source(file)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('`include "/etc/passwd"', "`include"),
        ("` include <x>", "` include"),
        ("assign x = `UNKNOWN;", "`UNKNOWN"),
        ("`define A `include\n`A", "`include"),
        ("`define I(x) `inc``lude", "`inc"),
        ('$readmemh("x", m);', "$readmemh"),
        ("$system(1);", "$system"),
        ("x = $fopen;", "$fopen"),
        ("$ random", "$ random"),
        ('import "DPI-C" function int system(string s);', "import"),
        ("import /* */ x", "import"),
        ("initial x = 0;", "initial"),
        ("bind a b c();", "bind"),
        ('parameter X = "text";', '"'),
    ],
)
def test_what_reads_loads_or_runs_is_refused(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(SourceError) as caught:
        source(tmp_path, f"module m;\n{text}\nendmodule")
    assert caught.value.line in (2, 3)
    assert caught.value.reason.startswith(repr(found))


@pytest.mark.parametrize(
    "text", ["important = initially;", "a$b = a$system;", "x = $signed(y) + $clog2(8);", "`timescale 1ns/1ps", "@(*) x"]
)
def test_what_only_looks_like_it_passes(tmp_path: Path, text: str) -> None:
    assert source(tmp_path, text) == text


def test_comments_and_attributes_leave_their_lines(tmp_path: Path) -> None:
    text = 'a /* `include\n"x" */ b // $system\n(* src = "f", import *) c\r\nd'
    assert source(tmp_path, text) == "a  \n b  \n  c\nd"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"a\nb\xff", 2, "is not UTF-8 text"),
        (b"a\n\n\0", 3, "holds a NUL character"),
        (b"a\n /* b\n", 2, "has no end"),
        (b"a\n (* b\n", 2, "has no end"),
        (b"a\n" + b"x" * (1 << 20) + b"x", 2, "longer than 1 MiB"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, line: int, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        source(tmp_path, content)
    assert caught.value.line == line


def test_large_and_missing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verilog_scan, "MAX_BYTES", 10)
    with pytest.raises(SourceError, match="larger than"):
        source(tmp_path, "x" * 11)
    with pytest.raises(SourceError, match="can't be read"):
        read_source(tmp_path / "missing.v")


@pytest.mark.parametrize("piece", ["/*", "(*", "`define ", '" ', "/*/", "(*)", "$ "])
def test_a_million_beginnings_take_linear_time(tmp_path: Path, piece: str) -> None:
    text = "\n".join([piece * 1000] * 1000)
    start = time.perf_counter()
    with contextlib.suppress(SourceError):
        source(tmp_path, text)
    assert time.perf_counter() - start < 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["/*", "*/", "//", "\n", '"', "(*", "*)", "`", "include", "$", "x", " ", "\r", "\\"])))
def test_nothing_dangerous_passes(tmp_path: Path, pieces: list[str]) -> None:
    try:
        passed = source(tmp_path, "".join(pieces))
    except SourceError:
        return
    assert not any(mark in passed for mark in ('"', "`", "/*", "//"))


def test_module_names() -> None:
    assert module_names("module a(x); endmodule module \\b-c (y); endmodule") == ("a", "b-c")


def test_include_has_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no other file is read; put all modules into one file"):
        source(tmp_path, "`include x.v")
