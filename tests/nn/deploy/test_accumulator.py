import pytest
import torch

from agnsim.errors import AccumulatorOverflow, InputError
from agnsim.nn.deploy import Accumulator, deploy
from agnsim.nn.deploy.accumulator import bits_for


@pytest.mark.parametrize("bits", [10, 14, 16, 20])
@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
def test_equals_python_integers(overflow, bits, quantized, images, in_python):
    deployed = deploy(quantized, accumulator_bits=bits, overflow=overflow)
    found = deployed(images[:2])
    assert torch.equal(found, in_python(deployed, images[:2]))
    assert torch.equal(torch.cat([deployed(x) for x in images[:2].split(1)]), found)


def test_wide_enough_changes_nothing(quantized, images):
    expected = deploy(quantized)(images)
    for overflow in ("error", "wrap", "saturate"):
        deployed = deploy(quantized, accumulator_bits=28, overflow=overflow)
        assert torch.equal(deployed(images), expected)
        assert deployed.first_overflow is None


def test_report_names_what_each_layer_needs_and_who_overflows_first(quantized, images):
    deployed = deploy(quantized, accumulator_bits=24)
    assert [record.bits_needed for record in deployed.overflow_report()] == [None] * 4
    deployed(images)
    report = deployed.overflow_report()
    assert [record.layer for record in report] == ["conv1", "conv2", "conv3", "linear"]
    sums = [layer.sums for layer in deployed.layers]
    assert len(sums) == 4
    for record in report:
        assert record.bits_needed <= record.worst_case_bits
        assert 2 ** (record.bits_needed - 2) <= record.largest + 1 <= 2 ** (record.bits_needed - 1) + 1
        assert record.overflows == 0
    needed = [record.bits_needed for record in report]
    narrow = deploy(quantized, accumulator_bits=max(needed) - 1, overflow="wrap")
    narrow(images)
    first = next(record.layer for record in report if record.bits_needed == max(needed))
    assert narrow.first_overflow == first
    narrow.reset_overflow()
    assert narrow.first_overflow is None
    with pytest.raises(AccumulatorOverflow, match=rf"layer '{first}': a sum of -?\d+ .* needs {max(needed)} bits"):
        deploy(quantized, accumulator_bits=max(needed) - 1)(images)


def test_saturation_counts_what_stopped_on_the_way(quantized, images):
    deployed = deploy(quantized, accumulator_bits=12, overflow="saturate")
    deployed(images)
    assert deployed.first_overflow == "conv1"


@pytest.mark.parametrize(("least", "most", "bits"), [(0, 0, 1), (-1, 0, 1), (-128, 127, 8), (-129, 0, 9), (0, 128, 9)])
def test_bits_for(least, most, bits):
    assert bits_for(least, most) == bits


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((33, "error"), "from 2 to 32"),
        ((True, "error"), "from 2"),
        ((8, "clip"), "allowed are 'error', 'wrap', 'satur"),
    ],
)
def test_what_is_no_accumulator_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Accumulator(*arguments)
