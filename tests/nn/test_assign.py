import pytest
import torch

from agnsim.errors import ConversionError, DataError, UnknownName
from agnsim.multipliers import Assignment, Choice, Encoding, Multiplier
from agnsim.nn import Emulated, approx_layers, assign, convert, restore_quantized
from agnsim.quantization import Quantization

SIGNED = Multiplier.exact(8, 8, signed_a=True, signed_b=True)


@pytest.fixture
def model(network, images):
    return convert(network, quantization=Quantization(), calibration=[images])


def test_same_format_needs_no_calibration_and_keeps_quantisers(model, images, rough_unsigned):
    before = model(images)
    quantizer = model[3].activation_quantizer
    assign(model, Assignment.uniform(Choice(rough_unsigned, encoding_w=Encoding.SIGN_MAGNITUDE), approx_layers(model)))
    assert model[3].activation_quantizer is quantizer
    assert not torch.equal(model(images), before)
    restore_quantized(model)
    assert torch.equal(model(images), before)


def test_only_layers_whose_format_changes_are_recalibrated(model, images):
    state = {name: value.clone() for name, value in model.state_dict().items()}
    unsigned = Multiplier.exact(8, 8, signed_a=False, signed_b=True)
    assign(model, {"0": unsigned, "3": SIGNED}, calibration=[images * 2])
    after = model.state_dict()
    assert torch.equal(after["0.activation_quantizer.scale"], state["0.activation_quantizer.scale"])
    assert after["3.activation_quantizer.code_range"].tolist() == [-127, 127]
    assert torch.equal(after["4.activation_quantizer.scale"], state["4.activation_quantizer.scale"])
    kinds = [layer.arithmetic.kind for layer in approx_layers(model).values()]
    assert kinds == ["emulated", "emulated", "quantized", "quantized"]


def test_recalibration_keeps_training_mode_and_hooks(model, images):
    model.train()
    assign(model, {"0": SIGNED}, calibration=[images])
    assert all(module.training for module in model.modules())
    assert not model[0]._forward_pre_hooks


def test_missing_calibration_changes_nothing(model, images):
    before = model(images)
    with pytest.raises(ConversionError, match=r"layer '3': multiplier 'exact_s8xs8' takes codes -128.*calibration"):
        assign(model, {"0": Multiplier.exact(8, 8, signed_a=False, signed_b=True), "3": SIGNED})
    assert not any(isinstance(layer.arithmetic, Emulated) for layer in approx_layers(model).values())
    with pytest.raises(DataError, match="calibration data: empty"):
        assign(model, {"3": SIGNED}, calibration=[])
    assert torch.equal(model(images), before)


@pytest.mark.parametrize("bits", [(9, 8), (8, 1)], ids=["9x8", "8x1"])
def test_widths_that_do_not_fit_name_layer_and_circuit(bits, model, images):
    circuit = Multiplier.exact(*bits, signed_a=False, signed_b=False)
    with pytest.raises(ConversionError, match=f"layer '0': multiplier '{circuit.name}' takes {bits[0]} x {bits[1]}"):
        assign(model, {"0": circuit}, calibration=[images])


def test_unknown_layer(model):
    with pytest.raises(UnknownName, match=r"no converted layer '1'.*Known: 0, 3, 4, 7"):
        assign(model, {"1": SIGNED})


def test_unknown_engine_changes_nothing(model):
    with pytest.raises(UnknownName, match=r"unknown engine 'warp'.*factored"):
        assign(model, {"0": Multiplier.exact(8, 8, signed_a=False, signed_b=True)}, engine="warp")
    assert not any(isinstance(layer.arithmetic, Emulated) for layer in approx_layers(model).values())
