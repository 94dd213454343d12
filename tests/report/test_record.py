from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agnsim.errors import RunFolderError
from agnsim.report import load_record

Write = Callable[..., Path]


def test_a_whole_record_is_read(record: dict[str, Any], write_run: Write) -> None:
    read = load_record(write_run(record))
    assert len(read.trials) == len(record["trials"])
    assert read.headline_trial is not None
    assert read.headline_trial.kind == "heterogeneous"
    assert sum(read.mac_share.values()) == pytest.approx(1.0)
    assert next(iter(read.mac_share)) == "conv1"


def test_missing_folder_and_missing_record_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a folder"):
        load_record(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match=r"has no record\.json"):
        load_record(tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        pytest.param(("trials", 3, "accuracy_top1"), "high", r"trials\[3\]\.accuracy_top1: .*'high'", id="wrong type"),
        pytest.param(("trials", 1, "accuracy_top1"), 101.0, r"trials\[1\]\.accuracy_top1: .*101", id="out of range"),
        pytest.param(("trials", 1, "multiplier_energy"), -1.0, r"trials\[1\]\.multiplier_energy", id="negative energy"),
        pytest.param(
            ("trials", 2, "kind"), "exact", r"trials\[2\]\.kind: .*'narrow'.*found 'exact'", id="unknown kind"
        ),
        pytest.param(("layers", 0, "macs"), 1.5, r"layers\[0\]\.macs", id="fraction for a count"),
        pytest.param(("format",), 2, r"record\.json: format: .*found 2", id="another format"),
        pytest.param(("headline",), "abc", r"headline: names the trial 'abc'", id="headline of no trial"),
        pytest.param(("searches", 0, "sigma"), [], r"searches\[0\]\.sigma", id="list for a mapping"),
    ],
)
def test_a_faulty_field_is_named_with_its_file(
    record: dict[str, Any], write_run: Write, path: tuple[str | int, ...], value: object, message: str
) -> None:
    broken: Any = copy.deepcopy(record)
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(RunFolderError, match=message) as caught:
        load_record(write_run(broken))
    assert "record.json" in str(caught.value)


def test_a_missing_field_is_named(record: dict[str, Any], write_run: Write) -> None:
    del record["trials"][0]["kind"]
    with pytest.raises(RunFolderError, match=r"trials\[0\]\.kind: Field required"):
        load_record(write_run(record))


def test_repeated_trial_ids_are_refused(record: dict[str, Any], write_run: Write) -> None:
    record["trials"].append(record["trials"][0])
    with pytest.raises(RunFolderError, match=re.escape(repr(record["trials"][0]["trial"]))):
        load_record(write_run(record))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": NaN}'])
def test_what_is_no_record_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"record\.json"):
        load_record(tmp_path)
