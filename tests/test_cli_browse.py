"""`agnsim multipliers list|show|pareto|energy|verify|diff`: filters, one JSON document, mistakes in one message."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agnsim.multipliers import Library, Multiplier, load_library, write_library
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.netlist_cost import UNSYNTHESISED, unit_cost
from agnsim.multipliers.operands.operand_trace import LayerTrace, OperandTrace
from agnsim.multipliers.operands.operand_trace_files import write_trace
from agnsim.types import LayerOperands

PARAMETERS = {
    "mul4u_array": ("array", 4, 4, {}),
    "mul3x4u_array": ("array", 3, 4, {}),
    "mul4u_operand_truncation_a1b1": ("operand_truncation", 4, 4, {"drop_a": 1, "drop_b": 1}),
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    circuits = []
    for name, (family, bits_a, bits_b, parameters) in PARAMETERS.items():
        netlist = families[family].generate(bits_a, bits_b, False, **parameters)
        cost = unit_cost(netlist, flow=UNSYNTHESISED)
        circuits.append(Multiplier.from_netlist(name, netlist, signed_a=False, signed_b=False, cost=cost))
    write_library(tmp_path / "lib", "lib", circuits, description="Small circuits.")
    return tmp_path / "lib"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    layers = [
        LayerTrace(
            layer=name,
            bits_a=4,
            bits_w=4,
            signed_a=False,
            signed_w=True,
            range_a=(0, 15),
            range_w=(-7, 7),
            histogram=rng.integers(1, 9, (16, 16)),
            a=rng.integers(0, 16, 128).astype(np.int32),
            w=np.repeat(rng.integers(-7, 8, 8), 16).astype(np.int32),
            hold=16,
            sample=LayerOperands(
                layer=name,
                rows=np.zeros((1, 2), np.int32),
                row_group=np.zeros(1, np.int64),
                weights=np.zeros((1, 2), np.int32),
                groups=1,
                zero_point_a=0,
                output_scale=np.ones(1),
                output_std=1.0,
            ),
        )
        for name in ("conv", "fc")
    ]
    write_trace(tmp_path / "t.npz", OperandTrace.of("run", 2, layers))
    return tmp_path / "t.npz"


@pytest.fixture
def answer(agnsim_command):
    """Run a `multipliers` command; return the one JSON document that it prints."""

    def run(*arguments: object, code: int = 0):
        result = agnsim_command("multipliers", *arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return run


def test_list_filters_by_everything(answer, library) -> None:
    def names(*options: str) -> set[str]:
        return {row["name"] for row in answer("list", "--library", library, *options)}

    assert names("--bits", "4", "--exact", "--unsigned") == {"mul4u_array"}
    assert names("--approximate", "--where", "mae<10", "--max-rank", "1") == {"mul4u_operand_truncation_a1b1"}
    rows = answer("list", "--library", library, "--sort", "energy", "--descending")
    assert [row["energy"] for row in rows] == sorted((row["energy"] for row in rows), reverse=True)


def test_list_and_energy_under_operands(answer, library, trace) -> None:
    rows = answer("list", "--library", library, "--operands", f"{trace}:conv", "--sort", "energy_operands")
    energies = {row["name"]: row["energy_operands"] for row in rows}
    assert {row["basis"] for row in rows} == {"operands"}
    found = answer("energy", "--operands", trace, "--library", library)
    by_layer = found["layers"]
    assert len(by_layer) == 6
    assert [row["energy"] for row in found["circuits"]] == sorted(row["energy"] for row in found["circuits"])
    assert {r["multiplier"]: r["energy"] for r in by_layer if r["layer"] == "conv"} == pytest.approx(energies)
    exact = [row for row in by_layer if row["multiplier"] == "mul4u_array"]
    assert [row["ratio"] for row in exact] == [1.0, 1.0]
    one = answer("energy", "--operands", trace, "--library", library, "--layer", "fc", "--include", "*_a1b1")["layers"]
    assert [(row["layer"], row["multiplier"]) for row in one] == [("fc", "mul4u_operand_truncation_a1b1")]
    told = answer(
        "energy", "--operands", trace, "--library", library, "--reference", "mul4u_array", "--include", "*a1b1"
    )["circuits"]
    assert [(row["multiplier"], row["reference"]) for row in told] == [("mul4u_operand_truncation_a1b1", "mul4u_array")]


def test_filters_do_not_change_the_reference(answer, library, trace) -> None:
    def ratios(*options: str) -> dict[str, tuple[str, float]]:
        found = answer("energy", "--operands", trace, "--library", library, *options)
        return {row["multiplier"]: (row["reference"], row["ratio"]) for row in found["circuits"]}

    every, some = ratios(), ratios("--include", "*a1b1")
    assert some == {"mul4u_operand_truncation_a1b1": every["mul4u_operand_truncation_a1b1"]}
    assert some["mul4u_operand_truncation_a1b1"][0] == "mul4u_array"


def test_energy_prints_a_row_a_circuit_and_by_layer_on_request(agnsim_command, library, trace) -> None:
    def lines(*options: str) -> list[str]:
        result = agnsim_command("multipliers", "energy", "--operands", trace, *options)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    short = lines("--library", library)
    assert len(short) == 2 + 3
    assert "of 2 layers of run" in short[0]
    assert short[2].startswith("mul4u_operand_truncation_a1b1")
    assert not any(line != line.rstrip() for line in short)
    assert len(lines("--library", library, "--by-layer")) == 1 + 6
    assert len(lines("--library", library, "--layer", "fc")) == 1 + 3


def test_circuits_wider_than_the_layers_are_left_out(agnsim_command, trace) -> None:
    result = agnsim_command("multipliers", "energy", "--operands", trace, "--include", "mul[48]u_array")
    assert "1 circuits of operands wider than 4x4: left out" in result.stderr
    assert "mul8u_array" not in result.stdout


def test_printed_list_folds_widths_and_signs(agnsim_command, library) -> None:
    result = agnsim_command("multipliers", "list", "--library", library)
    header, *rows = result.stdout.splitlines()
    assert header.split()[:4] == ["name", "family", "bits", "signed"]
    assert "source" not in header
    assert ["mul3x4u_array", "-", "3x4", "no"] in [row.split()[:4] for row in rows]
    assert not any(line != line.rstrip() for line in (header, *rows))
    nothing = agnsim_command("multipliers", "list", "--library", library, "--where", "mae<0")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "no circuit fits" in nothing.stderr


def test_show_describes_and_writes_a_page(answer, agnsim_command, library, trace, tmp_path) -> None:
    found = answer("show", "mul4u_array", "--library", library)
    assert found["digest"] == load_library(library)["mul4u_array"].digest
    assert len(found["conditional_error"]["a"]["mean"]) == 16
    assert found["operands"]["distribution"].startswith("half-normal")
    options = ["--library", library, "--operands", f"{trace}:fc", "--html", tmp_path / "page.html"]
    result = agnsim_command("multipliers", "show", "mul4u_operand_truncation_a1b1", *options)
    assert result.exit_code == 0, result.output
    for words in ("factorisation", "products with zero", "encoding, under layer fc of run", f"page: {tmp_path}"):
        assert words in result.stdout
    assert "<h1>mul4u_operand_truncation_a1b1</h1>" in (tmp_path / "page.html").read_text()


def test_pareto_lists_the_front_and_the_narrower_exact_rival(answer, agnsim_command, library) -> None:
    (kind,) = answer("pareto", "--library", library, "--bits", "4")
    assert {row["name"] for row in kind["front"]} == {"mul4u_array", "mul4u_operand_truncation_a1b1"}
    assert [row["name"] for row in kind["narrower_exact"]] == ["mul3x4u_array"]
    text = agnsim_command("multipliers", "pareto", "--library", library, "--cost", "area", "--error", "wce").stdout
    assert "4x4 unsigned/unsigned, flow unit-unsynthesised: 2 of 2 circuits" in text
    assert "the rival" in text
    assert kind["narrower_exact"][0]["mae"] == 0.5 * 7.5


def test_pareto_under_operands_compares_energy_and_error_on_them(answer, agnsim_command, library, trace) -> None:
    (kind,) = answer("pareto", "--library", library, "--bits", "4", "--operands", trace)
    energies = [row["energy_operands"] for row in kind["front"]]
    assert energies == sorted(energies)
    assert kind["narrower_exact"][0]["mae_operands"] > 0
    text = agnsim_command("multipliers", "pareto", "--library", library, "--bits", "4", "--operands", trace).stdout
    assert "mae_operands against energy_operands; columns ending in _operands are on 2 layers of run" in text


def test_diff_says_by_its_exit_code_whether_libraries_are_equal(answer, agnsim_command, library, tmp_path) -> None:
    assert answer("diff", library, library)["equal"] is True
    circuits = list(load_library(library).values())
    write_library(tmp_path / "less", "less", circuits[:-1], description="One less.")
    found = answer("diff", library, tmp_path / "less", code=1)
    assert [row["name"] for row in found["only_first"]] == [circuits[-1].name]
    result = agnsim_command("multipliers", "diff", library, tmp_path / "less")
    assert result.exit_code == 1
    assert f"only in {library}: 1" in result.stdout
    assert "the same function under the same names: 2" in result.stdout


def test_diff_names_costs_of_one_library_alone(agnsim_command, library, tmp_path) -> None:
    free = [replace(circuit, cost=None) for circuit in load_library(library).values()]
    write_library(tmp_path / "free", "free", free, description="Without costs.")
    result = agnsim_command("multipliers", "diff", library, tmp_path / "free")
    assert result.exit_code == 1
    assert f"costs only in {library}: 3" in result.stdout


def test_verify_keeps_no_table(agnsim_command, answer, library, monkeypatch) -> None:
    def kept(self: Library, name: str) -> None:
        raise AssertionError(f"{name} is read into the library, which keeps it")

    monkeypatch.setattr(Library, "__getitem__", kept)
    facts = answer("verify", library)
    assert (facts["circuits"], facts["netlists"], facts["published_figures"]) == (3, 3, 0)


def test_verify_says_which_costs_it_takes_on_trust(agnsim_command, answer, library, tmp_path) -> None:
    facts = answer("verify", library)
    assert (facts["costs_recomputed"], facts["costs_not_recomputable"], facts["verified"]) == (3, 0, True)
    (tmp_path / "mine.csv").write_text("name,energy_pj\nmul4u_array,1.5\n")
    write_library(
        tmp_path / "joined", "j", load_library(library, costs=tmp_path / "mine.csv").values(), description="Costs."
    )
    facts = answer("verify", tmp_path / "joined")
    assert (facts["costs_recomputed"], facts["costs_not_recomputable"], facts["verified"]) == (3, 1, True)
    text = agnsim_command("multipliers", "verify", tmp_path / "joined").stdout
    assert "yes; costs taken on trust, which can't be recomputed here: 1\n" in text


def test_verify_names_the_lie(agnsim_command, mistake, library) -> None:
    assert agnsim_command("multipliers", "verify", library).exit_code == 0
    card = library / "custom" / "mul4u_array.json"
    content = json.loads(card.read_text())
    content["errors"]["wce"] = 3
    card.write_text(json.dumps(content))
    assert "mul4u_array.json: errors.wce: stated 3" in mistake("multipliers", "verify", library)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--where", "mae<<1"], "--where mae<<1: mae is compared with a number"),
        (["list", "--operands", "nothing.npz"], "nothing.npz: no such file; `agnsim trace RUN_DIR` writes"),
        (["show", "mul8u_array", "--operands", "gauss"], "--operands gauss: no such distribution"),
        (["pareto", "--error", "error_sdt"], "Did you mean 'error_std'"),
        (["pareto", "--cost", "power"], "--cost power: no such column"),
        (["diff", "builtin", "nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_message(mistake, home, arguments, message) -> None:
    assert message in mistake("multipliers", *arguments)
