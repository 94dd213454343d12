import numpy as np
import pytest

from agnsim.errors import InputError, LibraryError
from agnsim.multipliers import Cost, Multiplier
from agnsim.noise import candidates


def _circuit(name: str, energy: float, *, asymmetric: bool = False, flow: str = "flow") -> Multiplier:
    operand = np.arange(16)
    table = np.outer(operand >> 1 << 1, operand if asymmetric else operand >> 1 << 1).astype(np.int32)
    cost = Cost(
        technology="none",
        flow=flow,
        power_mw=None,
        area_um2=None,
        delay_ns=None,
        energy_pj=energy,
        relative_energy=None,
        relative_area=None,
        relative_delay=None,
    )
    return Multiplier.from_table(name, table, bits_a=4, bits_b=4, signed_a=False, signed_b=False, cost=cost)


REFERENCE = _circuit("reference", 2.0)


def test_candidates_are_sorted_by_their_ratio_to_the_reference() -> None:
    found = candidates([REFERENCE, _circuit("cheap", 0.5)], REFERENCE, signed_a=False)
    assert [(option.choice.multiplier.name, option.energy_ratio) for option in found] == [
        ("cheap", 0.25),
        ("cheap", 0.25),
        ("reference", 1.0),
        ("reference", 1.0),
    ]


def test_library_and_list_of_its_circuits_give_the_same() -> None:
    cheap = _circuit("cheap", 0.5)
    assert candidates({"cheap": cheap}, REFERENCE, signed_a=True) == candidates([cheap], REFERENCE, signed_a=True)


def test_both_orientations_of_an_asymmetric_circuit_are_candidates() -> None:
    found = candidates([_circuit("asymmetric", 0.5, asymmetric=True)], REFERENCE, signed_a=False)
    assert {option.choice.swapped for option in found} == {False, True}


def test_every_candidate_takes_signed_weights() -> None:
    found = candidates([REFERENCE], REFERENCE, signed_a=False)
    assert all(option.choice.effective.range_b[0] < 0 for option in found)


def test_circuit_of_another_flow_is_an_error() -> None:
    with pytest.raises(LibraryError, match="other"):
        candidates([_circuit("foreign", 0.5, flow="other")], REFERENCE, signed_a=False)


def test_no_circuits_are_an_error() -> None:
    with pytest.raises(InputError, match="none of the circuits"):
        candidates([], REFERENCE, signed_a=True)
