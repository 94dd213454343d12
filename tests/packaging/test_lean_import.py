"""`import agnsim` does nothing and costs next to nothing; neither does asking the command line for help."""

import json
import statistics
import subprocess
import sys

import pytest

HEAVY = ["torch", "torchvision", "numba", "numpy", "pydantic", "scipy", "sklearn", "plotly", "typer", "rich", "yaml"]

IMPORT_AND_REPORT = f"""
import sys, time
started = time.perf_counter()
import agnsim
seconds = time.perf_counter() - started
import json
print(json.dumps([seconds, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_import_agnsim_loads_no_heavy_package() -> None:
    _, loaded = json.loads(run_python(IMPORT_AND_REPORT))
    assert loaded == []


def test_import_agnsim_takes_less_than_a_fifth_of_a_second() -> None:
    seconds = [json.loads(run_python(IMPORT_AND_REPORT))[0] for _ in range(5)]
    assert statistics.median(seconds) < 0.2


def test_agnsim_help_loads_no_torch() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom agnsim.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print('torch' in sys.modules, 'numba' in sys.modules)"
    )
    assert run_python(code).split() == ["False", "False"]


@pytest.mark.parametrize("module", ["agnsim.multipliers", "agnsim.report"])
def test_module_needs_no_torch(module: str) -> None:
    assert run_python(f"import sys, {module}\nprint('torch' in sys.modules)").strip() == "False"


def test_every_public_name_is_there_and_is_what_its_home_says() -> None:
    import agnsim

    for name in agnsim.__all__:
        assert getattr(agnsim, name) is not None
    assert set(agnsim.__all__) <= set(dir(agnsim))


def test_unknown_attribute_is_an_attribute_error() -> None:
    import agnsim

    with pytest.raises(AttributeError, match="no attribute 'multiplyer'"):
        _ = agnsim.multiplyer
