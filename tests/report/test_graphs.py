"""The report says which graph its accuracies are of, and where deployment loses some."""

from agnsim.report.graphs import graphs
from agnsim.report.page import render
from agnsim.report.record import Record


def with_graphs(content, changes):
    for trial in content["trials"]:
        trial.update({"graph": "float" if trial["kind"] == "float" else "deployed"})
    for index, change in changes.items():
        content["trials"][index].update(change)
    return Record.model_validate(content)


def test_counts_and_notes(record):
    note = "Not deployed: layers <b> left in float"
    made = with_graphs(record, {2: {"graph": "training", "graph_note": note}})
    found = graphs(made)
    count = len(made.trials) - 2
    assert f"{count} of the deployed graph (integers from the image" in found.sentence
    assert "1 of the training graph" in found.sentence
    assert found.notes == [(made.trials[2].trial, made.trials[2].label, note)]
    page = render([made])
    assert "1 network not deployed, or more than 0.1 points" in page
    assert "layers &lt;b&gt; left in float" in page


def test_a_record_of_earlier_versions_says_nothing(record):
    made = Record.model_validate(record)
    assert graphs(made).sentence == ""
    assert "not deployed, or more than" not in render([made])
