"""Energy under a layer's operands: counted by hand on a small netlist, in the flow's unit, labelled where published."""

import numpy as np
import pytest

from agnsim.errors import InputError, LibraryError, UnknownName
from agnsim.multipliers import Cost, Library, Multiplier, load_library
from agnsim.multipliers.families import families
from agnsim.multipliers.netlists.gates import TRANSISTORS
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.netlists.netlist_cost import switched_transistors, uniform_operands, unit_cost
from agnsim.multipliers.operands.operand_energy import energy_under_operands, mean_energies, settled_energy
from agnsim.multipliers.operands.operand_trace import OperandTrace


def array(bits_a: int, bits_b: int, signed: bool, *, cost: Cost | None = None, name: str = "array") -> Multiplier:
    netlist = families["array"].generate(bits_a, bits_b, signed)
    return Multiplier.from_netlist(name, netlist, signed_a=signed, signed_b=signed, cost=cost or unit_cost(netlist))


def switched_by_hand(netlist: Netlist, first: np.ndarray, second: np.ndarray) -> float:
    """Evaluate one pair after the other, and back to the first."""
    wires = netlist.evaluate(first, second)
    values = [[int(word[n // 64] >> np.uint64(n % 64)) & 1 for n in range(len(first))] for word in wires]
    total = 0
    for gate, own in zip(netlist.gates, values[netlist.inputs :], strict=True):
        total += TRANSISTORS[gate.op] * sum(now != after for now, after in zip(own, own[1:] + own[:1], strict=True))
    return total / len(first)


def test_energy_is_that_of_the_sequence(layer_trace) -> None:
    trace, circuit = layer_trace(signed_a=True), array(4, 4, True)
    expected = switched_by_hand(circuit.netlist, trace.a & 15, trace.w & 15)
    assert settled_energy(circuit, trace) == pytest.approx(expected, rel=1e-12)


def test_encoding_and_orientation_change_what_the_ports_see(layer_trace) -> None:
    trace, circuit = layer_trace(), array(4, 4, False)
    expected = switched_by_hand(circuit.netlist, np.abs(trace.w), trace.a)
    assert settled_energy(circuit, trace, swapped=True) == pytest.approx(expected, rel=1e-12)
    offset = switched_by_hand(circuit.netlist, trace.a, trace.w + 8)
    assert settled_energy(circuit, trace, encoding_w="offset") == pytest.approx(offset, rel=1e-12)


def test_energy_stays_in_the_unit_of_the_flow(layer_trace) -> None:
    trace = layer_trace(signed_a=True)
    plain = array(4, 4, True)
    published = array(4, 4, True, cost=Cost("FreePDK45", "lab", power_mw=0.4))
    uniform = switched_transistors(plain.netlist, *uniform_operands(plain.netlist))
    assert settled_energy(published, trace) == pytest.approx(0.4 * settled_energy(plain, trace) / uniform)
    free = Multiplier.from_netlist("free", plain.netlist, signed_a=True, signed_b=True)
    assert settled_energy(free, trace) == pytest.approx(settled_energy(plain, trace))


def test_constant_circuit_keeps_its_stated_energy(layer_trace) -> None:
    nothing = Netlist(4, 4, (), (0,), True)
    circuit = Multiplier.from_netlist("wire", nothing, signed_a=True, signed_b=True, cost=Cost("x", "y", energy_pj=0.1))
    assert settled_energy(circuit, layer_trace(signed_a=True)) == 0.1


def test_without_a_netlist_there_is_no_energy_but_the_published_one(layer_trace) -> None:
    exact = Multiplier.exact(4, 4, signed_a=True, signed_b=True)
    assert settled_energy(exact, layer_trace()) is None
    trace = OperandTrace.of("t", 1, [layer_trace(signed_a=True)])
    costed = [
        Multiplier.from_table(
            name,
            exact.table & mask,
            bits_a=4,
            bits_b=4,
            signed_a=True,
            signed_b=True,
            cost=Cost("FreePDK45", "lab", power_mw=power),
        )
        for name, mask, power in (("exact", -1, 0.4), ("rough", -4, 0.1))
    ]
    library = {circuit.name: circuit for circuit in [*costed, exact]}
    rows = {row.multiplier: row for row in energy_under_operands(library, trace)}
    assert (rows["rough"].basis, rows["rough"].energy, rows["rough"].uniform) == ("published", 0.1, 0.1)
    assert rows["rough"].ratio == pytest.approx(0.25)
    nothing = rows[exact.name]
    assert (nothing.basis, nothing.energy, nothing.ratio, nothing.flow) == (None, None, None, None)


def test_ratio_is_to_the_cheapest_exact_circuit_of_the_flow_and_widths(layer_trace) -> None:
    trace = OperandTrace.of("t", 1, [layer_trace("one", signed_a=True), layer_trace("two", signed_a=True, seed=9)])
    circuits = [
        array(4, 4, True, name="signed"),
        array(4, 4, False, name="unsigned"),
        array(3, 2, True, name="narrow"),
        array(4, 4, True, name="foreign", cost=Cost("FreePDK45", "lab", power_mw=3.0)),
    ]
    library = {circuit.name: circuit for circuit in circuits}
    rows = energy_under_operands(library, trace)
    assert [(row.layer, row.multiplier) for row in rows] == [(layer, name) for layer in trace for name in library]
    for layer in ("one", "two"):
        own = {row.multiplier: row for row in rows if row.layer == layer}
        cheapest = min(own["signed"].energy, own["unsigned"].energy)
        for name in ("signed", "unsigned", "narrow"):
            assert own[name].ratio == pytest.approx(own[name].energy / cheapest)
            assert own[name].basis == "operands"
        assert own["narrow"].ratio < 1
        assert own["foreign"].ratio == 1.0  # another flow: compared with itself alone
    assert {
        row.ratio for row in energy_under_operands(library, trace, reference="signed") if row.multiplier == "signed"
    } == {1}
    assert {row.layer for row in energy_under_operands(library, trace, layers=["two"])} == {"two"}


def test_reference_is_of_the_whole_library_or_else_the_built_in_one(layer_trace) -> None:
    trace = OperandTrace.of("t", 1, [layer_trace(signed_a=True)])
    narrow, exact = array(3, 2, True, name="narrow"), array(4, 4, True, name="mine")
    whole = Library.of("whole", [narrow, exact])
    (row,) = energy_under_operands({"narrow": narrow}, trace, whole=whole)
    assert (row.reference, row.ratio) == ("mine", pytest.approx(row.energy / row.reference_energy))
    (alone,) = energy_under_operands({"narrow": narrow}, trace)
    builtin = load_library("builtin")
    rivals = [builtin[name] for name in builtin.select(bits=4) if builtin.card(name).errors["wce"] == 0]
    cheapest = min(rivals, key=lambda rival: settled_energy(rival, trace["conv"]))
    assert (alone.reference, alone.ratio) == (
        cheapest.name,
        pytest.approx(settled_energy(narrow, trace["conv"]) / settled_energy(cheapest, trace["conv"])),
    )


def test_mistaken_layer_fails_before_a_circuit_is_read(layer_trace) -> None:
    class Unread(dict):
        def items(self):
            raise AssertionError("circuits are read")

    with pytest.raises(UnknownName, match="no layer 'fc'"):
        energy_under_operands(Unread(), OperandTrace.of("t", 1, [layer_trace()]), layers=["conv", "fc"])


def test_mean_energy_weighs_layers_by_their_multiplications(layer_trace) -> None:
    first, second = layer_trace("one", signed_a=True), layer_trace("two", signed_a=True, seed=9)
    circuit = array(4, 4, True)
    trace, rough = OperandTrace.of("t", 1, [first, second]), array(3, 3, True)
    mean, other = mean_energies(energy_under_operands({"c": circuit, "r": rough}, trace), trace)
    weighted = sum(settled_energy(circuit, layer) * layer.macs for layer in (first, second))
    assert mean.energy == pytest.approx(weighted / (first.macs + second.macs))
    assert (mean.multiplier, mean.basis, mean.ratio, mean.reference) == ("c", "operands", 1.0, "array")
    assert other.ratio == pytest.approx(other.energy / mean.energy)
    assert mean_energies([], trace) == []


def test_refusals(layer_trace) -> None:
    trace = OperandTrace.of("t", 1, [layer_trace()])
    circuit = array(4, 4, False)
    with pytest.raises(InputError, match="is swapped or encoded"):
        settled_energy(circuit.swapped(), layer_trace())
    with pytest.raises(UnknownName, match="no layer 'fc'"):
        energy_under_operands({"c": circuit}, trace, layers=["fc"])
    rough = Multiplier.from_table("rough", circuit.table & ~3, bits_a=4, bits_b=4, signed_a=False, signed_b=False)
    with pytest.raises(LibraryError, match="reference 'rough' is not exact"):
        energy_under_operands({"rough": rough}, trace, reference="rough")
