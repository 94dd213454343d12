"""Tables: raw, NumPy, text and C headers; signs, order and stored width told by option, name, or the smaller error."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from agnsim.multipliers import Multiplier, load_library, write_library
from agnsim.multipliers.families import families
from agnsim.multipliers.importers import ImportOptions, ImportResult, import_circuits

CODES = np.arange(256)
UNSIGNED = np.multiply.outer(CODES & ~3, CODES).astype(np.int64)
VALUES = np.where(CODES < 128, CODES, CODES - 256)
SIGNED = np.multiply.outer(VALUES & ~3, VALUES).astype(np.int64)
NARROW = np.multiply.outer(np.arange(256), np.arange(16) & ~1).astype(np.int64)


def run(path: Path, **options: object) -> ImportResult:
    return import_circuits(path, path.parent / "library", options=ImportOptions(**options))  # type: ignore[arg-type]


def only(path: Path, **options: object) -> Multiplier:
    result = run(path, **options)
    assert result.failures == ()
    assert len(result.imported) == 1
    return load_library(path.parent / "library")[result.imported[0].name]


def reason(path: Path, **options: object) -> str:
    result = run(path, **options)
    assert result.imported == ()
    assert not (path.parent / "library").exists()
    (failure,) = result.failures
    assert failure.file == str(path)
    return failure.reason if failure.line is None else f"line {failure.line}: {failure.reason}"


@pytest.mark.parametrize(
    ("name", "content", "table", "signed"),
    [
        ("mul8u_a.bin", UNSIGNED.astype("<u2"), UNSIGNED, False),
        ("t.bin", UNSIGNED.astype("<u2"), UNSIGNED, False),
        ("t.bin", UNSIGNED.astype("<i4"), UNSIGNED, False),
        ("t.raw", SIGNED.astype("<i4"), SIGNED, True),
        ("t.bin", SIGNED.astype("<i2"), SIGNED, True),
        ("mul8s_a.bin", SIGNED.astype("<i2"), SIGNED, True),
        ("mul8x4u_a.bin", NARROW.astype("<u2"), NARROW, False),
        ("mul8x4u_a.bin", NARROW.astype("<i8"), NARROW, False),
        (
            "mul4u_a.bin",
            np.multiply.outer(CODES[:16], CODES[:16]).astype("u1"),
            np.multiply.outer(CODES[:16], CODES[:16]),
            False,
        ),
    ],
)
def test_raw(tmp_path: Path, name: str, content: np.ndarray, table: np.ndarray, signed: bool) -> None:
    (tmp_path / name).write_bytes(content.tobytes())
    circuit = only(tmp_path / name)
    assert np.array_equal(circuit.table, table)
    assert (circuit.signed_a, circuit.signed_b, circuit.name) == (signed, signed, name.partition(".")[0])


def test_raw_of_no_square_shape_names_the_option(tmp_path: Path) -> None:
    path = tmp_path / "t.bin"
    path.write_bytes(NARROW.astype("<u2").tobytes()[:-2])
    assert "say --bits" in reason(path)
    path.write_bytes(NARROW.astype("<i2").tobytes())  # 2**13 bytes, as 6x6 products of 16 bits have
    assert reason(path) == "could be a table of 6x6 bits, or of 8x4: say --bits"
    assert np.array_equal(only(path, bits=(8, 4)).table, NARROW)


def test_raw_of_another_size_than_said(tmp_path: Path) -> None:
    (tmp_path / "mul8u_a.bin").write_bytes(UNSIGNED.astype("<u2").tobytes() + b"x")
    assert "a 8x8 table has 65536 numbers" in reason(tmp_path / "mul8u_a.bin")


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.asfortranarray(UNSIGNED.astype(">u2")))
    assert np.array_equal(only(tmp_path / "t.npy").table, UNSIGNED)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (UNSIGNED.astype(float), "has dtype float64; a table holds integers"),
        (UNSIGNED[:100], r"has shape \(100, 256\); a table is"),
        (UNSIGNED.ravel(), r"has shape \(65536,\)"),
        (np.array([object()]), "a table holds integers"),
        (np.full((4, 4), 2**40), "has larger errors than zeros, read as a table of 2x2 bits"),
    ],
)
def test_npy_of_no_table(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "mul_t.npy", array, allow_pickle=True)
    assert re.search(message, reason(tmp_path / "mul_t.npy"))


def test_npz_holds_several(tmp_path: Path) -> None:
    np.savez(tmp_path / "pack.npz", mul8s_x=SIGNED.astype(np.int16), mine=UNSIGNED, notes=np.arange(3))
    result = run(tmp_path / "pack.npz")
    assert [c.name for c in result.imported] == ["mul8s_x", "pack_mine"]
    (failure,) = result.failures
    assert failure.file == str(tmp_path / "pack.npz")
    assert failure.reason == "array 'notes' has shape (3,); a table is [2**bits_a, 2**bits_b]"
    library = load_library(tmp_path / "library")
    assert np.array_equal(library["mul8s_x"].table, SIGNED)
    assert np.array_equal(library["pack_mine"].table, UNSIGNED)


def matrix(table: np.ndarray, separator: str = ",") -> str:
    return "\n".join(separator.join(map(str, row)) for row in table.tolist()) + "\n"


def pairs(table: np.ndarray, values: np.ndarray) -> list[str]:
    return [f"{values[a]},{values[b]},{table[a, b]}" for a in range(256) for b in range(256)]


@pytest.mark.parametrize(
    ("name", "text", "table", "signed"),
    [
        ("t.csv", matrix(UNSIGNED), UNSIGNED, False),
        ("t.csv", matrix(SIGNED, ";"), SIGNED, True),
        ("t.txt", "LUT of a multiplier:\n\n" + matrix(UNSIGNED, " "), UNSIGNED, False),
        ("t.txt", "# a remark\n" + "\n".join(map(str, UNSIGNED.ravel().tolist())), UNSIGNED, False),
        ("t.csv", "A,B,Product\r\n" + "\r\n".join(pairs(UNSIGNED, CODES)), UNSIGNED, False),
        ("t.csv", "\n".join(reversed(pairs(SIGNED, VALUES))), SIGNED, True),
        ("t.csv", "\n".join(pairs(SIGNED, CODES)), SIGNED, True),
    ],
)
def test_text(tmp_path: Path, name: str, text: str, table: np.ndarray, signed: bool) -> None:
    (tmp_path / name).write_bytes(text.encode())
    circuit = only(tmp_path / name)
    assert np.array_equal(circuit.table, table)
    assert circuit.signed_a is signed


def test_text_of_savetxt(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "t.txt", UNSIGNED)
    assert np.array_equal(only(tmp_path / "t.txt").table, UNSIGNED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n1,2,3\n", "line 2: has 3 numbers; the first line of numbers has 4"),
        ("0,0,0,0\n0,=1+1,2,3\n", "line 2: '=1+1' is no whole number"),
        ("=cmd|'/c calc'!A1,1\n", 'line 1: "=cmd|\'/c" is no whole number'),
        ("0,0\n0,1.5\n", "line 2: '1.5' is no whole number"),
        ("0,0\n0,1_0\n", "line 2: '1_0' is no whole number"),
        ("0,0\n0,nan\n", "line 2: 'nan' is no whole number"),
        ("0,0\n0,\u0661\n", "line 2: '\u0661' is no whole number"),
        ("a,b\n", "has no line of numbers: neither a matrix of products nor lines a,b,product"),
        ("", "has no line of numbers: neither a matrix of products nor lines a,b,product"),
        ("0,0,0\n0,1,0\n1,0,0\n1,0,1\n", "line 4: repeats a pair of operands; every pair has to be there once"),
        ("0,0,0\n0,1,0\n1,1,1\n", "has 3 lines a,b,product; operands of 1 and 1 bits make 4"),
        ("0\n1\n2\n", "has 3 products, which is no square table; say --bits"),
        ("0,1,2,3,4\n" * 5, "has shape (5, 5); a table is [2**bits_a, 2**bits_b]"),
    ],
)
def test_text_of_no_table(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert reason(tmp_path / "t.csv") == message


def test_text_that_is_prose_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "README.txt").write_text("Some words.\nAnd 1 number.\n")
    (tmp_path / "in" / "costs.csv").write_text("name,power_mw\nmul8u_1A,0.4\n")
    (tmp_path / "in" / "t.csv").write_text(matrix(UNSIGNED))
    result = import_circuits(tmp_path / "in", tmp_path / "library")
    assert (len(result.imported), result.failures, result.skipped) == (1, (), 2)
    assert "holds no text table" in reason(tmp_path / "in" / "README.txt")


def c_array(table: np.ndarray, declaration: str, nested: bool = True) -> str:
    rows = [", ".join(map(str, row)) for row in table.tolist()]
    body = ",\n".join(f"{{{row}}}" for row in rows) if nested else ",\n".join(rows)
    return f"#include <stdint.h>\n\n/* a table = {{0}} */\n{declaration} = {{\n{body}\n}};\n"


@pytest.mark.parametrize(
    ("name", "text", "table", "signed"),
    [
        ("mul8s_1L2H.h", c_array(SIGNED, "const int16_t lut [256][256]"), SIGNED, True),
        ("lut.h", c_array(SIGNED, "const int16_t lut[256][256]"), SIGNED, True),
        ("lut.cuh", c_array(UNSIGNED, "__device__ unsigned short lut[65536]", nested=False), UNSIGNED, False),
        ("lut.c", c_array(UNSIGNED, "static int lut[N][N]"), UNSIGNED, False),
        ("lut.h", c_array(UNSIGNED, "int activation[4] = {0x1, 2u, -3, 0};\nint lut[][256]"), UNSIGNED, False),
    ],
)
def test_c_table(tmp_path: Path, name: str, text: str, table: np.ndarray, signed: bool) -> None:
    (tmp_path / name).write_text(text)
    circuit = only(tmp_path / name)
    assert np.array_equal(circuit.table, table)
    assert circuit.signed_a is signed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int lut[4][4] = {{0,0,0,0},\n{0,1,f(2),3}};", "line 2: '(2),3}};' in an array; only numbers are read"),
        ("int lut[4][4] = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "line 1: the end of the file in an array"),
        ("int lut[4][4] = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17};", "line 1: array 'lut' has 17 numbers"),
        (
            "int lut[4][4] = {{0,0,0,0,0},{0,1,2},{0,2,4,6},{0,3,6,9}};",
            "line 1: array 'lut' has rows of 3 and 5 numbers",
        ),
        ("int lut[4][4] = {{0,0,0,0,0,1,2,3},{0,2,4,6,0,3,6,9}};", "has rows of 8 and 8 numbers instead of 4"),
        ("int lut[64] = {0,0,0,0,0,1,2,3,0,2,4,6,0,3,6,9};", "line 1: array 'lut' has 16 numbers instead of 64"),
        ("int lut[] = {0,0,0,0,0,1,2,3,0,2,4,6,0,3,6,011};", "'011' in an array is no whole number"),
        ("int t[16] = {0" + ",1" * 15 + "};\n#if 0\nint t[16] = {1};\n#endif", "line 3: sets 't' a second time"),
        ("int f(void);\n", "holds no C table"),
    ],
)
def test_c_source_of_no_table(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "lut.h").write_text(text)
    assert message in reason(tmp_path / "lut.h")


def test_what_was_assumed_is_said(tmp_path: Path) -> None:
    by_value = np.roll(SIGNED, (128, 128), (0, 1))
    np.savetxt(tmp_path / "t.txt", by_value, fmt="%d")
    result = run(tmp_path / "t.txt")
    assert np.array_equal(load_library(tmp_path / "library")["t"].table, SIGNED)
    sign, order = result.imported[0].remarks
    assert sign.startswith("read as signed (mean absolute error 96, else ")
    assert order == "rows and columns taken in the order of the values, from -128 on"


def test_products_cut_to_sixteen_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SIGNED.astype(np.uint16))
    assert np.array_equal(only(tmp_path / "a.npy").table, SIGNED)
    np.save(tmp_path / "mul8u_b.npy", UNSIGNED.astype(np.int16))
    assert np.array_equal(only(tmp_path / "mul8u_b.npy").table, UNSIGNED)


def test_negative_products_of_an_unsigned_circuit_stay(tmp_path: Path) -> None:
    table = UNSIGNED - 3
    np.save(tmp_path / "mul8u_c.npy", table)
    assert np.array_equal(only(tmp_path / "mul8u_c.npy").table, table)


def test_signs_that_nothing_tells(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.random.default_rng(1).integers(-9, 9, (16, 16)))
    assert "has larger errors than zeros" in reason(tmp_path / "t.npy")
    assert "can't tell whether the operands are signed" in reason(tmp_path / "t.npy", bits=(4, 4))
    assert only(tmp_path / "t.npy", bits=(4, 4), signed=True).signed_a


def test_products_that_do_not_fit(tmp_path: Path) -> None:
    np.save(tmp_path / "mul2u_t.npy", np.full((4, 4), 2**40))
    assert "product 1099511627776, which does not fit int32" in reason(tmp_path / "mul2u_t.npy")


def test_option_beats_name_and_name_beats_error(tmp_path: Path) -> None:
    np.save(tmp_path / "mul8s_t.npy", UNSIGNED)
    assert only(tmp_path / "mul8s_t.npy").signed_a
    assert not only(tmp_path / "mul8s_t.npy", signed=False).signed_a


def test_widths_that_contradict_the_name(tmp_path: Path) -> None:
    np.save(tmp_path / "mul8x4u_t.npy", UNSIGNED)
    assert reason(tmp_path / "mul8x4u_t.npy") == "holds a 8x8 table; the name says 8x4"
    assert reason(tmp_path / "mul8x4u_t.npy", bits=(4, 4)) == "holds a 8x8 table; --bits says 4x4"


def test_pack_of_an_older_import_and_a_library(tmp_path: Path) -> None:
    np.savez(tmp_path / "pack.npz", mul8u_x=UNSIGNED)
    run(tmp_path / "pack.npz")
    again = import_circuits(tmp_path / "library", tmp_path / "again")
    assert [circuit.name for circuit in again.imported] == ["mul8u_x"]
    assert load_library(tmp_path / "again")["mul8u_x"] == load_library(tmp_path / "library")["mul8u_x"]


def test_archive_with_a_member_that_unpacks_to_more_than_its_shape(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, UNSIGNED)
    with zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mul8u_x.npy", content.getvalue() + bytes(2**24))
    assert np.array_equal(only(tmp_path / "t.npz").table, UNSIGNED)


def test_index_and_product_are_no_table(tmp_path: Path) -> None:
    table = np.stack([np.arange(65536), UNSIGNED.ravel()], axis=1)
    np.savetxt(tmp_path / "t.csv", table, fmt="%d", delimiter=",")
    assert reason(tmp_path / "t.csv", signed=False) == (
        "has larger errors than zeros, read as a table of 16x1 bits: say --bits 16x1 if that is what it is"
    )


def test_a_sign_that_does_not_fit_is_named(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "t.csv", UNSIGNED, fmt="%d", delimiter=",")
    said = reason(tmp_path / "t.csv", signed=True)
    assert said.startswith("is said to be signed, but fits unsigned far better: mean absolute error 0.0118 of that of")
    assert said.endswith("Say --unsigned, or --bits 8x8 too if it is signed indeed")
    assert only(tmp_path / "t.csv", signed=True, bits=(8, 8)).signed_a


def test_a_name_of_widths_alone_says_no_sign(tmp_path: Path) -> None:
    np.save(tmp_path / "mul8_mine.npy", SIGNED)
    assert only(tmp_path / "mul8_mine.npy").signed_a
    np.save(tmp_path / "mul8_mine.npy", UNSIGNED)
    assert not only(tmp_path / "mul8_mine.npy").signed_a


def test_a_library_is_believed_nothing_of_a_circuit_without_a_table(tmp_path: Path) -> None:
    netlist = families["operand_truncation"].generate(10, 15, False, drop_a=2, drop_b=0)
    wide = Multiplier.from_netlist("wide", netlist, signed_a=False, signed_b=False)
    write_library(tmp_path / "theirs", "theirs", [wide], description="One wide circuit.")
    assert run(tmp_path / "theirs").failures == ()
    card = tmp_path / "theirs" / "custom" / "wide.json"
    content = json.loads(card.read_text())
    content["errors"]["wce"] = 1
    card.write_text(json.dumps(content))
    (failure,) = run(tmp_path / "theirs").failures
    assert "wide.json: errors.wce: stated 1, the circuit's is 98301" in failure.reason


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the name
        for table in (UNSIGNED, SIGNED):
            content = io.BytesIO()
            np.save(content, table)
            archive.writestr("mul8u_x.npy", content.getvalue())
    assert reason(tmp_path / "t.npz") == "holds two arrays called 'mul8u_x'"
