"""Circuits whose table is too large to store: the card names the generator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agnsim.errors import LibraryError
from agnsim.multipliers import Multiplier, load_library, write_library


def large(**arguments: Any) -> Multiplier:
    table = np.multiply.outer(*[np.arange(1024)] * 2)
    return Multiplier.from_table(
        "mul10u_array", table, bits_a=10, bits_b=10, signed_a=False, signed_b=False, **arguments
    )


def test_large_table_is_made_by_its_generator(tmp_path: Path) -> None:
    write_library(tmp_path / "lib", "lib", [large(family="array")], description="")
    assert not (tmp_path / "lib" / "array" / "tables.npz").exists()
    assert load_library(tmp_path / "lib")["mul10u_array"].is_exact


def test_large_table_without_a_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"more than 2\*\*18 entries are not stored, and it has neither netlist"):
        write_library(tmp_path / "lib", "lib", [large()], description="")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"family": None}, "family: None is none of"),
        ({"family": "arry"}, "family: 'arry' is none of"),
        ({"parameters": {"k": 3}}, "the generator of family 'array' refuses the card"),
    ],
)
def test_card_that_no_generator_takes_is_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    write_library(tmp_path / "lib", "lib", [large(family="array")], description="")
    card = tmp_path / "lib" / "array" / "mul10u_array.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), **fields}))
    with pytest.raises(LibraryError, match=message):
        load_library(tmp_path / "lib")["mul10u_array"]
