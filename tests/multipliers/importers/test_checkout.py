"""Checkouts of EvoApproxLib: every circuit once, the right way round, checked against its header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agnsim.multipliers import load_library, verify_library
from agnsim.multipliers.importers import ImportOptions, ImportResult, import_circuits
from agnsim.multipliers.importers.checkout import checkout_flow

from .conftest import CIRCUITS, bytes_of_bits, header, signed_bytes, truncated, wide_words


@pytest.fixture
def imported(checkout: Path, tmp_path: Path) -> ImportResult:
    return import_circuits(checkout, tmp_path / "library")


def folder_of(checkout: Path, name: str) -> Path:
    return next(checkout.glob(f"multiplers/*/pareto_pwr_mae/{name}.c")).parent


def test_every_circuit_is_imported_once_and_verified(imported: ImportResult, tmp_path: Path) -> None:
    assert [circuit.name for circuit in imported.imported] == sorted(CIRCUITS)
    assert imported.failures == ()
    assert imported.copies == len(CIRCUITS)
    assert {circuit.stored.card.status for circuit in imported.imported} == {"verified"}
    library = verify_library(tmp_path / "library")
    for name, (circuit, _) in CIRCUITS.items():
        assert np.array_equal(library[name].table, circuit.table)  # mul8u_1A's C has its operands in the order (B, A)
        assert library[name].identity == circuit.identity
        assert library[name].status == "verified"
        assert library[name].netlist is not None
        assert np.array_equal(library[name].netlist.table(), circuit.table)


def test_costs_carry_technology_and_release(imported: ImportResult, tmp_path: Path) -> None:
    library = load_library(tmp_path / "library")
    assert library.flow == "evoapproxlib-v2022"
    cost = library["mul8u_EX"].cost
    assert cost is not None
    assert (cost.technology, cost.power_mw, cost.area_um2, cost.delay_ns) == ("FreePDK45", 0.41, 685.2, 1.47)
    assert library["mul8u_EX"].source == "evoapproxlib-v2022"
    assert library["mul8u_EX"].citation == 'A. Author, "A Paper", 2020.'


def test_flow_may_be_named(checkout: Path, tmp_path: Path) -> None:
    import_circuits(checkout, tmp_path / "library", options=ImportOptions(flow="mine"))
    assert load_library(tmp_path / "library").flow == "mine"


def test_several_processes_make_the_same_library(checkout: Path, imported: ImportResult, tmp_path: Path) -> None:
    circuit = CIRCUITS["mul8u_1A"][0]
    for number in range(8):
        name = f"mul8u_1A{number}"
        (checkout / f"{name}.c").write_text(wide_words(circuit.netlist, name))
    alone = import_circuits(checkout, tmp_path / "alone", jobs=1)
    together = import_circuits(checkout, tmp_path / "together", jobs=2)
    assert [c.name for c in alone.imported] == [c.name for c in together.imported]
    assert len(alone.imported) == len(CIRCUITS) + 8
    for file in sorted((tmp_path / "alone").rglob("*.*")):
        twin = tmp_path / "together" / file.relative_to(tmp_path / "alone")
        if file.name != "library.json":
            assert file.read_bytes() == twin.read_bytes()


def test_wrong_header_differs_with_both_figures(checkout: Path, tmp_path: Path) -> None:
    circuit, dialect = CIRCUITS["mul8u_1A"]
    for file in checkout.rglob("mul8u_1A.c"):
        file.write_text(header(circuit, WCE="12345", MAE="1.5") + dialect(circuit.netlist, "mul8u_1A"))
    result = import_circuits(checkout, tmp_path / "library")
    (wrong,) = [circuit for circuit in result.imported if circuit.stored.card.status == "differs"]
    assert wrong.name == "mul8u_1A"
    assert [(d.metric, d.published, d.found) for d in wrong.differences] == [
        ("mae", "1.5", circuit.mae),
        ("wce", "12345", circuit.wce),
    ]
    library = load_library(tmp_path / "library")
    assert (library["mul8u_1A"].status, library["mul8u_1A"].published["wce"]) == ("differs", "12345")


@pytest.mark.parametrize(("key", "value"), [("EP%", "12.34 %"), ("MRE%", "77.00 %"), ("MSE", "7.5e3")])
def test_every_published_error_is_compared(checkout: Path, tmp_path: Path, key: str, value: str) -> None:
    circuit, dialect = CIRCUITS["mul8s_1K"]
    folder = folder_of(checkout, "mul8s_1K")
    (folder / "mul8s_1K.c").write_text(header(circuit, **{key: value}) + dialect(circuit.netlist, "mul8s_1K"))
    (only,) = import_circuits(folder / "mul8s_1K.c", tmp_path / "library").imported
    assert [(d.metric, d.published) for d in only.differences] == [(key.lower().rstrip("%"), value)]


def test_without_a_header_it_is_unpublished(tmp_path: Path) -> None:
    circuit, dialect = CIRCUITS["mul8s_1K"]
    (tmp_path / "mul8s_X.c").write_text(dialect(circuit.netlist, "mul8s_X"))
    (only,) = import_circuits(tmp_path / "mul8s_X.c", tmp_path / "library").imported
    assert (only.stored.card.status, only.stored.card.cost, only.stored.card.published) == ("unpublished", None, {})


def test_one_name_for_two_functions_is_an_error_of_the_second(checkout: Path, tmp_path: Path) -> None:
    other = truncated(8, 8, False, 4, 4)
    (checkout / "multiplers" / "z.c").mkdir(parents=True)
    (checkout / "multiplers" / "z.c" / "mul8u_1A.c").write_text(wide_words(other.netlist, "mul8u_1A"))
    result = import_circuits(checkout, tmp_path / "library")
    (failure,) = result.failures
    assert failure.file.endswith("z.c/mul8u_1A.c")
    assert "another circuit called 'mul8u_1A' is in" in failure.reason
    assert load_library(tmp_path / "library")["mul8u_1A"].identity == CIRCUITS["mul8u_1A"][0].identity


def test_same_function_in_other_words_is_a_copy(checkout: Path, tmp_path: Path) -> None:
    circuit = CIRCUITS["mul8u_1A"][0]
    (checkout / "mul8u_1A.c").write_text(bytes_of_bits(circuit.netlist, "mul8u_1A"))
    result = import_circuits(checkout, tmp_path / "library")
    assert result.failures == ()
    assert result.copies == len(CIRCUITS) + 1


def test_one_bad_file_costs_itself_alone(checkout: Path, tmp_path: Path) -> None:
    (checkout / "mul8u_BAD.c").write_text("uint16_t mul8u_BAD(uint8_t a, uint8_t b)\n{\n  return __import__(a);\n}\n")
    result = import_circuits(checkout, tmp_path / "library")
    assert len(result.imported) == len(CIRCUITS)
    (failure,) = result.failures
    assert failure.file == str(checkout / "mul8u_BAD.c")
    assert failure.line == 3


def test_c_of_evoapprox8b_has_costs_of_two_processes(tmp_path: Path) -> None:
    circuit = truncated(8, 8, False, 0, 3)
    text = (
        "/// Approximate function mul8_007\n///  Library = EvoApprox8b\n///  Area   (180) = 4623\n"
        "///  Delay  (180) = 3.400\n///  Power  (180) = 1946.50\n///  Area   (45) = 337\n///  Delay  (45) = 1.220\n"
        f"///  Power  (45) = 168.20\n///  Nodes = 82\n///  MAE = {circuit.mae:.5f}\n///  MSE = {circuit.mse:.5f}\n"
        f"///  MRE = 6.09 %\n///  WCE = {circuit.wce}\n///  WCRE = 100 %\n///  EP = {100 * circuit.ep:.1f} %\n"
    )
    (tmp_path / "mul8_007.c").write_text(text + bytes_of_bits(circuit.netlist, "mul8_007"))
    import_circuits(tmp_path / "mul8_007.c", tmp_path / "library")
    read = load_library(tmp_path / "library")["mul8_007"]
    assert read.identity == circuit.identity
    assert read.status == "verified"
    assert set(read.published) == {"mae", "mse", "wce", "ep"}
    assert read.cost is not None
    assert (read.cost.technology, read.cost.flow) == ("FreePDK45", "evoapprox8b")
    assert (read.cost.power_mw, read.cost.area_um2, read.cost.delay_ns) == (pytest.approx(0.1682), 337, 1.22)
    (other,) = read.other_costs
    assert (other.technology, other.power_mw) == ("180 nm", pytest.approx(1.9465))


def test_a_wide_circuit_keeps_its_netlist_instead_of_a_table(tmp_path: Path) -> None:
    circuit = truncated(11, 8, False, 2, 0)
    (tmp_path / "mul11x8u_A.c").write_text(header(circuit) + wide_words(circuit.netlist, "mul11x8u_A"))
    (only,) = import_circuits(tmp_path / "mul11x8u_A.c", tmp_path / "library").imported
    assert only.stored.table is None
    assert only.stored.card.digest == circuit.digest
    assert not (tmp_path / "library" / "custom" / "tables.npz").exists()
    assert load_library(tmp_path / "library")["mul11x8u_A"].identity == circuit.identity


@pytest.mark.parametrize(("library", "product"), [("// EvoApproxLib\n", 16 * 3 + 1), ("", 16 * 1 + 3)])
def test_parts_of_a_composite_circuit_are_joined_as_its_verilog_joins_them(
    tmp_path: Path, library: str, product: int
) -> None:
    text = (
        f"{library}uint64_t part(const uint64_t B,const uint64_t A) {{ return A << 4 | B; }}\r\n"
        "uint32_t mul4u_A (uint16_t a, uint16_t b) {\r\n    return part(a, b);\r\n}\r\n"
    )
    (tmp_path / "mul4u_A.c").write_text(text, newline="")
    (only,) = import_circuits(tmp_path / "mul4u_A.c", tmp_path / "library").imported
    assert only.stored.table is not None
    assert only.stored.table[3, 1] == product


@pytest.mark.slow
def test_beyond_tables_errors_are_of_all_products(tmp_path: Path) -> None:
    text = (
        "// MAE = 805273600\n// WCE = 3221094401\n// EP% = 100.00 %\n// MRE% = 87.99 %\n// MSE = 10407.645e14\n"
        "uint32_t mul16u_A(uint16_t A, uint16_t B)\n{\n  uint32_t P;\n  P = 0;\n"
        "  P |= (((A>>15)&1) & ((B>>15)&1)) << 30;\n  return P;\n}\n"
    )
    (tmp_path / "mul16u_A.c").write_text(text)
    (only,) = import_circuits(tmp_path / "mul16u_A.c", tmp_path / "library").imported
    assert only.stored.card.digest is None
    assert only.stored.card.status == "verified"
    assert only.stored.card.errors["wce"] == 3221094401


@pytest.mark.parametrize(
    ("name", "flow"),
    [
        ("evoapproxlib-master", "evoapproxlib-master"),
        ("evoapproxlib-v2022", "evoapproxlib-v2022"),
        ("evoapproxlib-1.2022", "evoapproxlib-v2022"),
        ("evoapproxlib-1.1", "evoapproxlib-master"),
        ("evoapproxlib", None),
    ],
)
def test_release_by_the_folder_of_an_archive(tmp_path: Path, name: str, flow: str | None) -> None:
    assert checkout_flow(tmp_path / name / "multiplers" / "mul8u_1A.c") == flow


@pytest.mark.parametrize(
    ("config", "head", "packed", "flow"),
    [
        ("url = git@host:ehw-fit/evoapproxlib.git", "ref: refs/heads/master\n", "", "evoapproxlib-master"),
        ("url = https://host/evoapproxlib", "ref: refs/heads/v2022\n", "", "evoapproxlib-v2022"),
        ("url = https://host/evoapproxlib", "ab12\n", "# pack\nab12 refs/tags/v1.1\n", "evoapproxlib-master"),
        ("url = https://host/evoapproxlib", "ab12\n", "cd34 refs/tags/v1.1\n", None),
        ("url = https://host/evoapproxlib", "ref: refs/heads/mine\n", "", None),
        ("url = https://host/my-study", "ref: refs/heads/master\n", "", None),
    ],
)
def test_release_by_what_git_has_checked_out(
    tmp_path: Path, config: str, head: str, packed: str, flow: str | None
) -> None:
    git = tmp_path / "copy" / ".git"
    git.mkdir(parents=True)
    (git / "config").write_text(config)
    (git / "HEAD").write_text(head)
    (git / "packed-refs").write_text(packed)
    assert checkout_flow(tmp_path / "copy" / "multiplers" / "mul8u_1A.c") == flow


def test_signed_dialect_needs_no_signed_types(tmp_path: Path) -> None:
    """A signed circuit whose C function returns unsigned numbers is sign-extended all the same."""
    circuit = truncated(8, 8, True, 1, 0)
    text = signed_bytes(circuit.netlist, "mul8s_U").replace("int16_t mul8s_U(int8_t A, int8_t B)", "UNSIGNED")
    text = text.replace("UNSIGNED", "uint16_t mul8s_U(uint8_t A, uint8_t B)").replace("int16_t P", "uint16_t P")
    (tmp_path / "mul8s_U.c").write_text(text)
    import_circuits(tmp_path / "mul8s_U.c", tmp_path / "library")
    assert load_library(tmp_path / "library")["mul8s_U"].identity == circuit.identity
