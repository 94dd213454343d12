"""The error model's accuracy on a real network: recomputes the table of docs/guide/noise-search.md."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agnsim import Quantization, convert, load_library
from agnsim.data import Batches, load_dataset, split
from agnsim.models import build_model, load_weights
from agnsim.multipliers import choices
from agnsim.nn import approx_layers, sample_operands
from agnsim.noise import measure_errors, predict_errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "noise-search.md"
ROW = re.compile(r"^\| (mul8[su]) \| ([\w ,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| (\d+) % \|$", re.MULTILINE)
NEEDED = ("cifar10.npz", "resnet_cifar10/resnet20.pt", "evoapprox")
SMALLEST = 1e-3  # of the output's standard deviation: errors below it are nobody's concern


@cache
def ratios(circuits: str) -> Mapping[bool, NDArray[np.float64]]:
    """Return predicted over measured standard deviation, with independent draws and with random pairing."""
    model = build_model("resnet20")
    load_weights(model, "resnet_cifar10/resnet20.pt")
    splits = split(load_dataset("cifar10"), selection="test_half", calibration=512, seed=0)
    images = [x for x, _ in Batches(splits.calibration, 128)]
    quantization = Quantization(activation="symmetric" if circuits == "mul8s" else "auto")
    network = convert(model.eval(), quantization=quantization, calibration=images)
    library = load_library("evoapprox").select([f"{circuits}_*"])
    found: dict[bool, list[NDArray[np.float64]]] = {False: [], True: []}
    for name, operands in sample_operands(network, images, rows=512, seed=0).items():
        signed = bool(operands.rows.min() < operands.zero_point_a)
        options = [choice for c in library.values() if not c.is_exact for choice in choices(c, signed_a=signed)]
        layer = approx_layers(network)[name]
        ranges = {
            "range_a": (layer.activation_quantizer.qmin, layer.activation_quantizer.qmax),
            "range_w": (layer.weight_quantizer.qmin, layer.weight_quantizer.qmax),
        }
        measured = measure_errors(operands, options, **ranges).std_centred
        counted = measured > SMALLEST * operands.output_std
        for independent in found:
            predicted = predict_errors(operands, options, independent=independent, **ranges).std_centred
            found[independent].append((predicted / measured)[counted])
    return {independent: np.concatenate(values) for independent, values in found.items()}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("row", ROW.findall(PAGE.read_text(encoding="utf-8")), ids=lambda row: " ".join(row[:2]))
def test_published_accuracy_is_recomputed(row: tuple[str, ...]) -> None:
    root = os.environ.get("AGNSIM_DATA")
    if root is None or not all((Path(root) / name).exists() for name in NEEDED):
        pytest.skip(f"AGNSIM_DATA with {', '.join(NEEDED)} is not set")
    circuits, model, *figures, within = row
    found = ratios(circuits)[model.startswith("independent")]
    assert np.quantile(found, (0.05, 0.5, 0.95)) == pytest.approx([float(figure) for figure in figures], abs=0.011)
    assert 100 * (np.abs(found - 1) < 0.25).mean() == pytest.approx(float(within), abs=1.1)


def test_published_accuracy_is_found_in_the_page() -> None:
    assert len(ROW.findall(PAGE.read_text(encoding="utf-8"))) == 4
