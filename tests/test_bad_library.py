"""A library that lies or does not fit is refused: by `run`, by `multipliers verify`, and a table by `from_table`."""

import json
from pathlib import Path

import numpy as np
import pytest

from agnsim.errors import MultiplierError
from agnsim.multipliers import Cost, Multiplier, load_library, write_library


@pytest.fixture
def own_library(home: Path) -> Path:
    """A library folder of two circuits, to be spoiled."""
    circuits = load_library("builtin").select(["mul8u_array", "mul8u_column_truncation_k7"]).values()
    write_library("circuits", "circuits", circuits, description="Two circuits.")
    return home / "circuits"


OWN = {"library": {"name": "circuits", "include": ["*"]}, "uniform": {}}


def add_circuit(folder: Path, table: np.ndarray, cost: Cost | None, bits: int = 8) -> None:
    circuit = Multiplier.from_table("mine", table, bits_a=bits, bits_b=bits, signed_a=False, signed_b=False, cost=cost)
    circuits = [*load_library(folder).values(), circuit]
    write_library(folder, "circuits", circuits, description="Three circuits.")


def exact(bits: int) -> np.ndarray:
    values = np.arange(1 << bits, dtype=np.int64)
    return np.multiply.outer(values, values)


def test_circuits_of_two_flows(refused, own_library):
    add_circuit(own_library, exact(8), Cost("28 nm", "synthesis", energy_pj=1.0))
    message = refused(OWN)
    assert "energy of 'mine' comes from flow 'synthesis' (28 nm)" in message
    assert "choose a reference of the same flow" in message


def test_circuit_without_a_cost(refused, own_library):
    add_circuit(own_library, exact(8), None)
    assert "multiplier 'mine' (source 'user') has no cost" in refused(OWN)


@pytest.mark.parametrize("bits", [1, 9])
def test_circuit_of_a_width_no_layer_has(refused, own_library, bits):
    add_circuit(own_library, exact(bits), load_library("builtin")["mul8u_array"].cost, bits)
    message = refused(OWN)
    assert f"library: mine takes {bits} x {bits} bits; layers hold operands of 2 to 8 bits" in message
    assert "library.exclude" in message


def _lie_about_digest(family: Path) -> str:
    card = family / "mul8u_column_truncation_k7.json"
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {"digest": "0" * 64}))
    return "digest: stated 0000"


def _lie_about_error(family: Path) -> str:
    card = family / "mul8u_column_truncation_k7.json"
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {"errors": content["errors"] | {"mae": 1.0}}))
    return "errors.mae: stated 1.0, the circuit's is 192.25"


def _other_shape(family: Path) -> str:
    np.savez(family / "tables.npz", mul8u_column_truncation_k7=np.zeros((256, 255), np.int32))
    return "256, 255"


def _other_dtype(family: Path) -> str:
    np.savez(family / "tables.npz", mul8u_column_truncation_k7=np.zeros((256, 256)))
    return "float64"


def _no_table(family: Path) -> str:
    np.savez(family / "tables.npz", another=np.zeros((256, 256), np.int32))
    return "mul8u_column_truncation_k7"


def _damaged_tables(family: Path) -> str:
    whole = (family / "tables.npz").read_bytes()
    (family / "tables.npz").write_bytes(whole[: len(whole) // 2])
    return "tables.npz"


LIES = [_lie_about_digest, _lie_about_error, _other_shape, _other_dtype, _no_table, _damaged_tables]


@pytest.mark.parametrize("spoil", LIES, ids=lambda spoil: spoil.__name__.strip("_").replace("_", " "))
def test_library_that_lies(refused, own_library, mistake, spoil):
    told = spoil(own_library / "column_truncation")
    for message in (refused(OWN), mistake("multipliers", "verify", own_library)):
        assert told in message
        assert str(Path("circuits") / "column_truncation") in message


def test_pack_whose_digest_lies(refused, home, mistake):
    (home / "pack").mkdir()
    np.savez(home / "pack" / "tables.npz", mine=exact(8).astype(np.int32))
    row = f"name,signed,width_a,width_b,sha256,power_mw\nmine,0,8,8,{'0' * 64},1.0\n"
    (home / "pack" / "circuits.csv").write_text(row)
    pack = {"library": {"name": "pack", "include": ["*"]}, "reference_multiplier": "mine", "uniform": {}}
    for message in (refused(pack), mistake("multipliers", "verify", "pack")):
        assert "circuits.csv:2: sha256 of 'mine': stated 0000" in message


@pytest.mark.parametrize(
    ("table", "bits", "told"),
    [
        pytest.param(
            np.zeros((256, 255), np.int32), 8, "the table has shape (256, 255); (256, 256) belongs", id="shape"
        ),
        pytest.param(np.zeros((256, 256)), 8, "the table has dtype float64; it must be an integer type", id="dtype"),
        pytest.param(np.full((256, 256), 2**40), 8, "table[0, 0] has product 1099511627776", id="too large"),
        pytest.param([[0]], 8, "the table is a builtins.list; it must be a NumPy array", id="a list"),
        pytest.param(np.zeros((16, 16), np.int32), 8, "the table has shape (16, 16)", id="widths that do not fit"),
        pytest.param(np.zeros((16, 16), np.int32), 17, "bits_a is 17; it must be an integer from 1 to 16", id="width"),
    ],
)
def test_table_from_memory(table, bits, told):
    with pytest.raises(MultiplierError) as error:
        Multiplier.from_table("mine", table, bits_a=bits, bits_b=bits, signed_a=False, signed_b=False)
    assert f"multiplier 'mine': {told}" in str(error.value)
