"""Signs of one cause are one finding, events of it several; memory is bounded."""

from __future__ import annotations

import json

from genapps_logs.findings import NOTED, Book, Gathered, Sign, is_accepted
from genapps_logs.watching import Open


def sign(name: str, line: int, **more: object) -> Sign:
    return Sign(name, "value", line, f"line {line}", "why", **more)  # type: ignore[arg-type]


def test_signs_of_one_cause_are_one_finding() -> None:
    book = Book(frozenset({"T2.1"}))
    for line in range(1, 11):
        book.take(sign("T1.1", line, p=1 / line, session=f"s{line}"))
        book.take(sign("T2.1", line))
    book.take(sign("log:silence", 11, event=1))
    book.take(sign("log:silence", 20, event=2))
    first, silence, again = book.findings()
    assert (first.id, first.count, first.lines, first.p_value) == ("T1.1", 10, (1, 2, 3, 4, 5), 0.1)
    assert len(first.sessions) == NOTED
    assert (silence.id, again.id) == ("log:silence", "log:silence#2")
    assert is_accepted("log:silence#2", frozenset({"log:silence"}))


def test_no_more_findings_are_gathered_than_may_be() -> None:
    book = Book(most=5)
    for line in range(20):
        book.take(sign(f"T{line}", line))
    assert len(list(book.findings())) == 5 and book.left_out == 15


def test_what_is_gathered_is_kept() -> None:
    gathered = Gathered(sign("T1.1", 3, p=0.1, time="now"))
    gathered.add(sign("T1.1", 3, p=0.1, session="s"))
    again = Gathered.restore(json.loads(json.dumps(gathered.state())))
    assert again.finding() == gathered.finding()


def test_a_finding_opens_grows_and_closes_and_storms_are_kept_back() -> None:
    found = Open(frozenset(), most=2)
    told = [line for k in range(100) for line in found.take(sign("a", k), float(k))]
    assert [(line["state"], line["count"]) for line in told] == [("open", 1), ("update", 10), ("update", 100)]
    assert [line["state"] for line in found.take(sign("b", 1), 100.0)] == ["open"]
    assert list(found.take(sign("c", 1), 101.0)) == [] and found.kept_back == 1
    again = Open(frozenset(), most=2)
    again.restore(json.loads(json.dumps(found.state())))
    assert again.state() == found.state()
    assert [line["id"] for line in again.sweep(101.0 + 3600, 3600.0)] == ["a", "b"]
    assert [line["state"] for line in again.take(sign("c", 1), 5000.0)] == ["open"]
