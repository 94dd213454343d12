"""State dicts from files: what fits, what does not, and what is refused."""

import pickle
from pathlib import Path

import pytest
import torch

from agnsim.data import Batches, load_dataset, split
from agnsim.data_root import find
from agnsim.errors import CheckpointError
from agnsim.models import build_model, load_weights, save_weights


def filled(value: float) -> torch.nn.Module:
    model = build_model("resnet8", width=2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize("form", ["safetensors", "plain", "state_dict", "parallel", "no_counters"])
def test_forms_of_files(tmp_path: Path, form: str) -> None:
    source, target = filled(0.5), build_model("resnet8", width=2)
    state = source.state_dict()
    file = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pt")
    if form == "safetensors":
        save_weights(source, file)
    elif form == "state_dict":
        torch.save({"state_dict": state, "epoch": 3}, file)
    elif form == "parallel":
        torch.save({f"module.{k}": v for k, v in state.items()}, file)
    elif form == "no_counters":
        torch.save({k: v for k, v in state.items() if "num_batches" not in k}, file)
    else:
        torch.save(state, file)
    load_weights(target, file)
    assert same(source, target)
    assert [f.name for f in tmp_path.iterdir()] == [file.name]


def test_differences_are_listed_and_the_model_is_left_alone(tmp_path: Path) -> None:
    state = filled(0.5).state_dict()
    state["extra"] = state.pop("linear.bias")
    state["conv1.weight"] = torch.zeros(2, 1, 3, 3)
    torch.save(state, tmp_path / "w.pt")
    model, before = filled(1.0), filled(1.0)
    with pytest.raises(CheckpointError) as raised:
        load_weights(model, tmp_path / "w.pt")
    for part in ("missing: linear.bias", "not in the model: extra", "conv1.weight (file [2, 1, 3, 3], model [2, 3, 3"):
        assert part in str(raised.value)
    assert same(model, before)


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"weights": Trap()}, tmp_path / "w.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("w.pt", "raw.pt"):
        with pytest.raises(CheckpointError, match="more than tensors"):
            load_weights(filled(1.0), tmp_path / name)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_damaged_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match=name):
        load_weights(filled(1.0), tmp_path / name)


def test_not_a_state_dict(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"no state dict .* but a list"):
        load_weights(filled(1.0), tmp_path / "w.pt")


def test_path_relative_to_the_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_weights(filled(0.5), tmp_path / "nets" / "w.safetensors")
    monkeypatch.setenv("AGNSIM_DATA", str(tmp_path))
    model = filled(1.0)
    load_weights(model, "nets/w.safetensors")
    assert same(model, filled(0.5))
    with pytest.raises(CheckpointError, match=r"looked for none\.pt and "):
        load_weights(model, "none.pt")
    monkeypatch.delenv("AGNSIM_DATA")
    with pytest.raises(CheckpointError, match="AGNSIM_DATA is not set"):
        load_weights(model, "none.pt")


@pytest.mark.data
def test_published_resnet20_classifies_cifar10() -> None:
    if find("resnet_cifar10/resnet20.pt") is None or find("cifar10.npz") is None:
        pytest.skip("AGNSIM_DATA has no resnet_cifar10/resnet20.pt and cifar10.npz")
    model = build_model("resnet20").eval()
    load_weights(model, "resnet_cifar10/resnet20.pt")
    splits = split(load_dataset("cifar10", train_limit=100, test_limit=512), validation=10)
    with torch.inference_mode():
        hits = sum(int((model(x).argmax(1) == y).sum()) for x, y in Batches(splits.report, 128))
    assert hits == 463, "90.4 %; the whole test set gives 91.73 %"
