"""Every circuit there is, as it is used: both orientations, every encoding, on one small convolution per engine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from agnsim.data_root import candidates
from agnsim.kernels import engines
from agnsim.multipliers import Library, Multiplier, load_library
from agnsim.multipliers.encoding import allowed_encodings
from agnsim.testing import EngineCase, check_engine

ENGINES = [name for name in engines if name not in ("reference", "cuda")]


def check_on_all_engines(multiplier: Multiplier, name: str) -> None:
    case = EngineCase(name, multiplier, (1, 3, 5, 4), (17, 3, 3, 3), {"padding": 1})
    for engine in ENGINES:
        if case.unavailable(engines[engine]) is None:
            check_engine(engine, case)


def encodings(multiplier: Multiplier) -> Iterator[Multiplier]:
    for circuit in (multiplier, multiplier.swapped()):
        for a, w in product(allowed_encodings(circuit.signed_a), allowed_encodings(circuit.signed_b)):
            yield circuit.encoded(a, w)


def test_builtin_circuits() -> None:
    for name, circuit in load_library("builtin").select(bits=8).items():
        check_on_all_engines(circuit, name)


@pytest.mark.slow
def test_builtin_circuits_of_other_widths() -> None:
    for entry in load_library("builtin").entries:
        if entry.bits != (8, 8):
            check_on_all_engines(entry.read(), entry.name)


@pytest.mark.parametrize("name", ["mul8u_drum_k4", "mul8s_column_truncation_k6c", "mul6x5u_array", "mul8u_kulkarni_d4"])
def test_every_orientation_and_encoding(name: str) -> None:
    for multiplier in encodings(load_library("builtin")[name]):
        check_on_all_engines(multiplier, repr(multiplier))


@pytest.fixture(scope="module")
def pack() -> Library:
    if not any(place.is_dir() for place in candidates("evoapprox")):
        pytest.skip("AGNSIM_DATA has no folder evoapprox")
    return load_library("evoapprox")


@pytest.mark.data
def test_circuits_of_the_pack(pack: Library) -> None:
    assert len(pack) == 50
    for name, circuit in pack.items():
        check_on_all_engines(circuit, name)
        check_on_all_engines(circuit.encoded(w="sign_magnitude"), name)


@pytest.mark.data
def test_every_orientation_and_encoding_of_a_circuit_of_the_pack(pack: Library) -> None:
    for name in ("mul8s_1L2L", "mul8u_17C8"):
        for multiplier in encodings(pack[name]):
            check_on_all_engines(multiplier, repr(multiplier))
