"""The tables of the engines' conformance suite: widths, signs, encodings, orientations and ranks, by what they are."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from agnsim.multipliers import Encoding, Multiplier


@cache
def engine_circuits() -> dict[str, Multiplier]:
    """Return the suite's small tables by name; up to 10 x 10 bits, all seeded."""
    generator = np.random.default_rng(2024)

    def anything(bits_a: int, bits_b: int, signed_a: bool, signed_b: bool, limit: int = 20_000) -> Multiplier:
        table = generator.integers(-limit, limit, (1 << bits_a, 1 << bits_b))
        table[0, 0] = 77  # a product for two zeros makes wrong padding visible
        return _multiplier(table, bits_a, bits_b, signed_a, signed_b)

    def low_rank(rank: int, *, signed_a: bool = False, exact: bool = False) -> Multiplier:
        u, v = generator.integers(-6, 7, (rank, 256)), generator.integers(-9, 10, (rank, 256))
        table = 3 * u.T @ v
        if exact:
            table += Multiplier.exact(8, 8, signed_a=signed_a, signed_b=True).table
        return _multiplier(table, 8, 8, signed_a, True)

    unsigned = anything(8, 8, False, False)
    positive = _multiplier(np.abs(generator.integers(0, 65_026, (256, 256))), 8, 8, False, False)
    mixed = anything(8, 4, False, True)
    narrow = _multiplier(np.abs(generator.integers(0, 999, (64, 32))), 6, 5, False, False)
    sign, offset = Encoding.SIGN_MAGNITUDE, Encoding.OFFSET
    return {
        "any_u8xu8": unsigned,
        "any_u8xs8": anything(8, 8, False, True),
        "any_s8xu8": anything(8, 8, True, False),
        "any_s8xs8": anything(8, 8, True, True),
        "any_u8xs4": mixed,
        "any_s5xu3": anything(5, 3, True, False),
        "any_s3xs7": anything(3, 7, True, True),
        "any_u2xs2": anything(2, 2, False, True),
        "any_u4xs6": anything(4, 6, False, True),
        "any_s6xs5": anything(6, 5, True, True),
        "any_u7xs8": anything(7, 8, False, True),
        "any_u9xs9": anything(9, 9, False, True),
        "any_s9xu2": anything(9, 2, True, False),
        "any_u3xs9": anything(3, 9, False, True),
        "any_s12xs3": anything(12, 3, True, True),
        "any_u10xs10": anything(10, 10, False, True),
        "any_beyond_16_bits": anything(8, 8, False, True, limit=1_000_000),
        "swapped_u8xs4": mixed.swapped(),
        "sign_magnitude_weights": positive.encoded(w=sign),
        "sign_magnitude_both": positive.encoded(a=sign, w=sign),
        "sign_magnitude_swapped": positive.swapped().encoded(w=sign),
        "sign_magnitude_signed_port": anything(8, 8, True, True).encoded(w=sign),
        "full_magnitude": positive.encoded(w=sign, full_magnitude=True),
        "full_magnitude_activations": narrow.encoded(a=sign, w=sign, full_magnitude=True),
        "offset_weights": positive.encoded(w=offset),
        "offset_both_swapped": narrow.swapped().encoded(a=offset, w=offset),
        "exact_u8xs8": Multiplier.exact(8, 8, signed_a=False, signed_b=True),
        "exact_s8xs8": Multiplier.exact(8, 8, signed_a=True, signed_b=True),
        "exact_u6xs5": Multiplier.exact(6, 5, signed_a=False, signed_b=True),
        "exact_s9xs9": Multiplier.exact(9, 9, signed_a=True, signed_b=True),
        "exact_u11xs7": Multiplier.exact(11, 7, signed_a=False, signed_b=True),
        "rank1_u8xs8": low_rank(1),
        "rank3_u8xs8": low_rank(3),
        "exact_and_rank2_s8xs8": low_rank(2, signed_a=True, exact=True),
        "zeros_u8xs8": _multiplier(np.zeros((256, 256), np.int32), 8, 8, False, True),
    }


@cache
def large_circuit() -> Multiplier:
    """Return a table of 12 x 12 bits, the largest allowed: 64 MB."""
    a, w = np.arange(1 << 12, dtype=np.int32)[:, None], np.arange(1 << 12, dtype=np.int32)
    return _multiplier((a * w) ^ (a + w) ^ 5, 12, 12, False, True)


def _multiplier(table: Any, bits_a: int, bits_b: int, signed_a: bool, signed_b: bool) -> Multiplier:
    return Multiplier.from_table(
        "conformance", table, bits_a=bits_a, bits_b=bits_b, signed_a=signed_a, signed_b=signed_b
    )
