"""What the tests of synthesis share: yosys where it is installed, and a small cell library of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from agnsim.multipliers.netlists.gates import NO_WIRE, Gate, Op
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.synthesis import unavailable

LIBERTY = """
/* eight gates and a flip-flop; round numbers, so that figures can be checked by hand */
library (tiny) {
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : 2.0;
  default_operating_conditions : typical;
  lu_table_template (t2) { variable_1 : input_net_transition; index_1 ("0.1, 1.0"); }
%s
  cell (DFF) {
    area : 20;
    cell_leakage_power : 50;
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; }
    pin (D) { direction : input; capacitance : 0.01; }
    pin (CK) {
      direction : input; clock : true; capacitance : 0.02;
      internal_power () { rise_power (t2) { values ("0.01, 0.03"); } fall_power (t2) { values ("0.01, 0.03"); } }
    }
    pin (Q) {
      direction : output; function : "IQ";
      internal_power () { related_pin : "CK"; rise_power (t2) { values ("0.1"); } fall_power (t2) { values ("0.3"); } }
    }
  }
}
"""
CELL = """
  cell (%(name)s) {
    area : %(area)s;
    cell_leakage_power : 10;
%(inputs)s
    pin (Y) {
      direction : output;
      function : "%(function)s";
%(timings)s
      internal_power () {
        related_pin : "A";
        rise_power (t2) { values ("%(power)s, %(power)s"); }
        fall_power (t2) { values ("%(power)s, %(power)s"); }
      }
    }
  }
"""
TIMING = """      timing () {
        related_pin : "%s";
        cell_rise (t2) { values ("0.1, 0.1"); } rise_transition (t2) { values ("0.1, 0.1"); }
        cell_fall (t2) { values ("0.1, 0.1"); } fall_transition (t2) { values ("0.1, 0.1"); }
      }"""
INPUT = "    pin (%s) { direction : input; capacitance : 0.01; }"
FUNCTIONS = {
    "INVX": (1, "!A", 0.1),
    "BUFX": (2, "A", 0.2),
    "NANDX": (2, "!(A & B)", 0.2),
    "NORX": (2, "(A + B)'", 0.2),
    "ANDX": (3, "A B", 0.3),
    "XORX": (5, "A ^ B", 0.5),
    "AOIX": (3, "!((A * B) | C)", 0.3),
    "MUXX": (6, "(A * !S) + (B * S)", 0.6),
}


def _cell(name: str) -> str:
    area, function, power = FUNCTIONS[name]
    pins = [pin for pin in "ABCS" if pin in function]
    return CELL % {
        "name": name,
        "area": area,
        "function": function,
        "power": power,
        "inputs": "\n".join(INPUT % pin for pin in pins),
        "timings": "\n".join(TIMING % pin for pin in pins),
    }


@st.composite
def _netlists(draw: st.DrawFn) -> Netlist:
    bits_a, bits_b = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    gates: list[Gate] = []
    for _ in range(draw(st.integers(0, 25))):
        op = draw(st.sampled_from(list(Op)))
        pins = [draw(st.integers(0, bits_a + bits_b + len(gates) - 1)) for _ in range(op.arity)]
        gates.append(Gate(op, *pins, *[NO_WIRE] * (2 - op.arity)))
    wires = st.integers(0, bits_a + bits_b + len(gates) - 1)
    outputs = draw(st.lists(wires, min_size=1, max_size=8))
    return Netlist(bits_a, bits_b, tuple(gates), tuple(outputs), draw(st.booleans()))


@pytest.fixture(scope="session")
def netlists() -> st.SearchStrategy[Netlist]:
    """Return random small circuits: any gates, constants, unused wires, outputs that are inputs or occur twice."""
    return _netlists()


@pytest.fixture
def yosys() -> None:
    """Skip where yosys and ABC are not installed."""
    reason = unavailable()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture
def liberty_file(tmp_path: Path) -> Path:
    """Return a Liberty file of our own: 2 V, input pins of 0.01 pF, internal energy = area / 10 pJ (BUFX: 0.2)."""
    file = tmp_path / "tiny.lib"
    file.write_text(LIBERTY % "".join(map(_cell, FUNCTIONS)), encoding="ascii")
    return file
