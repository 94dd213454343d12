from __future__ import annotations

from pathlib import Path

import pytest

from agnsim.errors import InputError
from agnsim.markdown import markdown_table, render_blocks, run_command

PAGE = """a
<!-- one: made by make it -->
old
<!-- end of one -->
<!-- two: made by another -->
kept
<!-- end of two -->
"""


def test_cells_keep_their_bars_to_themselves() -> None:
    assert markdown_table(("a", "b"), [("x|y", "")]) == "| a | b |\n| --- | --- |\n| x\\|y |  |\n"


def test_only_the_blocks_of_the_command_are_made_anew() -> None:
    fresh = render_blocks(PAGE, "page", command="make it", blocks={"one": lambda: r"new \1"})
    assert fresh == PAGE.replace("old", "\nnew \\1")
    assert render_blocks(fresh, "page", command="make it", blocks={"one": lambda: r"new \1"}) == fresh


def test_an_unknown_block_is_named() -> None:
    with pytest.raises(InputError, match=r"page\.md: nothing generates the block 'one'.*Did you mean 'ones'"):
        render_blocks(PAGE, "page.md", command="make it", blocks={"ones": str})


def test_command_checks_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)

    def run(*arguments: str) -> int:
        return run_command(
            list(arguments),
            command="make it",
            summary="Makes it.",
            folder=("--root", tmp_path),
            pages=lambda root: root.glob("*.md"),
            blocks=lambda root: {"one": lambda: root.name},
        )

    assert run("--check") == 1
    assert page.read_text() == PAGE
    assert run() == 0
    assert tmp_path.name in page.read_text()
    assert run("--check") == 0
    assert run("--root", str(tmp_path / "nowhere")) == 2
    said = capsys.readouterr()
    assert "out of date" in said.out
    assert "name its own with --root DIR" in said.err
