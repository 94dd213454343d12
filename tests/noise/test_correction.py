import numpy as np
import pytest
import torch
from torch import nn

from agnsim.errors import InputError, UnknownName
from agnsim.multipliers import Assignment, Choice, Encoding, Multiplier
from agnsim.nn import Quantized, approx_layers, assign, convert, sample_operands
from agnsim.noise import fold_means, measure_errors, predict_errors
from agnsim.quantization import Quantization

OPERAND = np.arange(256) >> 3 << 3
TRUNCATED = Choice(
    Multiplier.from_table("truncated", np.outer(OPERAND, OPERAND).astype(np.int32), signed_a=False, signed_b=False),
    encoding_w=Encoding.SIGN_MAGNITUDE,
)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(32, 2, 10, 10, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model(images: torch.Tensor) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, groups=2))
    return convert(network, quantization=Quantization(), calibration=[images]).eval()


def _output_errors(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Mean error of the first layer's output channels against quantised arithmetic, `[channels]`."""
    layer = approx_layers(model)["0"]
    with torch.no_grad():
        approximate = layer(images)
        emulated, layer.arithmetic = layer.arithmetic, Quantized()
        exact = layer(images)
        layer.arithmetic = emulated
    return (approximate - exact).mean(dim=(0, 2, 3))


def test_measured_means_equal_the_emulated_layers_and_are_removed(model: nn.Module, images: torch.Tensor) -> None:
    operands = sample_operands(model, [images], rows=3200)
    measured = measure_errors(operands["0"], [TRUNCATED])
    predicted = predict_errors(operands["0"], [TRUNCATED])
    assign(model, Assignment.uniform(TRUNCATED, ["0", "2"]))
    before = _output_errors(model, images)
    scale = operands["0"].output_std
    assert before.numpy() == pytest.approx(measured.channel_mean[0], abs=0.02 * scale)
    assert before.abs().max() > 0.01 * scale
    fold_means(model, {"0": measured.channel_mean[0]})
    assert _output_errors(model, images).numpy() == pytest.approx(np.zeros(6), abs=0.02 * scale)
    assert np.abs(predicted.channel_mean - measured.channel_mean).max() < 0.1 * scale


def test_grouped_layer_of_a_real_network_is_predicted(model: nn.Module, images: torch.Tensor) -> None:
    operands = sample_operands(model, [images], rows=1024)["2"]
    predicted, measured = predict_errors(operands, [TRUNCATED]), measure_errors(operands, [TRUNCATED])
    assert predicted.channel_mean.shape == (1, 4)
    assert predicted.std == pytest.approx(measured.std, rel=0.25)
    assert predicted.mean == pytest.approx(measured.mean, abs=0.1 * operands.output_std)


def test_layer_that_emulates_nothing_is_an_error(model: nn.Module) -> None:
    with pytest.raises(InputError, match="'0' computes in quantized arithmetic"):
        fold_means(model, {"0": np.zeros(6)})


def test_unknown_layer_is_an_error(model: nn.Module) -> None:
    with pytest.raises(UnknownName, match="no converted layer is named 'conv'"):
        fold_means(model, {"conv": np.zeros(6)})


@pytest.mark.parametrize("means", [np.zeros(5), np.full(6, np.nan)], ids=["wrong length", "not finite"])
def test_impossible_means_name_the_layer(model: nn.Module, means: np.ndarray) -> None:
    assign(model, Assignment.uniform(TRUNCATED, ["0"]))
    with pytest.raises(InputError, match="layer '0': mean correction"):
        fold_means(model, {"0": means})
