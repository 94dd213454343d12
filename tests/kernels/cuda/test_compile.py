"""Every kernel variant compiles for every supported generation of GPUs; no GPU is needed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from agnsim.errors import EngineUnavailable
from agnsim.kernels.cuda import compile as compilation
from agnsim.kernels.cuda import table
from agnsim.kernels.cuda.arguments import Kernel

FACTORED = [
    Kernel("factored/factored_conv2d.cu", "factored_conv2d", (f"KIND={kind}", f"NT={tiles}", f"FLUSH={flush}"))
    for kind, tiles, flush in [
        *itertools.product(("F16", "S8", "U8"), (1, 2, 4), ("false",)),
        ("F16", 2, "true"),
    ]
]
KERNELS = [
    Kernel("pack/pack.cu", "pack_channels"),
    Kernel("pack/pack.cu", "pack_fields"),
    Kernel("gather_conv2d/gather_conv2d.cu", "gather_conv2d"),
    Kernel("depthwise/depthwise.cu", "depthwise"),
    *(
        Kernel("table_conv2d/table_conv2d.cu", "table_conv2d", (f"PER_THREAD={count}",))
        for count in table.POSITIONS_PER_THREAD
    ),
    *FACTORED,
]


@pytest.fixture(autouse=True)
def _with_nvrtc_and_an_empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        compilation.nvrtc()
    except EngineUnavailable as refusal:
        pytest.skip(str(refusal))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_100"])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: "-".join([kernel.name, *kernel.defines]))
def test_compiles(kernel: Kernel, architecture: str) -> None:
    assert compilation.compiled(kernel, architecture)[:4] == b"\x7fELF"


def test_machine_code_is_kept_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = compilation.compiled(KERNELS[0], "sm_90")
    monkeypatch.setattr(compilation, "_compile", lambda *_: pytest.fail("compiled again"))
    assert compilation.compiled(KERNELS[0], "sm_90") == first


def test_without_a_writable_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compilation.compiled(KERNELS[0], "sm_90")


def test_a_refused_source_shows_the_compilers_log() -> None:
    broken = Kernel("table_conv2d/table_conv2d.cu", "table_conv2d", ("PER_THREAD=nonsense",))
    with pytest.raises(EngineUnavailable, match=r'(?s)NVRTC refuses table_conv2d.*identifier "nonsense" is undefined'):
        compilation.compiled(broken, "sm_90")


@pytest.mark.parametrize(("capability", "found"), [((8, 0), "sm_80"), ((9, 0), "sm_90"), ((99, 0), "compute_")])
def test_target(capability: tuple[int, int], found: str) -> None:
    assert compilation.target(capability).startswith(found)


def test_an_old_gpu_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match=r"not for compute capability 7\.5"):
        compilation.target((7, 5))


def test_a_newer_gpu_gets_ptx() -> None:
    newest = compilation.target((99, 0))
    assert b".version" in compilation.compiled(KERNELS[0], newest)
