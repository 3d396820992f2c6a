"""Stamps of every format are read, and forgotten years go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.times import Clock

STAMPS = {
    "2005-06-03-15.42.50.675872": "2005-06-03T15:42:50.675872",
    "2015-07-29 17:41:44,747": "2015-07-29T17:41:44.747",
    "2015/07/29 17:41:44": "2015-07-29T17:41:44",
    "2015-07-29T17:41:44Z": "2015-07-29T17:41:44",
    "2015-07-29T19:41:44.5+02:00": "2015-07-29T17:41:44.5",
    "Sun Dec 04 04:47:44 2005": "2005-12-04T04:47:44",
    "10/Oct/2000:13:55:36 -0700": "2000-10-10T20:55:36",
    "081109 203615": "2008-11-09T20:36:15",
    "17/06/09 20:10:40": "2017-06-09T20:10:40",
    "20171223-22:15:29:606": "2017-12-23T22:15:29.606",
    "Jun  9 06:06:20": "2000-06-09T06:06:20",
    "Jun 14 2015 15:16:01": "2015-06-14T15:16:01",
    "03-17 16:13:38.811": "2000-03-17T16:13:38.811",
    "10.30 16:49:06": "2000-10-30T16:49:06",
    "1117838570": "2005-06-03T22:42:50",
    "1117838570123": "2005-06-03T22:42:50.123",
    "1117838570.5": "2005-06-03T22:42:50.5",
}


@pytest.mark.parametrize("text", STAMPS)
def test_stamps_of_every_kind(text: str) -> None:
    wanted = datetime.fromisoformat(STAMPS[text]).replace(tzinfo=UTC).timestamp()
    clock = Clock()
    for _ in range(3):
        assert clock(text) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("text", ["", "noon", "2015-02-30 10:00:00", "99/99/99 10:00:00", "-", "12", "10:00:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert Clock()(text) is None


@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)), min_size=2, max_size=20))
def test_the_remembered_hour_changes_nothing(moments: list[datetime]) -> None:
    clock = Clock()
    for moment in [*moments, *(moment + timedelta(minutes=1) for moment in moments)]:
        for form in ("%Y-%m-%d %H:%M:%S,%f", "%d/%b/%Y:%H:%M:%S +0000", "%a %b %d %H:%M:%S %Y"):
            text = moment.strftime(form)
            assert clock(text) == pytest.approx(Clock()(text), abs=1e-4)


def test_a_year_that_is_not_said_goes_on_at_its_end() -> None:
    clock = Clock()
    moments = [datetime(2000, 11, 1) + timedelta(hours=7 * k) for k in range(400)]
    found = [clock(moment.strftime("%b %d %H:%M:%S")) for moment in moments]
    assert [after - before for before, after in pairwise(found)] == [7 * 3600.0] * 399
    assert clock.yearless
    assert clock("Feb 29 10:00:00") is not None


def test_a_late_line_of_the_old_year_is_of_the_old_year() -> None:
    clock = Clock()
    first, late, second = (clock(stamp) for stamp in ("Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02"))
    assert first is not None and (late, second) == (first - 2, first + 1)
