"""The committed built-in library is what the families generate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agnsim import _bundled
from agnsim.multipliers import generate
from agnsim.multipliers.families import families
from agnsim.multipliers.libraries.netlist_files import NETLISTS, read_netlist
from agnsim.multipliers.netlists.netlist_cost import unit_cost
from agnsim.multipliers.synthesis import unavailable

needs_yosys = pytest.mark.skipif(unavailable() is not None, reason=f"{unavailable()}")
BUILTIN = _bundled.folder("multipliers") / "builtin"


@pytest.fixture
def two_circuits(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = tuple(circuit for circuit in families["wallace"].circuits() if circuit.bits_a + circuit.bits_b == 8)
    assert len(narrow) == 2
    monkeypatch.setattr(generate, "families", {"wallace": replace(families["wallace"], circuits=lambda: narrow)})


@needs_yosys
@pytest.mark.parametrize("family", ["kulkarni"])
def test_regenerated_family_is_identical_to_the_committed(family: str, tmp_path: Path) -> None:
    generate.write(tmp_path, [families[family]])
    assert generate.differences(tmp_path / family, BUILTIN / family) == []


@needs_yosys
@pytest.mark.slow
def test_regenerated_library_is_identical_to_the_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0
    assert "is what the families generate" in capsys.readouterr().out


@needs_yosys
@pytest.mark.usefixtures("two_circuits")
def test_written_library_passes_its_check_until_it_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "mine")]
    assert generate.main(out) == 0
    assert f"wrote 2 circuits to {tmp_path / 'mine'}" in capsys.readouterr().out
    assert generate.main([*out, "--check"]) == 0
    (tmp_path / "mine" / "wallace" / "mul4u_wallace.json").write_text("{}", encoding="utf-8")
    (tmp_path / "mine" / "library.json").unlink()
    capsys.readouterr()
    assert generate.main([*out, "--check"]) == 1
    differing = [Path(line.removeprefix("differs: ")).name for line in capsys.readouterr().out.splitlines()]
    assert differing == ["library.json", "mul4u_wallace.json"]


def test_every_circuit_of_every_family_has_a_card_and_no_other() -> None:
    expected = {f"{family.name}/{circuit.name}.json" for family in families.values() for circuit in family.circuits()}
    assert {path.relative_to(BUILTIN).as_posix() for path in BUILTIN.glob("*/*.json")} == expected


def test_card_states_cost_parameters_and_citation() -> None:
    card = json.loads((BUILTIN / "drum" / "mul8u_drum_k4.json").read_text(encoding="utf-8"))
    mapped = read_netlist(BUILTIN / "drum" / NETLISTS, "mul8u_drum_k4")
    cost = unit_cost(mapped, glitches=True)
    for figure in ("relative_energy", "relative_area", "relative_delay", "glitch_energy"):
        assert card["cost"][figure] == getattr(cost, figure)
    assert cost.relative_energy <= card["cost"]["energy_worst"]
    assert card["parameters"] == {"k": 4}
    assert "Hashemi" in card["citation"]
    assert card["source"] == "builtin"


@needs_yosys
@pytest.mark.usefixtures("two_circuits")
def test_library_that_cannot_be_written_is_one_message_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert generate.main(["--out", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
