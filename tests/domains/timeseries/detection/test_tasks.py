"""Events of series: found where they were put, at the promised rate, after a normal part that may hold dirt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps_timeseries.detection.events import without_copies
from genapps_timeseries.detection.learning import dirty_rows
from genapps_timeseries.detection.model import SeriesModel
from genapps_timeseries.detection.rows import row_tables
from genapps_timeseries.detection.tasks import Detection, accepting, aligned, detect, extended, first_part, fit, unseen
from genapps_timeseries.detection.wishes import Span, Wishes, span
from genapps_timeseries.scoring.detector import DetectorSettings
from genapps_timeseries.series import Clock, Series, series_of

Floats = NDArray[np.float64]
DAY = 48


def course(rows: int, seed: int = 0) -> Floats:
    """A season of 48 rows with noise."""
    return 10 + 3 * np.sin(2 * np.pi * np.arange(rows) / DAY) + np.random.default_rng(seed).normal(0, 0.3, rows)


def marked(rows: int = 2400) -> Floats:
    """The same with a spike, a level shift and a flatline in its second half."""
    values = course(rows)
    values[1400] += 9
    values[1700:1760] += 6
    values[2100:2140] = values[2100]
    return values


@pytest.fixture(scope="module")
def found() -> Detection:
    return detect([series_of(marked(), ("level",), step=1800)], Wishes(false_alarm_rate=0.002))


def meets(detection: Detection, first: int, last: int) -> list[str]:
    return [e.kind for e in detection.events if e.first <= last + DAY // 2 and e.last >= first - DAY // 2]


def test_what_was_put_in_is_found_and_told(found: Detection) -> None:
    assert "spike" in meets(found, 1400, 1400)
    assert "level shift" in meets(found, 1700, 1759)
    assert "flatline" in meets(found, 2100, 2139)
    assert len(found.events) <= 6
    assert [event.id for event in found.events] == list(range(1, len(found.events) + 1))
    spike = next(event for event in found.events if event.kind == "spike" and event.start == 1400 * 1800)
    assert spike.reason.startswith("level jumped to ")
    assert spike.nearest is not None
    assert all(0 < event.p <= 0.002 for event in found.events)


def test_every_row_has_its_figures(found: Detection) -> None:
    judged = found.results[0].judged
    assert np.isfinite(judged.score).all()
    assert ((judged.p > 0) & (judged.p <= 1)).all()
    assert not judged.strange[: judged.normal].any()
    assert judged.shares.sum(1) == pytest.approx(1)
    assert (judged.lower <= judged.upper).all()
    inside = (judged.series.values[:, 0] >= judged.lower) & (judged.series.values[:, 0] <= judged.upper)
    assert inside[: judged.normal].mean() >= 0.99


def test_normal_rows_keep_the_rate() -> None:
    made = detect([series_of(course(6000))], Wishes(false_alarm_rate=0.01))
    judged = made.results[0].judged
    assert judged.strange[judged.normal :].mean() <= 0.02
    assert made.promise.held is not None
    assert 0 < made.promise.held <= 0.04


def test_dirt_in_the_normal_part_neither_hides_events_nor_breaks_the_promise(found: Detection) -> None:
    values = marked()
    values[200:230] += 7  # 5 % of the first quarter
    made = detect([series_of(values, ("level",), step=1800)], Wishes(false_alarm_rate=0.002))
    assert any("far from normal" in note for note in made.notes)
    for first, last in ((1400, 1400), (1700, 1759), (2100, 2139)):
        assert meets(made, first, last)
    assert [e for e in made.events if e.first < 240 and e.last > 190], "what was strange in it is an event too"
    clean = detect([series_of(np.concatenate([values[:600], course(5000, 5)]))], Wishes(false_alarm_rate=0.01))
    judged = clean.results[0].judged
    assert judged.strange[judged.normal :].mean() <= 0.03


def test_a_clean_part_and_a_habit_are_no_dirt() -> None:
    settings = DetectorSettings()
    assert not dirty_rows(course(1000)[:, None], settings, DAY).any()
    habit = course(1000)
    habit[100::DAY] += 5  # at the same hour of every day
    assert dirty_rows(habit[:, None], settings, DAY).mean() < 0.02


def test_missing_rows_are_a_gap_where_none_were() -> None:
    values = course(2000)
    values[1500:1520] = np.nan
    values[1700:1760] = np.nan
    made = detect([series_of(values, step=60)], Wishes(false_alarm_rate=0.002))
    assert [event.kind for event in made.events if 1400 < event.last < 1860] == ["gap", "gap"], (
        "and nothing beside them"
    )
    gap = next(event for event in made.events if event.kind == "gap")
    assert (gap.first, gap.last, gap.rows) == (1500, 1519, 20)
    assert gap.reason == "no rows came for 20 min"


def test_a_channel_is_named_and_its_missing_values_too() -> None:
    table = np.stack([course(2000, seed) for seed in range(3)], axis=1)
    table[1300:1340, 1] += 6
    table[1700:1720, 2] = np.nan
    made = detect([series_of(table, ("a", "b", "c"))], Wishes(false_alarm_rate=0.002))
    worst = max(made.events, key=lambda event: event.severity)
    assert worst.channels[0][0] == "b"
    assert worst.first < 1340
    assert worst.last >= 1300
    missing = next(event for event in made.events if event.kind == "missing")
    assert missing.channels == (("c", 1.0),)
    beside = [event for event in made.events if 1690 < event.first < 1730 and event is not missing]
    assert not beside, "other channels are as usual there, whatever a score of all of them says"


def test_one_direction_only() -> None:
    values = course(2000)
    values[1200:1230] += 6
    values[1600:1630] -= 6
    up = detect([series_of(values)], Wishes(false_alarm_rate=0.002, direction="up"))
    down = detect([series_of(values)], Wishes(false_alarm_rate=0.002, direction="down"))
    assert meets(up, 1200, 1229)
    assert not meets(up, 1605, 1625)
    assert meets(down, 1600, 1629)


def test_lengths_are_rows_or_times() -> None:
    clock = Clock("time", "t", 60.0)
    assert span("12", "--merge").of(clock) == 12
    assert span("1h30m", "--merge").of(clock) == 90
    assert span("10s", "--merge").of(clock) == 1
    for text in ("0", "x", "-3", "0s", ""):
        with pytest.raises(UsageError, match="number of rows, or a time"):
            span(text, "--merge")
    with pytest.raises(UsageError, match="no date and time"):
        Span(0.0, 60.0).of(Clock())
    assert Wishes(season="24h").detector(clock).window == 1440


def test_too_few_rows_are_refused() -> None:
    for rows in (1, 15):
        with pytest.raises(InputError, match="it takes 16 or more"):
            detect([series_of(np.arange(float(rows)))])
    assert [first_part(rows) for rows in (16, 90, 900, 10_000, 10**7)] == [8, 30, 300, 2500, 100_000]
    unknown = np.full(100, np.nan)
    with pytest.raises(InputError, match="0 rows with a value"):
        detect([series_of(unknown)])


def test_a_saved_model_judges_alike(found: Detection, tmp_path: Path) -> None:
    normals = {name: one.normal for name, one in fit([series_of(course(1200), ("level",))]).items()}
    wishes = Wishes(false_alarm_rate=0.002, min_length="2")
    SeriesModel(normals, wishes, {"rows": 1200}).save(tmp_path / "m.genapps")
    again = SeriesModel.load(tmp_path / "m.genapps")
    assert again.wishes == wishes
    data = [series_of(marked(), ("level",))]
    first, second = detect(data, wishes, normals=normals), detect(data, wishes, normals=again.normals)
    assert [(e.first, e.last, e.reason) for e in first.events] == [(e.first, e.last, e.reason) for e in second.events]
    np.testing.assert_allclose(first.results[0].judged.p, second.results[0].judged.p, rtol=1e-6)


def test_more_normal_rows_join_those_that_are_known() -> None:
    normal = fit([series_of(course(800), ("level",))])[""].normal
    after = series_of(course(1500)[800:], ("level",))
    later = Series(after.values, after.channels, after.times + 800, after.rows, after.clock)
    grown = extended({"": normal}, [later])[""]
    assert len(grown.values) == 1500
    assert len(grown.reference) == 1500
    apart = extended({"": normal}, [after])[""]
    assert len(apart.values) == 1500 + normal.window
    assert len(apart.reference) < 1500


def test_rows_of_a_time_that_is_known_are_not_learnt_twice() -> None:
    stamped = Clock("time", "time", 60.0)

    def part(start: int, stop: int) -> Series:
        made = series_of(course(1500)[start:stop], ("level",))
        return Series(made.values, made.channels, made.times * 60 + start * 60, made.rows, stamped)

    known = {"": fit([part(0, 800)])[""].normal}
    (new,), (note,) = unseen(known, [part(600, 1000)])
    assert new.times.tolist() == part(800, 1000).times.tolist()
    assert note.startswith("200 rows left out")
    assert unseen(known, [part(800, 900)])[1] == ()
    with pytest.raises(InputError, match="nothing new to learn"):
        unseen(known, [part(0, 800)])


def test_every_event_has_a_row_of_the_scores(found: Detection) -> None:
    """One within another, worse one; a gap, whose rows the input lacks; rows that are put in beside real ones."""
    (result,) = found.results
    rows = np.arange(2400)
    rows[1000:1100] = -1
    rows[1100:] -= 100
    series = replace(result.judged.series, rows=rows)
    spans = ((700, 900, 3.0), (750, 760, 1.0), (1000, 1099, 2.0), (1095, 1102, 1.0))
    events = [replace(result.events[0], id=k, first=a, last=b, severity=s) for k, (a, b, s) in enumerate(spans, 1)]
    judged = replace(result.judged, series=series)
    told = Detection((replace(result, judged=judged, events=tuple(events)),))
    (table,) = row_tables(told, "t", [[""] * 2300], 2300)
    ids = np.array([k or 0 for k in table["event_id"].to_pylist()])
    assert [np.flatnonzero(ids == k).tolist()[:: max((ids == k).sum() - 1, 1)] for k in (1, 2, 4)] == [
        [700, 900],
        [750, 760],
        [1001, 1002],
    ]
    assert np.flatnonzero(ids == 3).tolist() == [1000], "the row that comes late"
    assert table["is_anomaly"].to_pylist() == (ids > 0).tolist()


def test_what_is_accepted_is_no_event_and_others_are() -> None:
    values = course(2400)
    for start in (1300, 1875):  # the same thing twice, a whole number of days apart less a little
        values[start : start + 30] += 6
    values[1600:1620] -= 7
    data = [series_of(values)]
    wishes = Wishes(false_alarm_rate=0.002)
    before = detect(data, wishes)
    chosen = next(event.id for event in before.events if event.first <= 1329 and event.last >= 1300)
    after = detect(data, wishes, accepted=[chosen])
    rows = [(event.first, event.last) for event in after.events]
    assert rows == [(e.first, e.last) for e in before.events if e.id != chosen and not 1860 < e.first < 1910]
    assert not meets(after, 1310, 1320)
    assert meets(after, 1600, 1619)
    assert [event.id for event in after.events] == list(range(1, len(rows) + 1))
    assert "1 event accepted as normal: 1; 1 event like that is not told either" in after.notes
    again = detect(data, wishes, normals=after.normals)
    assert {(e.first, e.last) for e in again.events}.isdisjoint({(1300, 1329), (1875, 1904)})
    with pytest.raises(UsageError, match="--accept 99: there is no such event"):
        detect(data, wishes, accepted=[99])


def test_accepting_one_event_leaves_the_others_as_they_were(found: Detection) -> None:
    for chosen in found.events:
        (after,) = accepting(found, {chosen.id}).results
        assert [(e.first, e.last, e.severity) for e in after.events] == [
            (e.first, e.last, e.severity) for e in found.events if e.id != chosen.id
        ]
        assert after.asked == found.results[0].asked


def test_what_is_missing_or_stuck_is_accepted_up_to_twice_as_long() -> None:
    values = np.stack([course(2400), course(2400, 1)], 1)
    for first, rows in ((900, 30), (1300, 50), (1700, 90)):
        values[first : first + rows, 0] = values[first, 0]
        values[first + 150 : first + 150 + rows, 1] = np.nan
    values[2300:2350] = np.nan
    before = detect([series_of(values)], Wishes(false_alarm_rate=0.002))
    ids = {event.id for event in before.events if event.last < 1100 and event.kind in ("flatline", "missing")}
    after = accepting(before, ids)
    assert [(e.kind, e.first) for e in after.events if not e.by_score] == [
        ("flatline", 1700),
        ("missing", 1850),
        ("gap", 2300),
    ]


def test_channels_are_matched_by_name() -> None:
    normal = fit([series_of(np.stack([course(400), course(400, 1)], 1), ("a", "b"))])[""].normal
    other = series_of(np.stack([course(50, 1), course(50), course(50, 2)], 1), ("b", "a", "x"))
    same, notes = aligned(other, normal)
    assert same.channels == ("a", "b")
    np.testing.assert_array_equal(same.values, other.values[:, [1, 0]])
    assert notes == ("1 channel of the data not in the model and left out: 'x'",)
    less, notes = aligned(series_of(course(50), ("b",)), normal)
    assert np.isnan(less.values[:, 0]).all()
    assert "taken as unknown: 'a'" in notes[0]
    with pytest.raises(InputError, match="none of the channels"):
        aligned(series_of(course(50), ("y",)), normal)


def test_rows_come_back_in_the_order_of_the_input(found: Detection) -> None:
    series = found.results[0].judged.series
    order = np.random.default_rng(1).permutation(len(series))
    shuffled = Series(series.values, series.channels, series.times, order.astype(np.int64), series.clock)
    judged = found.results[0].judged
    moved = Detection((type(found.results[0])(
        type(judged)(**{**vars(judged), "series": shuffled}), *list(vars(found.results[0]).values())[1:]
    ),))  # fmt: skip
    texts = [str(row) for row in range(len(series))]
    batches = [texts[:1000], texts[1000:]]
    whole = next(iter(row_tables(found, "t", [texts], len(texts)))).to_pydict()
    parts = [table.to_pydict() for table in row_tables(moved, "t", batches, len(texts))]
    scores = np.array(parts[0]["score"] + parts[1]["score"])
    np.testing.assert_array_equal(scores[order], whole["score"])
    names = ["t", "score", "p_value", "threshold", "is_anomaly", "event_id", "expected", "lower", "upper"]
    assert list(whole) == [*names, "top_channel", "contribution_level"]
    flagged = [k for k, alarm in enumerate(whole["is_anomaly"]) if alarm]
    assert all(whole["event_id"][k] for k in flagged)
    assert set(range(2100, 2140)) <= set(flagged), "a flatline needs no score"


def test_a_fault_is_told_although_the_series_has_a_gap_soon_after():
    draws = np.random.default_rng(1)
    values = np.stack([np.sin(np.arange(4000) / 10), np.zeros(4000)], 1) + draws.normal(0, 0.1, (4000, 2))
    values[3000:3040, 1] += 2
    values[3060:3090] = np.nan
    series = replace(series_of(values, step=60.0), rows=np.where(np.isnan(values[:, 0]), -1, np.arange(4000)))
    found = detect((series,), Wishes(false_alarm_rate=0.001)).events
    assert any(event.kind == "gap" and event.first >= 3055 for event in found)
    assert any(event.by_score and event.first <= 3005 and event.last <= 3080 for event in found)


def test_faults_of_two_channels_are_two_events():
    draws = np.random.default_rng(2)
    values = draws.normal(0, 1, (4000, 2))
    values[3000:3010, 0] += 15
    values[3500:3510, 1] += 15
    found = detect((series_of(values, step=60.0),), Wishes(false_alarm_rate=0.001, merge="800")).events
    assert {event.channels[0][0] for event in found if 2700 < event.first < 3600} == {"channel 1", "channel 2"}


def test_faults_of_two_channels_that_overlap_are_two_events_unless_they_are_one():
    table = np.stack([course(2000, 1), course(2000, 2)[::-1]], axis=1)
    for begin, faults in ((1520, 2), (1500, 1)):
        values = table.copy()
        values[1500:1540, 0] += 8
        values[begin : begin + 40, 1] -= 6
        found = detect((series_of(values),), Wishes(false_alarm_rate=0.002)).events
        near = [event for event in found if 1480 <= event.first <= 1560]
        assert len({event.channels[0][0] for event in near}) == len(near) == faults
        assert all(abs(event.last - last) <= 2 for event, last in zip(near, (1539, 1559), strict=False))


def test_number_and_grade_agree(found: Detection) -> None:
    event = found.events[0]
    assert [replace(event, severity=s).graded for s in (0.04, 0.99, 2.99, 3.0)] == [
        "low 0.0",
        "low 0.9",
        "high 2.9",
        "critical 3.0",
    ]


def test_an_event_is_the_rows_that_are_strange(found: Detection) -> None:
    """Its peak lies in it, its score and p-value are those of its peak, and scores.csv says the same."""
    judged = found.results[0].judged
    rows = next(iter(row_tables(found, "t", [[""] * len(judged.score)], len(judged.score)))).to_pydict()
    inside = np.zeros(len(judged.score), bool)
    for event in found.events:
        assert event.start <= event.peak <= event.end
        assert event.kind != "spike" or " jumped " in event.reason or " dropped " in event.reason
        assert event.rows == event.last - event.first + 1
        inside[event.first : event.last + 1] = True
        if event.by_score:
            peak = round(event.peak / 1800)
            assert (event.p, event.score) == (judged.p[peak], judged.score[peak])
    np.testing.assert_array_equal(rows["is_anomaly"], inside)
    np.testing.assert_array_equal([bool(k) for k in rows["event_id"]], inside)
    spike = next(event for event in found.events if event.first <= 1400 <= event.last)
    assert (spike.first, spike.last, spike.grade) == (1400, 1400, "critical")
    shift = next(event for event in found.events if event.kind == "level shift")
    assert abs(shift.first - 1700) <= 2
    assert abs(shift.last - 1759) <= 2


def test_a_counter_that_is_set_back_is_told_unless_it_always_is() -> None:
    counts = np.cumsum(np.random.default_rng(3).poisson(5, 2000)).astype(float)
    once = counts.copy()
    once[1500:] -= counts[1499]
    (event,) = [e for e in detect([series_of(once, step=60)]).events if e.kind == "reset"]
    assert (event.first, event.last) == (1500, 1500)
    assert event.reason.startswith("channel 1 was set back to ")
    often = detect([series_of(counts % 2000, step=60)]).events
    assert not [e for e in often if e.kind == "reset" or e.grade == "critical"]


def test_a_fault_that_was_found_twice_is_told_once(found: Detection) -> None:
    event = found.events[0]
    milder = replace(event, severity=event.severity - 1)
    other = replace(event, kind="another")
    assert without_copies([milder, event, other, milder]) == [event, other]
