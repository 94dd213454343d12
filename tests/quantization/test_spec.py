import pytest

from agnsim.errors import InputError
from agnsim.quantization import Quantization, QuantizerSpec


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize(
    ("signed", "symmetric", "low", "high"),
    [
        (True, True, lambda b: -(2 ** (b - 1) - 1), lambda b: 2 ** (b - 1) - 1),
        (True, False, lambda b: -(2 ** (b - 1)), lambda b: 2 ** (b - 1) - 1),
        (False, True, lambda b: 0, lambda b: 2**b - 1),
        (False, False, lambda b: 0, lambda b: 2**b - 1),
    ],
    ids=["signed-symmetric", "signed-affine", "unsigned", "unsigned-affine"],
)
def test_code_range(bits, signed, symmetric, low, high):
    spec = QuantizerSpec(bits=bits, signed=signed, symmetric=symmetric)
    assert (spec.qmin, spec.qmax) == (low(bits), high(bits))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bits": 9}, "bits: 9 is not an integer from 2 to 8"),
        ({"bits": 1}, "bits: 1"),
        ({"bits": True}, "bits: True"),
        ({"calibration": "mean"}, "calibration: 'mean' is not allowed; choose from 'minmax', 'percentile', 'mse'"),
        ({"percentile": 0.99}, "percentile: 0.99"),
    ],
    ids=["wide", "narrow", "bool", "calibration", "percentile"],
)
def test_quantizer_spec_refuses(fields, message):
    with pytest.raises(InputError, match=message):
        QuantizerSpec(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight_bits": 16}, "weight_bits: 16"),
        ({"activation": "signed"}, "activation: 'signed' is not allowed"),
        ({"first_layer": "keep"}, "first_layer: 'keep' is not allowed; choose from 'same', 'exact', 'float'"),
        ({"exclude": "fc"}, "exclude: 'fc' is a string"),
    ],
    ids=["bits", "activation", "first-layer", "exclude-string"],
)
def test_quantization_refuses(fields, message):
    with pytest.raises(InputError, match=message):
        Quantization(**fields)
