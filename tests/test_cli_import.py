"""`agnsim multipliers import`: the document, the summary, the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agnsim.multipliers import load_library

CODES = np.arange(16)
TABLE = np.multiply.outer(CODES & ~1, CODES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    root.mkdir()
    np.save(root / "mul4u_a.npy", TABLE)
    (root / "mul4u_b.c").write_text("// MAE = 3.7\n// WCE = 16\nint mul4u_b(int A, int B) { return (A & 14) * B; }\n")
    (root / "mul4u_c.c").write_text("int mul4u_c(int A, int B)\n{\n  return A / B;\n}\n")
    (root / "README.md").write_text("# circuits\n")
    return root


def test_document(folder: Path, tmp_path: Path, agnsim_command) -> None:
    result = agnsim_command("multipliers", "import", folder, "--out", tmp_path / "library", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert list(document) == ["imported", "failed", "copies", "skipped", "library", "replaced"]
    b, a = document["imported"][1], document["imported"][0]
    assert [row["name"] for row in (a, b)] == ["mul4u_a", "mul4u_b"]
    assert (a["bits_a"], a["bits_b"], a["signed_a"], a["signed_b"]) == (4, 4, False, False)
    assert a["digest"] == b["digest"] == load_library(tmp_path / "library")["mul4u_a"].digest
    assert (a["mae"], a["wce"], a["published_mae"], a["published_wce"], a["status"]) == (
        3.75,
        15,
        None,
        None,
        "unpublished",
    )
    assert (b["mae"], b["wce"], b["published_mae"], b["published_wce"], b["status"]) == (3.75, 15, 3.7, 16, "differs")
    assert b["differences"] == [{"metric": "wce", "published": "16", "found": 15.0}]
    (failure,) = document["failed"]
    assert failure["file"] == str(folder / "mul4u_c.c")
    assert failure["line"] == 3
    assert (document["copies"], document["skipped"]) == (0, 1)


def test_summary_names_what_differs_and_fails(folder: Path, tmp_path: Path, agnsim_command) -> None:
    result = agnsim_command("multipliers", "import", folder, "--out", tmp_path / "library")
    assert result.exit_code == 0
    counts, others, differs, failed = result.stdout.splitlines()
    assert counts == f"imported 2 circuits into {tmp_path / 'library'}: 1 differs, 1 unpublished"
    assert others == "1 other files passed over, 1 failed"
    assert differs == f"differs: mul4u_b ({folder / 'mul4u_b.c'}): wce published 16, found 15"
    assert failed.startswith(f"failed: {folder / 'mul4u_c.c'}:3: ")
    again = agnsim_command("multipliers", "import", folder, "--out", tmp_path / "library")
    assert again.stdout.splitlines()[1] == f"replaced the library that was in {tmp_path / 'library'}: 2 circuits"


def test_nothing_imported_is_exit_code_2(tmp_path: Path, agnsim_command) -> None:
    (tmp_path / "t.csv").write_text("=1+1\n")
    result = agnsim_command("multipliers", "import", tmp_path / "t.csv", "--out", tmp_path / "library", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["failed"] == [
        {"file": str(tmp_path / "t.csv"), "line": 1, "reason": "'=1+1' is no whole number"}
    ]
    assert not (tmp_path / "library").exists()


def test_options_reach_the_importers(tmp_path: Path, agnsim_command) -> None:
    (tmp_path / "t.bin").write_bytes(np.multiply.outer(np.arange(16), np.arange(4)).astype("<i4").tobytes())
    (tmp_path / "mine.csv").write_text("name,energy,clock\nt,1.5,2\n")
    options = ("--bits", "4x2", "--unsigned", "--costs", tmp_path / "mine.csv", "--jobs", "1")
    result = agnsim_command("multipliers", "import", tmp_path / "t.bin", "--out", tmp_path / "library", *options)
    assert result.exit_code == 0, result.stderr
    circuit = load_library(tmp_path / "library")["t"]
    assert (circuit.bits_a, circuit.bits_b, circuit.energy_pj, circuit.cost.flow) == (4, 2, 1.5, "mine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing", "--out", "library"), "missing: there is no such file or folder to import"),
        (("t.npy", "--out", "library", "--bits", "0x8"), "--bits 0x8: must be two widths from 1 to 16"),
        (("t.npy", "--out", "library", "--costs", "none.csv"), "none.csv: can't be read as CSV"),
        (("t.npy", "--out", "."), "holds something else than a library, and is left as it is"),
    ],
)
def test_mistakes(home: Path, mistake, arguments: tuple[str, ...], message: str) -> None:
    np.save(home / "t.npy", TABLE)
    assert message in mistake("multipliers", "import", *arguments)
    assert not (home / "library").exists()


def test_costs_of_nothing_imported_are_named(folder: Path, tmp_path: Path, agnsim_command) -> None:
    costs = tmp_path / "costs.csv"
    costs.write_text("name,power\nmul4u_x,1\nmul4u_a,2\n")
    result = agnsim_command("multipliers", "import", folder, "--out", tmp_path / "library", "--costs", costs, "--json")
    assert result.exit_code == 0
    failure = json.loads(result.stdout)["failed"][-1]
    assert (failure["file"], failure["line"]) == (str(costs), 2)
    assert failure["reason"].startswith("no circuit is called 'mul4u_x'. Did you mean 'mul4u_")
    assert load_library(tmp_path / "library")["mul4u_a"].power_mw == 2
