"""The values of a message stand where the template has its places."""

from __future__ import annotations

import pytest

from genapps_logs.matching import Matcher, places_of
from genapps_logs.miner import Miner, Template


def messages(k: int) -> list[str]:
    return [
        f"sent {1000 + k} bytes ({k / 3:.2f} KB) to 10.0.0.{k}",
        f"user {k} logged in from 10.0.0.{k} after {k + 3} ms",
        f"moved [1, 2, {k}] to /data/{k}/x in {k + 1} s",
        "nothing varies",
    ]


def learnt() -> tuple[Matcher, dict[str, Template]]:
    miner = Miner()
    for k in range(60):
        for line, message in enumerate(messages(k)):
            miner.learn(message, 4 * k + line + 1)
    miner.settle()
    found = miner.templates()
    return Matcher(found), {template.text: template for template in found}


def values(matcher: Matcher, message: str) -> list[str]:
    plan, found = matcher(message)
    return [slot if isinstance(slot, str) else "?" if slot < 0 else found[slot] for slot in plan.slots]


def test_every_place_has_its_value() -> None:
    matcher, found = learnt()
    assert len(found) == 4
    assert values(matcher, "user 77 logged in from 10.0.0.9 after 31 ms") == ["77", "10.0.0.9", "31"]
    assert values(matcher, "sent 2048 bytes (2.00 KB) to 10.0.0.7")[-1] == "10.0.0.7"
    assert values(matcher, "moved [1, 2, 3] to /data/9/x in 4 s")[-2:] == ["/data/9/x", "4"]
    assert values(matcher, "nothing varies") == []
    assert matcher("something else happens here")[0].template is None


def test_as_many_slots_as_places_whatever_the_message() -> None:
    matcher, found = learnt()
    for k in range(30):
        for message in messages(1000 + k):
            plan, _ = matcher(message)
            assert plan.template is not None
            assert len(plan.slots) == len(places_of(plan.template.tokens))
    assert {places_of(template.tokens) for template in found.values()} >= {("NUM", "IP", "DURATION"), ()}


@pytest.mark.parametrize(
    ("message", "name", "value"),
    [
        ("Received block blk_-3886504906 of size 67108864 from /10.250.10.6", "blk_<NUM>", "-3886504906"),
        ("request 5eed00017f0a done", "<HEX>", "5eed00017f0a"),
        ("order 4711 paid", "order <NUM>", "4711"),
        ("session dfd14872-29ae-2d25-b4eb-53992638fb22 opened", "<UUID>", "dfd14872-29ae-2d25-b4eb-53992638fb22"),
    ],
)
def test_what_a_value_is_an_identifier_of(message: str, name: str, value: str) -> None:
    plan, found = Matcher([])(message)
    assert dict(zip(plan.identifiers, found, strict=True))[name] == value


def test_a_log_that_speaks_of_masks_itself() -> None:
    plan, found = Matcher([])("the <NUM> of 5 <IP>")
    assert (plan.slots, plan.identifiers, found) == ((), (), ["5"])
