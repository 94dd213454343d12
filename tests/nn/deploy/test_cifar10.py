"""The deployed ResNet-20 keeps its accuracy: recomputes the table of docs/guide/deployed-network.md."""

import os
import re
from pathlib import Path

import pytest
import torch

from agnsim import Quantization, convert, load_library
from agnsim.data import Batches, load_dataset, split
from agnsim.models import build_model, load_weights
from agnsim.multipliers import Choice
from agnsim.nn.deploy import compare_deployed, deploy
from agnsim.nn.replace import convertible_layers

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "deployed-network.md"
ROW = re.compile(r"^\| (exact|mul8s_\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) % \|$", re.MULTILINE)
NEEDED = ("cifar10.npz", "resnet_cifar10/resnet20.pt", "evoapprox")
ROOT = os.environ.get("AGNSIM_DATA")
LACKING = [name for name in NEEDED if ROOT is None or not (Path(ROOT) / name).exists()]

pytestmark = [pytest.mark.data, pytest.mark.skipif(bool(LACKING), reason=f"AGNSIM_DATA lacks {', '.join(LACKING)}")]


def networks(circuit):
    """Return the training graph, its deployed network and the test images."""
    model = build_model("resnet20")
    load_weights(model, "resnet_cifar10/resnet20.pt")
    splits = split(load_dataset("cifar10"), selection="test_half", calibration=512, seed=0)
    assignment = None
    if circuit != "exact":
        choice = Choice(load_library("evoapprox")[circuit])
        assignment = dict.fromkeys(convertible_layers(model), choice)
    images = [x for x, _ in Batches(splits.calibration, 256)]
    network = convert(model.eval(), quantization=Quantization(), assignment=assignment, calibration=images)
    return network.eval(), deploy(network), splits.all_test


def top1(circuit, limit=None):
    """Return the training graph's and the deployed top-1, and the share of equal classes, all in percent."""
    network, deployed, images = networks(circuit)
    right, agree, seen = [0, 0], 0, 0
    for x, y in Batches(images, 250):
        with torch.inference_mode():
            classes = [graph(x).argmax(1) for graph in (network, deployed)]
        right = [count + int((found == y).sum()) for count, found in zip(right, classes, strict=True)]
        agree, seen = agree + int((classes[0] == classes[1]).sum()), seen + len(y)
        if seen == limit:
            break
    return 100 * right[0] / seen, 100 * right[1] / seen, 100 * agree / seen


def test_a_thousand_images_keep_their_class():
    training, deployed, agree = top1("exact", limit=1000)
    assert agree >= 99.0
    assert abs(training - deployed) <= 0.5


def test_codes_begin_to_differ_on_rounding_boundaries_only():
    network, deployed, images = networks("exact")
    first, second, *_ = compare_deployed(network, deployed, [next(iter(Batches(images, 100)))])
    assert first.differing == 0
    assert second.differing < 1e-4
    assert second.largest == 1


@pytest.mark.slow
@pytest.mark.parametrize("row", ROW.findall(PAGE.read_text(encoding="utf-8")), ids=lambda row: row[0])
def test_table_of_the_guide(row):
    circuit, *stated = row
    training, deployed, agree = top1(circuit)
    assert deployed == pytest.approx(float(stated[1]), abs=0.05)
    assert training == pytest.approx(float(stated[0]), abs=0.05)
    assert agree == pytest.approx(float(stated[2]), abs=0.2)
    assert abs(training - deployed) <= (0.1 if circuit == "exact" else 0.5)


def test_the_guide_has_the_table():
    assert len(ROW.findall(PAGE.read_text(encoding="utf-8"))) == 2
