"""Quantised networks are judged by their deployed graph; what is not deployed says why."""

import json

import pytest
from torch import nn

from agnsim.errors import RunFolderError
from agnsim.experiment import evaluate_trial, run_study
from agnsim.experiment.graphs import evaluated_graph, recorded_graph, training_graph
from agnsim.experiment.prepare import prepare_evaluation
from agnsim.experiment.results import read_results
from agnsim.experiment.run_folder import read_study
from agnsim.experiment.store import TrialStore
from agnsim.nn.deploy import DeployedNetwork
from agnsim.progress import SilentProgress


def record_of(run):
    return json.loads((run / "record.json").read_text())


@pytest.fixture
def context(tiny_run):
    return prepare_evaluation(read_study(tiny_run), TrialStore(tiny_run), SilentProgress())


def test_every_quantised_network_is_judged_by_its_deployed_graph(tiny_run):
    rows = read_results(tiny_run / "results.csv")
    assert {row["kind"]: row["graph"] for row in rows} == {
        kind: "float" if kind == "float" else "deployed"
        for kind in ("float", "quantized", "narrow", "uniform", "heterogeneous")
    }
    for trial in record_of(tiny_run)["trials"]:
        if trial["kind"] != "float":
            selection = trial["training_graph"]["selection"]
            assert selection["total"] == 80
            apart = abs(selection["top1"] - trial["accuracy_selection"]) > 0.1
            assert ("graph_note" in trial) == apart


def test_a_network_that_deployment_refuses_falls_back_and_says_why(write_study, tmp_path):
    changes = {"narrow": None, "uniform": None, "search": None, "retrain": None, "quantization.first_layer": "float"}
    run = run_study(write_study(changes), out=tmp_path / "out")
    _, quantized = record_of(run)["trials"]
    assert quantized["graph"] == "training"
    assert quantized["graph_note"].startswith("Not deployed: layers left in float: 'conv1'")
    assert "training_graph" not in quantized
    found = evaluate_trial(run, quantized["trial"])
    assert (found["graph"], found["match"]) == ("training", True)


def test_a_float_network_is_its_own_graph():
    model = nn.Linear(2, 2)
    assert evaluated_graph("float", model) == (model, {"graph": "float"})


def test_deployed_accuracies_have_no_tolerance_and_others_have(own_run):
    record = record_of(own_run)
    for row in record["trials"]:
        row["accuracy_top1"] += 0.01 if row["accuracy_top1"] < 99 else -0.01
    (own_run / "record.json").write_text(json.dumps(record))
    by_kind = {row["kind"]: row["trial"] for row in record["trials"]}
    assert evaluate_trial(own_run, by_kind["float"])["match"]
    found = evaluate_trial(own_run, by_kind["quantized"])
    assert (found["graph"], found["exact"], found["match"]) == ("deployed", True, False)


def test_trials_of_earlier_versions_are_evaluated_by_their_training_graph(own_run, context):
    trial = next(row["trial"] for row in record_of(own_run)["trials"] if row["kind"] == "quantized")
    path = own_run / "trials" / f"{trial}.json"
    content = json.loads(path.read_text())
    for name in ("graph", "graph_note", "training_graph"):
        content["outcome"].pop(name, None)
    path.write_text(json.dumps(content))
    record = record_of(own_run)
    for row in record["trials"]:
        row.pop("graph")
    (own_run / "record.json").write_text(json.dumps(record))
    lines = (own_run / "results.csv").read_text().splitlines()
    later = len(lines[0].split(",")) - lines[0].split(",").index("graph")
    earlier = [line.rsplit(",", later)[0] for line in lines]
    (own_run / "results.csv").write_text("\n".join(earlier) + "\n")
    found = TrialStore(own_run).find(trial)
    model = context.restore(found)
    assert recorded_graph(found, model) is model
    assert evaluate_trial(own_run, trial)["graph"] == "training"


@pytest.mark.parametrize("graph", ["training", "nonsense"])
def test_a_trial_file_that_names_another_graph_than_the_run_is_refused(graph, own_run):
    trial = next(row["trial"] for row in record_of(own_run)["trials"] if row["kind"] == "quantized")
    path = own_run / "trials" / f"{trial}.json"
    content = json.loads(path.read_text())
    content["outcome"]["graph"] = graph
    path.write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match=f"'{graph}' graph according to its trial file, by 'deployed'"):
        evaluate_trial(own_run, trial)


def test_where_the_graphs_are_apart_the_layer_is_named(context, tiny_run):
    trial = next(row["trial"] for row in record_of(tiny_run)["trials"] if row["kind"] == "quantized")
    model = context.restore(context.store.find(trial))
    network, choice = evaluated_graph("quantized", model)
    assert isinstance(network, DeployedNetwork)
    assert choice == {"graph": "deployed"}
    fixed = context.splits, context.study, SilentProgress()
    top1 = training_graph(model, model, {}, *fixed, context.calibration_batches)
    assert top1 == {}
    network.layers[2].rescaling.multiplier.zero_()
    found = training_graph(model, network, {"selection": {"top1": 1.0}}, *fixed, context.calibration_batches)
    assert set(found["training_graph"]["selection"]) == {"correct", "total", "top1"}
    assert "the deployed one 1.00 %; activation codes differ most at the input of layer '" in found["graph_note"]
