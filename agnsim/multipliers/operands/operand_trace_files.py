"""Operand traces in `.npz` files: written byte for byte the same every time, read without trusting what is in them."""

from __future__ import annotations

import os
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agnsim.errors import InputError, LibraryError
from agnsim.multipliers.libraries.array_files import read_array, write_arrays
from agnsim.multipliers.operands.operand_trace import LayerTrace, OperandTrace
from agnsim.types import LayerOperands

TRACE_FORMAT = 1
MAX_LAYERS = 10_000
MAX_CODES = 1 << 28
"""Most entries of one array: a limit of what a file may make us allocate."""

_COLUMNS = (
    *("bits_a", "bits_w", "signed_a", "signed_w", "low_a", "high_a", "low_w", "high_w"),
    *("zero_point_a", "hold", "groups", "fan_in", "out_channels"),
)


def write_trace(path: Path, trace: OperandTrace) -> None:
    """Write a trace; the same trace makes the same bytes.

    Besides `format`, `source`, `images` and `layers` (names) the file holds `settings`, int64 `[layers, 13]` with the
    columns `bits_a, bits_w, signed_a, signed_w, low_a, high_a, low_w, high_w, zero_point_a, hold, groups, fan_in,
    out_channels`, `output_std`, float64 `[layers]`, and for each layer number i: `<i>.histogram`, `<i>.a`, `<i>.w`,
    `<i>.rows`, `<i>.row_group`, `<i>.weights` and `<i>.output_scale`, as in `LayerTrace` and `LayerOperands`.
    """
    arrays: dict[str, NDArray[Any]] = {}
    settings: list[list[int]] = []
    output_std: list[float] = []
    for index, layer in enumerate(trace.values()):
        sample = layer.sample
        settings.append(
            [
                *(layer.bits_a, layer.bits_w, layer.signed_a, layer.signed_w, *layer.range_a, *layer.range_w),
                *(sample.zero_point_a, layer.hold, sample.groups, sample.weights.shape[1], sample.weights.shape[0]),
            ]
        )
        output_std.append(sample.output_std)
        arrays |= {
            f"{index}.histogram": layer.histogram.astype(np.int64),
            f"{index}.a": layer.a.astype(np.int32),
            f"{index}.w": layer.w.astype(np.int32),
            f"{index}.rows": sample.rows.astype(np.int32),
            f"{index}.row_group": sample.row_group.astype(np.int64),
            f"{index}.weights": sample.weights.astype(np.int32),
            f"{index}.output_scale": sample.output_scale.astype(np.float64),
        }
    arrays |= {
        "format": np.array(TRACE_FORMAT, np.int64),
        "source": np.array(trace.source),
        "images": np.array(trace.images, np.int64),
        "layers": np.array(list(trace)),
        "settings": np.array(settings, np.int64).reshape(len(trace), len(_COLUMNS)),
        "output_std": np.array(output_std, np.float64),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write_arrays(temporary, arrays, level=4)  # three times as fast as the smallest file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_trace(path: Path) -> OperandTrace:
    """Return a written trace; a layer's arrays are read and checked when it is asked for.

    Raises:
        InputError: The file is missing or damaged, or is no operand trace.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; `agnsim trace RUN_DIR` writes operand traces")
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: no operand trace, as `agnsim trace RUN_DIR` writes them: not an .npz file, or its end is missing"
        )
    try:
        found = int(_array(path, "format", np.int64, (), 1))
    except InputError as error:  # tables and other arrays, or a trace whose very beginning is damaged
        raise InputError(f"{error}: no operand trace, as `agnsim trace RUN_DIR` writes them") from error
    if found != TRACE_FORMAT:
        raise InputError(f"{path}: operand trace of format {found}; this agnsim reads {TRACE_FORMAT}")
    layers = [str(name) for name in _array(path, "layers", "U", (None,), 1000 * MAX_LAYERS)]
    images = int(_array(path, "images", np.int64, (), 1))
    settings = _array(path, "settings", np.int64, (len(layers), len(_COLUMNS)), 0)
    output_std = _array(path, "output_std", np.float64, (len(layers),), 0)
    if len(set(layers)) != len(layers) or images < 1:
        raise InputError(f"{path}: a layer occurs twice, or the number of images ({images}) is not positive")
    readers = {
        name: partial(_read_layer, path, index, name, settings[index].tolist(), float(output_std[index]))
        for index, name in enumerate(layers)
    }
    return OperandTrace(str(_array(path, "source", "U", (), 100_000)), images, readers)


def read_trace_at(place: str) -> tuple[OperandTrace, tuple[str, ...]]:
    """Return the trace in `FILE` or `FILE:LAYER` and the layers meant: that one, or all.

    Raises:
        InputError: The file is missing or is no operand trace.
        UnknownName: It has no such layer.
    """
    file, separator, layer = place.rpartition(":")
    if not separator or Path(place).is_file():
        file, layer = place, ""
    trace = read_trace(Path(file))
    if layer:
        trace[layer]
    return trace, (layer,) if layer else tuple(trace)


def _read_layer(path: Path, index: int, name: str, settings: list[int], output_std: float) -> LayerTrace:
    values = dict(zip(_COLUMNS, settings, strict=True))
    fan_in, channels, groups = values["fan_in"], values["out_channels"], values["groups"]
    where = f"{path}: layer {name!r}"
    if not all(1 <= values[bits] <= 16 for bits in ("bits_a", "bits_w")) or values["bits_a"] + values["bits_w"] > 24:
        raise InputError(f"{where}: codes of {values['bits_a']} x {values['bits_w']} bits can't be traced")
    if min(fan_in, channels, groups) < 1 or channels % groups or fan_in * channels > MAX_CODES:
        raise InputError(f"{where}: {channels} channels of {fan_in} weights in {groups} groups are no layer")
    shape = (1 << values["bits_a"], 1 << values["bits_w"])
    rows = _array(path, f"{index}.rows", np.int32, (None, fan_in), MAX_CODES // fan_in)
    sample = LayerOperands(
        layer=name,
        rows=rows,
        row_group=_array(path, f"{index}.row_group", np.int64, (len(rows),), 0),
        weights=_array(path, f"{index}.weights", np.int32, (channels, fan_in), 0),
        groups=groups,
        zero_point_a=values["zero_point_a"],
        output_scale=_array(path, f"{index}.output_scale", np.float64, (channels,), 0),
        output_std=output_std,
    )
    if not len(rows) or not 0 <= int(sample.row_group.min()) <= int(sample.row_group.max()) < groups:
        raise InputError(f"{where}: it has no receptive fields, or one of a group that is not there")
    if not np.isfinite(sample.output_scale).all() or not np.isfinite(output_std):
        raise InputError(f"{where}: scale or standard deviation of the output is not finite")
    trace = LayerTrace(
        layer=name,
        bits_a=values["bits_a"],
        bits_w=values["bits_w"],
        signed_a=bool(values["signed_a"]),
        signed_w=bool(values["signed_w"]),
        range_a=(values["low_a"], values["high_a"]),
        range_w=(values["low_w"], values["high_w"]),
        histogram=_array(path, f"{index}.histogram", np.int64, shape, 0),
        a=_array(path, f"{index}.a", np.int32, (None,), MAX_CODES),
        w=_array(path, f"{index}.w", np.int32, (None,), MAX_CODES),
        hold=values["hold"],
        sample=sample,
    )
    for label, codes, (low, high) in (
        ("activation", sample.rows, trace.range_a),
        ("weight", sample.weights, trace.range_w),
    ):
        if int(codes.min()) < low or int(codes.max()) > high:
            raise InputError(f"{where}: sampled {label} codes lie outside their range {low}..{high}")
    return trace


def _array(path: Path, name: str, dtype: Any, shape: tuple[int | None, ...], most: int) -> NDArray[Any]:
    try:
        return read_array(path, name, dtype, shape, most=max(most, 1))
    except LibraryError as error:
        raise InputError(str(error)) from error
