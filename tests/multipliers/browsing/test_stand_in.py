"""A narrower exact circuit in place of a wider one errs by the operand bits that it drops, and by nothing else."""

from itertools import product

import pytest

from agnsim.multipliers.browsing.stand_in import stand_in
from agnsim.multipliers.encoding import operand_values


@pytest.mark.parametrize("signs", list(product([False, True], repeat=2)), ids=str)
def test_errors_are_those_of_dropped_bits(signs) -> None:
    errors = [
        (int(a) // 4 * 4) * (int(b) // 2 * 2) - int(a) * int(b)
        for a in operand_values(5, signs[0])
        for b in operand_values(4, signs[1])
    ]
    found = stand_in((5, 4), signs, (3, 3)).metrics
    assert found.mae == pytest.approx(sum(map(abs, errors)) / len(errors))
    assert found.wce == max(map(abs, errors))
    assert found.mean_error == pytest.approx(sum(errors) / len(errors))


def test_same_widths_err_nowhere_and_wide_ones_are_not_computed() -> None:
    assert stand_in((4, 4), (True, True), (4, 4)).is_exact
    assert stand_in((9, 4), (False, False), (4, 4)) is None
