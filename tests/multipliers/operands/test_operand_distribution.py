"""Errors under a distribution equal the sums over all pairs of the encoded table, weighted by hand."""

from itertools import product

import numpy as np
import pytest

from agnsim.errors import InputError, UnknownName
from agnsim.multipliers import Multiplier
from agnsim.multipliers.encoding import allowed_encodings, operand_values
from agnsim.multipliers.operands.operand_distribution import DISTRIBUTIONS, Traced, Use, distribution, error_moments
from agnsim.multipliers.operands.operand_trace import OperandTrace
from agnsim.multipliers.operands.operand_trace_files import write_trace


def rough(signed_a: bool = False, signed_b: bool = False, bits: tuple[int, int] = (4, 4)) -> Multiplier:
    exact = Multiplier.exact(*bits, signed_a=signed_a, signed_b=signed_b)
    noise = np.random.default_rng(3).integers(-9, 10, exact.table.shape)
    return Multiplier.from_table(
        "rough", exact.table + noise, bits_a=bits[0], bits_b=bits[1], signed_a=signed_a, signed_b=signed_b
    )


@pytest.mark.parametrize("signs", list(product([False, True], repeat=2)), ids=str)
@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
def test_errors_are_those_of_the_effective_table(signs, swapped) -> None:
    circuit = rough(*signs)
    oriented = circuit.swapped() if swapped else circuit
    for pair in product(allowed_encodings(oriented.signed_a), allowed_encodings(oriented.signed_b)):
        effective = oriented.encoded(*pair)
        a, w = (np.arange(low, high + 1) for low, high in (effective.range_a, effective.range_b))
        found = Use(circuit, pair, swapped).errors(a, w)
        assert np.array_equal(found, effective.product(a[:, None], w[None, :]) - np.multiply.outer(a, w))


def test_uniform_moments_are_the_metrics() -> None:
    circuit = rough(True, False, (5, 3))
    use = Use(circuit, (circuit.encoding_a, circuit.encoding_w))
    assert error_moments(use, DISTRIBUTIONS["uniform"]) == pytest.approx(
        {name: getattr(circuit, name) for name in ("mae", "mean_error", "error_std")}
    )


def test_half_normal_weighs_small_operands_and_no_negative_activation() -> None:
    circuit = rough(True, True)
    use = Use(circuit, (circuit.encoding_a, circuit.encoding_w))
    values = operand_values(4, True)
    p_a = np.where(values >= 0, np.exp(-0.5 * (values / 1.75) ** 2), 0)
    p_w = np.exp(-0.5 * (values / 1.75) ** 2)
    weights = np.multiply.outer(p_a / p_a.sum(), p_w / p_w.sum())
    error = circuit.error_table
    mean = (weights * error).sum()
    assert error_moments(use, DISTRIBUTIONS["half-normal"]) == pytest.approx(
        {
            "mae": (weights * abs(error)).sum(),
            "mean_error": mean,
            "error_std": np.sqrt((weights * (error - mean) ** 2).sum()),
        }
    )


def test_trace_weighs_every_multiplication_the_same(layer_trace) -> None:
    layers = [layer_trace("one", signed_a=True), layer_trace("two", signed_a=True, seed=8)]
    operands = Traced(OperandTrace.of("run", 3, layers), ("one", "two"))
    circuit = rough(True, True)
    counts = layers[0].histogram + layers[1].histogram
    counts[8] = counts[:, 8] = 0  # patterns that are no codes of a symmetric quantiser
    for layer in layers:
        layer.histogram[8] = layer.histogram[:, 8] = 0
    found = error_moments(Use(circuit, operands.encodings((True, True), swapped=False)), operands)
    assert found["mean_error"] == pytest.approx((counts * circuit.error_table).sum() / counts.sum())
    assert found["mae"] == pytest.approx((counts * abs(circuit.error_table)).sum() / counts.sum())
    assert operands.name == "2 layers of run"


def test_trace_on_a_narrow_port_judges_the_operands_that_it_is_given(layer_trace) -> None:
    operands = Traced(OperandTrace.of("run", 3, [layer_trace()]), ("conv",))
    exact = Multiplier.exact(2, 3, signed_a=False, signed_b=True)
    use = Use(exact, operands.encodings((False, True), swapped=False))
    assert error_moments(use, operands) == {"mae": 0.0, "mean_error": 0.0, "error_std": 0.0}


def test_wide_circuits_are_judged_on_some_pairs() -> None:
    circuit = Multiplier.exact(10, 10, signed_a=False, signed_b=False)
    biased = Multiplier.from_table("b", circuit.table + 5, bits_a=10, bits_b=10, signed_a=False, signed_b=False)
    use = Use(biased, (circuit.encoding_a, circuit.encoding_w))
    blocks = list(DISTRIBUTIONS["uniform"].blocks(use))
    assert sum(len(a) * len(w) for a, w, _ in blocks) == 512 * 512
    assert sum(float(p.sum()) for *_, p in blocks) == pytest.approx(1)
    assert error_moments(use, DISTRIBUTIONS["uniform"]) == pytest.approx({"mae": 5, "mean_error": 5, "error_std": 0})


def test_errors_that_cancel_have_no_mean() -> None:
    table = rough(False, False).table.copy()
    table[:, 0] = 0
    circuit = Multiplier.from_table("c", table, bits_a=4, bits_b=4, signed_a=False, signed_b=False)
    use = Use(circuit, (circuit.encoding_a, allowed_encodings(False)[1]))  # sign-magnitude weights
    assert error_moments(use, DISTRIBUTIONS["half-normal"])["mean_error"] == 0.0


def test_names_of_distributions(layer_trace, tmp_path) -> None:
    path = tmp_path / "t.npz"
    write_trace(path, OperandTrace.of("run", 3, [layer_trace()]))
    assert distribution("uniform") is DISTRIBUTIONS["uniform"]
    assert distribution(f"{path}:conv").name == "layer conv of run"
    with pytest.raises(InputError, match=r"unifrom: no such distribution, nor a trace\. Did you mean 'uniform'"):
        distribution("unifrom")
    with pytest.raises(InputError, match="no such file"):
        distribution("missing.npz:conv")
    with pytest.raises(UnknownName, match="no layer 'fc'"):
        distribution(f"{path}:fc")
