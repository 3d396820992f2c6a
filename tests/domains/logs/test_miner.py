"""Templates learnt a line at a time: what a naive miner finds, in bounded memory, saved and found again."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.errors import InputError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_logs.masking import Masker
from genapps_logs.merging import Evidence, merged, partition
from genapps_logs.miner import Miner, MinerSettings
from genapps_logs.model import TemplateModel, number
from genapps_logs.names import name_of_new
from genapps_logs.tokens import is_free, text_of, tokens_of

SAMPLE = Path(__file__).parents[3] / "domains" / "genapps_logs" / "samples" / "service.log"


def messages() -> list[str]:
    return [line[16:].partition(": ")[2] for line in SAMPLE.read_text("utf-8").splitlines()]


def naive(lines: list[str]) -> Counter[str]:
    """The same rules without a tree, a memory or any early merging: all messages of one length and head, at once."""
    mask = Masker()
    alike: dict[tuple[int, str], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for line in lines:
        tokens = tokens_of(mask(line))
        first = tokens[0]
        alike[len(tokens), "<*>" if is_free(first) or first.count(".") >= 2 else first][tokens] += 1
    found: Counter[str] = Counter()
    for counts in alike.values():
        for group in partition(list(counts), Evidence()):
            found[text_of(merged(group))] += sum(counts[tokens] for tokens in group)
    return found


def learn(lines: list[str], settings: MinerSettings | None = None) -> Miner:
    miner = Miner(settings)
    for place, line in enumerate(lines, 1):
        miner.learn(line, place, line)
    miner.settle()
    return miner


def test_a_line_at_a_time_finds_what_all_lines_at_once_do() -> None:
    lines = messages()
    miner = learn(lines)
    assert {template.text: template.count for template in miner.templates()} == naive(lines)
    assert sum(template.count for template in miner.templates()) == len(lines)


def test_the_shop_has_the_templates_that_it_was_made_of() -> None:
    found = {template.text for template in learn(messages()).templates()}
    assert len(found) == 17
    assert "session <UUID> opened for user <*> from <IP>" in found
    assert "session <UUID> closed for user <*> after <DURATION>" in found


def test_first_last_and_example_are_the_lines_own() -> None:
    lines = messages()
    for template in learn(lines).templates():
        assert template.example == lines[template.first - 1]
        assert template.first <= template.last


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "7", "10.0.0.1"]), min_size=1, max_size=4), max_size=60)
)
def test_counts_add_up_and_every_line_finds_its_template(rows: list[list[str]]) -> None:
    lines = [" ".join(row) for row in rows]
    miner = learn(lines)
    assert sum(template.count for template in miner.templates()) == len(lines)
    for line in lines:
        matched = miner.match(line)
        assert matched is not None
        tokens = tokens_of(Masker()(line))
        assert all(a == b or a.endswith("<*>") for a, b in zip(matched.tokens, tokens, strict=True))


def test_matching_learns_nothing() -> None:
    miner = learn(messages())
    before = len(miner.templates())
    assert miner.match("a message that never was") is None
    assert miner.match("session 550e8400-e29b-41d4-a716-446655440000 opened for user zoe from 10.0.0.1") is not None
    assert len(miner.templates()) == before


def test_there_are_never_more_templates_than_allowed_and_dropped_lines_are_counted() -> None:
    settings = MinerSettings(max_templates=100)
    miner = Miner(settings)
    for place in range(2000):
        word = "".join(chr(97 + int(digit)) for digit in str(place))
        miner.learn(f"{word} happens", place)  # the first word decides, so nothing can be merged
        assert miner._size <= 100
        assert miner._size == len(miner.templates()) or place % 97
    miner.settle()
    assert sum(template.count for template in miner.templates()) + miner.dropped == 2000
    assert miner.match("bjjj happens") is not None, "the most recent stay"


def test_a_saved_set_of_templates_is_the_same_set(tmp_path: Path) -> None:
    found = learn(messages()).templates()
    number(found)
    model = TemplateModel("syslog", tuple(found), MinerSettings(), 1500)
    model.save(tmp_path / "a.genapps")
    loaded = TemplateModel.load(tmp_path / "a.genapps")
    loaded.save(tmp_path / "b.genapps")
    assert (tmp_path / "a.genapps").read_bytes() == (tmp_path / "b.genapps").read_bytes()
    assert [(t.id, t.tokens, t.before, t.example) for t in loaded.templates] == [
        (t.id, t.tokens, t.count, t.example) for t in found
    ]
    miner = Miner()
    miner.add(loaded.templates)
    assert all(miner.match(line) is not None for line in messages())


@pytest.mark.parametrize("change", ["domain", "templates", "format", "provenance"])
def test_another_models_file_is_refused_in_one_line(tmp_path: Path, change: str) -> None:
    found = learn(messages()[:20]).templates()
    number(found)
    TemplateModel("syslog", tuple(found), MinerSettings(), 20).save(tmp_path / "m.genapps")
    artifact = read_artifact(tmp_path / "m.genapps")
    header = json.loads(json.dumps(artifact.header))
    header[change] = {"domain": "tabular", "templates": [[1, 2, 3]], "format": "no such", "provenance": {}}[change]
    write_artifact(tmp_path / "bad.genapps", artifact.tensors, header)
    with pytest.raises(InputError, match=r"bad\.genapps: "):
        TemplateModel.load(tmp_path / "bad.genapps")


def test_an_empty_set_can_be_saved(tmp_path: Path) -> None:
    TemplateModel("plain", (), MinerSettings(), 0).save(tmp_path / "m.genapps")
    assert TemplateModel.load(tmp_path / "m.genapps").templates == ()
    assert read_artifact(tmp_path / "m.genapps").tensors["templates/count"].dtype == np.int64


def test_the_name_of_a_new_template_is_that_of_its_first_line_whatever_is_merged() -> None:
    lines = [
        f"the door of {place} was left open"
        for place in ["kitchen", "cellar", "attic", "garage", "garden", "office", "hall"]
    ]
    lines = ["all is well", *(line for line in lines for _ in range(3))]
    for order in (lines, lines[::-1]):
        miner = Miner(name=name_of_new)
        told = {line: miner.learn(line, place, line).id for place, line in enumerate(order, 1)}
        miner.settle()
        assert len(miner.templates()) == 2
        for template in miner.templates():
            assert template.id == told[template.example] == name_of_new(tokens_of(Masker()(template.example)))
