"""Imports go downwards (ADR-0003), and the data folders stay data (ADR-0001)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_import_linter_contracts_are_kept() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_of_agnsim_has_a_line_in_the_layers_contract() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = (
        " ".join(settings["tool"]["importlinter"]["contracts"][0]["layers"]).replace("|", " ").replace(":", " ").split()
    )
    found = {f"agnsim.{path.parent.name}" for path in (ROOT / "agnsim").glob("*/__init__.py")}
    found |= {f"agnsim.{path.stem}" for path in (ROOT / "agnsim").glob("*.py") if path.stem != "__init__"}
    assert found - set(listed) == set()


def test_data_folders_hold_no_python_package() -> None:
    assert [str(path) for name in ("kernels", "multipliers") for path in (ROOT / name).rglob("*.py")] == []
