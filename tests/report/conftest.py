"""A record that looks like a CIFAR-10 study: 20 layers, narrow exact rivals, uniform and heterogeneous trials."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FLOAT = 91.73
UNIFORM = {  # name: energy ratio, rank, accuracy without retraining, accuracy retrained
    "mul8s_1KV8": (0.993, 3, 91.70, 91.75),
    "mul8s_1KV9": (0.965, 4, 91.66, 91.71),
    "mul8s_1KVA": (0.920, 5, 91.31, 91.62),
    "mul8s_1KVM": (0.868, 1, 91.20, 91.60),
    "mul8s_1KVP": (0.854, 3, 91.02, 91.66),
    "mul8s_1KVQ": (0.826, 4, 90.70, 91.58),
    "mul8s_1L2J": (0.708, 1, 87.40, 91.40),
    "mul8s_1KX5": (0.680, 4, 70.20, 90.90),
    "mul8s_1KXF": (0.558, 1, 45.50, 90.10),
    "mul8s_1L2L": (0.471, 1, 30.10, 90.20),
    "mul8s_1L2N": (0.296, 1, 10.80, 84.60),
    "mul8s_1L12": (0.122, 1, 10.00, 33.90),
}
NARROW = {
    (8, 7): (0.86, 91.70),
    (7, 7): (0.75, 91.72),
    (6, 6): (0.55, 91.62),
    (6, 5): (0.455, 91.48),
    (5, 5): (0.375, 91.22),
    (4, 5): (0.30, 90.60),
    (4, 4): (0.235, 89.80),
    (3, 4): (0.17, 87.0),
}


def synthetic_record(*, headline_energy: float | None = None) -> dict[str, Any]:
    """Return the record; `headline_energy` moves the headline trial, to let it win or lose."""
    rng = np.random.default_rng(0)
    layers = _layers()
    trials = [
        _trial("float", FLOAT, None, retrained=None),
        _trial("quantized", 91.70, 1.0, bits=(8, 8), retrained=True),
    ]
    for bits, (energy, accuracy) in NARROW.items():
        trials.append(_trial("narrow", accuracy, energy, bits=bits, multiplier=f"mul{bits[0]}x{bits[1]}u_array"))
    for name, (energy, _, plain, retrained) in UNIFORM.items():
        trials.append(_trial("uniform", plain, energy, multiplier=name, retrained=False))
        trials.append(_trial("uniform", retrained, energy, multiplier=name) | {"history": _history(retrained)})
    searches = []
    for index, weight in enumerate((0.05, 0.1, 0.2, 0.3, 0.4, 0.6)):
        sigma = _sigma(layers, weight, rng)
        searches.append({"noise_weight": weight, "sigma_max": 0.3, "sigma": sigma, "history": _sigma_history(sigma)})
        energy, accuracy = 0.78 - 0.092 * index, 91.78 - 0.11 * index**1.6
        if weight == 0.4 and headline_energy is not None:
            energy = headline_energy
        trial = _trial("heterogeneous", accuracy, energy, noise_weight=weight)
        trial["layers"] = _placements(layers[1:], sigma, rng)
        trial["distinct_multipliers"] = len({row["multiplier"] for row in trial["layers"]})
        trial["history"] = _history(accuracy)
        trials.append(trial)
        before = _trial("heterogeneous", accuracy - 4.0 - 8.0 * index, energy, noise_weight=weight, retrained=False)
        trials.append(before | {"layers": trial["layers"], "distinct_multipliers": trial["distinct_multipliers"]})
    headline = next(t for t in trials if t["kind"] == "heterogeneous" and t["noise_weight"] == 0.4)["trial"]
    digest = _digest("config")
    return {
        "format": 1,
        "study": {
            "name": "ResNet-20 on CIFAR-10",
            "claim": "Learned noise finds a heterogeneous assignment that saves at least 60 % of the multiplication "
            "energy of ResNet-20 at a drop of at most one point.",
            "config_digest": digest,
            "config": {"model": {"name": "resnet20"}, "noise": {"weights": [0.05, 0.1], "sigma_max": 0.3}},
            "command": "agnsim run experiments/cifar10/resnet20.yaml",
        },
        "environment": {
            "agnsim": "0.1.0",
            "python": "3.11.9",
            "torch": "2.15.0",
            "numpy": "2.4.0",
            "numba": "0.64.0",
            "platform": "Linux-6.8-x86_64",
            "cpu": "Intel Xeon",
            "threads": 2,
            "commit": _digest("c")[:40],
            "started": "2026-11-22T10:00:00Z",
            "finished": "2026-11-22T12:31:00Z",
            "seconds": 9060.0,
        },
        "seeds": {"seed": 0},
        "data": {
            "name": "cifar10",
            "classes": 10,
            "train": 50000,
            "selection": 5000,
            "report": 5000,
            "all_test": 10000,
            "digest": _digest("data"),
            "selection_rule": "Chosen on a fixed, seeded half of the test images; the other half is reported.",
        },
        "model": {"name": "resnet20", "parameters": 272474, "macs": sum(layer["macs"] for layer in layers)},
        "reference_multiplier": {
            "name": "mul8s_1KV6",
            "digest": _digest("1KV6"),
            "flow": "evoapproxlib-v2022",
            "technology": "FreePDK45",
        },
        "library": {"name": "evoapprox", "circuits": _circuits()},
        "layers": layers,
        "trials": trials,
        "searches": searches,
        "predictions": _predictions(layers[1:], rng),
        "headline": headline,
        "headline_rule": "The cheapest heterogeneous trial within one point of float on the selection images.",
        "timings": [
            {"stage": "calibrate", "seconds": 12.1, "cached": True},
            {"stage": "search", "seconds": 3300.0, "cached": False},
            {"stage": "retrain", "seconds": 5400.5, "cached": False},
            {"stage": "evaluate", "seconds": 347.0, "cached": False},
        ],
    }


def write_record(folder: Path, record: dict[str, Any]) -> Path:
    """Write a run folder that holds this record and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def only_float(record: dict[str, Any]) -> dict[str, Any]:
    """Reduce a record to what a study that has just begun knows."""
    return record | {
        "trials": record["trials"][:1],
        "headline": None,
        "searches": [],
        "predictions": [],
        "timings": [],
        "layers": [],
        "library": None,
        "reference_multiplier": None,
        "headline_rule": None,
    }


@pytest.fixture
def record() -> dict[str, Any]:
    """A record whose headline is dominated by an exact network."""
    return synthetic_record()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with that record, for tests that only read it."""
    return write_record(tmp_path_factory.mktemp("runs") / "run", synthetic_record())


@pytest.fixture
def winning_record() -> dict[str, Any]:
    """A record whose headline is cheaper than every exact network of its accuracy."""
    return synthetic_record(headline_energy=0.33)


@pytest.fixture
def float_record() -> dict[str, Any]:
    """A record that knows a float network and nothing else."""
    return only_float(synthetic_record())


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a record as a run folder below the test's folder."""

    def write(content: dict[str, Any], name: str = "run") -> Path:
        return write_record(tmp_path / name, content)

    return write


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _layers() -> list[dict[str, Any]]:
    shapes = [("conv1", 3, 16, 32, 3)]
    shapes += [(f"layer1.{b}.conv{c}", 16, 16, 32, 3) for b in range(3) for c in (1, 2)]
    shapes += [(f"layer2.{b}.conv{c}", 16 if b + c == 1 else 32, 32, 16, 3) for b in range(3) for c in (1, 2)]
    shapes += [(f"layer3.{b}.conv{c}", 32 if b + c == 1 else 64, 64, 8, 3) for b in range(3) for c in (1, 2)]
    shapes += [("linear", 64, 10, 1, 1)]
    return [
        {
            "name": name,
            "kind": "linear" if size == 1 else "conv2d",
            "macs": cin * cout * kernel**2 * size**2,
            "fan_in": cin * kernel**2,
            "out_channels": cout,
            "groups": 1,
            "weights": cin * cout * kernel**2,
            "input_shape": [cin, size, size],
            "output_shape": [cout, size, size],
            "excluded": name == "conv1",
        }
        for name, cin, cout, size, kernel in shapes
    ]


def _trial(
    kind: str,
    accuracy: float,
    energy: float | None,
    *,
    multiplier: str | None = None,
    bits: tuple[int, int] | None = None,
    retrained: bool | None = True,
    noise_weight: float | None = None,
) -> dict[str, Any]:
    drop = FLOAT - accuracy
    half = 0.25 + 0.12 * abs(drop) ** 0.5
    identity = _digest(f"{kind} {multiplier} {bits} {retrained} {noise_weight}")
    return {
        "trial": identity[:12],
        "kind": kind,
        "method": kind,
        "model": "resnet20",
        "multiplier": multiplier,
        "retrained": retrained,
        "accuracy_selection": accuracy + 0.08,
        "accuracy_top1": accuracy,
        "accuracy_top5": 99.5,
        "accuracy_top1_all": accuracy + 0.04,
        "accuracy_drop_pp": 0.0 if kind == "float" else drop,
        "drop_low_pp": None if kind == "float" else drop - half,
        "drop_high_pp": None if kind == "float" else drop + half,
        "multiplier_energy": energy,
        "pe_energy": None,
        "on_chip_energy": None,
        "system_energy": None,
        "macs_ratio": 1.0,
        "params_ratio": 1.0,
        "distinct_multipliers": None if kind == "float" else 1,
        "noise_weight": noise_weight,
        "seed": 0,
        "digest": identity,
        "checkpoint": f"checkpoints/{identity[:12]}.safetensors",
        "energy_flow": None if kind == "float" else "unit" if kind == "narrow" else "evoapproxlib-v2022",
        "bits_a": bits[0] if bits else None,
        "bits_b": bits[1] if bits else None,
        "seconds": 41.5,
        "layers": [],
        "history": [],
    }


def _history(accuracy: float) -> list[dict[str, Any]]:
    return [
        {
            "stage": "retrain",
            "epoch": e,
            "loss": 0.9 * 0.8**e + (100 - accuracy) / 100,
            "accuracy": accuracy + 6.0 - 12.0 * 0.7**e,
            "lr": 0.01,
            "seconds": 60.0,
        }
        for e in range(1, 11)
    ]


def _sigma(layers: list[dict[str, Any]], weight: float, rng: np.random.Generator) -> dict[str, float]:
    heaviest = max(layer["macs"] for layer in layers)
    return {
        layer["name"]: float(min(0.3, 0.02 + weight * (layer["macs"] / heaviest) * (0.3 + 0.6 * rng.random())))
        for layer in layers[1:]
    }


def _sigma_history(sigma: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "epoch": e,
            "loss": 0.5 * 0.9**e - 0.02,
            "task_loss": 0.5 * 0.9**e + max(sigma.values()) ** 2,
            "accuracy": 91.0 - 8.0 * 0.8**e - 9 * max(sigma.values()),
            "seconds": 70.0,
            "sigma": {name: 0.05 + (value - 0.05) * (1 - 0.75**e) for name, value in sigma.items()},
        }
        for e in range(1, 13)
    ]


def _placements(
    layers: list[dict[str, Any]], sigma: dict[str, float], rng: np.random.Generator
) -> list[dict[str, Any]]:
    names = list(UNIFORM)
    rows = []
    for layer in layers:
        output_std = float(0.5 + 2 * rng.random())
        tolerance = sigma[layer["name"]] * output_std
        name = names[int(np.clip(11 * (sigma[layer["name"]] / 0.3) ** 0.5 + rng.normal(0, 0.7), 0, 10))]
        predicted = tolerance * (0.5 + 0.5 * rng.random())
        rows.append(
            {
                "layer": layer["name"],
                "multiplier": name,
                "digest": _digest(name),
                "swapped": bool(rng.random() < 0.3),
                "encoding_a": "unsigned",
                "encoding_w": "sign_magnitude",
                "energy_ratio": UNIFORM[name][0],
                "sigma": sigma[layer["name"]],
                "tolerance": tolerance,
                "predicted_std": predicted,
                "predicted_mean": -0.8 * predicted,
                "measured_std": predicted * (0.9 + 0.1 * rng.random()),
                "measured_mean": -0.78 * predicted,
                "output_std": output_std,
            }
        )
    return rows


def _predictions(layers: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for layer in layers:
        for index, name in enumerate(["mul8s_1KV6", *UNIFORM]):
            std = 0.0 if index == 0 else 0.002 * 1.9**index * float(np.exp(rng.normal(0, 0.3)))
            mean = -std * float(rng.uniform(-0.4, 1.5))
            rows.append(
                {
                    "layer": layer["name"],
                    "multiplier": name,
                    "swapped": index % 3 == 0,
                    "encoding_a": "unsigned",
                    "encoding_w": "sign_magnitude",
                    "predicted_mean": mean,
                    "predicted_std": std,
                    "measured_mean": mean * float(np.exp(rng.normal(0, 0.05))),
                    "measured_std": std * float(np.exp(rng.normal(-0.04, 0.06))),
                    "output_std": 1.7,
                }
            )
    return rows


def _circuits() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "digest": _digest(name),
            "family": "evoapprox",
            "source": "evoapproxlib",
            "bits_a": 8,
            "bits_b": 8,
            "signed_a": True,
            "signed_b": True,
            "mae": 1.25 * 1.9**i,
            "wce": int(5 * 1.9**i),
            "mre": 0.001 * 1.5**i,
            "ep": 0.68,
            "mean_error": -1.25 * 1.9**i,
            "error_std": 1.5 * 1.9**i,
            "rank": rank,
            "energy_ratio": energy,
            "area_ratio": energy,
            "delay_ratio": 0.97,
            "flow": "evoapproxlib-v2022",
        }
        for i, (name, (energy, rank, *_)) in enumerate(UNIFORM.items())
    ]
