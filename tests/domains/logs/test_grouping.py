"""What names a session is found by what it does in the log, and nothing else is taken for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from genapps.errors import UsageError
from genapps_logs.formats import format_named
from genapps_logs.grouping import Grouping, asked_grouping, find_grouping
from genapps_logs.matching import Matcher, Plan
from genapps_logs.miner import Miner
from genapps_logs.sessions import Ends, Sessions

Planned = Iterator[tuple[int, Plan, Sequence[str], str]]
PLAIN = format_named("plain")


def planned(lines: list[str]) -> Planned:
    miner = Miner()
    for place, line in enumerate(lines, 1):
        miner.learn(line, place)
    miner.settle()
    matcher = Matcher(miner.templates())
    for place, line in enumerate(lines, 1):
        yield place, *matcher(line), line


def blocks(count: int, draw: random.Random) -> list[str]:
    lines = []
    for _ in range(count):
        name = draw.randrange(10**15, 10**18)
        node = draw.randrange(3)
        lines.append(
            [f"receiving blk_{name} from 10.0.0.{node}", f"stored blk_{name}", f"10.0.0.{node} serves blk_{name}"]
        )
    return woven(lines, draw)


def woven(groups: list[list[str]], draw: random.Random) -> list[str]:
    """Lines of several groups at once, each group in its order."""
    waiting, found = groups[::-1], []
    going: list[list[str]] = []
    while waiting or going:
        while waiting and len(going) < 5:
            going.append(waiting.pop())
        one = draw.choice(going)
        found.append(one.pop(0))
        going = [group for group in going if group]
    return found


def test_a_block_is_found_and_an_address_is_none() -> None:
    found = find_grouping(planned(blocks(100, random.Random(1))), PLAIN)
    assert found == Grouping("value", "blk_<NUM>")


@pytest.mark.parametrize(
    "make",
    [
        lambda draw: [f"user{k % 3} did task {draw.choice('abcdef')}" for k in range(300)],
        lambda draw: [f"step {k} of 300 is done in {draw.random()} s" for k in range(300)],
        lambda draw: [f"ping from 10.0.0.{draw.randrange(200)} and pong" for _ in range(300)],
        lambda draw: ["nothing varies here"] * 300,
        lambda draw: [f"order {draw.randrange(10**9)} was paid" for _ in range(300)],
    ],
    ids=["few users", "numbers alone", "addresses", "nothing", "seen once"],
)
def test_what_is_no_session_is_not_taken_for_one(make: Callable[[random.Random], list[str]]) -> None:
    assert find_grouping(planned(make(random.Random(2))), PLAIN).kind == "none"


def test_what_is_asked_for() -> None:
    syslog, json_lines = format_named("syslog"), format_named("json", ['{"msg": "x", "time": "1"}'])
    assert asked_grouping(None, None, None, syslog) is None
    assert asked_grouping("none", None, None, syslog) == Grouping()
    assert asked_grouping("session", None, None, syslog) == Grouping("field", "session")
    assert asked_grouping("request.id", None, None, json_lines) == Grouping("field", "request.id")
    assert asked_grouping(r"id=(\d+)", None, None, syslog) == Grouping("pattern", r"id=(\d+)")
    assert asked_grouping(None, "host", 300.0, syslog) == Grouping("field", "host", 300.0, 0)
    assert asked_grouping(None, "process", None, syslog) == Grouping("field", "component", 0.0, 100)
    assert asked_grouping(None, None, 60.0, syslog) == Grouping("window", "", 60.0, 0)
    assert asked_grouping(None, None, 60.0, PLAIN) == Grouping("window", "", 0.0, 100), "rows where there are no stamps"
    with pytest.raises(UsageError, match="tell no host"):
        asked_grouping(None, "host", None, PLAIN)


def test_sessions_end_when_they_are_quiet_long_or_too_many() -> None:
    sessions = Sessions(Ends(quiet=10.0), 2, most=3)
    for second, key in enumerate("abcabc"):
        _, over = sessions.take(key, 1, second + 1, float(second), "")
        assert not over
    _, over = sessions.take("a", 1, 7, 30.0, "")
    assert not over, "one stamp far ahead may be wrong"
    _, over = sessions.take("a", 2, 8, 31.0, "")
    assert sorted(one.key for one in over) == ["b", "c"]
    for k, key in enumerate("defg"):
        _, over = sessions.take(key, 1, 9 + k, 32.0, "")
    assert len(sessions.open) == 3
    again = Sessions(Ends(quiet=10.0), 2, most=3)
    again.restore(sessions.state())
    assert again.state() == sessions.state()
    cut = Sessions(Ends(rows=4), 0)
    ended = [cut.take("a", 1, k, None, "")[1] for k in range(10)]
    assert [len(over) for over in ended] == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
