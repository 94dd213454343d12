"""A trace says what the ports of a circuit see, survives its file, and a damaged file is an error and nothing else."""

import contextlib
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agnsim.errors import InputError, MultiplierError, UnknownName
from agnsim.multipliers import Multiplier
from agnsim.multipliers.encoding import Encoding, allowed_encodings
from agnsim.multipliers.libraries.array_files import write_arrays
from agnsim.multipliers.operands.operand_trace import OperandTrace
from agnsim.multipliers.operands.operand_trace_files import read_trace, read_trace_at, write_trace


def test_figures_of_a_trace(layer_trace) -> None:
    trace = layer_trace(zero_point=3)
    assert trace.macs == trace.histogram.sum()
    assert trace.zeros_a == pytest.approx(trace.histogram[3].sum() / trace.macs)
    assert trace.zeros_w == pytest.approx(trace.histogram[:, 0].sum() / trace.macs)
    assert trace.held_weights.shape == (16, 8)


@pytest.mark.parametrize("signed_values", [False, True], ids=["unsigned codes", "signed codes"])
@pytest.mark.parametrize("signs", list(product([False, True], repeat=2)), ids=str)
@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
def test_ports_see_what_the_encoded_circuit_multiplies(layer_trace, signs, swapped, signed_values) -> None:
    """Feeding the ports and undoing the encodings outside the circuit is what `Multiplier.encoded` folds in."""
    trace = layer_trace(signed_a=signed_values)
    table = np.random.default_rng(1).integers(-500, 500, (16, 16)).astype(np.int32)
    circuit = Multiplier.from_table("c", table, bits_a=4, bits_b=4, signed_a=signs[0], signed_b=signs[1])
    oriented = circuit.swapped() if swapped else circuit
    for encoding_a, encoding_w in product(allowed_encodings(oriented.signed_a), allowed_encodings(oriented.signed_b)):
        effective = oriented.encoded(encoding_a, encoding_w)
        if effective.range_b[0] >= 0:
            continue
        chosen = {"swapped": swapped, "encoding_a": encoding_a, "encoding_w": encoding_w}
        first, second = trace.ports((4, 4), signs, **chosen)
        grid_a, grid_w = trace.grids((4, 4), signs, **chosen)
        a, w = grid_a.values(trace.a), grid_w.values(trace.w)
        assert effective.range_a[0] <= a.min() <= a.max() <= effective.range_a[1]
        products = circuit.table[first, second].astype(np.int64)
        if encoding_a is Encoding.SIGN_MAGNITUDE:
            products *= np.where(a < 0, -1, 1)
        if encoding_w is Encoding.SIGN_MAGNITUDE:
            products *= np.where(w < 0, -1, 1)
        offset_a, offset_w = (8 if e is Encoding.OFFSET else 0 for e in (encoding_a, encoding_w))
        products -= a * offset_w + w * offset_a + offset_a * offset_w
        assert np.array_equal(products, effective.product(a, w))


@pytest.mark.parametrize(
    ("signed_a", "signs", "expected"),
    [
        (False, (False, False), ("unsigned", "sign_magnitude")),
        (True, (False, False), ("sign_magnitude", "sign_magnitude")),
        (False, (True, True), ("twos_complement", "twos_complement")),
        (True, (True, False), ("twos_complement", "sign_magnitude")),
    ],
)
def test_encodings_by_default(layer_trace, signed_a, signs, expected) -> None:
    assert layer_trace(signed_a=signed_a).encodings(signs) == expected
    assert layer_trace(signed_a=signed_a).encodings(signs[::-1], swapped=True) == expected


def test_narrow_ports_get_coarser_codes(layer_trace) -> None:
    trace = layer_trace()  # activations 0..15, weights -7..7
    first, second = trace.ports((2, 3), (False, False))
    assert np.array_equal(first, np.round(trace.a * (3 / 15)))
    assert np.array_equal(second, np.abs(np.round(trace.w * (3 / 7))))
    first, second = trace.ports((4, 4), (True, True))
    assert np.array_equal(first, np.round(trace.a * (7 / 15)))  # symmetric on a signed port
    assert np.array_equal(second, trace.w & 15)


def test_refused_encodings(layer_trace) -> None:
    with pytest.raises(MultiplierError, match="layer 'conv', weights: encoding 'offset' does not fit a signed port"):
        layer_trace().ports((4, 4), (False, True), encoding_w="offset")
    with pytest.raises(InputError, match="the weight port takes no negative values"):
        layer_trace().ports((4, 4), (False, False), encoding_w="unsigned")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"histogram": np.zeros((4, 4), np.int64)}, "the histogram is"),
        ({"histogram": np.full((16, 16), -1)}, "a count is negative"),
        ({"a": np.zeros(64, np.int32)}, "the sequences have lengths"),
        ({"hold": 5}, "weights are not held for 5 pairs"),
        ({"hold": 0}, "weights are not held for 0 pairs"),
        ({"hold": 16}, "weights are not held for 16 pairs"),
        ({"range_a": (0, 9)}, "activation codes 0..15, stated as 0..9"),
        ({"range_w": (-9, 7)}, "weight codes .* stated as -9..7"),
    ],
)
def test_what_is_no_trace(layer_trace, change, message) -> None:
    with pytest.raises(InputError, match=message):
        replace(layer_trace(), **change)


def test_zero_point_must_be_a_code(layer_trace) -> None:
    with pytest.raises(InputError, match="zero point 16 is no activation code"):
        layer_trace(zero_point=16)


@pytest.fixture
def file(layer_trace, tmp_path: Path) -> Path:
    path = tmp_path / "traces" / "t.npz"
    write_trace(path, OperandTrace.of("some run", 12, [layer_trace("conv"), layer_trace("fc.1", signed_a=True)]))
    return path


def test_file_brings_back_everything(layer_trace, file: Path) -> None:
    trace = read_trace(file)
    assert (trace.source, trace.images, list(trace), len(trace)) == ("some run", 12, ["conv", "fc.1"], 2)
    for name, written in (("conv", layer_trace("conv")), ("fc.1", layer_trace("fc.1", signed_a=True))):
        read = trace[name]
        for field in ("layer", "bits_a", "bits_w", "signed_a", "signed_w", "range_a", "range_w", "hold"):
            assert getattr(read, field) == getattr(written, field)
        for field in ("histogram", "a", "w"):
            assert np.array_equal(getattr(read, field), getattr(written, field))
            assert getattr(read, field).dtype == getattr(written, field).dtype
        for field in ("rows", "row_group", "weights", "output_scale", "groups", "zero_point_a", "output_std"):
            assert np.array_equal(getattr(read.sample, field), getattr(written.sample, field))


def test_other_files_are_no_trace_and_not_damaged(file: Path) -> None:
    np.save(file.with_name("some.npy"), np.zeros(4))
    np.savez(file.with_name("tables.npz"), mul8u=np.zeros((4, 4)))
    for name in ("some.npy", "tables.npz"):
        with pytest.raises(InputError, match=f"{name}: .*no operand trace, as `agnsim trace RUN_DIR` writes") as error:
            read_trace(file.with_name(name))
        assert "damaged" not in str(error.value)


def test_same_trace_makes_the_same_bytes(file: Path, tmp_path: Path) -> None:
    write_trace(tmp_path / "again.npz", read_trace(file))
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()
    assert [path.name for path in file.parent.iterdir()] == ["t.npz"]


def test_file_is_plain_npz(layer_trace, file: Path) -> None:
    with np.load(file) as arrays:
        assert arrays["layers"].tolist() == ["conv", "fc.1"]
        assert np.array_equal(arrays["1.histogram"], layer_trace("fc.1", signed_a=True).histogram)
        assert arrays["0.a"].dtype == np.int32


def test_file_and_layer_in_one_word(file: Path) -> None:
    assert read_trace_at(f"{file}:fc.1")[1] == ("fc.1",)
    assert read_trace_at(str(file))[1] == ("conv", "fc.1")
    with pytest.raises(UnknownName, match=r"no layer 'fc'\. Did you mean 'fc.1'"):
        read_trace_at(f"{file}:fc")
    with pytest.raises(InputError, match=r"nowhere\.npz: no such file"):
        read_trace_at("nowhere.npz:conv")


def read_everything(path: Path) -> None:
    for layer in read_trace(path).values():
        layer.ports((8, 8), (True, True))


def rewritten(path: Path, **changes: np.ndarray | None) -> None:
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    kept |= {name.replace("_0_", "0."): value for name, value in changes.items()}
    write_arrays(path, {name: value for name, value in kept.items() if value is not None})


def with_setting(column: int, value: int) -> np.ndarray:
    known = [4, 4, 0, 1, 0, 15, -7, 7, 0, 8, 1, 6, 3]
    return np.array([known, known]) + np.eye(13, dtype=np.int64)[column] * (value - known[column])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": np.array(9)}, "format 9; this agnsim reads 1"),
        ({"format": None}, "has no array 'format'"),
        ({"layers": np.array(["a", "a"])}, "a layer occurs twice"),
        ({"layers": np.array(["a", "b", "c"])}, "'settings' has shape"),
        ({"images": np.array(0)}, "number of images"),
        ({"images": np.array([1.5])}, "'images' has dtype float64; it must be int64"),
        ({"settings": np.zeros((2, 12), np.int64)}, "'settings' has shape"),
        ({"settings": with_setting(0, 40)}, "codes of 40 x 4 bits"),
        ({"settings": with_setting(0, 2**62)}, "bits can't be traced"),
        ({"settings": with_setting(0, 5)}, "0.histogram' has shape"),
        ({"settings": with_setting(9, 7)}, "not held for 7 pairs"),
        ({"settings": with_setting(8, 99)}, "zero point 99"),
        ({"settings": with_setting(10, 2)}, "3 channels of 6 weights in 2 groups"),
        ({"settings": with_setting(10, 0)}, "in 0 groups"),
        ({"settings": with_setting(11, 2**60)}, "are no layer"),
        ({"settings": with_setting(12, -1)}, "are no layer"),
        ({"_0_rows": np.zeros((0, 6), np.int32), "_0_row_group": np.zeros(0, np.int64)}, "no receptive fields"),
        ({"_0_rows": np.full((5, 6), 77, np.int32)}, "sampled activation codes lie outside"),
        ({"_0_weights": np.full((3, 6), 8, np.int32)}, "sampled weight codes lie outside"),
        ({"_0_row_group": np.full(5, 4)}, "one of a group that is not there"),
        ({"_0_output_scale": np.array([1.0, np.nan, 1.0])}, "not finite"),
        ({"output_std": np.array([np.inf, 1.0])}, "not finite"),
        ({"_0_a": np.zeros((2, 64), np.int32)}, "0.a' has shape"),
        ({"_0_a": None}, "has no array '0.a'"),
        ({"_0_histogram": np.full((16, 16), -5)}, "count is negative"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_file_is_refused(file: Path, changes, message) -> None:
    rewritten(file, **changes)
    with pytest.raises(InputError, match=message):
        read_everything(file)


def test_file_that_promises_terabytes_is_refused(file: Path) -> None:
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("0.a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(InputError, match=r"0\.a' has shape \(99999999999,\)"):
        read_everything(file)


def test_pickles_are_refused(file: Path) -> None:
    with np.load(file) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    np.savez(file, **kept | {"source": np.array([{"a": 1}])})
    with pytest.raises(InputError, match="'source' has dtype object; it must be text"):
        read_trace(file)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_file_is_an_input_error_and_nothing_else(file: Path, data: st.DataObject) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = file.with_name("damaged.npz")
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with contextlib.suppress(InputError, UnknownName):
        read_everything(damaged)
