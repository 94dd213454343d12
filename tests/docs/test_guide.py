"""The guide's tables are what the code says, its examples of studies hold, and its indexes are complete."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from agnsim.errors import InputError
from agnsim.experiment import reference
from agnsim.experiment.config import Study, load_study
from agnsim.experiment.prepare import prepare
from agnsim.experiment.results import COLUMNS, KINDS
from agnsim.experiment.starter import write_starter
from agnsim.experiment.store import TrialStore
from agnsim.progress import SilentProgress

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))


def text(*path: str) -> str:
    return ROOT.joinpath(*path).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_tables_are_up_to_date(page: Path) -> None:
    assert reference.render(page.read_text(encoding="utf-8"), page.name) == page.read_text(encoding="utf-8"), (
        f"run {reference.COMMAND}"
    )


@pytest.mark.parametrize("block", reference.BLOCKS)
def test_generated_table_stands_in_the_guide(block: str) -> None:
    assert sum(page.read_text(encoding="utf-8").count(f"<!-- end of {block} -->") for page in PAGES) == 1


def test_command_writes_stale_pages_and_checks_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"a\n<!-- engines: made by {reference.COMMAND} -->\nold\n<!-- end of engines -->\nb\n")
    assert reference.main(["--docs", str(tmp_path), "--check"]) == 1
    assert "old" in page.read_text()
    assert reference.main(["--docs", str(tmp_path)]) == 0
    assert "| `simd` |" in page.read_text()
    assert page.read_text().endswith("<!-- end of engines -->\nb\n")
    assert reference.main(["--docs", str(tmp_path), "--check"]) == 0
    assert reference.main(["--docs", str(tmp_path / "nowhere")]) == 2
    assert "no folder" in capsys.readouterr().err


def test_unknown_block_is_refused() -> None:
    with pytest.raises(InputError, match=r"page\.md: nothing generates the block 'engine'.*Did you mean 'engines'"):
        reference.render(f"<!-- engine: made by {reference.COMMAND} -->\n<!-- end of engine -->", "page.md")


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in getattr(field.annotation, "__args__", (field.annotation,)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from sections(part)


@pytest.mark.parametrize("section", sorted(set(sections(Study)), key=str), ids=lambda section: section.__name__)
def test_every_key_of_a_study_is_described(section: type[BaseModel]) -> None:
    assert [name for name, field in section.model_fields.items() if not field.description] == []


def test_columns_of_results_are_documented_in_their_order() -> None:
    table = text("docs", "guide", "run-folder.md").partition("## Columns of results.csv")[2].partition("\n## ")[0]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.splitlines() if line[:3] == "| `"]
    assert [row[0].strip("`") for row in rows] == list(COLUMNS)
    assert all(len(row) == 3 and row[2] for row in rows)
    kinds = next(row[2] for row in rows if row[0] == "`kind`")
    assert re.findall(r"`(\w+)`", kinds) == list(KINDS)


def links(page: str) -> set[str]:
    return set(re.findall(r"\]\(([^)#]+)", page))


def test_index_of_the_guide_is_complete() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("*/*.md")}
    assert pages <= links(text("docs", "README.md"))


def test_index_of_the_studies_is_complete() -> None:
    folder = ROOT / "experiments"
    studies = {path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml") if path.name != "config.yaml"}
    assert studies <= links(text("experiments", "README.md"))


# ---- the examples of study-files.md: Python blocks make files, YAML blocks replace sections of the starter

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall(text("docs", "guide", "study-files.md"))
STUDIES = [yaml.safe_load(body) for language, body in EXAMPLES if language == "yaml"]


def title(study: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={value.get('name', '') if isinstance(value, dict) else value}" for key, value in study.items()
    )


@pytest.fixture
def example_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    for body in (body for language, body in EXAMPLES if language == "python"):
        if file := re.match(r"# (\w+\.py)\n", body):
            (tmp_path / file[1]).write_text(body, encoding="utf-8")
            monkeypatch.delitem(sys.modules, file[1].removesuffix(".py"), raising=False)
        else:
            exec(compile(body, "study-files.md", "exec"), {"__name__": "__main__"})
    return tmp_path


@pytest.mark.parametrize("sections", STUDIES, ids=title)
def test_example_of_a_study_is_valid_and_fits_together(sections: dict[str, Any], example_folder: Path) -> None:
    starter = write_starter(example_folder / "starter")
    merged = yaml.safe_load(starter.read_text(encoding="utf-8")) | sections
    file = example_folder / "study.yaml"
    file.write_text(yaml.safe_dump(merged), encoding="utf-8")
    study = load_study(file)
    if study.model.weights is None:  # else it needs data that not every machine has
        context = prepare(study, TrialStore(example_folder / "run"), SilentProgress())
        assert context.library
        assert context.shapes


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "study-files.md"], ids=lambda page: page.name)
def test_study_sections_in_other_pages_are_valid(page: Path, tmp_path: Path) -> None:
    starter = yaml.safe_load(write_starter(tmp_path).read_text(encoding="utf-8"))
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "yaml":
            file = tmp_path / "study.yaml"
            file.write_text(yaml.safe_dump(starter | yaml.safe_load(body)), encoding="utf-8")
            load_study(file)
