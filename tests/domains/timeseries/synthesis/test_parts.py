"""Shapes and rhythms go and come back, makers draw what they learnt, measures see what is off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import InputError, UsageError
from genapps_timeseries.series import Clock, Series, series_of
from genapps_timeseries.synthesis import metrics
from genapps_timeseries.synthesis.families import BlockMaker, echoes, learn_maker, restore_maker
from genapps_timeseries.synthesis.metrics import Sides, cross_distance, longest_copy, measure, score_of
from genapps_timeseries.synthesis.mixture import histories, history_reading
from genapps_timeseries.synthesis.model import learn_series
from genapps_timeseries.synthesis.rhythm import find_rhythms, period_of
from genapps_timeseries.synthesis.shape import Quantiles, decimals_of, learn_shape, positions
from genapps_timeseries.synthesis.tasks import again, parted
from genapps_timeseries.synthesis.windows import quilted, windows_of


def walk(rows=1200, pull=0.8, seed=0):
    """An autoregression of the first order, (N, 1)."""
    rng = np.random.default_rng(seed)
    values = np.zeros(rows)
    for t in range(1, rows):
        values[t] = pull * values[t - 1] + rng.standard_normal()
    return values[:, None]


def daily(days=8, seed=0):
    """Ten-minute rows of a daily cycle with noise, whole numbers, and a switch."""
    rows = days * 144
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(rows) * 2 * np.pi / 144)
    values = np.stack([np.round(50 + 20 * wave + rng.normal(0, 3, rows)), (wave > 0).astype(float)], axis=1)
    return series_of(values, ("load", "on"), 600.0)


def test_values_come_back_through_a_shape():
    series = daily()
    shape = learn_shape([series])
    inside = shape.inside(series.values, positions(series))
    back = shape.outside(inside, positions(series))
    np.testing.assert_allclose(back[:, 0], series.values[:, 0], atol=1)
    assert (back[:, 1] == series.values[:, 1]).mean() > 0.99
    assert abs(inside[:, 0].mean()) < 0.05
    assert inside[:, 0].std() == pytest.approx(1, abs=0.1)


def test_whatever_is_drawn_keeps_range_rounding_and_kinds():
    series = daily()
    shape = learn_shape([series])
    drawn = np.random.default_rng(1).normal(0, 3, (2000, 2))
    new = shape.outside(drawn, np.arange(2000) + 10_000.0)
    assert (new[:, 0] == np.round(new[:, 0])).all()
    assert series.values[:, 0].min() <= new[:, 0].min() <= new[:, 0].max() <= series.values[:, 0].max()
    assert set(new[:, 1]) <= {0.0, 1.0}


def test_a_shape_is_saved_whole():
    series = daily()
    shape = learn_shape([series])
    again = type(shape).restore(*shape.state())
    drawn = np.random.default_rng(1).normal(0, 1, (300, 2))
    np.testing.assert_array_equal(*(one.outside(drawn, np.arange(300.0)) for one in (shape, again)))


def test_a_day_is_found_by_the_calendar_and_a_period_by_its_echo():
    assert learn_shape([daily()]).rhythms[0].period == 144
    rows = np.arange(2000)
    wave = np.sin(rows * 2 * np.pi / 37.5)[:, None] + np.random.default_rng(0).normal(0, 0.2, (2000, 1))
    assert period_of(wave) in (37, 38, 75)
    found = find_rhythms(wave, rows.astype(float), Clock())
    assert found[0].period % 37.5 == pytest.approx(0, abs=0.1) or found[0].period % 37.5 == pytest.approx(37.5, abs=0.1)


def test_no_rhythm_is_seen_in_a_walk():
    assert not find_rhythms(walk(3000, 0.5), np.arange(3000.0), Clock("time", "t", 600.0))


def test_a_trend_goes_on_and_a_walk_is_none():
    rows = np.arange(1000)
    rng = np.random.default_rng(0)
    rising = series_of(0.5 * rows + rng.normal(0, 5, 1000))
    shape = learn_shape([rising])
    assert shape.channels[0].slope == pytest.approx(0.5, rel=0.05)
    later = shape.outside(rng.standard_normal((100, 1)), 2000.0 + np.arange(100))
    assert later.mean() == pytest.approx(0.5 * 2050, abs=10)
    drifting = series_of(np.cumsum(np.random.default_rng(3).standard_normal(1000)))
    assert learn_shape([drifting]).channels[0].slope == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-5, 5) | st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_quantiles_keep_order_and_range(values):
    array = np.array(values, float)
    quantiles = Quantiles.of(array)
    normal = quantiles.normal(array)
    assert (np.diff(normal[np.argsort(array)]) >= 0).all()
    back = quantiles.value(normal)
    assert array.min() <= back.min() <= back.max() <= array.max()
    if len(array) == len(set(values)):
        np.testing.assert_allclose(np.sort(back), np.sort(array), atol=1e-9 + 0.6 * np.ptp(array))


def test_decimals():
    assert decimals_of(np.array([1.0, 2.0, np.nan])) == 0
    assert decimals_of(np.array([1.25, 2.5])) == 2
    assert decimals_of(np.random.default_rng(0).random(50)) is None
    assert decimals_of(np.array([0.1] * 200 + [0.123456])) == 1  # one mean among them


def test_a_history_is_read_as_rows_and_means():
    reading = history_reading(40)
    sequence = np.arange(60.0)[:, None]
    read, nexts = histories(sequence, reading)
    assert (reading.shape[1], nexts[0, 0], read[0, 0], read[0, 11]) == (40, 40, 39, 28)
    assert read[0, 12] == np.mean([24, 25, 26, 27])  # the span from 13 to 16 rows back
    assert read[0, -1] == np.mean(np.arange(0, 16))


@pytest.mark.parametrize("family", ["gmm", "hmm", "bootstrap"])
def test_makers_draw_what_they_learnt_at_any_length_and_are_saved(family):
    learnt = [walk()]
    maker = learn_maker(family, learnt, seed=0, budget=10)
    drawn = maker.draw(3000, 2, np.random.default_rng(0))
    assert drawn.shape == (2, 3000, 1)
    assert drawn.std() == pytest.approx(walk().std(), rel=0.4)  # margins are set right by who uses them
    assert echoes([one[:, 0] for one in drawn], 3)[0] == pytest.approx(0.8, abs=0.15)
    assert not np.array_equal(drawn[0], drawn[1])
    again = restore_maker(family, *maker.state())
    np.testing.assert_allclose(again.draw(50, 1, np.random.default_rng(3)), maker.draw(50, 1, np.random.default_rng(3)))


@pytest.mark.parametrize("family", ["vae", "gan", "rbm", "autoregressive"])
def test_the_other_families_draw_too(family):
    maker = learn_maker(family, [walk(200)], seed=0, budget=0.3)
    drawn = maker.draw(400, 1, np.random.default_rng(0))
    assert drawn.shape == (1, 400, 1)
    assert np.isfinite(drawn).all()
    again = restore_maker(family, *maker.state())
    np.testing.assert_allclose(
        again.draw(90, 1, np.random.default_rng(3)), maker.draw(90, 1, np.random.default_rng(3)), atol=1e-5
    )


def test_unknown_families_and_too_few_rows():
    with pytest.raises(UsageError, match="Did you mean 'gmm'"):
        learn_maker("gm", [walk(100)])
    with pytest.raises(InputError, match="too few rows"):
        learn_maker("gmm", [walk(9)])


def test_windows_are_laid_over_one_another_without_jumps():
    wave = np.sin(np.arange(4000) * 2 * np.pi / 50)[:, None]
    windows = windows_of([wave], 64)
    maker = BlockMaker(windows)
    series = maker.draw(1000, 1, np.random.default_rng(0))[0]
    assert np.abs(np.diff(series[:, 0])).max() < 3 * np.abs(np.diff(wave[:, 0])).max()
    assert quilted(lambda n, rng: windows[:n], 30, 2, np.random.default_rng(0)).shape == (2, 30, 1)


def test_echoes_are_the_autocorrelation():
    values = walk(500)[:, 0]
    centered = values - values.mean()
    told = [(centered[:-k] @ centered[k:]) / (500 - k) / (centered @ centered / 500) for k in range(1, 5)]
    np.testing.assert_allclose(echoes([values], 4), told)
    assert not echoes([np.ones(9)], 3).any()


def plain_longest(source, target):
    """The definition."""
    best = 0
    for a in range(len(source)):
        for b in range(len(target)):
            n = 0
            while a + n < len(source) and b + n < len(target) and source[a + n] == target[b + n]:
                n += 1
            if len(set(source[a : a + n])) >= min(3, n):
                best = max(best, n)
    return best


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 8))
def test_the_longest_copy_is_that_of_the_definition(seed, values):
    rng = np.random.default_rng(seed)
    source, target = rng.integers(0, values, 40), rng.integers(0, values, 30)
    target[5:17] = source[20:32]
    found = longest_copy([source[:, None].astype(float)], [target[:, None].astype(float)])
    assert found == plain_longest(source.tolist(), target.tolist())


def sides(made):
    whole = walk(3000, seed=5)
    return Sides([whole[:1000], whole[2000:]], [whole[1000:1500], whole[1500:2000]], [made])


@pytest.fixture(scope="module")
def judged():
    """Figures of rows of the same process, and of ones that are off in one way each."""
    good = walk(2000, seed=6)
    rng = np.random.default_rng(0)
    off = {
        "good": good,
        "shuffled": rng.permutation(good),
        "calm": 0.3 * good,
        "copied": np.concatenate([walk(3000, seed=5)[:1000]] * 2),
    }
    before = ()
    found = {}
    for name, made in off.items():
        before = measure(sides(made), before=before)
        found[name] = before
    return found


def values_of(measures):
    return {m.key: m.value for m in measures}


def test_rows_of_the_same_process_are_as_good_as_real_ones(judged):
    good = {m.key: (m.value, m.controls[0].value) for m in judged["good"]}
    assert good["two_sample_auc"][0] == pytest.approx(0.5, abs=0.12)
    for key in ("margins", "steps", "echoes", "spectrum"):
        assert good[key][0] < good[key][1] + 0.06
    assert good["forecast"][0] > good["forecast"][1] - 0.1
    assert good["coverage"][0] > 0.75
    assert good["nearness"][0] > 0.85 < good["nearness"][1]
    assert good["copied_rows"][0] <= 1


def test_rows_too_few_for_a_window_have_no_figures_of_windows():
    short = walk(160, seed=7)
    found = values_of(measure(Sides([short[:80]], [short[80:100]], [short[100:]])))
    assert [found[key] for key in ("two_sample_auc", "coverage", "nearness")] == [None, None, None]
    assert found["margins"] is not None


def test_what_is_off_is_seen(judged):
    good, shuffled, calm, copied = (values_of(judged[name]) for name in ("good", "shuffled", "calm", "copied"))
    assert shuffled["two_sample_auc"] > 0.9 < calm["two_sample_auc"]
    assert shuffled["echoes"] > 1.5 * good["echoes"]
    assert shuffled["spectrum"] > 3 * good["spectrum"]
    assert calm["margins"] > 3 * good["margins"]
    assert shuffled["forecast"] < good["forecast"]
    assert copied["nearness"] == 0
    assert copied["copied_rows"] == 1000
    assert score_of(judged["good"]) < min(score_of(judged["shuffled"]), score_of(judged["calm"]))


def test_correlations_between_channels_count():
    rng = np.random.default_rng(0)
    both = walk(1500)
    pair = np.concatenate([both, both + 0.1 * rng.standard_normal((1500, 1))], axis=1)
    apart = np.concatenate([both, walk(1500, seed=9)], axis=1)
    assert cross_distance([pair[700:]], [pair[:700]]) < 0.1 < cross_distance([pair[700:]], [apart])


def test_series_of_a_group_share_a_shape():
    several = [Series(walk(200, seed=k), ("v",), np.arange(200.0), np.arange(200)) for k in range(3)]
    shape = learn_shape(several)
    assert not shape.rhythms
    assert shape.channels[0].slope == 0


def test_windows_that_share_rows_are_never_learnt_and_told(monkeypatch):
    seen = []

    class Trees:
        def probabilities(self, rows):
            seen[-1].append(rows[:, 0])
            return rows[:, 0] < 1000, np.linspace(0, 1, len(rows))

    def fit(rows, *_, **__):
        seen.append([rows[:, 0]])
        return Trees()

    monkeypatch.setattr(metrics, "fit_trees", fit)
    pieces = np.split(np.arange(450.0)[:, None], 3)  # each value tells the row
    metrics.apart(pieces[:2], [piece + 1000 for piece in pieces], 0, 1)
    assert len(seen) == metrics.FOLDS
    for learnt, told in seen:
        assert (learnt < 1000).any()
        assert np.abs(learnt[:, None] - told).min() >= metrics.LENGTH
    assert metrics.apart([np.arange(110.0)[:, None]], pieces, 0, 1) is not None
    assert metrics.apart([np.arange(72.0)[:, None]], pieces, 0, 1) is None


def test_new_stretches_do_not_repeat_each_other():
    whole = series_of(walk(600, seed=8), ("v",), 600.0)
    parts = parted((whole,))
    first, second, *_ = again(learn_series(parts.learnt, "gmm"), parts.learnt, 0)
    length = min(len(first), len(second))
    assert abs(np.corrcoef(first[:length, 0], second[:length, 0])[0, 1]) < 0.9
