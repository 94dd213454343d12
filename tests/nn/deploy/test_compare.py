import pytest
import torch

from agnsim.errors import ConversionError
from agnsim.nn import approx_layers
from agnsim.nn.deploy import compare_deployed, deploy


def test_equal_networks_differ_in_almost_no_code(quantized, images):
    differences = compare_deployed(quantized, deploy(quantized), [images])
    assert [difference.layer for difference in differences] == ["conv1", "conv2", "conv3", "linear"]
    assert differences[0].elements == images.numel()
    assert differences[0].differing == 0
    assert all(difference.differing < 0.01 for difference in differences)


def test_the_layer_that_reads_other_codes_is_found(quantized, images):
    deployed = deploy(quantized)
    with torch.no_grad():
        deployed.layers[1].rescaling.addend += 3 << deployed.layers[1].rescaling.shift.to(torch.int64)
    del images
    images = torch.randn(8, 3, 8, 8)
    differences = {d.layer: d for d in compare_deployed(quantized, deployed, images.split(4))}
    assert differences["conv1"].differing == differences["conv2"].differing == 0
    assert differences["conv3"].elements == 8 * 6 * 4 * 4
    assert differences["linear"].mean_magnitude >= abs(differences["linear"].mean_difference)


def test_means_are_in_steps_of_the_code(quantized, images):
    deployed = deploy(quantized)
    with torch.no_grad():
        deployed.steps.quantize.low = deployed.steps.quantize.high = 7
    (first, *_) = compare_deployed(quantized, deployed, [images])
    codes = approx_layers(quantized)["conv1"].activation_quantizer.codes(images)
    assert first.mean_difference == pytest.approx((7 - codes).double().mean().item())
    assert first.mean_magnitude == pytest.approx((7 - codes).double().abs().mean().item())
    assert first.largest == (7 - codes).abs().max().item()
    assert first.differing == pytest.approx((codes != 7).double().mean().item())


def test_another_model_is_refused(quantized, images, residual):
    deployed = deploy(quantized)
    with pytest.raises(ConversionError, match="other layers than this model"):
        compare_deployed(torch.nn.Sequential(quantized), deployed, [images])
