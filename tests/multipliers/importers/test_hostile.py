"""Hostile files: one clear failure each, in bounded memory and time, nothing executed; parsers are fuzzed."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.multipliers.importers.circuit import Job, run_job
from agnsim.multipliers.importers.header import parse_header
from agnsim.multipliers.importers.importer import ImportOptions
from agnsim.multipliers.importers.registry import importer_of

MEMORY = 3 * 2**30
SECONDS = 120

# Imports the folders one after the other, in one process with limits; a line of JSON each.
IMPORT = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
from agnsim.multipliers.importers import import_circuits
from agnsim.multipliers.importers.summary import document
for folder in sys.argv[1:]:
    result = document(import_circuits(folder, folder + ".library"))
    row = folder, result["failed"], [row["name"] for row in result["imported"]], result["skipped"]
    print(json.dumps(row), flush=True)
"""


def bomb_array(folder: Path) -> None:
    """A header that promises 2**40 numbers, packed from zeros."""
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (1048576, 1048576), }"
    header += b" " * (118 - len(header)) + b"\n"
    with zipfile.ZipFile(folder / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(2**26))


def bomb_header(folder: Path) -> None:
    """A header of version 2.0 that is 2 GiB long, packed from spaces."""
    with zipfile.ZipFile(folder / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as member:
        member.write(b"\x93NUMPY\x02\x00" + struct.pack("<L", 2**31 - 1))
        for _ in range(64):
            member.write(b" " * 2**20)


def bomb_directory(folder: Path) -> None:
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    (folder / "t.npz").write_bytes(directory + end)


def pickled(folder: Path) -> None:
    class Run:
        def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
            return os.system, (f"touch {folder / 'executed'}",)

    np.save(folder / "t.npy", np.array([[Run(), Run()], [Run(), Run()]], dtype=object), allow_pickle=True)


def deep_header(folder: Path) -> None:
    header = (b"(" * 9000).ljust(9999) + b"\n"
    (folder / "t.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)


def text(name: str, content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(content) and None


HOSTILE: dict[str, Callable[[Path], None]] = {
    "archive that unpacks to terabytes": bomb_array,
    "archive with an endless header": bomb_header,
    "archive with a million names": bomb_directory,
    "pickle that runs a command": pickled,
    "nested array header": deep_header,
    "megabyte-long line of C": text(
        "mul8u_A.c", "uint16_t mul8u_A(uint8_t a, uint8_t b) { return " + "a+" * 2**20 + "b; }"
    ),
    "million assignments": text(
        "mul8u_A.c", "int mul8u_A(int a, int b) {\n int x;\n" + "x = a & b;\n" * 10**6 + "return x; }\n"
    ),
    "nested parentheses": text(
        "mul8u_A.c", "int mul8u_A(int a, int b) { return " + "(" * 10**5 + "a" + ")" * 10**5 + "; }"
    ),
    "recursive function": text("mul8u_A.c", "int mul8u_A(int a, int b) { return mul8u_A(a, b); }"),
    "endless loop": text("mul8u_A.c", "int mul8u_A(int a, int b) { while (1) { a = a; } return b; }"),
    "import in an expression": text("mul8u_A.c", "int mul8u_A(int a, int b) { return __import__('os').system('x'); }"),
    "operands without bits": text("mul0s_A.c", "int mul0s_A(int a, int b) { return a & b; }"),
    "operands of too many bits": text("mul64u_A.c", "int mul64u_A(int a, int b) { return a & b; }"),
    "truncated C": text("mul8u_A.c", "uint16_t mul8u_A(uint8_t a, uint8_t b) { uint16_t c = 0; c |= (a &"),
    "comments that never end": text("mul8u_A.c", "/*" * 10**6),
    "megabyte-long number": text("t.csv", "1," + "9" * 10**6 + "\n"),
    "megabytes of commas": text("t.csv", "," * (16 * 2**20)),
    "numbers without end": text("t.csv", ("1," * 1000 + "\n") * 8000),
    "formulas": text("t.csv", '=HYPERLINK("x"),1\n@SUM(1),2\n'),
    "words without end": text("lut.h", "a" * (16 * 2**20) + " b[9]={?"),
    "arrays without end": text("lut.h", "int a[1] = {0};\n" * 10**6),
    "brackets without end": text("lut.h", "a[" * 4 * 2**20 + "9]={?"),
    "open braces": text("lut.h", "int a[256][256] = " + "{" * 10**6),
}


def folder_of(root: Path, kind: str) -> Path:
    return root / kind.replace(" ", "_")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[Any, ...]], str]:
    """Import every hostile file, each beside a good one."""
    root = tmp_path_factory.mktemp("hostile")
    for kind, make in HOSTILE.items():
        folder = folder_of(root, kind)
        folder.mkdir()
        make(folder)
        np.save(folder / "mul2u_good.npy", np.multiply.outer(np.arange(4), np.arange(4)))
    folders = [str(folder_of(root, kind)) for kind in HOSTILE]
    done = subprocess.run([sys.executable, "-c", IMPORT, *folders], capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return root, {folder: tuple(row) for folder, *row in rows}, done.stderr[-2000:]


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_is_one_failure_in_bounded_memory(results, kind: str) -> None:
    root, rows, errors = results
    folder = folder_of(root, kind)
    assert str(folder) in rows, errors
    failed, imported, skipped = rows[str(folder)]
    assert imported == ["mul2u_good"]
    assert skipped == 0
    assert len(failed) == 1
    assert Path(failed[0]["file"]).parent == folder
    assert 10 < len(failed[0]["reason"]) < 300
    assert sorted(path.name for path in folder.iterdir()) == sorted([Path(failed[0]["file"]).name, "mul2u_good.npy"])


def test_limits_of_memory_are_real() -> None:
    """The limit under which hostile files are read is one that reading them without care would pass."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY})); bytearray(2**32)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr


def read_as(folder: Path, name: str, content: bytes) -> None:
    """Read a file as an import does; anything but an outcome is an error of the reader."""
    path = folder / name
    path.write_bytes(content)
    importer = importer_of(path)
    assert importer is not None
    outcome = run_job(Job(path, importer.name, ImportOptions()))
    assert outcome.imported or outcome.failures or outcome.is_other
    for failure in outcome.failures:
        assert failure.file == str(path)
        assert failure.line is None or failure.line >= 1
        assert len(failure.reason) < 400


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.lists(st.integers(-300, 70000), min_size=1, max_size=70)
PIECES = st.lists(
    st.sampled_from(
        ["0", "1", "-1", "255", ",", ";", " ", "\n", "\t", "a", "#", "=", "1e3", ".", "\x00", "é", "{", "}", "[4][4]"]
    ),
    max_size=60,
).map("".join)


@FUZZ
@given(text=PIECES | NUMBERS.map(lambda values: "\n".join(map(str, values))))
@pytest.mark.parametrize("name", ["t.csv", "t.txt"])
def test_fuzz_text(tmp_path: Path, name: str, text: str) -> None:
    read_as(tmp_path, name, text.encode())


@FUZZ
@given(
    body=PIECES,
    lengths=st.sampled_from(["[4][4]", "[16]", "[]", "[N][4]", "[0][0]", "[99999999][2]"]),
    closed=st.booleans(),
)
def test_fuzz_c_table(tmp_path: Path, body: str, lengths: str, closed: bool) -> None:
    read_as(tmp_path, "t.h", f"int lut{lengths} = {{0,0,0,0,0,1,2,3,0,2,4,6,{body}{'};' if closed else ''}".encode())


@FUZZ
@given(content=st.binary(max_size=300) | NUMBERS.map(lambda values: np.array(values, "<i4").tobytes()))
@pytest.mark.parametrize("name", ["t.bin", "mul4u_t.bin", "mul2s_t.bin", "t.npy", "t.npz", "mul8u_t.c", "t.h"])
def test_fuzz_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    read_as(tmp_path, name, content)


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("name", ["t.npy", "t.npz"])
def test_fuzz_damaged_arrays(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = io.BytesIO()
    table = np.multiply.outer(np.arange(8), np.arange(8)).astype(
        data.draw(st.sampled_from(["<u2", ">i4", "<i8", "u1"]))
    )
    if name == "t.npy":
        np.save(content, table)
    else:
        np.savez_compressed(content, a=table, b=table)
    damaged = bytearray(content.getvalue())
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    read_as(
        tmp_path,
        name,
        bytes(damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged),
    )


@FUZZ
@given(
    lines=st.lists(
        st.tuples(st.sampled_from(["MAE", "WCE%", "EP%", "PDK45_PWR", "Power   (45)", "X"]), st.text(max_size=20))
    )
)
def test_fuzz_header(lines: list[tuple[str, str]]) -> None:
    header = parse_header("\n".join(f"// {key} = {value}" for key, value in lines))
    assert set(header.published) <= {"mae", "wce", "ep", "mre", "mse"}
    header.costs("flow")
