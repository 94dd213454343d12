"""What README and the user guide tell a reader to type exists, and the file tree they show is the one on disk."""

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from agnsim.bench import markdown, read_document
from agnsim.cli import app
from agnsim.experiment.config import load_study

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "experiments" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("*/*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TREE_LINE = re.compile(r"^(?P<path>[\w.{},/-]+/?)(?:\s{2,}.*)?$")


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in languages:
                yield page.relative_to(ROOT).as_posix(), body


def commands() -> list[tuple[str, list[str]]]:
    """Return `(page, words)` of the shell blocks' commands: the lines after `$ ` where there are such, else all."""
    found = []
    for page, body in blocks("console", "sh", "bash"):
        lines = body.replace("\\\n", " ").splitlines()
        prompted = [line[2:] for line in lines if line.startswith("$ ")]
        for line in prompted or lines:
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words:
                found.append((page, words))
    return found


COMMANDS = commands()


def by_program(*names: str) -> list[object]:
    return [
        pytest.param(page, words, id=f"{page}: {' '.join(words)}")
        for page, words in COMMANDS
        if words[0].split("/")[-1] in names
    ]


@pytest.mark.parametrize(("page", "words"), by_program("agnsim"))
def test_command_line_parses(page: str, words: list[str]) -> None:
    command, rest = typer.main.get_command(app), words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{page}: {' '.join(words)}: no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    if rest in (["--help"], ["--version"]):
        return
    command.make_context(words[0], rest)  # raises what the command line would say


@pytest.mark.parametrize(("page", "words"), by_program("agnsim"))
def test_study_files_named_in_commands_are_valid(page: str, words: list[str]) -> None:
    for word in words:
        if word.startswith("experiments/") and word.endswith(".yaml"):
            assert load_study(ROOT / word).claim, f"{page}: {word} has no claim"


@pytest.mark.parametrize(("page", "words"), by_program("make"))
def test_make_target_exists(page: str, words: list[str]) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {word for word in words[1:] if "=" not in word} <= targets


@pytest.mark.parametrize(("page", "body"), list(blocks("python")))
def test_python_block_runs(page: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for other, module in blocks("python"):  # a block that begins with a file's name is that file, to its page's others
        if other == page and (file := re.match(r"# (\w+)\.py\n", module)):
            Path(f"{file[1]}.py").write_text(module, encoding="utf-8")
            monkeypatch.delitem(sys.modules, file[1], raising=False)
    exec(compile(body, page, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize(("page", "body"), list(blocks("yaml")))
def test_yaml_block_parses(page: str, body: str) -> None:
    assert yaml.safe_load(body) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


def tree_paths(body: str) -> list[str]:
    """Return the paths of a file tree: one per line, indented by its folder, comments after two spaces."""
    paths, parents = [], list[tuple[int, str]]()
    for line in body.splitlines():
        match = TREE_LINE.match(line.strip())
        if not line.strip() or match is None:
            continue
        indent = len(line) - len(line.lstrip())
        while parents and parents[-1][0] >= indent:
            parents.pop()
        path = (parents[-1][1] if parents else "") + match["path"]
        if path.endswith("/"):
            parents.append((indent, path))
        paths.append(path)
    return paths


@pytest.mark.parametrize(
    ("page", "body"), [b for b in blocks("text", "tree") if re.search(r"^agnsim/", b[1], re.MULTILINE)]
)
def test_file_tree_is_on_disk(page: str, body: str) -> None:
    paths = tree_paths(body)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == [], f"{page}: in the tree and not on disk"


def test_changelog_has_a_heading_for_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_speed_table_is_that_of_the_recorded_benchmark() -> None:
    document = read_document(ROOT / "docs" / "benchmarks" / "zen4-2-threads.json")
    assert markdown(document).strip() in (ROOT / "README.md").read_text(encoding="utf-8")
