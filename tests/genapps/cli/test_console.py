"""Notes and bars go to stderr, a bar only to a terminal, color only where it is wanted."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from genapps.cli.console import Progress, clock, detail, fail, note, one_line, print_json, visible
from genapps.cli.options import Duration, Whole, output_options, training_options


@dataclass(frozen=True)
class Event:
    step: int
    total: int | None
    message: str | None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    screen = Terminal()
    # Not sys.stderr itself, which the test runner sets anew between a fixture and its test.
    monkeypatch.setattr("genapps.cli.console.sys", SimpleNamespace(stderr=screen))
    monkeypatch.setattr("genapps.cli.console.REDRAW_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return screen


def test_no_terminal_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Training", 10) as bar:
        bar.update(5)
        bar.update(10)
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_verbose_has_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("genapps.cli.console.verbosity", lambda: 1)
    with Progress("Training", 10, "steps") as bar:
        bar.update(5)
        monkeypatch.setattr("genapps.cli.console.LINE_SECONDS", 0.0)
        bar.update(6, text="loss 1.5")
    assert capsys.readouterr().err == "Training   60%  6 of 10 steps, 0 s left  loss 1.5\n"


def test_bar_is_drawn_and_gone(terminal: Terminal) -> None:
    with Progress("Sampling", 1000, "rows") as bar:
        bar.update(250)
    first, last = terminal.getvalue().split("\r")[1:]
    assert "Sampling" in first
    assert "25%  250 of 1,000 rows" in first
    assert first.count("█") == 6
    assert "\x1b[36m" in first
    assert last == "\x1b[K"


def test_no_color(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with Progress("Sampling", 4) as bar:
        bar.update(1)
    assert "\x1b[36m" not in terminal.getvalue()
    assert "25%" in terminal.getvalue()


def test_dumb_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with Progress("Sampling", 4) as bar:
        bar.update(1)
    assert terminal.getvalue() == ""


def test_unknown_total_and_training_events(terminal: Terminal) -> None:
    with Progress("Training") as bar:
        bar(Event(1234, None, "loss 1.5"))
        bar(Event(2, 1, None))
    assert "Training  1,234, 0 s  loss 1.5" in terminal.getvalue()
    assert "100%  2 of 1" in terminal.getvalue()


def test_bars_are_not_redrawn_faster_than_eyes_see(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genapps.cli.console.REDRAW_SECONDS", 60.0)
    with Progress("Sampling", 1000) as bar:
        for done in range(1, 1001):
            bar.update(done)
    assert terminal.getvalue().count("Sampling") <= 2
    assert "100%" in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (65, "1:05"), (3599.9, "1:00:00"), (7384, "2:03:04")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_json_has_no_words_for_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"auc": float("nan"), "list": [1.5, float("inf"), (2,)], "name": "Zoë", 3: None})
    text = capsys.readouterr().out
    assert json.loads(text) == {"auc": None, "list": [1.5, None, [2]], "name": "Zoë", "3": None}
    assert "Zoë" in text


def test_what_would_steer_a_terminal_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    cell = "a\x1b[31m\x1b]0;title\x07\r\x9b2J\u202eb\tZoë 分子"
    shown = "a\\x1b[31m\\x1b]0;title\\x07\\r\\x9b2J\\u202eb\tZoë 分子"
    assert visible(cell) == shown
    assert one_line(f"{cell}\n") == shown.replace("\t", "\\t") + "\\n"
    note(f"note: {cell}")
    fail("\x1b[2Jgone")
    assert capsys.readouterr().err == f"note: {shown}\ngenapps: \\x1b[2Jgone\n"


def test_fail_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    fail("a\n  b\tc")
    assert capsys.readouterr() == ("", "genapps: a b c\n")


@click.command()
@training_options()
@output_options
def probe(**given: object) -> None:
    note("a note")
    detail("a detail")
    click.echo(json.dumps(given, default=str))


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "a note\n"), (["-q"], ""), (["-v"], "a note\na detail\n"), (["--quiet", "-v"], "a note\na detail\n")],
)
def test_how_much_is_said(words: list[str], said: str) -> None:
    assert CliRunner().invoke(probe, words).stderr == said


def test_no_threads_are_all_threads() -> None:
    done = CliRunner().invoke(probe, ["--threads", "0"])
    assert json.loads(done.stdout)["threads"] == 0
    assert "0: all" in CliRunner().invoke(probe, ["--help"]).stdout


def test_options_and_their_defaults() -> None:
    assert json.loads(CliRunner().invoke(probe, []).stdout) == {
        "family": None,
        "budget": None,
        "seed": 0,
        "device": "auto",
        "threads": None,
        "config_file": None,
        "settings": [],
        "resume": False,
        "output": None,
        "as_json": False,
    }
    words = "--family gmm --budget 1h30m --seed 7 --device cpu --threads 2 --config a.toml"
    words += " --set a=1 --set b.c=2 --resume -o x.csv --json"
    assert json.loads(CliRunner().invoke(probe, words.split()).stdout) == {
        "family": "gmm",
        "budget": 5400.0,
        "seed": 7,
        "device": "cpu",
        "threads": 2,
        "config_file": "a.toml",
        "settings": ["a=1", "b.c=2"],
        "resume": True,
        "output": "x.csv",
        "as_json": True,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5m", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800), (" 5M ", 300), (3, 3)],
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "5 min", "m", "5x", "1h-3m", "nan", "inf", "1e3", "5m3", 0, -1])
def test_wrong_durations(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), (" 7 ", 7), ("50_000_000", 50_000_000), ("1", 1), ("99999999", 99_999_999)]
)
def test_whole_numbers(text: str, number: int) -> None:
    assert Whole(1, 99_999_999).convert(text, None, None) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "at least 1, not 0"),
        ("-1", "at least 1"),
        ("1001", "at most 1,000"),
        ("1.5", "no whole"),
        ("", "no whole"),
    ],
)
def test_wrong_whole_numbers(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        Whole(1, 1000).convert(text, None, None)


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--threads", "-1"], ["--device", "tpu"], ["--budget", "soon"]])
def test_wrong_options(words: list[str]) -> None:
    assert CliRunner().invoke(probe, words).exit_code == 2
