"""A study file is read with the place of every value, and an override is read as the file is."""

from pathlib import Path

import pytest

from agnsim.errors import ConfigError
from agnsim.experiment.study_file import StudyFile, read_study_file


@pytest.fixture
def read(tmp_path: Path):
    def reading(text: str, *overrides: str) -> StudyFile:
        (tmp_path / "study.yaml").write_text(text)
        return read_study_file(tmp_path / "study.yaml", overrides)

    return reading


def test_every_value_knows_its_line(read, tmp_path):
    study = read("name: x\ntrain:\n  epochs: 3\n  lr: 0.1\nwidths:\n  - a4w4\n  - a5w5\n")
    assert study.data == {"name": "x", "train": {"epochs": 3, "lr": 0.1}, "widths": ["a4w4", "a5w5"]}
    path = tmp_path / "study.yaml"
    assert study.place(("train", "lr")) == f"{path}:4"
    assert study.place(("widths", 1)) == f"{path}:7"
    assert study.place(("train", "missing")) == f"{path}:2"
    assert study.place(("missing",)) == f"{path}:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("5.0e-4", 5e-4),
        ("+1E3", 1000.0),
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ("'1e-3'", "1e-3"),
        ("[1e-3, a]", [1e-3, "a"]),
        ("{lr: 1e-2}", {"lr": 1e-2}),
        ("", None),
    ],
)
def test_value_is_the_same_in_the_file_and_as_an_override(read, text, value):
    assert read(f"key: {text}\n").data["key"] == value
    assert read("key: before\n", f"key={text}").data["key"] == value


def test_override_replaces_adds_and_opens_a_section(read):
    study = read("train: {epochs: 3}\nnarrow: null\n", "train.epochs=5", "narrow.widths=[a4w4]", "search.lr=0.1")
    assert study.data == {"train": {"epochs": 5}, "narrow": {"widths": ["a4w4"]}, "search": {"lr": 0.1}}
    assert study.place(("train", "epochs")) == "--set train.epochs=5"
    assert study.place(("narrow", "widths", 0)) == "--set narrow.widths=[a4w4]"


def test_of_two_overrides_the_last_holds(read):
    assert read("a: 1\n", "a=2", "a=3").data == {"a": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", ":3  a: this key is given twice", id="key twice"),
        pytest.param("s:\n  a: 1\n  a: 2\n", ":3  s.a: this key is given twice", id="nested key twice"),
        pytest.param("a: [1, 2\nb: 3\n", ":2: not valid YAML", id="bad YAML"),
        pytest.param("a: 1\n\tb: 2\n", ":2: not valid YAML", id="tab"),
        pytest.param("- a\n- b\n", "a study is a mapping", id="a list"),
        pytest.param("", "a study is a mapping", id="empty"),
        pytest.param(
            "a: !!python/object/apply:os.getcwd []\n",
            ":1  a: the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd' is not allowed",
            id="tag of a list",
        ),
        pytest.param(
            "a: !!python/name:os.getcwd ''\n", ":1  a: could not determine a constructor", id="tag of a value"
        ),
        pytest.param("a: !!int x\n", ":1  a: invalid literal", id="wrong tag"),
        pytest.param("a: &a [*a]\n", "contains itself", id="alias of itself"),
    ],
)
def test_bad_file_is_refused_with_its_line(read, tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        read(text)
    assert str(error.value).startswith(str(tmp_path / "study.yaml"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param("train.epochs", "expected key=value", id="no value"),
        pytest.param("=3", "expected key=value", id="no key"),
        pytest.param("name.first=3", "'name' is not a section, it holds 'x'", id="inside a value"),
        pytest.param("a=[1", "not valid YAML", id="bad YAML"),
        pytest.param("a={b: 1, b: 2}", "a.b: this key is given twice", id="key twice"),
    ],
)
def test_bad_override_is_refused_by_its_text(read, override, message):
    with pytest.raises(ConfigError) as error:
        read("name: x\n", override)
    assert str(error.value).startswith(f"--set {override}")
    assert message in str(error.value)


def test_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: no such study file\. `agnsim init` writes one"):
        read_study_file(tmp_path / "none.yaml")


def test_folder_in_place_of_its_study_file_is_refused_with_the_file(tmp_path):
    with pytest.raises(ConfigError, match=r"a folder, not a study file\. `agnsim init` writes one"):
        read_study_file(tmp_path)
    (tmp_path / "study.yaml").write_text("name: x\n")
    with pytest.raises(ConfigError, match=r"a folder, not a study file\. Did you mean .*study\.yaml\?"):
        read_study_file(tmp_path)


def test_section_made_by_an_override_has_the_override_as_its_place(read):
    study = read("name: x\nsearch: null\n", "trian.lr=2", "search.training.lr=1")
    assert study.place(("trian",)) == "--set trian.lr=2"
    assert study.place(("search", "training")) == "--set search.training.lr=1"


def test_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "study.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8 text"):
        read_study_file(tmp_path / "study.yaml")
