from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from agnsim.errors import InputError, RunFolderError
from agnsim.report import write_report

Write = Callable[..., Path]

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects what the tests ask about; fails on elements that are not closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        # Five megabytes that are plotly's own business; an empty script keeps the elements aligned.
        self.feed(source.replace(get_plotlyjs(), "/* plotly */"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        (self.scripts if inside == "script" else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.tags if "id" in attrs]

    @property
    def specs(self) -> dict[str, Any]:
        names = [attrs.get("id") for tag, attrs in self.tags if tag == "script"]
        return {name: json.loads(body) for name, body in zip(names, self.scripts, strict=True) if name is not None}


@pytest.fixture(scope="module")
def page(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    target = tmp_path_factory.mktemp("page") / "report.html"
    return Page(write_report([run_folder], target).read_text(encoding="utf-8"))


def test_default_place_and_no_temporary_file_left(record: dict[str, Any], write_run: Write) -> None:
    folder = write_run(record)
    assert write_report([folder]) == folder / "report.html"
    assert sorted(path.name for path in folder.iterdir()) == ["record.json", "report.html"]


def test_same_record_gives_the_same_bytes(record: dict[str, Any], write_run: Write, tmp_path: Path) -> None:
    folder = write_run(record)
    first, second = write_report([folder]), write_report([folder], tmp_path / "again.html")
    assert first.read_bytes() == second.read_bytes()


def test_page_is_plotly_and_little_else(record: dict[str, Any], write_run: Write) -> None:
    written = write_report([write_run(record)]).read_text(encoding="utf-8")
    assert written.count(get_plotlyjs()[:2000]) == 1
    assert len(written) - len(get_plotlyjs()) < 600_000


def test_page_has_every_section_and_figure(page: Page) -> None:
    for section in ("front", "limits", "layers", "sigma", "errors", "training", "trials", "circuits", "provenance"):
        assert f"run1-s-{section}" in page.ids
    for figure in ("front", "assignment", "sigma", "errors-std", "errors-mean", "training-loss", "search-sigma"):
        assert f"run1-{figure}-plot-spec" in page.specs
    assert len(page.ids) == len(set(page.ids))


def test_links_inside_the_page_lead_somewhere(page: Page) -> None:
    targets = {(attrs["href"] or "")[1:] for tag, attrs in page.tags if tag == "a"}
    assert targets
    assert targets <= set(page.ids)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    for tag, attrs in page.tags:
        assert "src" not in attrs
        assert tag not in ("link", "iframe", "img", "object")
        assert (attrs.get("href") or "#").startswith("#")
    policy = next(attrs["content"] or "" for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_the_button_that_sends_charts_to_a_server_is_off(page: Page) -> None:
    assert '"sendChartToCloud"' in page.scripts[-1]
    assert 'plotlyServerURL: ""' in page.scripts[-1]


def test_plots_have_words_for_those_who_do_not_see_them(page: Page) -> None:
    plots = [attrs for _, attrs in page.tags if attrs.get("role") == "img"]
    assert len(plots) == len(page.specs)
    assert all(attrs["aria-label"] for attrs in plots)
    assert [tag for tag, _ in page.tags if tag == "h1"] == ["h1"]


def test_headline_and_rival_are_stated(page: Page) -> None:
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "saves 58.8 % of the multiplication energy of the exact reference (mul8s_1KV6)" in text
    assert "(paired 95 % interval of the drop: 0.59 to 1.33)" in text
    assert "the exact rival wins by 3.7 points of energy" in text
    assert "not computed" in text


def test_front_shows_rival_and_greys_what_it_dominates(page: Page) -> None:
    front = page.specs["run1-front-plot-spec"]
    names = [trace["name"] for trace in front["data"]]
    assert names[0] == "exact front (the rival)"
    assert "dominated by the exact front (31)" in names
    drawn = sum(len(trace["x"]) for trace in front["data"] if trace["mode"] == "markers" and trace["x"] != [None])
    assert drawn == 45
    assert "hollow: not retrained" in names
    assert front["layout"]["yaxis"]["range"][0] == pytest.approx(86.73)


def test_error_bars_turn_the_drop_interval_over(page: Page, record: dict[str, Any]) -> None:
    front = page.specs["run1-front-plot-spec"]
    trace = next(trace for trace in front["data"] if trace["name"].startswith("narrow exact"))
    index = next(i for i, value in enumerate(trace["error_y"]["array"]) if value is not None)
    trial = next(t for t in record["trials"] if t["kind"] == "narrow" and t["multiplier_energy"] == trace["x"][index])
    assert trace["error_y"]["array"][index] == pytest.approx(trial["accuracy_drop_pp"] - trial["drop_low_pp"])
    assert trace["error_y"]["arrayminus"][index] == pytest.approx(trial["drop_high_pp"] - trial["accuracy_drop_pp"])


def test_every_figure_is_one_that_plotly_knows(page: Page) -> None:
    for spec in page.specs.values():
        go.Figure(data=spec["data"], layout=spec["layout"])


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def test_names_from_users_stay_text(record: dict[str, Any], write_run: Write) -> None:
    for trial in record["trials"]:
        trial["pe_energy"] = trial["multiplier_energy"]
    harmless = Page(write_report([write_run(record, "plain")]).read_text(encoding="utf-8"))
    record["study"] |= {"name": EVIL, "claim": EVIL, "command": EVIL, "config": {EVIL: EVIL}}
    record["model"]["name"] = record["data"]["name"] = record["data"]["selection_rule"] = EVIL
    record["reference_multiplier"]["name"] = record["library"]["name"] = record["headline_rule"] = EVIL
    record["environment"] = {EVIL: EVIL}
    for circuit in record["library"]["circuits"]:
        circuit |= {"name": EVIL, "family": EVIL, "source": EVIL, "flow": EVIL}
    for layer in record["layers"]:
        layer["name"] += EVIL
    for trial in record["trials"]:
        trial["multiplier"] = trial["energy_flow"] = trial["method"] = trial["pe_label"] = EVIL
        trial["pe_energy"] = trial["multiplier_energy"]
        trial["trial"] += EVIL
        for row in trial["layers"]:
            row |= {"multiplier": EVIL, "encoding_a": EVIL, "layer": row["layer"] + EVIL}
        for epoch in trial["history"]:
            epoch["stage"] = EVIL
    for row in record["predictions"]:
        row |= {"multiplier": EVIL, "layer": row["layer"] + EVIL}
    for search in record["searches"]:
        search["sigma"] = {name + EVIL: value for name, value in search["sigma"].items()}
    for timing in record["timings"]:
        timing["stage"] = EVIL
    record["headline"] += EVIL
    page = Page(write_report([write_run(record)]).read_text(encoding="utf-8"))
    count = [tag for tag, _ in page.tags].count
    assert count("script") == len(harmless.scripts)
    assert count("img") == 0
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert EVIL in "".join(page.words)
    # Plotly reads a subset of HTML in labels, so the figures hold the names escaped once more.
    assert "<img" not in json.dumps(page.specs)
    assert "&lt;img" in json.dumps(page.specs)


def test_a_study_that_has_just_begun_has_a_report(float_record: dict[str, Any], write_run: Write) -> None:
    page = Page(write_report([write_run(float_record)]).read_text(encoding="utf-8"))
    assert page.specs == {}
    assert "No trial of this study is its headline" in page.text
    assert "run1-s-trials" in page.ids


def test_a_study_without_any_trial_has_a_report(float_record: dict[str, Any], write_run: Write) -> None:
    Page(write_report([write_run(float_record | {"trials": []})]).read_text(encoding="utf-8"))


OPTIONAL = ("accuracy_top1", "accuracy_selection", "accuracy_drop_pp", "drop_low_pp", "multiplier_energy", "retrained",
            "noise_weight", "distinct_multipliers", "multiplier", "bits_a", "energy_flow", "seconds")  # fmt: skip


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_figure_missing_everywhere_leaves_a_page(record: dict[str, Any], write_run: Write, name: str) -> None:
    for trial in record["trials"]:
        trial[name] = None
    Page(write_report([write_run(record)]).read_text(encoding="utf-8"))


def test_missing_measurements_leave_a_page(record: dict[str, Any], write_run: Write) -> None:
    for row in [*record["predictions"], *(row for trial in record["trials"] for row in trial["layers"])]:
        row |= {"measured_std": None, "measured_mean": None, "output_std": None, "energy_ratio": None, "sigma": None}
    page = Page(write_report([write_run(record)]).read_text(encoding="utf-8"))
    assert "run1-s-errors" not in page.ids


def test_hundreds_of_trials_keep_the_page_small(record: dict[str, Any], write_run: Write) -> None:
    copies = [
        trial | {"trial": f"{trial['trial']}-{index}"} for index in range(5) for trial in record["trials"] if index
    ]
    record["trials"] += copies
    record["predictions"] *= 20
    written = write_report([write_run(record)]).read_text(encoding="utf-8")
    assert len(written) - len(get_plotlyjs()) < 3_000_000
    drawn = Page(written).specs["run1-errors-std-plot-spec"]["data"][1]
    assert len(drawn["x"]) <= 3000


def test_several_runs_share_a_page(
    record: dict[str, Any],
    winning_record: dict[str, Any],
    float_record: dict[str, Any],
    write_run: Write,
    tmp_path: Path,
) -> None:
    folders = [write_run(record, "a"), write_run(winning_record, "b"), write_run(float_record, "c")]
    written = write_report(folders, tmp_path / "all.html")
    page = Page(written.read_text(encoding="utf-8"))
    assert {"run1-s-front", "run2-s-front", "run3-s-trials"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    names = [trace["name"] for trace in page.specs["overlay-plot-spec"]["data"]]
    assert names[0] == "ResNet-20 on CIFAR-10 (1): exact front"
    assert len(names) == 4
    assert written.read_text(encoding="utf-8").count(get_plotlyjs()[:2000]) == 1
    assert (tmp_path / "a" / "report.html").exists() is False


def test_mistakes_are_named(record: dict[str, Any], write_run: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one run folder"):
        write_report([])
    with pytest.raises(InputError, match="does not exist"):
        write_report([write_run(record)], tmp_path / "no" / "where.html")
    with pytest.raises(RunFolderError, match="nowhere"):
        write_report([tmp_path / "nowhere"])


def test_a_failed_report_leaves_the_old_one(record: dict[str, Any], write_run: Write) -> None:
    folder = write_run(record)
    write_report([folder])
    before = (folder / "report.html").read_bytes()
    write_run(record | {"format": 9})
    with pytest.raises(RunFolderError):
        write_report([folder])
    assert (folder / "report.html").read_bytes() == before


def test_report_imports_neither_torch_nor_numba(record: dict[str, Any], write_run: Write) -> None:
    code = (
        "import sys; from pathlib import Path; import agnsim.report; assert 'plotly' not in sys.modules;"
        "agnsim.report.write_report([Path(sys.argv[1])]);"
        "print(sorted({'torch', 'torchvision', 'numba', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(write_run(record))], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
