"""What `show` says of one circuit, with and without a table."""

import json
from dataclasses import replace

import numpy as np
import pytest

from agnsim.multipliers import Cost, Multiplier
from agnsim.multipliers.browsing.description import describe
from agnsim.multipliers.families import families
from agnsim.multipliers.metrics import ErrorMetrics
from agnsim.multipliers.operands.operand_distribution import DISTRIBUTIONS, Traced
from agnsim.multipliers.operands.operand_trace import OperandTrace

HALF_NORMAL = DISTRIBUTIONS["half-normal"]


@pytest.fixture(scope="module")
def drum() -> Multiplier:
    netlist = families["drum"].generate(6, 6, False, k=3)
    circuit = Multiplier.from_netlist(
        "drum",
        netlist,
        signed_a=False,
        signed_b=False,
        cost=Cost("none", "unit", relative_energy=3.0, recipe="resyn2", energy_worst=4.0),
        other_costs=(Cost("FreePDK45", "lab", power_mw=0.2, corner="tt"),),
        published={"mae": "1.25"},
        status="differs",
        citation="somebody",
    )
    return replace(circuit, family="drum", parameters={"k": 3})


def test_description_is_plain_json_and_agrees_with_the_circuit(drum) -> None:
    found = describe(drum, HALF_NORMAL)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["name"], found["digest"], found["mae"]) == ("drum", drum.digest, drum.mae)
    assert (found["status"], found["published"], found["parameters"]) == ("differs", {"mae": "1.25"}, {"k": 3})
    assert found["gates"] == len(drum.netlist.gates)
    assert found["costs"] == [
        {"technology": "none", "flow": "unit", "relative_energy": 3.0, "recipe": "resyn2", "energy_worst": 4.0},
        {"technology": "FreePDK45", "flow": "lab", "power_mw": 0.2, "corner": "tt"},
    ]
    terms = found["factorisation"]["terms"]
    assert [(term["largest_u"], term["largest_v"]) for term in terms] == [
        (abs(u).max(), abs(v).max()) for u, v in zip(drum.factors.u, drum.factors.v, strict=True)
    ]
    assert found["rank"] == found["factorisation"]["rank"] == drum.factors.rank
    assert found["conditional_error"]["a"]["value"] == list(range(64))
    assert found["conditional_error"]["w"]["mean"][5] == pytest.approx(drum.error_table[:, 5].mean())


def test_every_orientation_and_encoding_is_judged(drum) -> None:
    operands = describe(drum, DISTRIBUTIONS["uniform"])["operands"]
    assert operands["distribution"] == "uniform operands"
    assert [row["swapped"] for row in operands["orientations"]] == [False, True]
    assert operands["orientations"][0]["mean_error"] == pytest.approx(drum.mean_error)
    assert len({(row["encoding_a"], row["encoding_w"]) for row in operands["encodings"]}) == 9
    for row in operands["encodings"]:
        effective = drum.encoded(row["encoding_a"], row["encoding_w"])
        assert row["rank"] == (effective.factors.rank if effective.factors else None)


def test_what_a_port_does_not_take_is_left_open(drum, layer_trace) -> None:
    traced = Traced(OperandTrace.of("run", 1, [layer_trace()]), ("conv",))
    rows = {(row["encoding_a"], row["encoding_w"]): row for row in describe(drum, traced)["operands"]["encodings"]}
    assert rows["unsigned", "unsigned"]["mae"] is None
    assert rows["unsigned", "sign_magnitude"]["mae"] is not None


def test_zero_behaviour() -> None:
    table = np.multiply.outer(np.arange(8), np.arange(8))
    table[0, 3] = 7
    circuit = Multiplier.from_table("z", table, bits_a=3, bits_b=3, signed_a=False, signed_b=False)
    assert describe(circuit, HALF_NORMAL)["zero_behaviour"] == {
        "zero_activation_gives_zero": False,
        "largest_product_of_zero_activation": 7,
        "zero_weight_gives_zero": True,
        "largest_product_of_zero_weight": 0,
    }


def test_circuit_without_a_table_tells_what_is_stated() -> None:
    netlist = families["operand_truncation"].generate(16, 16, False, drop_a=8, drop_b=8)
    circuit = Multiplier.from_netlist("wide", netlist, signed_a=False, signed_b=False)
    stated = ErrorMetrics(mae=5.0, wce=9, mre=0.1, ep=0.2, mse=30.0, mean_error=-5.0, error_std=2.0)
    found = describe(replace(circuit, stated_metrics=stated), HALF_NORMAL)
    assert (found["mae"], found["wce"], found["gates"]) == (5.0, 9, len(netlist.gates))
    unknown = ("digest", "rank", "symmetric", "factorisation", "zero_behaviour", "conditional_error", "operands")
    assert [found[name] for name in unknown] == [None] * 7
