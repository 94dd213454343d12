"""A run folder holds one study: another one, or foreign files, are refused and left as they are."""

from pathlib import Path

import pytest

from agnsim.errors import ConfigError, RunFolderError
from agnsim.experiment.config import load_study
from agnsim.experiment.run_folder import open_run_folder, read_study


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_new_folder_gets_the_resolved_study(write_study, tmp_path):
    study = load_study(write_study())
    open_run_folder(tmp_path / "new" / "run", study)
    assert read_study(tmp_path / "new" / "run") == study


def test_same_study_is_resumed_without_a_change(write_study, tmp_path):
    study = load_study(write_study())
    open_run_folder(tmp_path / "run", study)
    before = contents(tmp_path / "run")
    open_run_folder(tmp_path / "run", study)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("seed", 1, "seed is 0 there and 1 here"),
        ("train.lr", 0.1, r"train\.lr is 0\.05 there and 0\.1 here"),
        ("narrow", None, "narrow is .* there and None here"),
        ("data.options", {"train_limit": 400}, r"data\.options\.test_limit is 120 there and None here"),
    ],
)
def test_another_study_is_refused_by_its_first_difference(write_study, tmp_path, key, value, told):
    open_run_folder(tmp_path / "run", load_study(write_study()))
    before = contents(tmp_path / "run")
    with pytest.raises(RunFolderError, match=rf"holds another study: {told}\. Give another folder with --out DIR"):
        open_run_folder(tmp_path / "run", load_study(write_study({key: value})))
    assert contents(tmp_path / "run") == before


def test_folder_with_foreign_files_is_refused(write_study, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="mine: not empty and no run folder"):
        open_run_folder(tmp_path / "mine", load_study(write_study()))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_file_in_the_place_of_the_folder_is_refused(write_study, tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(RunFolderError, match="mine: "):
        open_run_folder(tmp_path / "mine", load_study(write_study()))
    assert (tmp_path / "mine").read_text() == "precious"


def test_folder_killed_before_its_study_was_written_is_used(write_study, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml.123.tmp").write_text("na")
    open_run_folder(tmp_path / "run", load_study(write_study()))
    assert (tmp_path / "run" / "config.yaml").is_file()


def test_folder_that_is_no_run_names_the_remedy(tmp_path):
    with pytest.raises(RunFolderError, match=r"no run folder of agnsim \(it has no config\.yaml\)"):
        read_study(tmp_path)


def test_study_edited_into_none_is_told_by_line(write_study, tmp_path):
    open_run_folder(tmp_path / "run", load_study(write_study()))
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: zero"))
    with pytest.raises(ConfigError, match=r"run/config\.yaml:4  seed: 'zero'"):
        read_study(tmp_path / "run")
