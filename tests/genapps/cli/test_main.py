"""Whatever goes wrong becomes one line and the right exit code."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import click
import pytest

from genapps.cli import Terminated, explain, main
from genapps.errors import GenappsError, InputError, MissingExtra, UsageError

PLUGIN = """
import click
@click.group()
def cli(): pass
@cli.command()
@click.argument("what")
def fail(what):
    import os, signal
    if what == "interrupt": os.kill(os.getpid(), signal.SIGINT)
    if what == "terminate": os.kill(os.getpid(), signal.SIGTERM)
    if what == "full":
        with open("/dev/full", "w") as file: file.write("x")
    if what == "print": click.echo("x" * 100_000)
    if what == "defect": raise RuntimeError("two\\nlines")
    if what == "warn":
        import warnings; warnings.warn("from a library")
"""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (GenappsError("no luck"), 1, "no luck"),
        (UsageError("wrong"), 2, "wrong"),
        (InputError("damaged"), 3, "damaged"),
        (MissingExtra("sdv", "sdv"), 2, "pip install 'genapps[sdv]'"),
        (ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow.parquet"), 2, "pip install 'genapps[tabular]'"),
        (ModuleNotFoundError("No module named 'genapps.x'", name="genapps.x"), 1, "a defect"),
        (
            click.NoSuchOption("--nonsense", possibilities=["--seed"]),
            2,
            "No such option '--nonsense' (see genapps --help)",
        ),
        (click.UsageError("No such option."), 2, "No such option (see genapps --help)"),
        (click.BadParameter("is not positive"), 2, "is not positive"),
        (click.FileError("x.csv", "gone"), 1, "x.csv"),
        (click.ClickException("other"), 1, "other"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (Terminated(), 143, "terminated"),
        (MemoryError(), 1, "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), 1, "smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 1, "out of memory"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "no space is left"),
        (OSError(errno.EACCES, "Permission denied", "/x/y.csv"), 1, "/x/y.csv: no permission"),
        (OSError(errno.EIO, "Input/output error", "z"), 1, "z: Input/output error"),
        (OSError("odd"), 1, "odd"),
        (ZeroDivisionError("division by zero"), 1, "a defect of genapps: ZeroDivisionError: division by zero (--debug"),
    ],
)
def test_explain(error: BaseException, code: int, said: str) -> None:
    message, found = explain(error)
    assert found == code
    assert said in message


def test_one_line_whatever_the_message(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: list[str]) -> int:
        raise UsageError("first line\n  second line")

    monkeypatch.setattr("genapps.cli._run", broken)
    assert main([]) == 2
    assert capsys.readouterr().err == "genapps: first line second line\n"
    assert main(["--debug"]) == 2
    debugged = capsys.readouterr().err
    assert "Traceback" in debugged
    assert debugged.endswith("genapps: first line second line\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--verson"], 2, "genapps: No such option '--verson'. Did you mean '--version'? (see genapps --help)\n"),
        (["modle"], 2, "genapps: No such command 'modle'. Did you mean 'model'? (see genapps --help)\n"),
        (["xyzzy"], 2, "genapps: No such command 'xyzzy' (see genapps --help)\n"),
        (["model", "shwo"], 2, "genapps: No such command 'shwo'. Did you mean 'show'? (see genapps model --help)\n"),
        (["datasets", "get", "flight"], 2, "genapps: no data set is called 'flight'. Did you mean 'flights'?"),
        (["config", "tabula"], 2, "genapps: no domain 'tabula' has settings. Did you mean 'tabular'?"),
        (["completion", "tcsh"], 2, "genapps: Invalid value for"),
    ],
)
def test_wrong_words(words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_debug_may_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "shwo", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert main(["--", "--debug"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def plugged(tmp_path: Path) -> dict[str, str]:
    """An environment where another distribution brings the domains `outside` and `broken`."""
    (tmp_path / "outside.py").write_text(PLUGIN)
    (tmp_path / "quitter.py").write_text("raise SystemExit(5)")
    info = tmp_path / "some_plugin-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(
        "[console_scripts]\nx = y:z\n\n[genapps.domains]\noutside = outside:cli\nbroken = quitter:cli\n"
        "absent = nowhere:cli\ntabular = outside:cli\n\n[other]\nq = r:s\n"
    )
    return {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}


def run(words: list[str], env: dict[str, str], **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "genapps", *words], env=env, text=True, capture_output=True, timeout=300, **settings
    )


@pytest.mark.parametrize(
    ("asker", "library", "extra"),
    [
        ("genapps_timeseries.reading.files", "pyarrow", "timeseries"),
        ("genapps_timeseries.reading.files", "numba", "fast"),
        ("genapps_tabular.tasks", "pyarrow", "tabular"),
        ("elsewhere", "pyarrow", "tabular"),
    ],
)
def test_a_missing_library_names_the_extra_of_the_domain_that_asked(asker: str, library: str, extra: str) -> None:
    asking = types.FunctionType(import_it.__code__, {"__name__": asker, "__builtins__": __builtins__})
    with pytest.raises(ModuleNotFoundError) as raised:
        asking(library)
    assert f"pip install 'genapps[{extra}]'" in explain(raised.value)[0]


def import_it(library: str) -> None:
    raise ModuleNotFoundError(f"No module named {library!r}", name=library)


def test_plugins_are_listed_and_a_broken_one_breaks_nothing(plugged: dict[str, str]) -> None:
    listed = run(["--help"], plugged)
    assert listed.returncode == 0
    assert re.search(r"outside +From some-plugin\.", listed.stdout)
    assert run(["outside", "--help"], plugged).returncode == 0
    for name in ("broken", "absent"):
        failed = run([name], plugged)
        assert failed.returncode == 1
        assert failed.stderr.startswith("genapps: ")
        assert "cannot be loaded" in failed.stderr
        assert failed.stderr.count("\n") == 1
    off = run(["--help"], plugged | {"GENAPPS_PLUGINS": ""})
    assert "outside" not in off.stdout


def test_a_plugin_cannot_take_a_built_in_name(plugged: dict[str, str]) -> None:
    assert run(["tabular", "fail", "defect"], plugged).returncode == 2


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("interrupt", 130, "genapps: interrupted\n"),
        ("terminate", 143, "genapps: terminated\n"),
        ("full", 1, "genapps: no space is left on the disk; free some, or write elsewhere\n"),
        ("defect", 1, "genapps: a defect of genapps: RuntimeError: two lines (--debug shows where)\n"),
        ("warn", 0, ""),
    ],
)
def test_faults_of_a_running_command(plugged: dict[str, str], what: str, code: int, said: str) -> None:
    done = run(["outside", "fail", what], plugged)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize("words", [None, ["--help"]])
def test_the_handler_of_sigterm_is_as_before(words: list[str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[object] = []

    def look(_: list[str]) -> int:
        met.append(signal.getsignal(signal.SIGTERM))
        return 0

    monkeypatch.setattr("genapps.cli._run", look)
    monkeypatch.setattr(sys, "argv", ["genapps", "--help"])
    assert main(words) == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert (met == [signal.SIG_DFL]) is (words is not None)


def test_debug_lets_library_warnings_through(plugged: dict[str, str]) -> None:
    assert "from a library" in run(["outside", "fail", "warn", "--debug"], plugged).stderr


def test_a_full_disk_behind_stdout(plugged: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "genapps", "--help"], env=plugged, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "genapps: no space is left on the disk; free some, or write elsewhere\n"


def test_a_reader_who_leaves_is_no_failure_to_speak_of(plugged: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "genapps", "outside", "fail", "print"],
        env=plugged,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_stderr_that_is_gone_still_leaves_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(sys, "stderr", Gone())
    assert main(["xyzzy"]) == 2


def test_help_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    order = ["Usage:", "Learn what", "Examples:\n", "Domains:\n  tabular", "Commands:\n  demo", "Options:", "--debug"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert text.count("\nCommands:") == 1
    assert max(map(len, text.splitlines())) <= 110
    assert textwrap.dedent(text) == text
    assert main(["-h"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize("words", [[], ["tabular"], ["model"], ["datasets"]])
def test_a_group_alone_prints_its_help_as_laid_out(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    laid_out = capsys.readouterr().out
    assert main(words) == 2
    assert capsys.readouterr() == ("", laid_out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert f"_GENAPPS_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_completion_completes(plugged: dict[str, str]) -> None:
    words = {"_GENAPPS_COMPLETE": "bash_complete", "COMP_WORDS": "genapps d", "COMP_CWORD": "1"}
    done = run([], plugged | words)
    assert done.stdout.split() == ["plain,demo", "plain,doctor", "plain,datasets"]
