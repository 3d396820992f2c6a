"""Words become variables on evidence, whatever the order of the messages."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.merging import Evidence, merged, partition
from genapps_logs.tokens import text_of, tokens_of


def templates(messages: list[str], evidence: Evidence | None = None) -> set[str]:
    groups = partition([tokens_of(message) for message in messages], evidence or Evidence())
    return {text_of(merged(group)) for group in groups}


def test_many_users_are_a_variable_and_two_states_are_not() -> None:
    users = ["anna", "ben", "chloe", "dmitri", "emeka"]
    lines = [f"session {state} for user {user}" for state in ("opened", "closed") for user in users]
    assert templates(lines) == {"session opened for user <*>", "session closed for user <*>"}


def test_few_words_stay_words() -> None:
    lines = [f"listening on device {name}" for name in ("lo", "wan", "lan")]
    assert templates(lines) == set(lines)
    assert templates(lines, Evidence(values=3)) == {"listening on device <*>"}


def test_what_happened_takes_more_evidence_than_a_name() -> None:
    states = [f"machine of that name was {state} again" for state in ("started", "stopped", "paused", "resumed")]
    assert templates(states) == set(states)
    names = [f"machine of that name is {name} again" for name in ("alpha", "beta", "gamma", "delta")]
    assert templates(names) == {"machine of that name is <*> again"}


def test_values_of_keys_need_to_vary_together_only() -> None:
    lines = [f"lock taken by thread tag={tag} name={name}" for tag in ("a", "b") for name in ("x", "y")]
    assert templates(lines) == {"lock taken by thread tag=<*> name=<*>"}
    assert len(templates(lines[:3])) > 1


def test_two_values_may_differ_at_once() -> None:
    assert templates(["sent to <IP> now", "sent to <HOST> now"]) == {"sent to <*> now"}


def test_messages_that_share_too_little_are_not_one() -> None:
    lines = [f"{verb} {thing} x" for verb, thing in zip("abcdefgh", "ijklmnop", strict=True)]
    assert templates(lines) == set(lines)


WORDS = st.lists(st.sampled_from(["a", "b", "cc", "<IP>", "<NUM>", "d.e", "ending"]), min_size=4, max_size=4)


@given(st.lists(WORDS, min_size=1, max_size=24), st.randoms())
def test_the_order_does_not_matter_and_every_message_has_one_template(
    rows: list[list[str]], draw: random.Random
) -> None:
    messages = list(dict.fromkeys(tokens_of(" ".join(row)) for row in rows))
    messages = [tokens for tokens in messages if len(tokens) == len(messages[0])]
    mixed = draw.sample(messages, len(messages))
    first, second = partition(messages, Evidence()), partition(mixed, Evidence())
    assert {frozenset(group) for group in first} == {frozenset(group) for group in second}
    assert sorted(tokens for group in first for tokens in group) == sorted(messages)
    for group in first:
        whole = merged(group)
        for tokens in group:
            assert all(a == b or a.endswith("<*>") for a, b in zip(whole, tokens, strict=True))


def test_merging_at_first_sight_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # The rule of Drain: one differing word is evidence enough.
    assert templates(["session opened", "session closed"]) == {"session opened", "session closed"}
    eager = Evidence(values=2, constant=0.5)
    monkeypatch.setattr("genapps_logs.merging._HAPPENED", ("#",))
    assert templates(["session opened", "session closed"], eager) == {"session <*>"}
