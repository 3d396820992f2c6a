"""Anomalies go where they are said to be, are as strong as they are said to be, and nothing else moves."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import InputError, UsageError
from genapps_timeseries.injection.files import Wishes, inject_file
from genapps_timeseries.injection.inject import (
    CORRELATION,
    KINDS,
    inject,
    inject_channels,
    injected,
    injected_channels,
)
from genapps_timeseries.injection.kinds import lengths_seen, spreads


def waves(rows=600, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(rows) * 2 * np.pi / 40) + rng.normal(0, noise, rows)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_rows_that_are_named_change_and_they_do(kind):
    values = waves()
    new = inject(values, kind, 200, 40, 3.0, np.random.default_rng(1), window=40)
    outside = np.r_[0:200, 240:600]
    np.testing.assert_array_equal(new[outside], values[outside])
    assert not np.array_equal(new[200:240], values[200:240])
    np.testing.assert_array_equal(values, waves())  # what came is not touched


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 60),
    st.integers(1, 60),
    st.floats(0.1, 20),
    st.integers(0, 1000),
    st.booleans(),
)
def test_every_kind_takes_every_place_and_length(kind, rows, length, strength, seed, gaps):
    values = waves(rows, seed=seed)
    if gaps:
        values[::3] = np.nan
    length = min(length, rows)
    start = seed % (rows - length + 1)
    new = inject(values, kind, start, length, strength, np.random.default_rng(seed), window=10)
    assert new.shape == values.shape
    assert np.isnan(new[np.isnan(values)]).all()
    if kind != "dropout":
        assert np.isfinite(new[~np.isnan(values)]).all()


def test_strength_is_in_units_of_the_series():
    values = waves(4000)
    spread, step = spreads(values)
    for kind, unit in (("spike", step), ("level", spread)):
        for strength in (1.0, 5.0):
            moved = inject(values, kind, 50, 1, strength, np.random.default_rng(2)) - values
            assert abs(moved[50]) == pytest.approx(strength * unit)
            larger = inject(values * 7 + 3, kind, 50, 1, strength, np.random.default_rng(2)) - (values * 7 + 3)
            assert abs(larger[50]) == pytest.approx(7 * strength * unit)


def test_spreads_of_a_constant_and_of_a_series_that_rests():
    assert spreads(np.ones(9)) == (1.0, 1.0)
    rests = np.zeros(200)
    rests[::20] = 5.0
    assert spreads(rests)[0] == pytest.approx(rests.std())
    assert spreads(np.random.default_rng(0).normal(0, 2, 20_000))[0] == pytest.approx(2, rel=0.05)


def test_what_some_kinds_do():
    values, rng = waves(), np.random.default_rng(3)
    assert len(set(inject(values, "flatline", 100, 20, 1, rng)[100:120])) == 1
    assert np.isnan(inject(values, "dropout", 100, 20, 1, rng)[100:120]).all()
    trend = np.abs(inject(values, "trend", 100, 20, 4, rng) - values)[100:120]
    assert (np.diff(trend) > 0).all()
    assert trend[-1] == pytest.approx(4 * spreads(values)[0])
    calm = np.sin(np.arange(600) * 2 * np.pi / 40)
    np.testing.assert_allclose(inject(calm, "mirror", 100, 20, 1, rng)[103:117], calm[100:120][::-1][3:-3])
    clipped = inject(values, "cutoff", 100, 40, 3, rng)[100:140]
    assert np.unique_counts(clipped).counts.max() == pytest.approx(30, abs=1)  # three of four are cut off
    contextual = inject(values, "contextual", 100, 10, 1, rng, window=40)
    assert values.min() <= contextual.min() <= contextual.max() <= values.max()


def test_labels_say_where_events_are_and_events_are_apart():
    values = waves(4000)
    new = injected(values, np.random.default_rng(4), count=28, window=40)
    assert len(new.events) == 28
    assert {event.kind for event in new.events} == set(KINDS)
    labels = np.zeros(4000, bool)
    for event in new.events:
        assert not labels[max(0, event.start - 1) : event.stop + 1].any()
        labels[event.start : event.stop] = True
        assert set(new.kinds[event.start : event.stop]) == {event.kind}
    np.testing.assert_array_equal(new.labels, labels)
    np.testing.assert_array_equal(new.values[~labels], values[~labels])
    assert set(new.kinds[~labels]) == {""}


def test_the_same_generator_gives_the_same_anomalies():
    one, two, other = (injected(waves(), np.random.default_rng(seed), count=5, window=40) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.values, two.values)
    assert one.events == two.events != other.events


def test_lengths_and_strength_are_kept():
    new = injected(waves(6000), np.random.default_rng(7), count=40, lengths=(5, 20), strength=2.5)
    assert all(event.strength == 2.5 for event in new.events)
    assert all(5 <= event.length <= 20 for event in new.events if event.kind != "spike")
    drawn = injected(waves(6000), np.random.default_rng(7), count=40, kinds=["spike"], strength=(1, 4))
    assert all(1 <= event.length <= 3 and 1 <= event.strength <= 4 for event in drawn.events)


def test_kinds_are_as_long_as_it_takes_to_see_them_and_the_first_rows_stay_clean():
    values = np.stack([waves(8000, seed=c) for c in range(2)], axis=1)
    for window in (4, 40):
        new = injected_channels(values, np.random.default_rng(3), kinds=(*KINDS, CORRELATION), count=30, window=window,
                                lengths=lengths_seen, first=2000)  # fmt: skip
        assert len(new.events) == 30
        assert min(event.start for event in new.events) >= 2000
        np.testing.assert_array_equal(new.values[:2000], values[:2000])
        for event in new.events:
            low, high = lengths_seen(event.kind, window)
            assert low <= event.length <= min(high, 100)  # half of the 200 rows that there are for each
            assert event.length >= 20 or event.kind not in ("level", "correlation", "trend", "noise")


def test_what_would_change_nothing_is_no_anomaly():
    assert not injected(np.ones(500), np.random.default_rng(8), kinds=["flatline", "flip", "mirror"]).events
    assert injected(np.ones(500), np.random.default_rng(8), kinds=["level"], count=3).labels.any()
    unknown = injected(np.full(500, np.nan), np.random.default_rng(8))
    assert not unknown.labels.any()


def test_channels_change_that_are_said_to():
    rng = np.random.default_rng(9)
    values = np.stack([waves(seed=c) for c in range(6)], axis=1)
    new = injected_channels(values, rng, count=10, window=40, kinds=(*KINDS, CORRELATION))
    for event in new.events:
        assert 1 <= len(event.channels) <= 2
        others = np.setdiff1d(np.arange(6), event.channels)
        rows = slice(event.start, event.stop)
        np.testing.assert_array_equal(new.values[rows, others], values[rows, others])
    only = injected_channels(values, rng, count=6, window=40, channels=[2])
    assert {event.channels for event in only.events} == {(2,)}


def test_a_broken_correlation_leaves_each_channel_as_it_is_usually():
    common = waves(2000, noise=0.5)
    values = np.stack([common, common + np.random.default_rng(1).normal(0, 0.05, 2000)], axis=1)
    new = inject_channels(values, CORRELATION, 500, 300, 3.0, np.random.default_rng(2), channels=[1])
    inside = np.corrcoef(new[510:790].T)[0, 1]
    assert inside < 0.9 < np.corrcoef(values[510:790].T)[0, 1]
    assert new[500:800, 1].std() == pytest.approx(values[:, 1].std(), rel=0.15)


def test_what_cannot_be_done_is_said():
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"'spikes'.*Did you mean"):
        inject(waves(), "spikes", 0, 1, 1, rng)
    with pytest.raises(UsageError, match=r"rows 590 to 601 of 600"):
        inject(waves(), "level", 589, 12, 1, rng)
    with pytest.raises(UsageError, match="positive strength"):
        inject(waves(), "level", 5, 12, 0, rng)
    with pytest.raises(InputError, match="at most 3"):
        injected(waves(15), rng, count=10)
    with pytest.raises(UsageError, match="two or more"):
        injected(waves(), rng, kinds=[CORRELATION])


def test_the_way_back_of_a_counter_is_labelled_too(tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({"count": np.cumsum(rng.integers(5, 15, 400)).astype(float), "load": rng.normal(size=400)})
    pq.write_table(table, tmp_path / "a.parquet")
    for name, more in (("count", 1), ("load", 0)):
        made = inject_file(
            str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"), Wishes(("level",), count=1, channels=(name,))
        )
        new = pq.read_table(tmp_path / "b.parquet")
        changed = np.flatnonzero(new[name].to_numpy() != table[name].to_numpy())
        labelled = np.flatnonzero(new["is_anomaly"].to_numpy())
        assert labelled.tolist() == [*changed.tolist(), changed[-1] + 1][: len(changed) + more]
        assert made.events[0]["rows"] == made.anomalous == len(labelled)
