"""Circuits of more than 2**24 products: no table, but a netlist, errors and a place in a library."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agnsim import kernels
from agnsim.errors import EngineUnavailable, LibraryError, MultiplierError
from agnsim.multipliers import Multiplier, load_library, verify_library, write_library
from agnsim.multipliers.families import families
from agnsim.multipliers.libraries.tables import write_tables
from agnsim.multipliers.metrics import netlist_metrics
from agnsim.multipliers.netlists.builder import NetlistBuilder
from agnsim.multipliers.wide_factors import factorise_netlist

WIDE = Multiplier.from_netlist(
    "mul10x15u_cut",
    families["operand_truncation"].generate(10, 15, False, drop_a=2, drop_b=0),
    signed_a=False,
    signed_b=False,
    published={"wce": "98301"},
    status="verified",
)


def test_it_has_errors_and_no_table() -> None:
    assert not WIDE.has_table
    assert (WIDE.wce, WIDE.mean_error) == (3 * (2**15 - 1), -1.5 * (2**15 - 1) / 2)
    for what in ("table", "digest", "exact_table", "error_table"):
        with pytest.raises(MultiplierError, match=r"2\*\*25 products; tables, and emulation by them, end at 2\*\*24"):
            getattr(WIDE, what)
    assert "no table" in repr(WIDE)


def test_identity_is_the_netlist() -> None:
    other = Multiplier.from_netlist("other", WIDE.netlist, signed_a=False, signed_b=False)
    exact = Multiplier.from_netlist("x", families["array"].generate(10, 15, False), signed_a=False, signed_b=False)
    assert other == WIDE != exact
    swapped = WIDE.swapped()
    assert (swapped.bits_a, swapped.bits_b, swapped.wce) == (15, 10, WIDE.wce)
    assert swapped != WIDE == swapped.swapped()


def test_a_circuit_without_table_and_netlist_is_refused() -> None:
    with pytest.raises(MultiplierError, match="only a circuit with a netlist and more than"):
        Multiplier("m", 10, 15, False, False, None)
    with pytest.raises(MultiplierError, match="only a circuit with a netlist and more than"):
        Multiplier("m", 8, 8, False, False, None, stored_netlist=families["array"].generate(8, 8, False))


def test_a_factorised_circuit_is_emulated() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.randint(0, 2**10, (5, 7), dtype=torch.int32, generator=generator)
    b = torch.randint(0, 2**15, (7, 3), dtype=torch.int32, generator=generator)
    expected = ((a >> 2 << 2).to(torch.int64)) @ b.to(torch.int64)
    for engine in ("auto", "factored"):
        assert torch.equal(kernels.matmul(a, b, WIDE, engine=engine, accumulator=torch.int64), expected)
    swapped = kernels.matmul(b.t().contiguous(), a.t().contiguous(), WIDE.swapped(), accumulator=torch.int64)
    assert torch.equal(swapped, expected.t())
    x, w = a[None, None], b[:2, :2][None, None]
    by_hand = torch.nn.functional.conv2d((a >> 2 << 2)[None, None].double(), w.double()).long()
    assert torch.equal(kernels.conv2d(x, w, WIDE, accumulator=torch.int64), by_hand)


def test_emulation_by_a_table_refuses_with_the_reason() -> None:
    a = torch.ones(2, 3, dtype=torch.int32)
    with pytest.raises(EngineUnavailable, match=r"needs a table, and 2\*\*25 products have none; use 'factored'"):
        kernels.matmul(a, a.t(), WIDE, engine="reference", accumulator=torch.int64)
    netlist = families["mitchell"].generate(10, 15, False, fraction=14)
    circuit = Multiplier.from_netlist("log", netlist, signed_a=False, signed_b=False)
    assert circuit.factors is None
    with pytest.raises(EngineUnavailable, match=r"'log' has 2\*\*25 products and no exact integer factorisation"):
        kernels.matmul(a, a.t(), circuit, accumulator=torch.int64)


def test_a_library_keeps_and_verifies_it(tmp_path: Path) -> None:
    write_library(tmp_path / "lib", "lib", [WIDE], description="One wide circuit.")
    card = tmp_path / "lib" / "custom" / "mul10x15u_cut.json"
    assert json.loads(card.read_text())["digest"] is None
    read = load_library(tmp_path / "lib")["mul10x15u_cut"]
    assert read == WIDE
    assert (read.metrics, read.published, read.status) == (WIDE.metrics, WIDE.published, "verified")
    assert read.factors is not None
    assert read.factors.rank == 1
    verify_library(tmp_path / "lib")
    factors = tmp_path / "lib" / "custom" / "factors.npz"
    kept = factors.read_bytes()
    write_tables(factors, {"mul10x15u_cut.u": np.ones((1, 2**10)), "mul10x15u_cut.v": np.ones((1, 2**15))})
    assert load_library(tmp_path / "lib")["mul10x15u_cut"].factors is not None
    with pytest.raises(LibraryError, match="factors of 'mul10x15u_cut' are not those"):
        verify_library(tmp_path / "lib")
    factors.write_bytes(kept)
    content = json.loads(card.read_text())
    content["errors"]["mae"] += 1
    card.write_text(json.dumps(content))
    with pytest.raises(LibraryError, match=r"mul10x15u_cut\.json: errors\.mae: stated"):
        verify_library(tmp_path / "lib")


def test_a_narrow_second_operand_is_as_good_as_a_narrow_first(tmp_path: Path) -> None:
    netlist = families["operand_truncation"].generate(15, 10, False, drop_a=0, drop_b=2)
    wide = Multiplier.from_netlist("mul15x10u_cut", netlist, signed_a=False, signed_b=False)
    assert wide.metrics == WIDE.metrics
    assert wide.factors is not None
    assert wide.factors.rank == 1
    write_library(tmp_path / "lib", "lib", [wide], description="One wide circuit.")
    verify_library(tmp_path / "lib")


def test_one_wrong_product_of_many_millions_refutes_factors() -> None:
    build = NetlistBuilder(16, 9)
    product = build.instance(families["array"].generate(16, 9, False), build.a, build.b)
    pattern = 0b1_0110_1011_0011_1000_1110_1010
    pins = enumerate((*build.a, *build.b))
    others = build.any_of([build.inverted(wire) if pattern >> place & 1 else wire for place, wire in pins])
    product[3] = build.differ(product[3], build.inverted(others))
    netlist = build.build(product, signed=False)
    assert netlist_metrics(netlist, False, False).ep == 2**-25
    assert factorise_netlist(netlist) is None


def test_parameters_of_a_circuit_without_a_table_are_verified(tmp_path: Path) -> None:
    lie = replace(WIDE, family="operand_truncation", parameters={"drop_a": 2, "drop_b": 0})
    write_library(tmp_path / "lib", "lib", [lie], description="One wide circuit.")
    verify_library(tmp_path / "lib")
    lie = replace(lie, parameters={"drop_a": 2, "drop_b": 1})
    write_library(tmp_path / "lib", "lib", [lie], description="One wide circuit.")
    with pytest.raises(LibraryError, match=r"'mul10x15u_cut': the generator .* makes another function than the one"):
        verify_library(tmp_path / "lib")
