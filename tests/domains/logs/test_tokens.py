"""Masked messages as tokens: what is one value to a person is one token."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.masking import Masker
from genapps_logs.tokens import ANY, MOST, is_free, is_word, text_of, tokens_of, wildcard_for


def template(message: str) -> str:
    return text_of(tokens_of(Masker()(message)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("free 12.0 MB now", "free 600 KB now"),
        ("sent 2048 bytes (2.00 KB) today", "sent 17 bytes today"),
        ("lifetime <1 sec", "lifetime 15 sec"),
        ("delete blk_1 blk_2 blk_3", "delete blk_7"),
        ("flags 1 2 3 4", "flags 9"),
        ("from 10.0.0.1 () at Fri Jun 17 07:07:00 2005", "from 10.0.0.7 () at Mon Jan 2 17:07:00 2006"),
        ('GET "/a/b" 200', 'GET "/c/d?x=1&y=2" 404'),
    ],
)
def test_lines_of_one_event_have_one_template(one: str, other: str) -> None:
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("session opened", "session closed"), ("ready=true", "ready=false"), ("a 1", "a 1 b"), ("x [1]", "x (1)")],
)
def test_lines_of_two_events_have_two(one: str, other: str) -> None:
    assert template(one) != template(other)


def test_structures_and_missing_values_are_values() -> None:
    assert is_free(tokens_of("ws=<NULL>")[-1])
    assert tokens_of("ws=WorkSource{<NUM>}")[-1] == ANY
    assert template("peer () gone") == f"peer ({ANY}) gone"
    assert template("call() done") == "call() done"


@given(st.lists(st.sampled_from(["open", "x=1", "(a)", "[pid 7]", '"q r"', "10.0.0.1", "::", "<", ">", "=", "a,b"])))
def test_nothing_but_spaces_is_lost(words: list[str]) -> None:
    masked = " ".join(words).replace("<", "").replace(">", "")  # no rule applies without masks
    if "()" not in masked:
        kept = "".join(tokens_of(masked))
        assert kept.replace(" ", "") == masked.replace(" ", "")


def test_words_marks_and_values_are_told_apart() -> None:
    assert is_word(" user") and not is_word(" =") and is_free(" <IP>") and not is_free("<") and not is_free(" <")
    assert wildcard_for(" user") == " <*>" and wildcard_for("user") == "<*>"


def test_long_messages_end_in_anything() -> None:
    found = tokens_of(" ".join(f"w{'x' * (n % 7)}" for n in range(3 * MOST)))
    assert len(found) == MOST + 1 and found[-1].endswith(ANY)


@pytest.mark.parametrize("part", ["<NUM>:", "a <NUM> ", '"', "={", "=[", "(<NUM>) ", "< ", ", ", "<NUM>,<IP>", "x="])
def test_no_message_takes_long(part: str) -> None:
    started = time.process_time()
    tokens_of(part * (4096 // len(part)))
    assert time.process_time() - started < 0.3  # seconds; it takes a few milliseconds
