import copy
import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from agnsim.errors import CheckpointError
from agnsim.multipliers import Choice, Encoding, Multiplier
from agnsim.nn import Noisy, approx_layers, convert, describe, rebuild
from agnsim.quantization import Quantization


@pytest.fixture
def assignment(rough_unsigned, rough_signed):
    return {
        "0": Choice(rough_unsigned, True, None, Encoding.SIGN_MAGNITUDE),
        "3": Choice(rough_signed),
        "4": Choice(rough_unsigned),
    }


@pytest.mark.parametrize("learnable", [False, True], ids=["fixed", "learnable"])
@pytest.mark.parametrize("roles", ["same", "exact"])
def test_safetensors_round_trip_restores_exactly(learnable, roles, network, images, assignment, tmp_path):
    quantization = Quantization(activation_bits=6, weight_bits=5, learnable=learnable, last_layer=roles)
    model = convert(network, quantization=quantization, calibration=[images], assignment=assignment)
    model[3].arithmetic.set_mean_correction(torch.randn(8))
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    description = json.loads(json.dumps(describe(model)))

    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    again = rebuild(network, description, assignment)
    again.load_state_dict(load_file(tmp_path / "model.safetensors"))
    again.eval()
    assert torch.equal(again(images), model(images))
    assert describe(again) == description
    assert again[7].assignable == (roles == "same")


def test_noise_search_state_round_trip(network, images):
    model = convert(network, quantization=Quantization(), calibration=[images])
    model[0].arithmetic = Noisy(0.3)
    again = rebuild(network, describe(model))
    again.load_state_dict(model.state_dict())
    assert again[0].arithmetic.sigma.item() == pytest.approx(0.3)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_independent(clone, network, images, assignment):
    model = convert(network, quantization=Quantization(), calibration=[images], assignment=assignment)
    expected = model(images)
    other = clone(model)
    assert torch.equal(other(images), expected)
    with torch.no_grad():
        other[0].weight.zero_()
    assert not torch.equal(other(images), expected)
    assert torch.equal(model(images), expected)


def test_refusals(network, images, assignment):
    model = convert(network, quantization=Quantization(), calibration=[images], assignment=assignment)
    description = describe(model)
    with pytest.raises(CheckpointError, match="format 7; this version reads 1"):
        rebuild(network, description | {"format": 7})
    with pytest.raises(CheckpointError, match="layer '0' is emulated by 'rough_u8'; the assignment lacks it"):
        rebuild(network, description)
    other = assignment | {"3": Choice(Multiplier.exact(8, 8, signed_a=True, signed_b=True))}
    with pytest.raises(CheckpointError, match=r"layer '3': described with table .*'rough_s8'.*'exact_s8xs8'"):
        rebuild(network, description, other)
    with pytest.raises(CheckpointError, match="the network has no layer '4'"):
        rebuild(network[:4], description, assignment)
    damaged = copy.deepcopy(description)
    damaged["layers"]["7"]["weight"]["bits"] = 99
    with pytest.raises(CheckpointError, match=r"layer '7' is damaged.*bits: 99"):
        rebuild(network, damaged, assignment)
    damaged["layers"]["7"] = description["layers"]["7"] | {"arithmetic": {"kind": "magic"}}
    with pytest.raises(CheckpointError, match="unknown arithmetic 'magic'"):
        rebuild(network, damaged, assignment)


def test_describe_names_circuits(network, images, assignment):
    model = convert(network, quantization=Quantization(), calibration=[images], assignment=assignment)
    entry = describe(model)["layers"]["0"]["arithmetic"]
    assert entry["multiplier"] == "rough_u8"
    assert entry["swapped"] is True
    assert entry["encoding_w"] == "sign_magnitude"
    assert entry["effective_digest"] == assignment["0"].effective.digest
    assert set(describe(model)["layers"]) == set(approx_layers(model))
