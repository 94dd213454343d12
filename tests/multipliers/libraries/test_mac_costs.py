"""The file of a library's MACs: read back as written, damage told by line, the built-in one complete."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agnsim.errors import LibraryError
from agnsim.multipliers import Choice, Encoding, choices, load_library, verify_library, write_library
from agnsim.multipliers.libraries.mac_costs import (
    MAC_COSTS,
    MacCosts,
    builtin_mac_costs,
    read_mac_costs,
    short_digest,
    write_mac_costs,
)
from agnsim.multipliers.synthesis.registers import UNIT_FLIP_FLOP


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / MAC_COSTS
    write_mac_costs(path, list(builtin_mac_costs())[:3])
    return path


def test_what_is_written_is_read_back(file: Path) -> None:
    assert list(read_mac_costs(file)) == list(builtin_mac_costs())[:3]


@pytest.mark.parametrize(
    ("field", "text"),
    [("energy", "nan"), ("energy", "-1"), ("swapped", "2"), ("encoding_w", "ones"), ("bits_a", "x"), ("area", "1,2")],
)
def test_damaged_line_is_named(file: Path, field: str, text: str) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    row = lines[2].split(",")
    row[lines[0].split(",").index(field)] = text
    file.write_text("\n".join([*lines[:2], ",".join(row)]), encoding="utf-8")
    with pytest.raises(LibraryError, match="line 3"):
        read_mac_costs(file)


def test_file_that_is_missing_has_other_columns_or_says_something_twice(file: Path) -> None:
    with pytest.raises(LibraryError, match="can't be read"):
        read_mac_costs(file.with_name("none.csv"))
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines, lines[-1]]), encoding="utf-8")
    with pytest.raises(LibraryError, match="two MACs"):
        read_mac_costs(file)
    file.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(LibraryError, match="first line"):
        read_mac_costs(file)


def test_empty_library_has_no_reference() -> None:
    with pytest.raises(LibraryError, match="no exact one"):
        _ = MacCosts([]).reference


def test_every_builtin_circuit_of_at_most_8_bits_has_the_mac_of_every_use() -> None:
    library = load_library("builtin")
    macs = {}
    for mac in builtin_mac_costs():
        macs.setdefault(mac.circuit, []).append(mac)
    entries = {entry.name: entry for entry in library.entries if max(entry.bits) <= 8}
    assert list(macs) == sorted(entries)
    for name, entry in entries.items():
        assert {mac.digest for mac in macs[name]} == {short_digest(entry.digest)}
        assert {mac.signed for mac in macs[name]} == {entry.signed[0]}
        ports = {(mac.bits_a, mac.bits_w) for mac in macs[name]}
        assert ports <= {entry.bits, entry.bits[::-1]}
    for name in ("mul5x4s_array", "mul8u_perforated_j1k2", "mul8x4u_drum_k3"):
        for choice in choices(library[name], signed_a=False):
            found = builtin_mac_costs().find(choice)
            assert (found is None) == (Encoding.OFFSET in (choice.encoding_a, choice.encoding_w))


def test_figures_of_builtin_macs_agree_with_each_other() -> None:
    for mac in builtin_mac_costs():
        assert mac.flip_flops == mac.bits_a + mac.bits_w + mac.accumulator
        clock = mac.flip_flops * UNIT_FLIP_FLOP.clock_energy
        # offset weights: a share of the units that add up activations is charged, too
        assert mac.clock_energy > clock if mac.encoding_w is Encoding.OFFSET else mac.clock_energy == clock
        assert 0 < mac.energy <= min(mac.energy_worst, mac.glitch_energy)
        is_base = mac.exact and (mac.bits_a, mac.bits_w) == (8, 8)
        assert (mac.multiplier_energy is not None) == is_base
        assert not is_base or mac.multiplier_energy < mac.energy


def test_macs_of_other_circuits_are_found_by_verification(tmp_path: Path) -> None:
    library = load_library("builtin")
    names = ["mul2u_array", "mul3u_array"]
    write_library(tmp_path, "mine", [library[name] for name in names], description="two arrays")
    own = [mac for mac in builtin_mac_costs() if mac.circuit in names]
    write_mac_costs(tmp_path / MAC_COSTS, own)
    verify_library(tmp_path)
    write_mac_costs(tmp_path / MAC_COSTS, [replace(own[0], digest="0" * 16), *own[1:], list(builtin_mac_costs())[-1]])
    with pytest.raises(LibraryError, match=r"mul2u_array.*\n.*mul8x7u_array' is of no circuit"):
        verify_library(tmp_path)


def test_a_use_that_was_not_characterised_is_not_found() -> None:
    array = load_library("builtin")["mul8u_array"]
    assert builtin_mac_costs().find(Choice(array)) is None  # weights without a sign
