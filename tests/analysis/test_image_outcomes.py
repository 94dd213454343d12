from __future__ import annotations

import numpy as np
import pytest

from agnsim.analysis import pack_outcomes, unpack_outcomes
from agnsim.errors import RunFolderError


@pytest.mark.parametrize("images", [1, 7, 8, 9, 120])
def test_outcomes_survive(images: int) -> None:
    correct = np.random.default_rng(images).random(images) < 0.5
    part = {"images": pack_outcomes(correct), "total": images}
    assert np.array_equal(unpack_outcomes(part), correct)


@pytest.mark.parametrize(
    "part", [{}, {"images": "AA==", "total": 9}, {"images": "AA==", "total": "x"}, {"images": "A", "total": 8}]
)
def test_what_does_not_fit_is_refused(part: dict[str, object]) -> None:
    with pytest.raises(RunFolderError, match="per-image outcomes"):
        unpack_outcomes(part)
