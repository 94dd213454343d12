"""Factors kept beside the tables of a library: `factors.npz`, found once, checked against the table when read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import LibraryError
from agnsim.multipliers.factors import MAX_RANK, Factors, Int64Array
from agnsim.multipliers.libraries.array_files import array_shapes
from agnsim.multipliers.libraries.tables import read_table, table_names, write_tables
from agnsim.multipliers.netlists.netlist import Netlist
from agnsim.multipliers.wide_factors import agrees_on_sample

FACTORS = "factors.npz"


def write_factors(path: Path, factors: Mapping[str, Factors]) -> None:
    """Write factors as int32 arrays `<name>.u` and `<name>.v`; those beyond int32 are left out, to be found again.

    A common factor is not written: a table tells it, and factors of circuits without a table have none.
    """
    arrays = {}
    for name, found in factors.items():
        if max(np.abs(found.u).max(), np.abs(found.v).max()) < 2**31:
            arrays[f"{name}.u"] = found.u.astype(np.int32)
            arrays[f"{name}.v"] = found.v.astype(np.int32)
    write_tables(path, arrays)


def stored_names(path: Path) -> set[str]:
    """Return the names of the circuits whose factors are in the file; none where there is no file.

    Raises:
        LibraryError: The file is no `.npz` file.
    """
    return {name.removesuffix(".u") for name in table_names(path) if name.endswith(".u")} if path.is_file() else set()


def stored_ranks(path: Path) -> dict[str, int]:
    """Return the number of terms of each circuit's factors in the file, which the factors themselves are not read for.

    Raises:
        LibraryError: The file is no `.npz` file, or holds something else.
    """
    shapes = array_shapes(path) if path.is_file() else {}
    return {name.removesuffix(".u"): shape[0] for name, shape in shapes.items() if name.endswith(".u") and shape}


def read_factors(
    path: Path, name: str, table: NDArray[np.integer[Any]], operands: tuple[Int64Array, Int64Array]
) -> Factors | None:
    """Return stored factors, or `None` where there are none, they can't be read, or they are not the table's.

    Args:
        path: The file.
        name: The circuit's name.
        table: The circuit's table `[A, B]`.
        operands: Values of both operands, `[A]` and `[B]`.
    """
    terms = _read_terms(path, name, table.shape)
    if terms is None:
        return None
    u, v = terms
    # The common factor is not stored: it is what is missing at any product that is not zero.
    row, column = divmod(int(np.argmax(table != 0)), table.shape[1])
    product = int(u[:, row] @ v[:, column]) or 1
    scale, remainder = divmod(int(table[row, column]), product)
    if remainder or scale < 0:
        return None
    exact = all(np.array_equal(term[0], values) for term, values in zip((u, v), operands, strict=True))
    factors = Factors(u, v, scale or 1, has_exact_term=exact and len(u) > 1)
    return factors if factors.is_of(table) else None


def read_wide_factors(path: Path, name: str, netlist: Netlist) -> Factors | None:
    """Return stored factors of a circuit without a table, or `None` as `read_factors`.

    They are compared with the netlist on 2**16 pairs; the proof, at import and by `verify_library`, takes longer.
    """
    terms = _read_terms(path, name, (2**netlist.bits_a, 2**netlist.bits_b))
    factors = Factors(*terms, 1) if terms is not None else None
    return factors if factors is not None and agrees_on_sample(factors, netlist) else None


def _read_terms(path: Path, name: str, shape: tuple[int, ...]) -> tuple[Int64Array, Int64Array] | None:
    if not path.is_file():
        return None
    try:
        u, v = (
            read_table(path, f"{name}.{part}", (None, size)).astype(np.int64)
            for part, size in zip("uv", shape, strict=True)
        )
    except LibraryError:
        return None
    return (u, v) if len(u) == len(v) and 1 <= len(u) <= MAX_RANK else None
