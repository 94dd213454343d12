"""A run: circuits found, characterised beside their baselines, reported and written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agnsim.cli import app
from agnsim.errors import InputError, MultiplierError
from agnsim.multipliers import Multiplier, load_library, verify_library
from agnsim.multipliers.families import families
from agnsim.multipliers.libraries.library import write_library
from agnsim.multipliers.operands.operand_trace import LayerTrace, OperandTrace
from agnsim.multipliers.operands.operand_trace_files import write_trace
from agnsim.multipliers.synthesis import to_verilog
from agnsim.multipliers.synthesis.run import make_settings
from agnsim.multipliers.synthesis.subjects import read_subjects

HEADER = "EvoApproxLib\nMAE = {mae}\nPDK45_PWR = {power} mW\nPDK45_AREA = {area} um2\nPDK45_DELAY = {delay} ns"


def write_circuits(folder: Path) -> None:
    """Write four truncated multipliers with headers whose power falls as theirs does."""
    for number, columns in enumerate((0, 2, 4, 6)):
        if columns:
            netlist = families["column_truncation"].generate(5, 5, False, columns=columns, correction=0, rounded=0)
        else:
            netlist = families["array"].generate(5, 5, False)
        text = HEADER.format(mae=0, power=4 - number, area=40 - number, delay=1 + number)
        name = f"mul5u_k{columns}"
        (folder / f"{name}.v").write_text(to_verilog(netlist, name, header=text.splitlines()), encoding="utf-8")


def characterize(*arguments: str | Path) -> dict:
    result = CliRunner().invoke(app, ["multipliers", "characterize", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    document: dict = json.loads(result.stdout)
    return document


@pytest.mark.usefixtures("yosys")
def test_a_folder_with_published_figures(tmp_path: Path) -> None:
    write_circuits(tmp_path)
    (tmp_path / "broken.v").write_text("module m(input a);\n`include", encoding="utf-8")
    (tmp_path / "add8u_x.v").write_text("never read", encoding="utf-8")
    document = characterize(tmp_path, "--jobs", "2", "--glitches", "--only", "mul5u_k*", "--only", "broken")
    rows = {row["name"]: row for row in document["circuits"]}
    assert list(rows) == ["mul5u_k0", "mul5u_k2", "mul5u_k4", "mul5u_k6"]
    assert document["flow"] == "unit"
    assert [row["name"] for row in document["baselines"]] == ["mul5u_array"]
    exact = rows["mul5u_k0"]
    assert (exact["bits"], exact["mae"], exact["wce"]) == ("5x5", 0.0, 0)
    assert exact["energy_ratio"] == pytest.approx(1.0, abs=0.05)
    ratios = [row["energy_ratio"] for row in rows.values()]
    assert ratios == sorted(ratios, reverse=True)
    assert exact["published_power_mw"] == 4.0
    assert exact["glitch_energy"] > exact["energy"]
    for figure in ("energy", "area"):
        assert document["rank_correlation"][figure] == {"spearman": pytest.approx(1.0), "circuits": 4}
    assert document["failed"] == [
        {"file": str(tmp_path / "broken.v"), "line": 2, "reason": document["failed"][0]["reason"]}
    ]
    assert "`include" in document["failed"][0]["reason"]


@pytest.mark.usefixtures("yosys")
def test_the_result_is_a_library_that_verifies(tmp_path: Path) -> None:
    write_circuits(tmp_path)
    out = tmp_path / "library"
    document = characterize(tmp_path / "mul5u_k4.v", "--out", out, "--datapath", "--fan-in", "9")
    verify_library(out)
    circuit = load_library(out)["mul5u_k4"]
    assert circuit.cost is not None
    assert (circuit.cost.flow, circuit.cost.energy) == ("unit", document["circuits"][0]["energy"])
    others = {cost.flow: cost for cost in circuit.other_costs}
    assert any(cost.power_mw == 2.0 for cost in others.values())
    mac = document["circuits"][0]["mac"]
    assert others["unit:operands-uniform:mac-of-9"].energy == mac["energy"]
    assert mac["baseline"] == "mul5u_array"
    assert mac["energy_ratio"] < mac["with_registers_ratio"] < 1
    again = characterize(out)
    assert again["circuits"][0]["digest"] == circuit.digest


@pytest.mark.usefixtures("yosys")
def test_only_a_library_is_replaced(tmp_path: Path) -> None:
    write_circuits(tmp_path)
    out = tmp_path / "library"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    command = ["multipliers", "characterize", str(tmp_path / "mul5u_k4.v"), "--out", str(out)]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "holds something else than a library" in refused.stderr
    assert (out / "thesis.tex").read_text() == "mine"
    (out / "thesis.tex").unlink()
    assert "replaced" not in CliRunner().invoke(app, command).stdout
    again = CliRunner().invoke(app, command)
    assert f"wrote 1 circuits into {out}\nreplaced the library that was in {out}: 1 circuits" in again.stdout
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".v") == ["library"]


@pytest.mark.usefixtures("yosys")
def test_narrower_circuits_beside_a_reference() -> None:
    only = ("--only", "mul3x4u_array", "--only", "mul4u_array")
    document = characterize("builtin", *only)
    rows = {row["name"]: row for row in document["circuits"]}
    assert document["reference"] == "mul4u_array"
    assert rows["mul4u_array"]["ratio_to_reference"] == rows["mul3x4u_array"]["energy_ratio"] == 1.0
    ratio = rows["mul3x4u_array"]["energy"] / rows["mul4u_array"]["energy"]
    assert 0.4 < rows["mul3x4u_array"]["ratio_to_reference"] == ratio < 0.9
    document = characterize("builtin", *only, "--reference", "mul5u_array", "--datapath")
    assert [row["name"] for row in document["circuits"]] == ["mul3x4u_array", "mul4u_array"]
    assert document["reference"] == "mul5u_array"
    assert document["circuits"][1]["mac"]["ratio_to_reference"] < document["circuits"][1]["mac"]["energy_ratio"] == 1
    unknown = ["multipliers", "characterize", "builtin", *only, "--reference", "mul5u_aray"]
    assert "Did you mean 'mul5u_array'" in CliRunner().invoke(app, unknown).stderr


@pytest.mark.usefixtures("yosys")
def test_no_row_is_printed_twice() -> None:
    command = ["multipliers", "characterize", "builtin", "--only", "mul3x4u_array", "--only", "mul4u_array"]
    lines = CliRunner().invoke(app, command).stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["name", "mul3x4u_array", "mul4u_array"]
    assert "ratio_to_reference" in lines[0]
    assert "ratio_to_reference: of the energy to that of mul4u_array" in lines


@pytest.mark.usefixtures("yosys")
def test_a_trace_and_constant_bits(tmp_path: Path, layer_trace: Callable[..., LayerTrace]) -> None:
    trace = tmp_path / "trace.npz"
    write_trace(trace, OperandTrace.of("run", 2, [layer_trace("conv1")]))
    source = tmp_path / "mul4u_x.v"
    source.write_text(to_verilog(families["array"].generate(4, 4, False), "mul4u_x"), encoding="utf-8")
    uniform = characterize(source)["circuits"][0]
    traced = characterize(source, "--operands", f"{trace}:conv1")["circuits"][0]
    tied = characterize(source, "--operands", trace, "--constant-bits")["circuits"][0]
    assert traced["flow"].startswith("unit:operands-")
    assert tied["flow"] == f"{traced['flow']}:constant-bits"
    assert traced["energy"] < uniform["energy"]
    assert tied["area"] < traced["area"]  # the top bit of the weight's magnitude is always 0
    assert tied["energy_ratio"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.usefixtures("yosys")
def test_a_library_s_family_is_characterised_as_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    netlist = families["array"].generate(4, 3, False)
    bits = {"bits_a": 4, "bits_b": 3, "signed_a": False, "signed_b": False}
    write_library(folder, "x", [Multiplier.from_table("c", netlist.table(), **bits, family="array")], description="one")
    row = characterize(folder)["circuits"][0]
    assert row["energy_ratio"] == 1.0
    assert characterize(folder, "--only", "c*", "--only", "x")["circuits"] == [row]
    assert CliRunner().invoke(app, ["multipliers", "characterize", str(folder), "--only", "x"]).exit_code == 2


@pytest.mark.usefixtures("yosys")
def test_the_table_for_people(tmp_path: Path, liberty_file: Path) -> None:
    write_circuits(tmp_path)
    arguments = ["multipliers", "characterize", str(tmp_path), "--liberty", str(liberty_file), "--glitches"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["name", "bits", "mae"]
    assert lines[1].split()[0] == "mul5u_array"
    assert "flow liberty:tiny:" in result.stdout
    assert "energy with published power: 1.000 over 4 circuits" in result.stdout


@pytest.mark.usefixtures("yosys")
def test_the_same_name_twice(tmp_path: Path) -> None:
    for folder, bits in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / folder).mkdir()
        text = to_verilog(families["array"].generate(bits, bits, False), "m")
        (tmp_path / folder / "m.v").write_text(text, encoding="utf-8")
    found, failures, _ = read_subjects([str(tmp_path)])
    assert [(multiplier.name, multiplier.bits_a) for multiplier in found] == [("m", 3)]
    assert [failure.file for failure in failures] == [str(tmp_path / "c" / "m.v")]


@pytest.mark.usefixtures("yosys")
def test_a_mapped_netlist_beside_its_module_and_names_of_modules(tmp_path: Path) -> None:
    text = to_verilog(families["array"].generate(3, 3, False), "mul3u_x")
    for name in ("mul3u_x.v", "mul3u_x_pdk45.v", "broken.v"):
        (tmp_path / name).write_text("module" if name == "broken.v" else text, encoding="utf-8")
    (tmp_path / "other.v").write_text(text.replace("mul3u_x", "mul3u_y"), encoding="utf-8")
    found, failures, _ = read_subjects([str(tmp_path)], only=["mul3u_*"])
    assert ([multiplier.name for multiplier in found], failures) == (["mul3u_x", "mul3u_y"], [])


@pytest.mark.usefixtures("yosys")
def test_odd_widths_are_said(tmp_path: Path) -> None:
    text = "module mul4u_x(input [3:0] a, input [2:0] b, output [5:0] p); assign p = a * b; endmodule"
    (tmp_path / "mul4u_x.v").write_text(text, encoding="utf-8")
    remarks = [
        "the ports are 4x3, the name says 4x4: taken as 4x3",
        "product has 6 bits; 7 belong to 4x3: higher bits read as 0",
    ]
    assert characterize(tmp_path)["circuits"][0]["remarks"] == remarks
    output = CliRunner().invoke(app, ["multipliers", "characterize", str(tmp_path)]).stdout
    assert f"assumed: mul4u_x: {'; '.join(remarks)}" in output


@pytest.mark.usefixtures("yosys")
def test_nothing_to_characterise(tmp_path: Path) -> None:
    (tmp_path / "x.v").write_text("module m;", encoding="utf-8")
    result = CliRunner().invoke(app, ["multipliers", "characterize", str(tmp_path)])
    assert result.exit_code == 2
    assert "nothing to characterise" in result.stderr
    assert "x.v" in result.stderr


def test_a_table_alone_can_not_be_synthesised(tmp_path: Path) -> None:
    table = np.zeros((4, 4), np.int32)
    circuit = Multiplier.from_table("t", table, bits_a=2, bits_b=2, signed_a=False, signed_b=False)
    write_library(tmp_path / "l", "l", [circuit], description="one")
    found, failures, _ = read_subjects([str(tmp_path / "l")])
    assert found == []
    assert "has no netlist, only a table" in failures[0].reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clock_ns": 1.0}, "--clock-ns needs --liberty"),
        ({"fan_in": 4}, "belong to --datapath"),
        ({"datapath": True, "fan_in": 0}, "--fan-in 0"),
    ],
)
def test_options_that_do_not_go_together(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_settings(**options)


def test_a_clock_must_be_a_time(liberty_file: Path) -> None:
    for clock in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="must be a positive time"):
            make_settings(liberty=liberty_file, clock_ns=clock)
    with pytest.raises(MultiplierError, match="can't be read"):
        make_settings(liberty=liberty_file.with_name("missing.lib"))


def test_export_prints_verilog_and_nothing_else(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["multipliers", "export", "mul4u_array"])
    assert result.exit_code == 0
    assert result.stdout.startswith("// mul4u_array: A 4 bits unsigned")
    assert result.stdout.endswith("endmodule\n")
    out = tmp_path / "x.v"
    CliRunner().invoke(app, ["multipliers", "export", "mul4u_array", "--out", str(out)])
    assert out.read_text(encoding="utf-8") == result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["x.v"]


def test_without_pyosys_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["multipliers", "characterize", "builtin"])
    assert result.exit_code == 2
    assert 'pip install "agnsim[synth]"' in result.stderr
