"""Trials are found by what defines them, written whole or not at all, and told from damaged ones."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from agnsim.errors import RunFolderError
from agnsim.experiment.store import TrialStore, address, read_json, write_json


@pytest.fixture
def store(tmp_path: Path) -> TrialStore:
    return TrialStore(tmp_path)


def never() -> tuple[dict, None]:
    raise AssertionError("a finished trial was made again")


STATE = {
    "weight": torch.arange(6.0).reshape(2, 3),
    "count": torch.tensor(3),
    "codes": torch.tensor([1], dtype=torch.int8),
}


def test_address_is_that_of_the_content_whatever_its_order():
    assert address({"a": 1, "b": [1.5, None]}) == address({"b": [1.5, None], "a": 1})
    assert address({"a": 1}) != address({"a": 1.0000001})
    assert len(address({})) == 64


def test_trial_is_made_once(store):
    made = store.get_or_make({"kind": "x"}, lambda: ({"found": 1}, None))
    again = store.get_or_make({"kind": "x"}, never)
    assert (made.cached, again.cached) == (False, True)
    assert again.outcome == made.outcome == {"found": 1}
    assert again.digest == made.digest == address({"kind": "x"})
    assert (store.made, store.reused) == (1, 1)
    assert store.get_or_make({"kind": "y"}, lambda: ({}, None)).digest != made.digest


def test_trial_is_found_by_id_prefix_and_digest(store):
    trial = store.get_or_make({"kind": "x"}, lambda: ({}, None))
    for name in (trial.id, trial.id[:5], trial.digest):
        assert store.find(name).digest == trial.digest


def test_unknown_and_ambiguous_names_list_what_there_is(store):
    with pytest.raises(RunFolderError, match=r"no trial 'abc'\. Known: none"):
        store.find("abc")
    ids = sorted(store.get_or_make({"kind": i}, lambda: ({}, None)).id for i in range(2))
    with pytest.raises(RunFolderError, match=f"more than one trial ''. Known: {ids[0]}, {ids[1]}"):
        store.find("")


def test_state_comes_back_bit_for_bit(store):
    trial = store.get_or_make({"kind": "x"}, lambda: ({}, STATE))
    assert trial.outcome["checkpoint"] == f"checkpoints/{trial.id}.safetensors"
    loaded = store.load_state(trial.digest)
    assert set(loaded) == set(STATE)
    assert all(torch.equal(loaded[k], STATE[k]) and loaded[k].dtype == STATE[k].dtype for k in STATE)


def test_checkpoint_holds_only_what_differs_from_its_base(store, tmp_path):
    base = store.get_or_make({"kind": "base"}, lambda: ({}, STATE))
    changed = {"weight": STATE["weight"], "codes": STATE["codes"].to(torch.int16), "new": torch.zeros(2)}
    child = store.get_or_make({"kind": "child"}, lambda: ({}, changed), base=base.digest)
    grandchild = store.get_or_make({"kind": "grandchild"}, lambda: ({}, changed), base=child.digest)
    for trial, kept in ((child, {"codes", "new"}), (grandchild, set())):
        with safe_open(tmp_path / trial.outcome["checkpoint"], framework="pt") as file:
            assert set(file.keys()) == kept
        loaded = store.load_state(trial.digest)
        assert list(loaded) == list(changed)
        assert all(torch.equal(loaded[k], changed[k]) and loaded[k].dtype == changed[k].dtype for k in changed)


def test_state_that_shares_memory_is_kept(store):
    whole = torch.arange(4.0)
    trial = store.get_or_make({"kind": "x"}, lambda: ({}, {"a": whole, "b": whole[1:], "c": whole.reshape(2, 2).T}))
    loaded = store.load_state(trial.digest)
    assert torch.equal(loaded["b"], whole[1:])
    assert torch.equal(loaded["c"], whole.reshape(2, 2).T)


def test_crash_while_making_leaves_nothing(store, tmp_path):
    def crash() -> tuple[dict, dict]:
        raise RuntimeError("crash")

    with pytest.raises(RuntimeError):
        store.get_or_make({"kind": "x"}, crash)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_crash_between_checkpoint_and_trial_leaves_no_trial(store, tmp_path, monkeypatch):
    import agnsim.experiment.store as module

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_json", crash)
        with pytest.raises(KeyboardInterrupt):
            store.get_or_make({"kind": "x"}, lambda: ({}, STATE))
    assert list((tmp_path / "trials").glob("*")) == []
    assert store.get_or_make({"kind": "x"}, lambda: ({}, STATE)).cached is False
    assert not list(tmp_path.rglob("*.tmp"))


def test_json_is_renamed_into_place_and_never_half_written(tmp_path, monkeypatch):
    write_json(tmp_path / "a.json", {"a": 1})

    def crash(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="disk full"):
        write_json(tmp_path / "a.json", {"a": 2})
    assert read_json(tmp_path / "a.json") == {"a": 1}


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as JSON"),
        ('{"format": 1, "digest"', "cannot be read as JSON"),
        ("[]", "expected a JSON object, found list"),
        ("{}", "not a trial of agnsim; delete it and run the study again"),
    ],
)
def test_damaged_trial_is_named(store, text, message):
    trial = store.get_or_make({"kind": "x"}, lambda: ({}, None))
    path = store.trials / f"{trial.id}.json"
    path.write_text(text)
    with pytest.raises(RunFolderError, match=message) as error:
        store.get_or_make({"kind": "x"}, never)
    assert str(path) in str(error.value)


def test_trial_whose_definition_was_altered_is_refused(store):
    trial = store.get_or_make({"kind": "x", "seed": 0}, lambda: ({}, None))
    path = store.trials / f"{trial.id}.json"
    content = json.loads(path.read_text())
    content["key"]["seed"] = 1
    path.write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match="does not match its address; delete it and run the study again"):
        store.find(trial.id)


def test_trial_under_another_name_is_refused(store):
    trial = store.get_or_make({"kind": "x"}, lambda: ({}, None))
    os.rename(store.trials / f"{trial.id}.json", store.trials / "0123456789ab.json")
    with pytest.raises(RunFolderError, match="does not match its address"):
        store.find("0123456789ab")


@pytest.mark.parametrize("damage", ["missing", "cut short", "no file of tensors", "of another trial"])
def test_damaged_checkpoint_names_the_remedy(store, tmp_path, damage):
    trial = store.get_or_make({"kind": "x"}, lambda: ({}, STATE))
    other = store.get_or_make({"kind": "y"}, lambda: ({}, STATE))
    path = tmp_path / trial.outcome["checkpoint"]
    if damage == "missing":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:-4])
    elif damage == "no file of tensors":
        path.write_bytes(b"junk")
    else:
        path.write_bytes((tmp_path / other.outcome["checkpoint"]).read_bytes())
    with pytest.raises(RunFolderError) as error:
        store.load_state(trial.digest)
    assert str(path) in str(error.value)
    assert f"Delete {store.trials / trial.id}.json and run the study again." in str(error.value)
