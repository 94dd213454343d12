"""Data sets by name and from files."""

import sys
from pathlib import Path

import numpy as np
import pytest

from agnsim.data import load_dataset, source_from_arrays
from agnsim.errors import DataError, InputError, UnknownName


def arrays(shape: tuple[int, ...] = (5, 4, 3), dtype: type = np.uint8) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.integers(0, 256, (8, *shape)).astype(dtype),
        "y_train": np.arange(8) % 4,
        "x_test": generator.integers(0, 256, (4, *shape)).astype(dtype),
        "y_test": np.arange(4),
    }


def test_digits_have_a_fixed_stratified_split() -> None:
    source = load_dataset("digits")
    assert source.train_images.shape == (1297, 1, 8, 8)
    assert source.test_images.shape == (500, 1, 8, 8)
    assert source.train_images.dtype == np.float32
    assert (source.train_images.min(), source.train_images.max()) == (0, 1)
    counts = np.bincount(source.test_labels)
    assert counts.min() >= 48
    assert counts.max() <= 52
    assert source.digest == load_dataset("digits").digest
    assert abs(source.train_images.mean() - source.mean[0]) < 0.005
    assert abs(source.train_images.std() - source.std[0]) < 0.005


def test_npz_layouts_agree(tmp_path: Path) -> None:
    given = arrays()
    np.savez(tmp_path / "last.npz", **given)
    first = {k: v.transpose(0, 3, 1, 2) if k[0] == "x" else v[:, None] for k, v in given.items()}
    np.savez_compressed(tmp_path / "first.npz", **first)
    a = load_dataset("npz", path="last.npz", root=tmp_path)
    b = load_dataset("npz", path=str(tmp_path / "first.npz"))
    assert a.digest == b.digest
    assert (a.in_channels, a.image_size, a.num_classes) == (3, (5, 4), 4)
    expected = (given["x_train"] / 255).reshape(-1, 3)
    np.testing.assert_allclose(a.mean, expected.mean(0))
    np.testing.assert_allclose(a.std, expected.std(0))


def test_npz_grey_images_without_a_channel_side_and_wide_dtypes() -> None:
    grey = source_from_arrays(arrays((5, 4), np.int64), name="g", origin="g")
    assert grey.train_images.shape == (8, 1, 5, 4)
    assert grey.train_images.dtype == np.uint8
    assert source_from_arrays(arrays((5, 4), np.float64), name="g", origin="g").train_images.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "lacks y_test"),
        ({"x_train": np.zeros((8, 3, 4, 3), np.uint8)}, "give the option layout"),
        ({"x_train": np.zeros(8)}, r"shape \[8\]"),
        ({"x_train": np.full((8, 5, 4, 3), 256)}, "int64 from 256 to 256; integers must be 0..255"),
        ({"x_train": np.full((8, 5, 4, 3), "a")}, "uint8 or floating"),
        ({"x_train": np.full((8, 5, 4, 3), 1e300)}, "training image 0 holds inf"),
        ({"x_train": [[1, 2], [3]]}, "no array"),
        ({"y_train": np.zeros(8)}, "float64; labels are integers"),
        ({"y_train": np.eye(8, dtype=int)}, "not one-hot rows"),
    ],
)
def test_arrays_that_are_no_data_set(changes: dict[str, object], message: str) -> None:
    given = {k: v for k, v in (arrays() | changes).items() if v is not None}
    with pytest.raises(DataError, match=message) as raised:
        source_from_arrays(given, name="own", origin="own.npz")
    assert str(raised.value).startswith("own.npz")


def test_npz_file_errors(tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match=r"broken.npz cannot be read"):
        load_dataset("npz", path="broken.npz", root=tmp_path)
    np.savez(tmp_path / "objects.npz", x_train=np.array([{}], dtype=object))
    with pytest.raises(DataError, match=r"objects.npz cannot be read"):
        load_dataset("npz", path="objects.npz", root=tmp_path)
    with pytest.raises(DataError, match=r"no data file 'none.npz': looked for none.npz and "):
        load_dataset("npz", path="none.npz", root=tmp_path)


def test_names_and_options() -> None:
    with pytest.raises(UnknownName, match=r"unknown data set 'digit'\. Did you mean 'digits'"):
        load_dataset("digit")
    with pytest.raises(InputError, match=r"data set 'npz' needs the option path"):
        load_dataset("npz")
    with pytest.raises(InputError, match=r"data set 'digits' takes no option 'size'"):
        load_dataset("digits", size=3)
    source = load_dataset("digits", mean=[0], std=[2], augmentation="crop_flip", train_limit=9)
    assert (source.mean, source.std, source.augmentation, len(source.train_labels)) == ((0,), (2,), "crop_flip", 9)


def test_cifar10_from_the_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "cifar10.npz", **arrays((32, 32, 3)))
    monkeypatch.setenv("AGNSIM_DATA", str(tmp_path))
    source = load_dataset("cifar10")
    assert source.train_images.shape == (8, 3, 32, 32)
    assert (source.num_classes, source.mean, source.augmentation) == (10, (0.485, 0.456, 0.406), "crop_flip")
    np.savez(tmp_path / "cifar10.npz", **arrays((28, 28, 3)))
    with pytest.raises(DataError, match=r"cifar10.npz: x_train is uint8 \[8, 28, 28, 3\]"):
        load_dataset("cifar10")


def test_cifar10_download_that_fails_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision.datasets

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", offline)
    with pytest.raises(DataError, match=r"no network. Put cifar10.npz .* set AGNSIM_DATA"):
        load_dataset("cifar10", root=tmp_path)


def test_image_folder(tmp_path: Path) -> None:
    from PIL import Image

    for part, count in (("train", 3), ("test", 1)):
        for shade, name in ((10, "cat"), (200, "dog")):
            (tmp_path / part / name).mkdir(parents=True)
            for index in range(count):
                Image.new("RGB", (20, 12), (shade, shade, index)).save(tmp_path / part / name / f"{index}.png")
    source = load_dataset("image_folder", path=str(tmp_path), image_size=16)
    assert source.train_images.shape == (6, 3, 16, 16)
    assert source.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert source.train_images[:, 0, 3, 3].tolist() == [10, 10, 10, 200, 200, 200]
    (tmp_path / "test" / "dog" / "0.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"dog/0.png cannot be read as an image"):
        load_dataset("image_folder", path=str(tmp_path))
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "fox")
    with pytest.raises(DataError, match=r"fox/0.png|other classes: dog, fox"):
        load_dataset("image_folder", path=str(tmp_path))
    with pytest.raises(DataError, match="no folder"):
        load_dataset("image_folder", path=str(tmp_path / "train"))


def test_own_callable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"own_data_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(
        "import numpy as np\n"
        "def arrays(count=6):\n"
        "    x, y = np.zeros((count, 4, 4), np.uint8), np.arange(count) % 3\n"
        "    return {'x_train': x, 'y_train': y, 'x_test': x, 'y_test': y, 'num_classes': 5}\n"
        "def number():\n"
        "    return 3\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    source = load_dataset(f"{module}:arrays", count=7)
    assert (len(source.train_labels), source.num_classes, source.std) == (7, 5, (1.0,))
    with pytest.raises(DataError, match=r"returned a int; it must return a DataSource"):
        load_dataset(f"{module}:number")
