"""`agnsim trace` rebuilds a trial, counts what its layers multiply on calibration images, and writes it."""

import json

import numpy as np
import pytest

from agnsim.errors import InputError, RunFolderError
from agnsim.experiment.prepare import prepare_evaluation
from agnsim.experiment.run_folder import read_study
from agnsim.experiment.store import TrialStore
from agnsim.experiment.trace import trace_run
from agnsim.multipliers.operands.operand_trace_files import read_trace
from agnsim.nn import sample_operands
from agnsim.progress import SilentProgress


def trial_of(run, kind):
    rows = json.loads((run / "record.json").read_text())["trials"]
    return next(row for row in rows if row["kind"] == kind)["trial"]


@pytest.fixture(scope="module")
def traced(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("trace") / "t.npz"
    return trace_run(tiny_run, images=20, length=640, out=out), out


def test_quantised_network_is_traced_by_default(tiny_run, traced):
    facts, out = traced
    assert (facts["trial"], facts["images"], facts["file"]) == (trial_of(tiny_run, "quantized"), 20, str(out))
    trace = read_trace(out)
    assert trace.images == 20
    assert f"trial {facts['trial']} (quantized)" in trace.source
    assert [row["layer"] for row in facts["layers"]] == list(trace)


def test_every_multiplication_is_counted(tiny_run, traced):
    shapes = {row["name"]: row for row in json.loads((tiny_run / "record.json").read_text())["layers"]}
    for name, layer in read_trace(traced[1]).items():
        assert layer.macs == 20 * shapes[name]["macs"]
        assert len(layer.a) == 640


def test_sample_is_what_the_error_model_draws_itself(tiny_run, traced):
    study = read_study(tiny_run)
    context = prepare_evaluation(study, TrialStore(tiny_run), SilentProgress())
    model = context.restore(context.store.find(traced[0]["trial"]))
    images = context.calibration_batches()[0][:20]  # calibration images, which nothing is reported on
    drawn = sample_operands(model, [images], rows=study.match.rows, seed=study.seed)
    for name, layer in read_trace(traced[1]).items():
        assert np.array_equal(layer.sample.rows, drawn[name].rows)
        assert np.array_equal(layer.sample.weights, drawn[name].weights)
        assert layer.sample.output_std == drawn[name].output_std


def test_emulated_network_is_traced_with_its_circuits(tiny_run, tmp_path):
    trial = trial_of(tiny_run, "heterogeneous")
    facts = trace_run(tiny_run, trial, images=4, length=64, out=tmp_path / "t.npz")
    assert facts["trial"] == trial
    assert facts["layers"][0]["macs"] > 0


def test_same_trace_twice_is_the_same_file(tiny_run, traced, tmp_path):
    trace_run(tiny_run, images=20, length=640, out=tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == traced[1].read_bytes()


def test_refusals(tiny_run, own_run):
    with pytest.raises(InputError, match="--images 65: this run has 64 calibration images"):
        trace_run(tiny_run, images=65)
    with pytest.raises(InputError, match="length: 100"):
        trace_run(tiny_run, length=100, images=2)
    with pytest.raises(RunFolderError, match=r"\(float\) has no quantised layers to trace"):
        trace_run(tiny_run, trial_of(tiny_run, "float"))
    record = json.loads((own_run / "record.json").read_text())
    record["trials"] = [row for row in record["trials"] if row["kind"] != "quantized"]
    (own_run / "record.json").write_text(json.dumps(record))
    with pytest.raises(RunFolderError, match="the run has no quantised network"):
        trace_run(own_run)


def test_command_writes_into_the_run_folder(own_run, agnsim_command, mistake):
    result = agnsim_command("trace", own_run, "--images", 8, "--length", 128, "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["file"] == str(own_run / f"operands-{facts['trial']}.npz")
    assert len(read_trace(own_run / f"operands-{facts['trial']}.npz")) == len(facts["layers"])
    assert agnsim_command("trace", own_run, "--images", 8).stdout.splitlines()[0].split()[0] == "layer"
    assert "no trial 'nothing'" in mistake("trace", own_run, "--trial", "nothing")
    # A run folder with a trace in it can still be resumed.
    assert agnsim_command("run", own_run / "config.yaml", "--out", own_run).exit_code == 0
