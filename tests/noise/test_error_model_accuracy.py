"""The error model's accuracy on a real network: recomputes the table of docs/guide/noise-search.md."""

import os
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

from agnsim import Quantization, convert, load_library
from agnsim.analysis import ErrorModelAccuracy, error_model_accuracy
from agnsim.data import Batches, load_dataset, split
from agnsim.models import build_model, load_weights
from agnsim.multipliers import choices
from agnsim.nn import approx_layers, sample_operands
from agnsim.noise import measure_errors, predict_errors
from agnsim.noise.error_model import Pairing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "noise-search.md"
ROW = re.compile(r"^\| (mul8[su]) \| `(\w+)` \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) \|", re.MULTILINE)
NEEDED = ("cifar10.npz", "resnet_cifar10/resnet20.pt", "evoapprox")
SMALLEST = 1e-3  # of the output's standard deviation: errors below it are nobody's concern


@cache
def network(circuits: str) -> tuple[nn.Module, list[torch.Tensor]]:
    """Return ResNet-20, quantised on the first of two batches of 512 training images, and the batches."""
    model = build_model("resnet20")
    load_weights(model, "resnet_cifar10/resnet20.pt")
    splits = split(load_dataset("cifar10"), selection="test_half", calibration=1024, seed=0)
    images = [x for x, _ in Batches(splits.calibration, 512)]
    quantization = Quantization(activation="symmetric" if circuits == "mul8s" else "auto")
    return convert(model.eval(), quantization=quantization, calibration=images[:1]), images


@cache
def accuracies(circuits: str) -> dict[str, ErrorModelAccuracy | None]:
    """Return how well every pairing of the first images' operands predicts the error on the second images."""
    model, images = network(circuits)
    library = load_library("evoapprox").select([f"{circuits}_*"])
    here = sample_operands(model, images[:1], rows=512, seed=0)
    there = sample_operands(model, images[1:], rows=4096, seed=1)
    names: list[str] = []
    predicted: dict[Pairing, list[float]] = {pairing: [] for pairing in get_args(Pairing)}
    measured: list[float] = []
    for name, operands in here.items():
        signed = bool(operands.rows.min() < operands.zero_point_a)
        options = [choice for c in library.values() if not c.is_exact for choice in choices(c, signed_a=signed)]
        layer = approx_layers(model)[name]
        range_a = (layer.activation_quantizer.qmin, layer.activation_quantizer.qmax)
        range_w = (layer.weight_quantizer.qmin, layer.weight_quantizer.qmax)
        truth = measure_errors(there[name], options, range_a=range_a, range_w=range_w)
        counted = truth.std_centred > SMALLEST * truth.output_std
        names += [name] * int(counted.sum())
        measured += list(truth.std_centred[counted])
        for pairing, found in predicted.items():
            errors = predict_errors(operands, options, range_a=range_a, range_w=range_w, pairing=pairing)
            found += list(errors.std_centred[counted])
    return {pairing: error_model_accuracy(names, found, measured) for pairing, found in predicted.items()}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("row", ROW.findall(PAGE.read_text(encoding="utf-8")), ids=lambda row: " ".join(row[:2]))
def test_published_accuracy_is_recomputed(row: tuple[str, ...]) -> None:
    root = os.environ.get("AGNSIM_DATA")
    if root is None or not all((Path(root) / name).exists() for name in NEEDED):
        pytest.skip(f"AGNSIM_DATA with {', '.join(NEEDED)} is not set")
    circuits, pairing, median, high, within, rank = row
    found = accuracies(circuits)[pairing]
    assert found is not None
    assert 100 * found.std_median == pytest.approx(float(median), abs=0.15)
    assert 100 * found.std_p95 == pytest.approx(float(high), abs=0.6)
    assert 100 * found.std_within_10_percent == pytest.approx(float(within), abs=1.0)
    assert found.rank_smallest == pytest.approx(float(rank), abs=0.002)


def test_published_accuracy_is_found_in_the_page() -> None:
    assert len(ROW.findall(PAGE.read_text(encoding="utf-8"))) == 6
