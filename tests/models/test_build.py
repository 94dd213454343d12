"""Networks by name, by torchvision's name, and the user's own; what is said when they are wrong."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from agnsim.errors import InputError, MissingDependency, UnknownName
from agnsim.models import build_model

OWN = """
from torch import nn

def tiny(num_classes, hidden=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, num_classes))

def text():
    return "a network"

def fails():
    raise ValueError("no such file")

number = 3

class Zoo:
    @staticmethod
    def build(**options):
        return nn.Linear(options["in_channels"], options["num_classes"])
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return name


def test_own_callable_in_the_working_directory_gets_what_it_takes(own: str) -> None:
    model = build_model(f"{own}:tiny", num_classes=3, in_channels=1, hidden=5)
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
    assert isinstance(build_model(f"{own}:Zoo.build", num_classes=3, in_channels=2), nn.Linear)


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("no_such_module_here:net", UnknownName, "no module 'no_such_module_here'"),
        ("{own}:tinny", UnknownName, "has no attribute 'tinny'. Did you mean 'tiny'?"),
        ("{own}:", InputError, "'module:callable'"),
        ("{own}:number", InputError, "int, which cannot be called"),
        ("{own}:text", InputError, "returned a str; it must return a torch.nn.Module"),
        ("{own}:fails", InputError, "ValueError: no such file"),
    ],
)
def test_errors_of_own_callables_name_module_and_attribute(
    own: str, reference: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        build_model(reference.format(own=own))
    assert message in str(raised.value)
    if "{own}" in reference:
        assert own in str(raised.value)


def test_missing_import_of_own_module_is_named(tmp_path: Path, own: str) -> None:
    (tmp_path / f"{own}_2.py").write_text("import no_such_package_at_all")
    with pytest.raises(MissingDependency, match="no_such_package_at_all"):
        build_model(f"{own}_2:net")


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'resnet21'.*Did you mean 'resnet2?0?"):
        build_model("resnet21")


def test_unknown_option_lists_what_is_allowed() -> None:
    with pytest.raises(InputError, match=r"model 'resnet8' takes no option 'widht'. Did you mean 'width'"):
        build_model("resnet8", widht=8)


@pytest.mark.parametrize("key", ["num_classes", "in_channels", "width"])
def test_sizes_must_be_positive_integers(key: str) -> None:
    with pytest.raises(InputError, match=rf"{key} is 0; it must be a positive integer"):
        build_model("resnet8", **{key: 0})


def test_torchvision_model_with_other_class_count() -> None:
    model = build_model("torchvision:squeezenet1_1", num_classes=7).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


def test_torchvision_errors() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'resnet18'"):
        build_model("torchvision:resnet17")
    with pytest.raises(InputError, match="3 channels, these have 1"):
        build_model("torchvision:resnet18", in_channels=1)


def test_torchvision_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(MissingDependency, match="pip install torchvision"):
        build_model("torchvision:resnet18")
