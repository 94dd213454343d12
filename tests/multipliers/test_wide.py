"""Circuits of more than 2**24 products: no table, but a netlist, errors and a place in a library."""

import json
from pathlib import Path

import pytest
import torch

from agnsim import kernels
from agnsim.errors import LibraryError, MultiplierError
from agnsim.multipliers import Multiplier, load_library, verify_library, write_library
from agnsim.multipliers.families import families

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


def test_emulation_refuses_with_the_reason() -> None:
    a = torch.ones(2, 3, dtype=torch.int32)
    with pytest.raises(MultiplierError, match=r"'mul10x15u_cut' has 2\*\*25 products"):
        kernels.matmul(a, a.t(), WIDE)


def test_a_library_keeps_and_verifies_it(tmp_path: Path) -> None:
    write_library(tmp_path / "lib", "lib", [WIDE], description="One wide circuit.")
    card = tmp_path / "lib" / "custom" / "mul10x15u_cut.json"
    assert json.loads(card.read_text())["digest"] is None
    read = load_library(tmp_path / "lib")["mul10x15u_cut"]
    assert read == WIDE
    assert (read.metrics, read.published, read.status) == (WIDE.metrics, WIDE.published, "verified")
    verify_library(tmp_path / "lib")
    content = json.loads(card.read_text())
    content["errors"]["mae"] += 1
    card.write_text(json.dumps(content))
    with pytest.raises(LibraryError, match=r"mul10x15u_cut\.json: errors\.mae: stated"):
        verify_library(tmp_path / "lib")
