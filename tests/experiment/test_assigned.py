"""Assigned networks: which circuits they state, what retraining inherits, and every way to correct their mean error."""

import json

import pytest

from agnsim.experiment import evaluate_trial, run_study


def test_widths_are_stated_where_all_layers_share_them(write_study, tmp_path):
    changes = {
        "library.include": ["mul8u_array", "mul6u_array"],
        "narrow": None,
        "uniform": {},
        "search.noise_weights": [0.5],
        "retrain": None,
    }
    run = run_study(write_study(changes), out=tmp_path / "out")
    found = {}
    for trial in json.loads((run / "record.json").read_text())["trials"]:
        used = {layer["multiplier"] for layer in trial["layers"]} or {trial["multiplier"]}
        found[trial["kind"], frozenset(used)] = sorted([trial["bits_a"], trial["bits_b"]], key=str)
    assert found["uniform", frozenset({"mul8u_array"})] == [8, 8]
    assert found["uniform", frozenset({"mul6u_array"})] == [6, 6]


def test_retrained_network_inherits_what_it_is(tiny_run):
    trials = json.loads((tiny_run / "record.json").read_text())["trials"]
    before = {t["multiplier"]: t for t in trials if t["kind"] == "heterogeneous" and not t["retrained"]}
    retrained = [t for t in trials if t["kind"] == "heterogeneous" and t["retrained"]]
    assert len(retrained) == 2
    for trial in retrained:
        start = before[trial["multiplier"]]
        for name in ("method", "noise_weight", "multiplier_energy", "distinct_multipliers", "layers"):
            assert trial[name] == start[name]
        assert trial["history"]
        assert not start["history"]


ROUTES = {
    "fold predicted means": {"match.fold_mean": "predicted"},
    "fold nothing, batch norm": {"match.fold_mean": "none", "match.batch_norm_images": 80},
    "train in integers, learn scales, distil, halve the test set": {
        "quantization_aware_training": {"epochs": 1, "lr": 0.005, "distillation": 0.5, "optimizer": "adam"},
        "quantization.learnable": True,
        "data.selection": "test_half",
        "retrain.schedule": "step",
        "retrain.label_smoothing": 0.1,
        "retrain.max_steps": 3,
        "retrain.gradient": "difference(half_window=4)",
    },
}


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_to_a_network_is_reproduced(write_study, tmp_path, route):
    changes = {"narrow": None, "uniform.retrain": None, "search.noise_weights": [0.3], **ROUTES[route]}
    run = run_study(write_study(changes), out=tmp_path / "out")
    trials = json.loads((run / "record.json").read_text())["trials"]
    assert [t["kind"] for t in trials].count("quantized") == (2 if "quantization_aware_training" in changes else 1)
    for trial in trials:
        if trial["kind"] in ("quantized", "heterogeneous"):
            found = evaluate_trial(run, trial["trial"])
            assert found["exact"], trial
            halves = "data.selection" in changes
            assert (found["total"], found["selection"]["total"]) == ((60, 60) if halves else (120, 80))
