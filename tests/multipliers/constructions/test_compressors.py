"""Approximate 4:2 compressors: gates against truth tables, published error counts, and the tree around them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from agnsim.errors import MultiplierError
from agnsim.multipliers.constructions.compressors import Cells, Compressor, reduce_columns, stage_heights
from agnsim.multipliers.encoding import operand_values
from agnsim.multipliers.families import akbari, families, momeni, yang
from agnsim.multipliers.netlists.builder import NetlistBuilder

COMPRESSORS = {"momeni": momeni.COMPRESSOR, "yang": yang.COMPRESSOR, "akbari": akbari.COMPRESSOR}


def wrong_by(compressor: Compressor) -> dict[int, int]:
    differences = ((inputs, value - inputs.bit_count()) for inputs, value in enumerate(compressor.values))
    return {inputs: difference for inputs, difference in differences if difference}


def errors(name: str, bits: int, *, signed: bool, columns: int) -> NDArray[np.int64]:
    a, b = operand_values(bits, signed)[:, None], operand_values(bits, signed)[None, :]
    return families[name].product(a, b, bits_a=bits, bits_b=bits, signed=signed, columns=columns) - a * b


@pytest.mark.parametrize("compressor", COMPRESSORS.values(), ids=COMPRESSORS)
def test_gates_compute_the_truth_table(compressor: Compressor) -> None:
    build = NetlistBuilder(2, 2)  # x1 x2 and x3 x4
    table = build.build(list(compressor.gates(build, *build.a, *build.b)), signed=False).table()
    assert tuple(table.T.ravel().tolist()) == compressor.values


@pytest.mark.parametrize(
    ("name", "wrong", "in_256"),
    [
        pytest.param("momeni", 4, 100, id="momeni"),  # "4 incorrect outputs out of 16"; 25 %
        pytest.param("yang", 1, 1, id="yang"),
        pytest.param("akbari", 10, None, id="akbari"),  # 62.5 %
    ],
)
def test_published_number_of_wrong_inputs(name: str, wrong: int, in_256: int | None) -> None:
    found = wrong_by(COMPRESSORS[name])
    assert len(found) == wrong
    if in_256 is not None:  # partial products of uniform operands are 1 in a quarter of all cases
        assert sum(3 ** (4 - inputs.bit_count()) for inputs in found) == in_256


def test_momeni_is_wrong_by_one_for_none_a_pair_and_all() -> None:
    assert wrong_by(momeni.COMPRESSOR) == {0b0000: 1, 0b0011: -1, 0b1100: -1, 0b1111: -1}


def test_momeni_multiplier_4_has_the_published_worst_errors_and_almost_the_published_means() -> None:
    error = errors("momeni", 8, signed=False, columns=7)[1:, 1:]  # the paper leaves zero operands out
    assert round(error.max() / 255**2, 6) == pytest.approx(0.1845e-2, abs=1e-6)
    assert round(-error.min() / 255**2, 6) == pytest.approx(0.3076e-2, abs=1e-6)
    # these depend on which bits meet in a compressor
    assert np.abs(error).mean() / 255**2 == pytest.approx(0.7827e-3, rel=0.05)
    assert np.count_nonzero(error == 0) == pytest.approx(9320, rel=0.01)


def test_momeni_makes_something_of_a_zero_operand() -> None:
    assert np.all(errors("momeni", 8, signed=False, columns=7)[0] > 0)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_yang_only_underestimates(signed: bool) -> None:
    error = errors("yang", 8, signed=signed, columns=8)
    assert error.max() == 0 > error.min()


@pytest.mark.parametrize("name", COMPRESSORS)
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_exact_compressors_make_an_exact_multiplier(name: str, signed: bool, bits: int) -> None:
    assert not np.any(errors(name, bits, signed=signed, columns=0))


def test_columns_right_of_the_first_compressor_are_exact_anyway() -> None:
    assert not np.any(errors("akbari", 8, signed=False, columns=3))
    assert np.any(errors("akbari", 8, signed=False, columns=4))


def test_stages_halve_the_height() -> None:
    assert [stage_heights(height) for height in (1, 2, 3, 4, 5, 8, 9, 16)] == [
        [],
        [],
        [2],
        [2],
        [4, 2],
        [4, 2],
        [8, 4, 2],
        [8, 4, 2],
    ]


def test_8x8_tree_has_the_published_number_of_cells() -> None:
    used: Counter[str] = Counter()

    def count(kind: str) -> tuple[int, int]:
        used[kind] += 1
        return 1, 1

    cells = Cells(0, lambda x, y, z: count("adder"), lambda x1, x2, x3, x4: count("compressor"))
    matrix = [[1] * min(place + 1, 15 - place) for place in range(16)]
    assert max(map(len, reduce_columns(matrix, 7, cells))) == 2
    # 8 compressors, 2 full and 2 half adders in the first stage, 10, 1 and 1 in the second; an exact one is 2 adders
    assert used["compressor"] == 6
    assert used["adder"] == 2 * (8 + 10 - 6) + (2 + 2) + (1 + 1)


@pytest.mark.parametrize("name", COMPRESSORS)
def test_columns_out_of_range_are_refused_by_generator_and_formula(name: str) -> None:
    with pytest.raises(MultiplierError, match=rf"'{name}': columns = 16; allowed are 0\.\.15"):
        families[name].generate(8, 8, False, columns=16)
    with pytest.raises(MultiplierError, match=r"columns = -1"):
        errors(name, 8, signed=False, columns=-1)
