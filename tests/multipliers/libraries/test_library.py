from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import LibraryError, UnknownName
from agnsim.multipliers import Cost, Library, Multiplier, load_library, verify_library, write_library
from agnsim.multipliers.libraries.tables import write_tables

UNIT = Cost("none", "unit", relative_energy=1.5, relative_area=10, relative_delay=3)


def circuit(
    name: str, seed: int = 0, *, bits: tuple[int, int] = (3, 2), signed: bool = False, **more: Any
) -> Multiplier:
    table = np.random.default_rng(seed).integers(0, 50, (1 << bits[0], 1 << bits[1]))
    return Multiplier.from_table(name, table, bits_a=bits[0], bits_b=bits[1], signed_a=signed, signed_b=signed, **more)


CIRCUITS = [
    circuit("plain_a", 1, citation="A. Uthor", cost=UNIT, parameters={"k": 2}, source="lab"),
    circuit("plain_b", 2, signed=True, bits=(2, 2)),
    circuit("other_c", 3, family="mine", cost=UNIT),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_library(tmp_path / "lib", "lib", CIRCUITS, description="Three circuits.")
    return tmp_path / "lib"


def card_of(folder: Path) -> Path:
    return folder / "custom" / "plain_a.json"


def change(path: Path, **fields: Any) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **fields}))


def test_what_is_written_is_read(folder: Path) -> None:
    library = load_library(folder)
    assert (library.name, library.description, library.path) == ("lib", "Three circuits.", folder)
    assert list(library) == ["plain_a", "plain_b", "other_c"]
    for written in CIRCUITS:
        read = library[written.name]
        assert read == written
        for attribute in ("name", "source", "cost", "family", "parameters", "citation", "metrics"):
            assert getattr(read, attribute) == getattr(written, attribute)
    assert len(verify_library(folder)) == 3


def test_writing_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "again", "lib", reversed(CIRCUITS), description="Three circuits.")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for file in files:
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_rewriting_drops_circuits_that_are_gone(folder: Path) -> None:
    write_library(folder, "lib", CIRCUITS[:1], description="One circuit.")
    assert list(load_library(folder)) == ["plain_a"]
    assert not (folder / "mine" / "tables.npz").exists()


def test_circuits_are_read_when_they_are_asked_for(folder: Path) -> None:
    (folder / "mine" / "tables.npz").unlink()
    library = load_library(folder)
    assert library["plain_a"] is library["plain_a"]
    with pytest.raises(LibraryError, match=r"tables\.npz: table 'other_c' can't be read"):
        library["other_c"]


def test_loading_150_circuits_is_quick(tmp_path: Path) -> None:
    many = [circuit(f"c{number:03}", number, bits=(4, 4)) for number in range(150)]
    write_library(tmp_path / "many", "many", many, description="Many.")
    started = time.perf_counter()
    assert len(load_library(tmp_path / "many")) == 150
    assert time.perf_counter() - started < 1.0  # 0.03 s on an idle core; generous on a loaded one


def test_unknown_circuit_is_suggested(folder: Path) -> None:
    library = load_library(folder)
    with pytest.raises(UnknownName, match=r"library 'lib' has no circuit 'plain_aa'\. Did you mean 'plain_a'\?"):
        library["plain_aa"]
    assert "plain_aa" not in library
    assert library.get("plain_aa") is None


def test_by_digest(folder: Path) -> None:
    library = load_library(folder)
    assert library.by_digest(CIRCUITS[1].digest).name == "plain_b"
    with pytest.raises(UnknownName, match="no circuit with digest 00"):
        library.by_digest("00")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["plain_a", "plain_b", "other_c"]),
        ({"include": ["plain_*"]}, ["plain_a", "plain_b"]),
        ({"include": "other_c"}, ["other_c"]),
        ({"exclude": ["*_b"]}, ["plain_a", "other_c"]),
        ({"signed": True}, ["plain_b"]),
        ({"signed": False}, ["plain_a", "other_c"]),
        ({"bits": 2}, ["plain_b"]),
        ({"bits": (3, 2), "include": ["plain_*"]}, ["plain_a"]),
        ({"bits": 8}, []),
    ],
)
def test_select(folder: Path, arguments: dict[str, Any], expected: list[str]) -> None:
    library = load_library(folder)
    selection = library.select(**arguments)
    assert list(selection) == expected
    assert all(selection[name] is library[name] for name in selection)


def test_pattern_that_matches_nothing_is_an_error(folder: Path) -> None:
    with pytest.raises(UnknownName, match=r"no circuit of library 'lib' matches 'plain_x'\. Did you mean"):
        load_library(folder).select(["plain_x"])
    with pytest.raises(UnknownName, match=r"matches 'mul\*'"):
        load_library(folder).select(exclude=["mul*"])


def test_flow(folder: Path) -> None:
    assert load_library(folder).flow == "unit"
    assert Library.of("bare", [circuit("x")]).flow is None
    two = Library.of("two", [circuit("x", cost=UNIT), circuit("y", cost=Cost("45nm", "lab", power_mw=1.0))])
    with pytest.raises(LibraryError, match=r"several flows \(lab, unit\)"):
        _ = two.flow
    assert two.select(["x"]).flow == "unit"


def test_library_in_memory_has_distinct_names() -> None:
    with pytest.raises(LibraryError, match="two circuits called 'x'"):
        Library.of("twice", [circuit("x"), circuit("x", 1)])


@pytest.mark.parametrize(
    ("multipliers", "flow", "message"),
    [
        ([circuit("../escape")], None, "name '../escape' can't be a file name"),
        ([circuit("x", family="..")], None, "family '..' can't be a file name"),
        ([circuit("x"), circuit("x", 1)], None, "'x' occurs twice"),
        ([circuit("x").swapped()], None, "is swapped or encoded"),
        ([circuit("x").encoded(w="offset")], None, "is swapped or encoded"),
        ([circuit("x", cost=UNIT)], "lab", "flow 'unit', the library's is 'lab'"),
    ],
    ids=["name", "family", "twice", "swapped", "encoded", "flow"],
)
def test_what_can_not_be_written(tmp_path: Path, multipliers: list[Multiplier], flow: str | None, message: str) -> None:
    with pytest.raises(LibraryError, match=message):
        write_library(tmp_path / "lib", "lib", multipliers, description="", flow=flow)
    assert not (tmp_path / "lib").exists()


def test_missing_library_names_the_places_and_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNSIM_DATA", raising=False)
    with pytest.raises(
        LibraryError, match=r"no multiplier library 'nowhere': looked for nowhere; AGNSIM_DATA is not set"
    ):
        load_library("nowhere")
    monkeypatch.setenv("AGNSIM_DATA", str(tmp_path))
    with pytest.raises(LibraryError, match=f"and {tmp_path}/nowhere"):
        load_library("nowhere")
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(LibraryError, match=r"has neither library\.json nor circuits\.csv"):
        load_library("nowhere")


def test_relative_path_is_looked_up_under_the_data_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNSIM_DATA", str(folder.parent))
    assert load_library("lib").path == folder


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 1}, r"library\.json: format is 1; this agnsim reads 2"),
        ({"name": None}, r"library\.json: name is None; it must be a text"),
        ({"flow": 3}, r"library\.json: flow is 3"),
        ({"flow": "lab"}, r"custom/plain_a\.json: cost\.flow: stated 'unit', but the library's is 'lab'"),
    ],
)
def test_wrong_index_is_refused(folder: Path, fields: dict[str, Any], message: str) -> None:
    change(folder / "library.json", **fields)
    if "flow" in fields and fields["flow"] == "lab":
        (folder / "mine" / "other_c.json").unlink()
    with pytest.raises(LibraryError, match=message):
        load_library(folder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 7}, "format must be 2"),
        ({"name": "plain_z"}, "name: stated 'plain_z', but the file is called 'plain_a'"),
        ({"name": ""}, "name is ''"),
        ({"source": 3}, "source is 3; it must be a non-empty text"),
        ({"bits_a": "3"}, "bits_a is '3'"),
        ({"bits_b": 40}, "bits_b is 40"),
        ({"signed_a": 0}, "signed_a is 0; it must be true or false"),
        ({"family": 1}, "family is 1; it must be a text or null"),
        ({"digest": "XYZ"}, "digest is 'XYZ'; it must be 64 lower-case hexadecimal digits"),
        ({"errors": []}, "errors is"),
        ({"errors": {"mae": 1}}, r"errors has \['mae'\]; it must have"),
        ({"parameters": {"k": 1.5}}, r"parameters\.k is 1\.5; it must be an integer"),
        ({"parameters": None}, "parameters is None"),
        ({"cost": 3}, "cost is 3; it must be null or an object"),
        ({"cost": {"technology": "none"}}, "cost is"),
        ({"cost": {"technology": "none", "flow": "unit", "price": 3}}, "cost is"),
        ({"cost": {"technology": "none", "flow": "unit", "power_mw": -3}}, "power_mw is -3"),
        ({"surprise": 1}, "has an unknown field 'surprise'"),
    ],
)
def test_wrong_card_is_refused(folder: Path, fields: dict[str, Any], message: str) -> None:
    change(card_of(folder), **fields)
    with pytest.raises(LibraryError, match=message) as caught:
        load_library(folder)
    assert str(card_of(folder)) in str(caught.value)


@pytest.mark.parametrize("value", ["NaN", "1e999", "1" + "0" * 400, '"0"', "true"])
def test_error_figure_that_is_no_number_is_refused(folder: Path, value: str) -> None:
    content = json.loads(card_of(folder).read_text())
    content["errors"]["mae"] = "HERE"
    card_of(folder).write_text(json.dumps(content).replace('"HERE"', value))
    with pytest.raises(LibraryError, match=r"errors\.mae is .* it must be a finite number"):
        load_library(folder)


def test_missing_field_is_named(folder: Path) -> None:
    content = json.loads(card_of(folder).read_text())
    del content["digest"]
    card_of(folder).write_text(json.dumps(content))
    with pytest.raises(LibraryError, match=r"plain_a\.json: lacks the field 'digest'; a card has bits_a"):
        load_library(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"9" * 5000, b"[" * 100000], ids=range(6))
@pytest.mark.parametrize("file", ["library.json", "custom/plain_a.json"])
def test_unreadable_json_is_refused(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(LibraryError, match=Path(file).name):
        load_library(folder)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_damaged_card_is_a_library_error_and_nothing_else(folder: Path, data: st.DataObject) -> None:
    content = json.loads(json.dumps(_true_card(folder)))
    field = data.draw(st.sampled_from(sorted(content)))
    content[field] = data.draw(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=4,
        )
    )
    true_text = card_of(folder).read_text()
    card_of(folder).write_text(json.dumps(content))
    message = "plain_a"
    try:
        load_library(folder)["plain_a"]
    except LibraryError as error:
        message = str(error)
    finally:
        card_of(folder).write_text(true_text)
    assert "plain_a" in message


def _true_card(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(card_of(folder).read_text())
    return content


@pytest.mark.parametrize("metric", ["mae", "wce", "mre", "ep", "mse", "mean_error", "error_std"])
def test_lie_about_an_error_is_found(folder: Path, metric: str) -> None:
    errors = _true_card(folder)["errors"]
    stated = errors[metric] * 1.001
    change(card_of(folder), errors={**errors, metric: stated})
    with pytest.raises(LibraryError, match=rf"plain_a\.json: errors\.{metric}: stated .*, the circuit's is"):
        load_library(folder)["plain_a"]
    with pytest.raises(LibraryError, match=rf"errors\.{metric}: stated"):
        verify_library(folder)


def test_lie_about_the_digest_is_found(folder: Path) -> None:
    change(card_of(folder), digest="0" * 64)
    with pytest.raises(LibraryError, match=rf"digest: stated {'0' * 64}, the table's is {CIRCUITS[0].digest}"):
        load_library(folder)["plain_a"]


def rewrite(table: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, plain_a=table)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(byte ^ 0xFF for byte in content[60:70])
    path.write_bytes(content)


def no_array(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("plain_a.npy", b"not an array")


def huge_header(path: Path) -> None:
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (99999999, 99999999), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("plain_a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


def short_data(path: Path) -> None:
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (8, 4), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("plain_a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"1234")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (rewrite(np.zeros((8, 5), np.int32)), r"shape \(8, 5\); its card's widths make it \(8, 4\)"),
        (rewrite(np.zeros((8, 4), np.float64)), "dtype float64; it must be int32"),
        (rewrite(np.zeros((8, 4), np.int64)), "dtype int64; it must be int32"),
        (rewrite(np.full((8, 4), None)), "dtype object; it must be int32"),
        (rewrite(np.zeros((8, 4), np.int32)), "digest: stated"),
        (lambda path: np.savez(path, other=np.zeros(3)), "has no table 'plain_a'"),
        (lambda path: path.write_bytes(b"no zip"), "can't be read, the file is damaged"),
        (truncate, "can't be read, the file is damaged"),
        (flip, "plain_a"),
        (no_array, "is no NumPy array"),
        (huge_header, "shape"),
        (short_data, "ends after 4 of 128 bytes"),
        (lambda path: path.unlink(), "can't be read"),
    ],
    ids=[
        *("shape", "float", "int64", "pickle", "content", "absent", "no-zip", "truncated", "flipped", "no-array"),
        *("huge", "short", "missing"),
    ],
)
def test_wrong_table_is_refused(folder: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(folder / "custom" / "tables.npz")
    with pytest.raises(LibraryError, match=message) as caught:
        load_library(folder)["plain_a"]
    assert "plain_a" in str(caught.value)


def test_verify_lists_every_problem(folder: Path) -> None:
    change(card_of(folder), digest="0" * 64)
    (folder / "mine" / "tables.npz").write_bytes(b"no zip")
    (folder / "custom" / "plain_b.json").unlink()
    with pytest.raises(LibraryError) as caught:
        verify_library(folder)
    message = str(caught.value)
    for part in ("digest: stated", "not a readable .npz", "table 'plain_b' has no card"):
        assert part in message


def test_verify_reports_its_progress(folder: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    verify_library(folder, on_circuit=lambda *step: seen.append(step))
    assert seen == [("plain_a", 1, 3), ("plain_b", 2, 3), ("other_c", 3, 3)]


def test_verify_compares_with_the_generator(tmp_path: Path) -> None:
    fake = circuit("mul3x2u_array", family="array")
    write_library(tmp_path / "lib", "lib", [fake], description="")
    with pytest.raises(LibraryError, match=r"generator of family 'array' .* makes another table"):
        verify_library(tmp_path / "lib")


def test_verify_recomputes_unit_costs(tmp_path: Path) -> None:
    true = load_library("builtin")["mul3x2u_array"]
    write_library(tmp_path / "lib", "lib", [true], description="")
    verify_library(tmp_path / "lib")
    assert true.cost is not None
    write_library(
        tmp_path / "lib", "lib", [replace(true, cost=replace(true.cost, relative_energy=1.0))], description=""
    )
    with pytest.raises(LibraryError, match=r"'mul3x2u_array': cost\.relative_energy: stated 1\.0, .*netlist is \d"):
        verify_library(tmp_path / "lib")


def test_same_name_in_two_families_is_refused(folder: Path) -> None:
    (folder / "copy").mkdir()
    (folder / "copy" / "plain_a.json").write_bytes(card_of(folder).read_bytes())
    with pytest.raises(LibraryError, match="two circuits called 'plain_a'"):
        load_library(folder)


def test_tables_in_fortran_order_and_big_endian_are_read(folder: Path) -> None:
    tables = {"plain_a": CIRCUITS[0].table, "plain_b": CIRCUITS[1].table}
    np.savez(
        folder / "custom" / "tables.npz",
        **{n: np.asfortranarray(t).astype(">i4", order="F") for n, t in tables.items()},
    )
    assert load_library(folder)["plain_a"] == CIRCUITS[0]


def test_numpy_reads_the_tables(tmp_path: Path) -> None:
    write_tables(tmp_path / "tables.npz", {"b": CIRCUITS[1].table, "a": CIRCUITS[0].table})
    with np.load(tmp_path / "tables.npz", allow_pickle=False) as tables:
        assert tables.files == ["a", "b"]
        np.testing.assert_array_equal(tables["b"], CIRCUITS[1].table)
