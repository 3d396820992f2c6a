"""Figures are those of the core's measures, and each stands beside what chance gets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import InputError
from genapps.metrics import ranges
from genapps_timeseries.evaluation.alarms import numbered, shuffled
from genapps_timeseries.evaluation.scores import evaluate


def example(rows=2000, seed=0):
    """Labels, scores that know them, alarms, and times five minutes apart."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(rows, bool)
    labels[300:320], labels[900:960], labels[1500:1503] = True, True, True
    scores = rng.random(rows) + 0.6 * labels
    return labels, scores, scores > 1.0, np.arange(rows) * 300.0


def by_key(made):
    return {measure.key: measure for measure in made.measures}


def test_figures_are_those_of_the_core():
    labels, scores, alarms, times = example()
    made = evaluate(labels, scores=scores, alarms=alarms, times=times, calendar=True, window=40)
    found = by_key(made)
    events = ranges.event_scores(labels, alarms)
    assert found["vus_pr"].value == ranges.vus_pr(labels, scores, 40)
    assert found["auc_pr"].value == ranges.auc_pr(labels, scores)
    assert (found["event_precision"].value, found["event_recall"].value) == (events.precision, events.recall)
    assert found["event_f1"].value == events.f1
    assert found["delay"].value == np.nanmedian(ranges.delays(labels, alarms, times))
    assert found["false_alarms_per_week"].value == ranges.alarms_per_week(alarms, times, normal=~labels)
    assert (made.rows, made.events, made.anomalous, made.window) == (2000, 3, 83, 40)
    assert made.weeks == pytest.approx(2000 * 300 / (7 * 86400))


def test_controls_are_what_chance_and_an_endless_alarm_get():
    labels, scores, alarms, times = example()
    made = by_key(evaluate(labels, scores=scores, alarms=alarms, times=times, calendar=True))
    controls = {key: {c.name: c.value for c in measure.controls} for key, measure in made.items()}
    assert controls["auc_pr"]["random"] == pytest.approx(labels.mean(), rel=0.3)
    assert controls["auc_pr"]["always alarm"] == pytest.approx(labels.mean())
    assert controls["event_f1"]["always alarm"] == 1  # which is why the next one stands beside it
    assert controls["normal_rows_in_alarm"]["always alarm"] == 1
    assert controls["normal_rows_in_alarm"]["random"] == pytest.approx(alarms.mean(), rel=0.2)
    random_scores = by_key(evaluate(labels, scores=np.random.default_rng(9).random(2000)))
    assert random_scores["vus_pr"].value < 2 * controls["vus_pr"]["random"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 99))
def test_alarms_of_chance_are_as_many_and_as_long(numbers, seed):
    alarms = np.array(numbers)
    drawn = shuffled(alarms, np.random.default_rng(seed))
    assert len(drawn) == len(alarms)
    counts = [np.sort(np.unique_counts(one[one > 0]).counts) for one in (alarms, drawn)]
    np.testing.assert_array_equal(*counts)
    for number in set(drawn.tolist()) - {0}:
        assert len(ranges.segments(drawn == number)[0]) == 1


def test_alarms_of_chance_go_everywhere():
    alarms = np.zeros(10, np.int64)
    alarms[4:6] = 7
    rng = np.random.default_rng(0)
    starts = {int(np.flatnonzero(shuffled(alarms, rng))[0]) for _ in range(300)}
    assert starts == set(range(9))


def test_an_alarm_is_the_event_that_was_told_not_each_run_of_its_rows():
    labels, _, _, times = example()
    events = np.zeros(2000, np.int64)
    events[310:330], events[330:340], events[900:910] = 1, 2, 3  # the first two touch; the third has a calm row
    runs = events > 0
    runs[905] = False
    told, rows = (evaluate(labels, alarms=alarms, times=times, calendar=True) for alarms in (events, runs))
    assert (told.alarms, told.alarms_are) == (3, "events")
    assert (rows.alarms, rows.alarms_are) == (3, "runs of rows")
    assert [by_key(made)["event_precision"].value for made in (told, rows)] == [2 / 3, 1]
    weeks = (~labels).sum() * 300 / ranges.WEEK
    assert by_key(told)["false_alarms_per_week"].value == pytest.approx(1 / weeks)
    assert by_key(rows)["false_alarms_per_week"].value == 0
    assert by_key(told)["delay"].value == by_key(rows)["delay"].value == np.median([3000, 0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_runs_of_rows_are_counted_as_the_core_counts_them(cells):
    labels, alarms = np.array(cells).T
    assert (numbered(alarms) > 0).tolist() == alarms.tolist()
    if labels.any():
        found, core = by_key(evaluate(labels, alarms=alarms)), ranges.event_scores(labels, alarms)
        assert found["event_f1"].value == core.f1
        assert found["event_precision"].value == core.precision


def test_unknown_scores_count_as_the_lowest_and_that_is_said():
    labels, scores, _, _ = example()
    holes = scores.copy()
    holes[:10] = np.nan
    made = evaluate(labels, scores=holes)
    lowest = np.where(np.isnan(holes), scores.min() - 1, holes)
    assert by_key(made)["auc_pr"].value == ranges.auc_pr(labels, lowest)
    assert made.notes == ("10 rows without a score count as the least strange",)
    endless = np.where(labels, np.inf, scores)
    assert by_key(evaluate(labels, scores=endless))["auc_pr"].value == 1


def test_kinds_are_counted_event_by_event():
    labels, _, _, _ = example()
    kinds = np.full(2000, "", dtype="<U9")
    kinds[300:320], kinds[900:960], kinds[1500:1503] = "spike", "flatline", "spike"
    alarms = np.zeros(2000, bool)
    alarms[[305, 950]] = True
    made = evaluate(labels, alarms=alarms, kinds=kinds)
    assert [(k.kind, k.events, k.found) for k in made.kinds] == [("flatline", 1, 1), ("spike", 2, 1)]


def test_the_point_adjusted_score_comes_on_request_and_is_called_misleading():
    labels, scores, alarms, _ = example()
    assert "point_adjusted_f1" not in by_key(evaluate(labels, scores=scores, alarms=alarms))
    asked = by_key(evaluate(labels, scores=scores, alarms=alarms, point_adjusted=True))["point_adjusted_f1"]
    assert "misleading" in asked.name
    assert "Misleading" in asked.note


def test_verdicts_follow_the_way_from_chance():
    labels, scores, _, _ = example()
    assert evaluate(labels, scores=labels + 0.1 * scores).verdict.level == "good"
    assert evaluate(labels, scores=-scores).verdict.level == "poor"


def test_what_cannot_be_judged():
    labels, scores, alarms, _ = example()
    with pytest.raises(InputError, match="no row is labelled"):
        evaluate(np.zeros(2000, bool), scores=scores)
    with pytest.raises(InputError, match="no row has a score"):
        evaluate(labels, scores=np.full(2000, np.nan))
    with pytest.raises(InputError, match="one of each a row"):
        evaluate(labels, scores=scores[:-1])
    with pytest.raises(InputError, match="one of each a row"):
        evaluate(labels, alarms=alarms[:-1])
