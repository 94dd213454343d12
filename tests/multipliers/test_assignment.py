from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agnsim.errors import LibraryError, MultiplierError, UnknownName
from agnsim.multipliers import Assignment, Choice, Encoding, Library, Multiplier, choices


def circuit(name: str, *, signed: bool = False, seed: int = 1, symmetric: bool = False) -> Multiplier:
    table = np.random.default_rng(seed).integers(0, 99, (16, 16))
    return Multiplier.from_table(
        name, table + table.T if symmetric else table, bits_a=4, bits_b=4, signed_a=signed, signed_b=signed
    )


UNSIGNED, SIGNED = circuit("u"), circuit("s", signed=True)
LIBRARY = Library.of("lib", [UNSIGNED, SIGNED])


def test_effective_is_swapped_then_encoded() -> None:
    choice = Choice(UNSIGNED, True, None, Encoding.SIGN_MAGNITUDE)
    assert choice.effective == UNSIGNED.swapped().encoded(w="sign_magnitude")
    assert choice.effective is choice.effective
    assert choice.effective.circuit is UNSIGNED
    assert choice.label == "u swapped w:sign_magnitude"
    assert Choice(SIGNED).label == "s"


def test_natural_encoding_is_filled_in() -> None:
    assert Choice(SIGNED) == Choice(SIGNED, False, Encoding.TWOS_COMPLEMENT, Encoding.TWOS_COMPLEMENT)
    assert Choice(UNSIGNED).encoding_a is Encoding.UNSIGNED
    assert len({Choice(UNSIGNED), Choice(UNSIGNED, encoding_w=Encoding.UNSIGNED), Choice(UNSIGNED, True)}) == 2


def test_natural_encodings_follow_the_ports_when_swapped() -> None:
    table = np.zeros((4, 4), int)
    mixed = Multiplier.from_table("mixed", table, bits_a=2, bits_b=2, signed_a=True, signed_b=False)
    choice = Choice(mixed, swapped=True)
    assert (choice.encoding_a, choice.encoding_w) == (Encoding.UNSIGNED, Encoding.TWOS_COMPLEMENT)


def test_choice_of_a_derived_multiplier() -> None:
    derived = UNSIGNED.swapped().encoded(w="offset")
    assert Choice.of(derived) == Choice(UNSIGNED, True, None, Encoding.OFFSET)
    assert Choice.of(UNSIGNED) == Choice(UNSIGNED)
    with pytest.raises(MultiplierError, match=r"Choice\.of takes either"):
        Choice(derived)
    with pytest.raises(MultiplierError, match="full magnitude"):
        Choice.of(UNSIGNED.encoded(w="sign_magnitude", full_magnitude=True))


def test_impossible_choice_is_refused() -> None:
    with pytest.raises(MultiplierError, match="multiplier 's', swapped, operand w: encoding 'offset' does not fit"):
        Choice(SIGNED, swapped=True, encoding_w=Encoding.OFFSET)


@pytest.mark.parametrize(
    ("multiplier", "signed_a", "encodings"),
    [
        (UNSIGNED, False, {("unsigned", "sign_magnitude"), ("unsigned", "offset")}),
        (
            UNSIGNED,
            True,
            {(a, w) for a in ("unsigned", "sign_magnitude") for w in ("sign_magnitude", "offset")},
        ),
        (SIGNED, False, {("twos_complement", "sign_magnitude"), ("twos_complement", "twos_complement")}),
        (
            SIGNED,
            None,
            {(a, w) for a in ("twos_complement", "sign_magnitude") for w in ("twos_complement", "sign_magnitude")},
        ),
    ],
    ids=["unsigned-nonnegative", "unsigned-signed", "signed-nonnegative", "signed-unknown"],
)
def test_choices(multiplier: Multiplier, signed_a: bool | None, encodings: set[tuple[str, str]]) -> None:
    found = choices(multiplier, signed_a=signed_a)
    for swapped in (False, True):
        assert {(c.encoding_a, c.encoding_w) for c in found if c.swapped is swapped} == encodings
    assert len(found) == 2 * len(encodings)
    assert all(choice.effective.signed_b for choice in found)


def test_weights_of_a_signed_port_go_as_they_are_before_they_are_converted() -> None:
    # Matching takes the first of choices that err the same: never a converter that gains nothing.
    found = choices(Multiplier.exact(8, 8, signed_a=True, signed_b=True), signed_a=False)
    assert [choice.encoding_w for choice in found] == [Encoding.TWOS_COMPLEMENT, Encoding.SIGN_MAGNITUDE]


def test_symmetric_circuit_has_one_orientation() -> None:
    assert not any(choice.swapped for choice in choices(circuit("sym", symmetric=True)))


def test_choices_are_never_equal_in_table_and_ranges() -> None:
    for multiplier in (UNSIGNED, SIGNED, Multiplier.exact(4, 4, signed_a=True, signed_b=True)):
        found = [choice.effective for choice in choices(multiplier)]
        assert len({(m.identity, m.range_a, m.range_b) for m in found}) == len(found)


def test_assignment_is_a_mapping() -> None:
    assignment = Assignment({"conv1": UNSIGNED, "fc": Choice(SIGNED)})
    assert list(assignment) == ["conv1", "fc"]
    assert assignment["conv1"] == Choice(UNSIGNED)
    assert "fc" in assignment
    assert assignment.distinct_multipliers == 2
    with pytest.raises(UnknownName, match=r"no layer 'conv2'\. Did you mean 'conv1'\?"):
        assignment["conv2"]
    assert dict(Assignment.uniform(UNSIGNED, ["a", "b"])) == {"a": Choice(UNSIGNED), "b": Choice(UNSIGNED)}


def test_assignment_survives_its_file(tmp_path: Path) -> None:
    assignment = Assignment(
        {"conv1": Choice(UNSIGNED, True, None, Encoding.OFFSET), "fc": UNSIGNED.encoded(w="sign_magnitude")}
    )
    path = tmp_path / "assignment.json"
    assignment.save(path)
    loaded = Assignment.load(path, LIBRARY)
    assert dict(loaded) == dict(assignment)
    assert json.loads(path.read_text())["layers"]["conv1"] == {
        "multiplier": "u",
        "source": "user",
        "digest": UNSIGNED.digest,
        "swapped": True,
        "encoding_a": "unsigned",
        "encoding_w": "offset",
    }
    assert list(tmp_path.iterdir()) == [path]
    assert Assignment.from_json(assignment.to_json(), {"u": UNSIGNED}) == assignment


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"digest": "0" * 64}, LibraryError, "layer 'fc': digest of 's': stated 000"),
        ({"multiplier": "x"}, UnknownName, r"layer 'fc': the library has no circuit 'x'\..* Known: s, u"),
        ({"multiplier": 3}, LibraryError, "layer 'fc': multiplier is 3; it must be a str"),
        ({"swapped": "no"}, LibraryError, "layer 'fc': swapped is 'no'; it must be a bool"),
        ({"encoding_w": "offset"}, LibraryError, "layer 'fc': .* encoding 'offset' does not fit a signed port"),
        ({"encoding_a": ["x"]}, LibraryError, r"encoding \['x'\] does not fit"),
        ({"extra": 1}, LibraryError, r"layer 'fc': found \['digest', .*'extra'"),
    ],
)
def test_wrong_entry_is_refused(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    data = Assignment({"fc": SIGNED}).to_json()
    data["layers"]["fc"].update(fields)
    with pytest.raises(error, match=message):
        Assignment.from_json(data, LIBRARY)


@pytest.mark.parametrize("data", [{}, {"format": 2, "layers": {}}, {"format": 1}, {"format": 1, "layers": []}])
def test_what_is_no_assignment_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(LibraryError, match='not an assignment: it must have "format": 1'):
        Assignment.from_json(data, LIBRARY)


def test_entry_that_is_no_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assignment.json"
    path.write_text(json.dumps({"format": 1, "layers": {"fc": "s"}}))
    with pytest.raises(LibraryError, match=rf"{path}: layer 'fc': found s; allowed is an object of multiplier, source"):
        Assignment.load(path, LIBRARY)
    with pytest.raises(LibraryError, match="can't be read"):
        Assignment.load(tmp_path / "missing.json", LIBRARY)
