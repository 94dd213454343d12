"""Walking and reading a folder that nobody vouches for: links, pipes, depth, number, size, text that is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agnsim.multipliers.importers import files, import_circuits
from agnsim.multipliers.importers.failure import Failure, SourceError, shown_path
from agnsim.multipliers.importers.files import read_bytes, read_text, walk

from .conftest import CIRCUITS


def reasons(failures: list[Failure] | tuple[Failure, ...]) -> dict[str, str]:
    return {Path(failure.file).name: failure.reason for failure in failures}


def test_files_are_sorted_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b/2.c", "b/1.c", "a.c", "c.c", ".git/x.c", ".hidden.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = walk(tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in found.files] == ["a.c", "c.c", "b/1.c", "b/2.c"]
    assert found.failures == []


def test_links_are_never_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "sub").mkdir(parents=True)
    (outside / "secret.c").write_text("secret")
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "real.c").write_text("")
    (root / "file.c").symlink_to(outside / "secret.c")
    (root / "folder").symlink_to(outside)
    (root / "dots.c").symlink_to("../outside/secret.c")
    (root / "inside.c").symlink_to(root / "sub" / "real.c")
    (root / "sub" / "recursive").symlink_to(root)
    (root / "loop").symlink_to("loop")
    (root / "nowhere.c").symlink_to("missing.c")
    found = walk(root)
    assert [file.name for file in found.files] == ["real.c"]
    out, nowhere = "is a link that leads out of the folder; copy the file there instead", "is a link that leads nowhere"
    assert reasons(found.failures) == {
        "file.c": out,
        "folder": out,
        "dots.c": out,
        "loop": nowhere,
        "nowhere.c": nowhere,
    }


def test_a_neighbour_whose_name_starts_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root2").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "root2")
    assert "leads out" in reasons(walk(tmp_path / "root").failures)["link"]


def test_what_was_asked_for_may_be_a_link(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "link").symlink_to(checkout)
    assert len(import_circuits(tmp_path / "link", tmp_path / "library").imported) == len(CIRCUITS)
    name = "mul8u_EX.c"
    (tmp_path / name).symlink_to(next(checkout.rglob(name)))
    assert len(import_circuits(tmp_path / name, tmp_path / "other").imported) == 1


def test_pipes_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mul8u_1A.c")
    assert reasons(walk(tmp_path).failures) == {"mul8u_1A.c": "is no regular file"}
    with pytest.raises(SourceError, match="is no regular file"):
        read_bytes(tmp_path / "mul8u_1A.c", 10)


def test_depth_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_DEPTH", 2)
    for folder in ("a", "a/b", "a/b/c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f.c").write_text("")
    found = walk(tmp_path)
    assert len(found.files) == 2
    assert reasons(found.failures) == {"c": "lies 3 folders deep; at most 2 are followed"}


def test_number_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"{number}.c").write_text("")
    found = walk(tmp_path)
    assert found.files == []
    assert "more than 3 files" in found.failures[0].reason


def test_size_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "t.c").write_text("12345")
    assert read_bytes(tmp_path / "t.c", 5) == b"12345"
    with pytest.raises(SourceError, match="has more than 4 bytes"):
        read_bytes(tmp_path / "t.c", 4)


def test_unreadable_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be read \\(No such file or directory\\)"):
        read_bytes(tmp_path / "missing.c", 4)


def test_text_that_is_not_utf8_names_line_and_byte(tmp_path: Path) -> None:
    (tmp_path / "mul8u_1A.c").write_bytes(b"int a;\nint \xff;\n")
    with pytest.raises(SourceError, match=r"mul8u_1A\.c:2: is not UTF-8 text \(byte 0xff at offset 11\)"):
        read_text(tmp_path / "mul8u_1A.c")


def test_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read_text(tmp_path / "t.txt") == "a\nb\nc\n"


def test_names_that_are_not_text_can_be_shown() -> None:
    assert shown_path(Path(os.fsdecode(b"a\xff\n\x1b[31m.c"))) == r"a\udcff\n\x1b[31m.c"


def test_nothing_of_an_import_is_executed_and_the_rest_is_imported(checkout: Path, tmp_path: Path) -> None:
    (checkout / "mul8u_BIN.c").write_bytes(b"\xff" * 100)
    (checkout / "mul8u_LINK.c").symlink_to("/etc/passwd")
    result = import_circuits(checkout, tmp_path / "library")
    assert len(result.imported) == len(CIRCUITS)
    assert set(reasons(result.failures)) == {"mul8u_BIN.c", "mul8u_LINK.c"}
