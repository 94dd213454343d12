import pytest

from agnsim.energy import multiplier_energy
from agnsim.errors import InputError, UnknownName
from agnsim.types import LayerShape


def _shape(name: str, macs: int) -> LayerShape:
    return LayerShape(name, "conv2d", macs, 9, 4, 1, 36, (1, 8, 8), (4, 8, 8))


SHAPES = {"conv1": _shape("conv1", 100), "conv2": _shape("conv2", 300)}


def test_ratios_are_weighted_by_macs() -> None:
    assert multiplier_energy(SHAPES, {"conv1": 0.8, "conv2": 0.4}) == pytest.approx(0.5)


def test_layers_left_out_count_as_exact() -> None:
    assert multiplier_energy(SHAPES, {"conv2": 0.2}) == pytest.approx(0.4)
    assert multiplier_energy(SHAPES, {}) == 1.0


def test_unknown_layer_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'conv1'"):
        multiplier_energy(SHAPES, {"conv_1": 0.5})


@pytest.mark.parametrize("ratio", [-0.1, float("nan"), float("inf")])
def test_impossible_ratio_is_an_error(ratio: float) -> None:
    with pytest.raises(InputError, match="'conv1'"):
        multiplier_energy(SHAPES, {"conv1": ratio})


def test_network_without_layers_is_an_error() -> None:
    with pytest.raises(InputError, match="no multiply-accumulate"):
        multiplier_energy({}, {})
