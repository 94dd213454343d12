"""The library that an import writes: whole or not at all, and in nobody else's place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import InputError, LibraryError
from agnsim.multipliers import load_library
from agnsim.multipliers.importers import import_circuits, output

TABLE = np.multiply.outer(np.arange(16), np.arange(16))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    np.save(tmp_path / "mul4u_a.npy", TABLE)
    return tmp_path / "mul4u_a.npy"


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_empty_and_older_library(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "library"
    import_circuits(table, out)
    assert list(load_library(out)) == ["mul4u_a"]
    np.save(tmp_path / "mul4u_b.npy", TABLE)
    import_circuits(tmp_path / "mul4u_b.npy", out)
    assert list(load_library(out)) == ["mul4u_b"]
    assert listing(tmp_path / "deep") == ["library"]
    (tmp_path / "empty").mkdir()
    import_circuits(table, tmp_path / "empty")
    assert list(load_library(tmp_path / "empty")) == ["mul4u_a"]


def test_folder_is_readable_as_any_other(table: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    import_circuits(table, tmp_path / "library")
    assert (tmp_path / "library").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("stranger", ["thesis.tex", "custom/notes.txt", "custom/deep/x.json"])
def test_what_is_no_library_is_left_as_it_is(table: Path, tmp_path: Path, stranger: str) -> None:
    out = tmp_path / "library"
    (out / stranger).parent.mkdir(parents=True)
    (out / stranger).write_text("mine")
    with pytest.raises(LibraryError, match="holds something else than a library, and is left as it is"):
        import_circuits(table, out)
    (out / "library.json").write_text("{}")
    with pytest.raises(LibraryError, match="is no part of a library"):
        import_circuits(table, out)
    assert (out / stranger).read_text() == "mine"


def test_files_and_links_are_no_folders(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(LibraryError, match="is no folder"):
            import_circuits(table, tmp_path / name)


def test_a_failure_in_writing_leaves_the_older_library(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_circuits(table, tmp_path / "out" / "library")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "write_stored", fail)
    np.save(tmp_path / "mul4u_b.npy", TABLE)
    with pytest.raises(OSError, match=r"No space left on device: '.*/out/library'"):
        import_circuits(tmp_path / "mul4u_b.npy", tmp_path / "out" / "library")
    assert listing(tmp_path / "out") == ["library"]
    assert list(load_library(tmp_path / "out" / "library")) == ["mul4u_a"]


def test_an_interruption_between_two_renames_leaves_the_older_library(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_circuits(table, tmp_path / "library")
    rename = os.rename

    def interrupted(source: Path, target: Path) -> None:
        if source.name == "new":
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_circuits(table, tmp_path / "library")
    assert list(load_library(tmp_path / "library")) == ["mul4u_a"]


def test_nothing_imported_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.npy").write_bytes(b"no array")
    result = import_circuits(tmp_path / "t.npy", tmp_path / "library")
    assert (result.imported, result.library) == ((), None)
    assert listing(tmp_path) == ["t.npy"]


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file or folder to import"):
        import_circuits(tmp_path / "missing", tmp_path / "library")


def test_a_file_of_no_kind(tmp_path: Path) -> None:
    (tmp_path / "t.pdf").write_bytes(b"%PDF")
    (failure,) = import_circuits(tmp_path / "t.pdf", tmp_path / "library").failures
    assert failure.reason.startswith("is of no kind that is read: library, C circuit, ")


def test_a_library_imported_onto_itself(table: Path, tmp_path: Path) -> None:
    import_circuits(table, tmp_path / "library")
    import_circuits(tmp_path / "library", tmp_path / "library")
    assert np.array_equal(load_library(tmp_path / "library")["mul4u_a"].table, TABLE)


def test_an_older_import_inside_the_folder_is_not_imported_again(table: Path, tmp_path: Path) -> None:
    import_circuits(tmp_path, tmp_path / "library")
    np.save(tmp_path / "mul4u_a.npy", TABLE + 1)
    result = import_circuits(tmp_path, tmp_path / "library")
    assert (result.failures, result.copies) == ((), 0)
    assert np.array_equal(load_library(tmp_path / "library")["mul4u_a"].table, TABLE + 1)
