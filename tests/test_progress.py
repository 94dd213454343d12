"""Progress on a terminal, elsewhere, and for the API."""

import io

import pytest

from agnsim.progress import PlainProgress, SilentProgress, TerminalProgress, duration, make_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_choice_by_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_progress(stream=Terminal()), TerminalProgress)
    assert isinstance(make_progress(stream=io.StringIO()), PlainProgress)
    assert isinstance(make_progress(quiet=True, stream=Terminal()), SilentProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_progress(stream=Terminal()), PlainProgress)


def test_plain_lines_of_a_stage_and_every_ten_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = PlainProgress(stream, clock=clock)
    with progress.stage("retraining"), progress.track(100, "epoch 1") as task:
        for _ in range(100):
            clock.now += 0.25
            task.advance(1, loss=1 / (1 + clock.now))
    assert stream.getvalue().splitlines() == [
        "retraining ...",
        "epoch 1: 40/100 (40 %), 15.0 s left, loss 0.09091",
        "epoch 1: 80/100 (80 %), 5.0 s left, loss 0.04762",
        "epoch 1: done after 25.0 s, loss 0.03846",
        "retraining: done after 25.0 s",
    ]


def test_short_tasks_leave_no_plain_lines() -> None:
    stream = io.StringIO()
    with PlainProgress(stream, clock=Clock()).track(2, "evaluating") as task:
        task.advance(2)
    assert stream.getvalue() == ""


def test_plain_lines_say_where_failed_work_stopped() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, clock=Clock())

    def fail() -> None:
        with progress.stage("stage"), progress.track(4, "work") as task:
            task.advance(3)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "work: stopped at 3/4 (75 %) after" in stream.getvalue()
    assert "stage: stopped" in stream.getvalue()


def test_plain_lines_of_unknown_length() -> None:
    stream, clock = io.StringIO(), Clock()
    with PlainProgress(stream, clock=clock).track(None, "reading") as task:
        clock.now = 11
        task.advance(5)
    assert "reading: 5 steps\n" in stream.getvalue()


def test_terminal_shows_bars_and_leaves_one_line_each() -> None:
    stream = Terminal()
    progress = TerminalProgress(stream, interval_s=0.0)
    with progress.stage("retraining [1]"), progress.track(2, "epoch 1") as task:
        task.advance(1, loss=0.5)
        progress.message("a note")
        task.advance(1, loss=0.25)
    text = stream.getvalue()
    assert "\x1b[" in text, "moves the cursor"
    for part in ("━", "epoch 1: done after", "loss 0.25", "a note", "retraining [1]: done after"):
        assert part in text


def test_silent_progress_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with SilentProgress() as progress, progress.stage("stage"), progress.track(3, "work") as task:
        task.advance(3, loss=0.1)
        progress.message("note")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
