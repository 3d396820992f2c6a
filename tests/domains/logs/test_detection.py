"""What is new or rare beside a normal log is found, with its lines; what is normal is not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from genapps.errors import UsageError
from genapps_logs import detect, templates
from genapps_logs.detection import ENOUGH

SAMPLE = Path(__file__).parents[3] / "domains" / "genapps_logs" / "samples" / "service.log"
LINES = SAMPLE.read_text("utf-8").splitlines(keepends=True)
FAILING = {"blk_update_request:", "EXT4-fs", "md/raid1:"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with before.log, which is normal, and after.log, in which a disk fails."""
    (tmp_path / "before.log").write_text("".join(LINES[:1400]), "utf-8")
    (tmp_path / "after.log").write_text("".join(LINES[1400:]), "utf-8")
    return tmp_path


def test_the_failing_disk_is_found_and_nothing_else(folder: Path) -> None:
    found = detect(folder / "after.log", train=folder / "before.log")
    assert {finding.template.split()[0] for finding in found.findings} == FAILING
    for finding in found.findings:
        assert (finding.kind, finding.count) == ("new", 1)
        assert LINES[1400 + finding.lines[0] - 1].strip() == finding.text
        assert finding.reason == "no line like this among 1,400 normal ones"
    assert (found.lines, found.normal_lines) == (100, 1400)
    (note,) = found.notes
    assert note.startswith(f"{folder / 'before.log'}: no identifier of sessions was found")


def test_a_normal_log_has_no_findings(folder: Path) -> None:
    quiet = [line for line in LINES[1400:] if " kernel: " not in line]
    (folder / "quiet.log").write_text("".join(quiet), "utf-8")
    assert detect(folder / "quiet.log", train=folder / "before.log").findings == ()
    assert detect(folder / "before.log", train=folder / "before.log").findings == ()


def test_a_model_finds_what_its_log_does(folder: Path) -> None:
    templates(folder / "before.log", save=folder / "m.genapps")
    by_log = detect(folder / "after.log", train=folder / "before.log")
    by_model = detect(folder / "after.log", model=folder / "m.genapps")
    assert by_model.findings == by_log.findings
    assert "templates only" in by_model.notes[0]


def test_what_is_accepted_is_normal_from_then_on(folder: Path) -> None:
    model = folder / "m.genapps"
    templates(folder / "before.log", save=model)
    before = detect(folder / "after.log", model=model).findings
    names = [finding.id for finding in before]
    rest = detect(folder / "after.log", model=model, accept=names[:2]).findings
    assert [finding.template for finding in rest] == [before[2].template]
    assert [finding.template for finding in detect(folder / "after.log", model=model).findings] == [before[2].template]
    for name in ("T99", "N00000000"):
        with pytest.raises(UsageError, match=f"no template '{name}' in this log or the model"):
            detect(folder / "after.log", model=model, accept=[name])
    with pytest.raises(UsageError, match="no finding 'T99:burst' in this log or the model"):
        detect(folder / "after.log", model=model, accept=["T99:burst"])
    with pytest.raises(UsageError, match="remembered"):
        detect(folder / "after.log", train=folder / "before.log", accept=names)


def test_a_template_of_few_normal_lines_is_rare(folder: Path) -> None:
    found = detect(folder / "after.log", train=SAMPLE)
    assert {finding.kind for finding in found.findings} == {"rare"}
    assert {finding.template.split()[0] for finding in found.findings} == FAILING
    assert found.findings[0].reason == "1 such line among 1,500 normal ones"
    assert detect(folder / "after.log", train=SAMPLE, rare=0).findings == ()


def test_without_a_normal_log_only_the_rare_is_told(folder: Path) -> None:
    found = detect(SAMPLE)
    assert [finding.lines for finding in found.findings] == [(1441,), (1442,), (1443,)]
    assert {finding.kind for finding in found.findings} == {"rare"}
    assert found.expected_new_lines is None and "no normal log" in found.notes[-1]
    (folder / "short.log").write_text("".join(LINES[: ENOUGH - 1]), "utf-8")
    assert detect(folder / "short.log").findings == (), "too short for rarity to say anything"


def test_another_kind_of_value_is_no_news_but_another_word_is(folder: Path) -> None:
    known = [f"Mar  2 00:00:{n:02} a b: peer 10.0.0.{n} is up\n" for n in range(60)]
    (folder / "k.log").write_text("".join(known), "utf-8")
    (folder / "n.log").write_text(known[0] + known[0].replace("10.0.0.0", "www.example.com"), "utf-8")
    assert detect(folder / "n.log", train=folder / "k.log").findings == ()
    (folder / "n.log").write_text(known[0] + known[0].replace("up", "down"), "utf-8")
    (finding,) = detect(folder / "n.log", train=folder / "k.log").findings
    assert (finding.template, finding.lines) == ("peer <IP> is down", (2,))


def test_a_fourth_word_is_news_though_it_would_be_evidence(folder: Path) -> None:
    # Learnt together these would be one template; a state that never came before must not vanish in it.
    line = "Mar  2 00:00:00 a b: the state of the machine is {}\n"
    (folder / "k.log").write_text("".join(line.format(word) for word in ("good", "fair", "poor") * 9), "utf-8")
    (folder / "n.log").write_text(line.format("good") + line.format("burnt"), "utf-8")
    (finding,) = detect(folder / "n.log", train=folder / "k.log").findings
    assert finding.text.endswith("burnt")


def test_the_expected_number_of_new_templates_is_what_comes(folder: Path) -> None:
    # Templates whose frequencies fall as 1/rank: the second half of such a log brings about as many as promised.
    draw = random.Random(5)
    names = ["".join(chr(97 + int(digit)) for digit in str(n)) for n in range(2000)]
    weights = [1 / (n + 1) for n in range(2000)]
    lines = [f"{name} happens now and then\n" for name in draw.choices(names, weights, k=6000)]
    (folder / "k.log").write_text("".join(lines[:5000]), "utf-8")
    (folder / "n.log").write_text("".join(lines[5000:]), "utf-8")
    found = detect(folder / "n.log", train=folder / "k.log", rare=0)
    fresh = sum(finding.count for finding in found.findings)
    assert found.expected_new_lines is not None
    assert 0.7 * fresh < found.expected_new_lines < 1.4 * fresh
