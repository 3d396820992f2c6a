"""What is put into a normal log is found, with its line and reason; the rest of it raises as few alarms as promised."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genapps.errors import UsageError
from genapps_logs import detect
from genapps_logs.findings import Finding, Sign
from genapps_logs.fitting import fit
from genapps_logs.learnt import LogModel

Steps = list[tuple[float, str]]
Write = Callable[..., list[str]]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, requests: Write) -> Path:
    """A model of normal requests beside their log, learnt once."""
    folder = tmp_path_factory.mktemp("learnt")
    requests(folder / "normal.log", 1500, 1)
    fit(folder / "normal.log", save=folder / "m.genapps")
    return folder


@pytest.fixture
def model(tmp_path: Path, learnt: Path) -> Path:
    """That model in the folder of a test, which may change it."""
    return Path(shutil.copytree(learnt, tmp_path, dirs_exist_ok=True)) / "m.genapps"


def found_in(model: Path, requests: Write, change: Callable[[int, Steps], Steps]) -> tuple[list[Finding], list[str]]:
    log = model.parent / "other.log"
    lines = requests(log, 400, 2, change)
    return list(detect(log, model=model).findings), lines


def at(number: int, change: Callable[[Steps], Steps]) -> Callable[[int, Steps], Steps]:
    return lambda place, steps: change(steps) if place == number else steps


CHANGES: dict[str, tuple[Callable[[Steps], Steps], str, str, str]] = {
    "ends too early": (lambda s: s[:-1], "missing", "rendered page", "ends after T4"),
    "a step is left out": (lambda s: [s[0], *s[2:]], "step", "query took", "after T1"),
    "steps are swapped": (lambda s: [*s[:-2], (s[-1][0], s[-2][1]), (s[-1][0], s[-1][1])][:-1], "missing", "", ""),
    "a step again and again": (lambda s: [*s[:2], *[s[2]] * 12, *s[3:]], "count", "", "times in the session"),
    "a large number": (
        lambda s: [(t, "query took 98000 ms" if "query" in text else text) for t, text in s],
        "value",
        "98000",
        "normal 3 to 120",
    ),
    "a new value": (lambda s: [*s[:-1], (s[-1][0], "answered with status 503")], "value", "status 503", "503 is new"),
    "a strange path": (
        lambda s: [(0.0, "received GET /items/../../etc/passwd from 10.0.0.3"), *s[1:]],
        "value",
        "etc/passwd",
        "steps up",
    ),
    "a new message": (lambda s: [*s, (0.8, "the disk is on fire")], "new", "on fire", "no line like this"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_put_in_is_found_with_its_line_and_reason(model: Path, requests: Write, name: str) -> None:
    change, kind, text, reason = CHANGES[name]
    found, lines = found_in(model, requests, at(200, change))
    (finding,) = (one for one in found if one.kind == kind)
    assert lines[finding.lines[0] - 1] == finding.text
    assert text in finding.text and reason in finding.reason
    assert len(found) <= 2, [one.reason for one in found]


def test_a_normal_log_raises_as_few_alarms_as_promised(model: Path, requests: Write) -> None:
    requests(model.parent / "quiet.log", 1500, 3)
    found = detect(model.parent / "quiet.log", model=model)
    assert {one.kind for one in found.findings} <= {"burst", "silence"}, "one stretch in a thousand may be"
    assert len(found.findings) <= 2
    assert found.sessions_in_alarm <= 0.02 * found.sessions
    assert any("on held-out normal sessions: 0" in sentence for sentence in found.promises)
    assert any(sentence.startswith("rates: asked: 0.001 of normal stretches") for sentence in found.promises)


def test_a_session_that_may_still_go_on_is_not_said_to_end_early(model: Path, requests: Write) -> None:
    log = model.parent / "other.log"
    lines = requests(log, 300, 5)
    last = max(place for place, line in enumerate(lines) if "received" in line)
    log.write_text("\n".join(lines[: last + 1]) + "\n", "utf-8")
    assert not [one for one in detect(log, model=model).findings if one.kind in ("missing", "count")]


def test_what_is_accepted_is_not_told_again(model: Path, requests: Write) -> None:
    change = at(200, lambda s: [*s[:-1], (s[-1][0], "answered with status 503")])
    found, _ = found_in(model, requests, change)
    (name,) = (one.id for one in found)
    log = model.parent / "other.log"
    assert detect(log, model=model, accept=[name]).findings == ()
    assert detect(log, model=model).findings == ()
    assert name in LogModel.load(model).accepted
    with pytest.raises(UsageError, match="no finding 'T1-T'"):
        detect(log, model=model, accept=["T1-T"])


def test_an_update_learns_what_was_strange(model: Path, requests: Write) -> None:
    def change(number: int, steps: Steps) -> Steps:
        return [steps[0], *steps[2:]] if number % 3 == 0 else steps

    before, _ = found_in(model, requests, change)
    assert {one.kind for one in before} == {"step"}
    requests(model.parent / "more.log", 900, 7, change)
    updated = fit(model.parent / "more.log", update=model, save=model)
    assert updated.model.sequences is not None and updated.model.sequences.seen > 2300
    after, _ = found_in(model, requests, change)
    assert not [one for one in after if one.kind in ("step", "missing")]
    known = LogModel.load(model)
    assert known.templates.lines > 10_000 and known.rates is not None


def test_a_saved_model_judges_as_the_fitted_one(model: Path, requests: Write) -> None:
    log = model.parent / "other.log"
    requests(log, 400, 2, at(200, lambda s: s[:-1]))
    by_log = detect(log, train=model.parent / "normal.log")
    by_model = detect(log, model=model)
    assert by_model == by_log
    told: list[Sign] = []
    detect(log, model=model, events=told.append)
    assert {sign.id for sign in told} == {one.id for one in by_model.findings}


@pytest.mark.parametrize("family", ["counts", "markov", "hmm", "counts+markov"])
def test_every_scorer_finds_what_is_missing(tmp_path: Path, requests: Write, family: str) -> None:
    requests(tmp_path / "normal.log", 400, 1)
    fit(tmp_path / "normal.log", save=tmp_path / "m.genapps", family=family)
    requests(tmp_path / "other.log", 150, 2, at(70, lambda s: s[:-1]))
    found = detect(tmp_path / "other.log", model=tmp_path / "m.genapps", false_alarm_rate=0.02)
    assert "missing" in {one.kind for one in found.findings}


def test_one_process_is_a_session_where_that_is_asked(tmp_path: Path, requests: Write) -> None:
    requests(tmp_path / "normal.log", 400, 1)
    asked = {
        "a field": {"session": "session", "window": 60.0},
        "a pattern": {"session": r"req (\w+)"},
        "a value": {"session": "<HEX>"},
        "the process": {"group_by": "process"},
        "the process by time": {"group_by": "process", "window": 60.0},
        "time alone": {"window": 60.0},
    }
    for name, options in asked.items():
        fitted = fit(tmp_path / "normal.log", **options)  # type: ignore[arg-type]
        assert fitted.model.sequences is not None, name
    assert fit(tmp_path / "normal.log", session="none").model.sequences is None
    with pytest.raises(UsageError, match="tell no host"):
        fit(tmp_path / "normal.log", group_by="host")
    with pytest.raises(UsageError, match="no pattern"):
        fit(tmp_path / "normal.log", session="req (")
    with pytest.raises(UsageError, match="not by both"):
        fit(tmp_path / "normal.log", session="none", group_by="process")
    with pytest.raises(UsageError, match=r"no scorer of sequences 'markow'.*'markov'"):
        fit(tmp_path / "normal.log", family="markow")


def test_json_lines_have_their_sessions_and_times_found(tmp_path: Path, requests: Write) -> None:
    def as_json(lines: list[str]) -> str:
        rows = []
        for line in lines:
            head, _, message = line.partition(": req ")
            request, _, text = message.partition(" ")
            rows.append(json.dumps({"ts": head[:23], "level": "info", "request_id": request, "msg": text}))
        return "\n".join(rows) + "\n"

    Path(tmp_path / "n.json").write_text(as_json(requests(tmp_path / "n.log", 400, 1)))
    half = as_json(requests(tmp_path / "o.log", 150, 2, at(70, lambda s: s[:-1])))
    Path(tmp_path / "o.json").write_text(half + half.splitlines()[0][:40])
    fitted = fit(tmp_path / "n.json", save=tmp_path / "m.genapps")
    assert fitted.model.sequences is not None and fitted.model.sequences.grouping.name == "request_id"
    assert fitted.model.rates is not None
    kinds = {one.kind for one in detect(tmp_path / "o.json", model=tmp_path / "m.genapps").findings}
    assert kinds == {"missing", "new"}, "the line that was cut in half is new"


def test_a_log_that_is_its_own_reference_tells_the_rare(tmp_path: Path, requests: Write) -> None:
    requests(tmp_path / "a.log", 1500, 4, at(700, lambda s: s[:-1]))
    (finding,) = detect(tmp_path / "a.log").findings
    assert finding.kind == "missing"


def test_time_that_goes_backwards_is_said(model: Path, requests: Write) -> None:
    log = model.parent / "other.log"
    lines = requests(log, 400, 2)
    log.write_text("\n".join([*lines[500:700], *lines[:500], *lines[700:]]) + "\n", "utf-8")
    for notes in (detect(log, model=model).notes, fit(log).notes, detect(log).notes):
        (said,) = [note for note in notes if "clock" in note]
        assert said.startswith("the clock was set back by ") and "at line 201;" in said


@pytest.mark.parametrize("text", ["one line", "2026-01-01 10:00:00 INFO a line\n", '{"msg": "x"}\n{"msg": \n'])
def test_a_line_or_two(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.log").write_text(text)
    assert detect(tmp_path / "a.log").findings == ()
    fitted = fit(tmp_path / "a.log", save=tmp_path / "m.genapps")
    assert fitted.model.sequences is None and fitted.model.rates is None
    assert detect(tmp_path / "a.log", model=tmp_path / "m.genapps").findings == ()
