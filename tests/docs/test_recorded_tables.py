"""README and docs show what the recorded runs say."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agnsim.cli import app
from agnsim.report import recorded, results_table

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", recorded.pages(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tables_of_recorded_runs_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert recorded.render(text, page.name, ROOT) == text, f"run {recorded.COMMAND}"


@pytest.mark.parametrize(("block", "page"), [("results", "README.md"), ("ablations", "docs/ablations.md")])
def test_every_block_stands_on_its_page(block: str, page: str) -> None:
    assert block in recorded.blocks(ROOT)
    assert (ROOT / page).read_text(encoding="utf-8").count(f"<!-- end of {block} -->") == 1


def test_runs_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("resnet20", "resnet8", "resnet14_b", "resnet14_a"):
        (tmp_path / "experiments" / name).mkdir(parents=True)
        (tmp_path / "experiments" / name / "record.json").touch()
    names = [folder.name for folder in recorded.recorded_runs(tmp_path)]
    assert names == ["resnet8", "resnet14_a", "resnet14_b", "resnet20"]


def test_command_line_prints_the_same_table() -> None:
    folders = recorded.recorded_runs(ROOT)
    done = CliRunner().invoke(app, ["report", *map(str, folders), "--table"])
    assert done.exit_code == 0
    assert done.stdout == results_table(folders)
    assert done.stdout.strip() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_table_and_file_exclude_each_other(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--table", "--out", str(tmp_path / "x.html")])
    assert done.exit_code == 2
    assert "--table prints" in done.stderr
