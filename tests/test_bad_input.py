"""A user's mistake, through the command line: one message of place, value and remedy; nothing is written or changed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agnsim.models import build_model, save_weights

NETWORKS = """
import numpy as np
from torch import nn


def reflecting(num_classes, in_channels):
    padded = nn.Conv2d(in_channels, 4, 3, padding=1, padding_mode="reflect")
    return nn.Sequential(padded, nn.Flatten(), nn.Linear(256, num_classes))


def four_outputs():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))


def other_size(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(65, num_classes))


def maps(num_classes, in_channels):
    return nn.Conv2d(in_channels, num_classes, 3)


def no_layers():
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64, affine=False))


def failing():
    raise RuntimeError("out of ideas")


def a_number():
    return 3


def not_finite():
    images = np.zeros((50, 8, 8), np.float32)
    images[4, 2, 3] = np.inf
    return {"x_train": images, "y_train": np.arange(50) % 3, "x_test": images[:3], "y_test": np.arange(3)}


tiny = 3
"""


STUDY = [
    pytest.param({"trian": {}}, ["study.yaml:", "trian: unknown key. Did you mean 'train'?"], id="unknown key"),
    pytest.param({"train.epochs": "many"}, ["train.epochs: 'many': it must be a valid integer"], id="wrong type"),
    pytest.param({"train": None}, ["give model.weights, or a train section"], id="no weights and no training"),
    pytest.param({"train": [1]}, ["train: [1]: this is a section"], id="no section"),
    pytest.param({"data.validation": 400}, ["validation is 400", "allowed: 1 to 399"], id="nothing left to train"),
    pytest.param(
        {"data.options.train_limit": "all"}, ["train_limit is 'all'; allowed: 1 to 1297"], id="limit no number"
    ),
    pytest.param({"data.options.train_limits": 3}, ["'train_limits'. Did you mean 'train_limit'?"], id="data option"),
    pytest.param({"data.options.mean": "x"}, ["mean is 'x'; a list of numbers is needed"], id="mean no list"),
    pytest.param({"data.options.root": "/x"}, ["data.options.root", "write it as data.root"], id="root as an option"),
    pytest.param({"model.options.name": "x"}, ["model.options.name", "write it as model.name"], id="name as an option"),
    pytest.param({"model.options.widht": 4}, ["'widht'. Did you mean 'width'?"], id="model option"),
    pytest.param({"model.options.width": "4"}, ["width is '4'; it must be a positive integer"], id="model option type"),
    pytest.param({"model.name": "resnt20"}, ["unknown model 'resnt20'. Did you mean 'resnet20'?"], id="unknown model"),
    pytest.param({"data.name": "cifar11"}, ["unknown data set 'cifar11'. Did you mean 'cifar10'?"], id="unknown data"),
    pytest.param({"device": "gpu"}, ["device: 'gpu' is none agnsim runs on; use cpu"], id="unknown device"),
    pytest.param({"device": "meta"}, ["device: 'meta' is none agnsim runs on; use cpu"], id="useless device"),
    pytest.param(
        {"quantization.exclude": ["layer9.*"]},
        ["quantization.exclude: no layer matches 'layer9.*'.", "Known: conv1, layer1.0.conv1"],
        id="exclude nothing",
    ),
    pytest.param({"quantization.exclude": ["*"]}, ["nothing to convert: every layer is excluded"], id="exclude all"),
]


@pytest.mark.parametrize(("changes", "told"), STUDY)
def test_study(refused, changes, told):
    message = refused(changes)
    assert all(part in message for part in told), message


def test_override_that_is_no_key(refused):
    assert "--set train.epoch=2  train.epoch: unknown key. Did you mean 'epochs'?" in refused(
        None, "--set", "train.epoch=2"
    )


def test_study_file_that_is_missing(home, mistake):
    assert "stdy.yaml: no such study file. `agnsim init` writes one" in mistake("run", "stdy.yaml")
    assert list(home.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_graphics_processor_that_is_not_there(refused):
    assert "device: cuda:1 asked for, but torch sees no GPU here. Use device: cpu." in refused({"device": "cuda:1"})


CIRCUITS = [
    pytest.param(
        {"reference_multiplier": "mul8u_aray"},
        ["reference_multiplier: no circuit of library 'builtin' matches 'mul8u_aray'. Did you mean 'mul8u_array'?"],
        id="unknown reference",
    ),
    pytest.param(
        {"reference_multiplier": "mul8u_column_truncation_k7"},
        ["reference_multiplier: mul8u_column_truncation_k7", "absolute error of 192.25", "must be an exact 8 x 8"],
        id="approximate reference",
    ),
    pytest.param(
        {"reference_multiplier": "mul6u_array"}, ["mul6u_array takes 6 x 6 bits", "exact 8 x 8"], id="narrow reference"
    ),
    pytest.param(
        {"library.include": ["mul8u_aray"]},
        ["library: no circuit of library 'builtin' matches 'mul8u_aray'. Did you mean 'mul8u_array'?"],
        id="include nothing",
    ),
    pytest.param(
        {"library.exclude": ["mul8u_*"]}, ["library: no circuit of 'builtin' matches include"], id="exclude everything"
    ),
    pytest.param(
        {"library.include": ["mul8u_column_truncation_k7"]},
        ["library: a search needs an exact circuit", "such as mul8u_array"],
        id="search without an exact circuit",
    ),
    pytest.param(
        {"uniform.include": ["mul8u_drum*"]},
        ["uniform.include: no circuit of library 'builtin' matches 'mul8u_drum*'", "Known: mul8u_array, "],
        id="uniform of nothing",
    ),
    pytest.param(
        {"uniform.retrain_include": ["k7"]},
        ["uniform.retrain_include: no circuit of library 'builtin' matches 'k7'"],
        id="retrain nothing",
    ),
    pytest.param(
        {"match.exclude": ["k7"]},
        ["match.exclude: no circuit of library 'builtin' matches 'k7'"],
        id="keep nothing out of the matching",
    ),
    pytest.param(
        {"match.exclude": ["mul8u_array"]},
        ["library: a search needs an exact circuit", "leave it out of match.exclude"],
        id="keep the exact circuit out of the matching",
    ),
    pytest.param({"library.name": "nowhere"}, ["no multiplier library 'nowhere'", "AGNSIM_DATA"], id="no library"),
    pytest.param({"library.name": "."}, [". is no multiplier library", "library.json"], id="a folder that is none"),
]


@pytest.mark.parametrize(("changes", "told"), CIRCUITS)
def test_circuits(refused, changes, told):
    message = refused(changes)
    assert all(part in message for part in told), message


USER_CODE = [
    pytest.param("nowhere:net", ["'nowhere:net': there is no module 'nowhere'", "must be installed"], id="no module"),
    pytest.param("nets_:maps_", ["'nets_' has no attribute 'maps_'. Did you mean 'maps'?"], id="no attribute"),
    pytest.param("nets_:tiny", ["'nets_:tiny' names a int, which cannot be called"], id="no callable"),
    pytest.param("nets_:a_number", ["returned a int; it must return a torch.nn.Module"], id="no network"),
    pytest.param("nets_:failing", ["model 'nets_:failing' failed: RuntimeError: out of ideas"], id="it fails"),
    pytest.param("nets_:no_layers", ["nothing to convert: the model has no nn.Conv2d or nn.Linear"], id="no layers"),
    pytest.param(
        "nets_:reflecting", ["layer '0': padding_mode 'reflect'", "or exclude the layer"], id="reflect padding"
    ),
    pytest.param("nets_:four_outputs", ["has 4 outputs, but the images have 10 classes"], id="too few outputs"),
    pytest.param("nets_:other_size", ["cannot take images of the shape [1, 1, 8, 8]"], id="other image size"),
    pytest.param("nets_:maps", ["makes [1, 10, 6, 6]", "it must make logits [N, classes]"], id="no logits"),
]


@pytest.mark.parametrize(("name", "told"), USER_CODE)
def test_network_of_the_user(refused, home, name, told):
    (home / "nets_.py").write_text(NETWORKS)
    message = refused({"model": {"name": name}})
    assert all(part in message for part in told), message


def _weights(values: float | None, name: str = "resnet8", **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        model = build_model(name, in_channels=1, **options)
        if values is not None:
            state = model.state_dict()
            state["layer1.0.conv2.weight"][1, 2, 0, 0] = values
            model.load_state_dict(state)
        save_weights(model, path)

    return write


def _text(path: Path) -> None:
    path.write_bytes(b"no weights at all")


def _batch_norm(path: Path) -> None:
    model = build_model("resnet8", in_channels=1, width=4)
    model.get_buffer("bn1.running_var")[2] = float("nan")
    save_weights(model, path)


WEIGHTS = [
    pytest.param(lambda path: None, ["no weights 'w.safetensors'", "AGNSIM_DATA is not set"], id="missing"),
    pytest.param(_text, ["w.safetensors cannot be read as weights"], id="no file of tensors"),
    pytest.param(_weights(None, "lenet5"), ["w.safetensors does not fit", "missing: bn1.weight"], id="another network"),
    pytest.param(
        _weights(None, width=8), ["other shape: conv1.weight (file [8, 1, 3, 3], model [4,"], id="other width"
    ),
    pytest.param(
        _weights(float("nan"), width=4),
        ["w.safetensors: layer1.0.conv2.weight holds nan at [1, 2, 0, 0]", "take an earlier checkpoint"],
        id="NaN",
    ),
    pytest.param(_weights(float("-inf"), width=4), ["conv2.weight holds -inf at [1, 2, 0, 0]"], id="infinite"),
    pytest.param(_batch_norm, ["bn1.running_var holds nan at [2]"], id="NaN in a batch norm"),
]


@pytest.mark.parametrize(("write", "told"), WEIGHTS)
@pytest.mark.parametrize("train", [None, {"epochs": 1, "lr": 0.1}], ids=["loaded", "trained on"])
def test_weights(refused, home, write, told, train):
    write(home / "w.safetensors")
    message = refused({"model.weights": "w.safetensors", "train": train})
    assert all(part in message for part in told), message


@pytest.mark.parametrize("content", [b"", b"junk", b"\x80\x02}q\x00.", b"PK\x03\x04rest"], ids=repr)
def test_weights_that_are_no_file_of_torch(refused, home, content):
    (home / "w.pt").write_bytes(content)
    message = refused({"model.weights": "w.pt"})
    assert message.startswith("w.pt ")
    assert "torch.save(model.state_dict(), FILE)" in message or "holds no state dict" in message


def arrays(**changes: Any) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.random((200, 8, 8)).astype(np.float32),
        "y_train": np.arange(200) % 10,
        "x_test": generator.random((50, 8, 8)).astype(np.float32),
        "y_test": np.arange(50) % 10,
    } | changes


def _with(key: str, at: Any, value: float) -> dict[str, Any]:
    content = arrays()
    content[key][at] = value
    return content


DATA = [
    pytest.param(
        _with("x_train", (7, 2, 3), np.nan),
        "my.npz: training image 7 holds nan at [C, H, W] = [0, 2, 3]",
        id="NaN image",
    ),
    pytest.param(_with("x_test", (3, 0, 0), np.inf), "my.npz: test image 3 holds inf", id="infinite image"),
    pytest.param(_with("y_train", 3, -1), "my.npz: training label 3 is -1; allowed: 0 to 9", id="negative label"),
    pytest.param(_with("y_test", 4, 10), "my.npz: test label 4 is 10; allowed: 0 to 9", id="label of no class"),
    pytest.param(arrays(y_train=np.zeros(200)), "my.npz: y_train is float64; labels are integers", id="real labels"),
    pytest.param(arrays(y_test=np.arange(49) % 10), "test labels are int64 [49]; int64 [50]", id="too few labels"),
    pytest.param(arrays(x_train=np.zeros((200, 64))), "x_train has the shape [200, 64]; images are", id="flat images"),
    pytest.param(arrays(x_train=np.zeros((200, 8, 8), "U1")), "images are uint8 or floating point", id="text images"),
    pytest.param({"x_train": np.zeros((2, 8, 8))}, "my.npz: lacks y_train, x_test, y_test", id="missing arrays"),
    pytest.param(
        arrays(y_test=np.array([None] * 50)), "my.npz cannot be read as an .npz archive of plain arrays", id="objects"
    ),
]


@pytest.mark.parametrize(("content", "told"), DATA)
def test_images_of_the_user(refused, home, content, told):
    np.savez(home / "my.npz", **content)
    assert told in refused({"data.name": "npz", "data.options": {"path": "my.npz", "num_classes": 10}})


def test_images_that_a_function_returns(refused, home):
    (home / "nets_.py").write_text(NETWORKS)
    assert "nets_:not_finite: training image 4 holds inf" in refused(
        {"data.name": "nets_:not_finite", "data.options": {}}
    )


@pytest.mark.parametrize("damage", ["empty", "cut short", "overwritten", "overwritten, compressed", "a text"])
def test_damaged_cifar10(refused, home, damage):
    generator, path = np.random.default_rng(0), home / "cifar10.npz"
    images = generator.integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
    content = {"x_train": images, "y_train": np.arange(64) % 10, "x_test": images[:20], "y_test": np.arange(20) % 10}
    (np.savez_compressed if damage.endswith("compressed") else np.savez)(path, **content)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut short": whole[: len(whole) // 2],
            "a text": b"<html>404 not found</html>",
        }.get(damage, whole[:3000] + b"\xff" * 100 + whole[3100:])
    )
    message = refused({"data.name": "cifar10", "data.root": str(home), "data.options": {}})
    assert message.startswith(f"{path} cannot be read as an .npz archive of plain arrays: ")
    assert message.endswith("Is it whole? Copy it anew")


def test_cifar10_of_another_shape(refused, home):
    np.savez(home / "cifar10.npz", **arrays())
    message = refused({"data.name": "cifar10", "data.root": str(home), "data.options": {}})
    assert message.endswith("x_train is float32 [200, 8, 8]; cifar10 has uint8 [N, 32, 32, 3]")


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_folder_of_another_study(own_run, write_study, mistake):
    before = contents(own_run)
    message = mistake("run", write_study({"train.lr": 0.1}), "--out", own_run)
    assert "this folder holds another study: train.lr is 0.05 there and 0.1 here" in message
    assert "--out DIR" in message
    assert contents(own_run) == before


def test_folder_of_the_user(home, write_study, mistake):
    (home / "thesis.tex").write_text("precious")
    before = contents(home)
    message = mistake("run", write_study(), "--out", home)
    assert message == f"{home}: not empty and no run folder of agnsim. Give another folder with --out DIR."
    assert contents(home) == before


def test_report_of_a_folder_without_a_record(home, mistake):
    assert "has no record.json, so there is nothing to report" in mistake("report", home)
    assert list(home.iterdir()) == []


def test_evaluate_of_a_folder_without_a_run(home, mistake):
    assert "no run folder of agnsim (it has no config.yaml)" in mistake("evaluate", home)


def test_evaluate_without_its_checkpoint(own_run, mistake):
    shutil.rmtree(own_run / "checkpoints")
    message = mistake("evaluate", own_run)
    assert "the checkpoint cannot be read" in message
    assert "run the study again" in message
