"""Counts in buckets of time: tails against their sums, buckets that widen, bursts and silences that are put in."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.counting import burst_bits, log_share, silence_bits
from genapps_logs.order import Order
from genapps_logs.rates import MOST_BUCKETS, WHOLE, RateJudge, RateModel, Tally, tally_of, width_words


@given(st.floats(0.05, 60), st.floats(0, 3), st.integers(1, 80))
def test_tails_are_sums_of_the_law(mean: float, spread: float, count: int) -> None:
    shares = [math.exp(log_share(k, mean, spread)) for k in range(count)]
    below = math.fsum(shares)
    assert 2 ** -silence_bits(count - 1, mean, spread) == pytest.approx(min(below, 1.0), rel=1e-6)
    if count > mean and below < 0.999:
        assert 2 ** -burst_bits(count, mean, spread) == pytest.approx(1 - below, rel=1e-5)


def test_the_law_sums_to_one_with_its_mean_and_variance() -> None:
    for mean, spread in ((4.0, 0.0), (4.0, 0.5)):
        shares = np.exp([log_share(k, mean, spread) for k in range(400)])
        counts = np.arange(400)
        assert shares.sum() == pytest.approx(1)
        assert (shares * counts).sum() == pytest.approx(mean)
        assert (shares * (counts - mean) ** 2).sum() == pytest.approx(mean + spread * mean**2)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 3e7)), max_size=60))
def test_no_line_is_lost_however_wide_buckets_get(lines: list[tuple[str, float]]) -> None:
    tally, half = Tally(), Tally()
    for place, (name, time) in enumerate(lines):
        tally.add(name, time)
        half.add(name, time) if place % 2 else None
    assert Counter(name for name, _ in lines) == Counter(
        {name: sum(buckets.values()) for name, buckets in tally.counts.items()}
    )
    buckets = [bucket for counts in tally.counts.values() for bucket in counts]
    assert not buckets or max(buckets) - min(buckets) <= MOST_BUCKETS
    other = Tally()
    for name, time in lines[::2]:
        other.add(name, time)
    half.merge(other)
    assert sum(sum(counts.values()) for counts in half.counts.values()) == len(lines)


def poisson_lines(days: float, per_minute: float, seed: int, season: bool = False) -> list[tuple[str, float]]:
    draw = np.random.default_rng(seed)
    lines = []
    for minute in range(int(days * 1440)):
        rate = per_minute * ((1 + math.sin(2 * math.pi * minute / 1440)) if season else 1)
        for name, share in (("T1", 0.7), ("T2", 0.3)):
            lines += [(name, 60.0 * minute + 60 * at) for at in draw.random(draw.poisson(rate * share))]
    return sorted(lines, key=lambda line: line[1])


def fitted(lines: list[tuple[str, float]]) -> RateModel:
    tally = Tally()
    for name, time in lines:
        tally.add(name, time)
    model = RateModel.fit(tally)
    assert model is not None
    return model


def judged(model: RateModel, lines: list[tuple[str, float]], rate: float = 0.001) -> list[tuple[str, str]]:
    judge = RateJudge(model, rate)
    found = []
    for place, (name, time) in enumerate(lines):
        found += [(stretch.name, stretch.kind) for stretch in judge.take(name, time, place + 1, f"line {place}")]
    return found


def test_a_burst_and_a_silence_are_found_and_little_else() -> None:
    model = fitted(poisson_lines(1.2, 20, 1))
    assert model.width == 60
    normal = poisson_lines(1.2, 20, 2)
    assert len(judged(model, normal)) <= 6, "some three of 1,728 stretches by chance"
    burst = sorted([*normal, *(("T2", 30_000.0 + k / 3) for k in range(120))], key=lambda line: line[1])
    assert ("T2", "burst") in judged(model, burst)
    silent = [line for line in normal if line[0] != "T2" or not 40_000 < line[1] < 42_000]
    assert ("T2", "silence") in judged(model, silent)
    dead = [line for line in normal if not 40_000 < line[1] < 42_000]
    kinds = set(judged(model, dead)) - set(judged(model, normal))
    assert kinds == {(WHOLE, "silence")}, "where nothing comes at all, no message is named beside it"


def test_the_hour_of_the_day_is_learnt_where_the_log_is_long_enough() -> None:
    model = fitted(poisson_lines(6, 4, 3, season=True))
    means = model.usual[WHOLE].means
    assert max(means) > 4 * min(means)
    flat = fitted(poisson_lines(6, 4, 3))
    assert len(set(flat.usual[WHOLE].means)) == 1


def test_a_clock_that_is_set_back_tells_no_burst_and_no_silence() -> None:
    model = fitted(poisson_lines(0.5, 20, 1))
    normal = poisson_lines(0.5, 20, 5)
    before = judged(model, normal)
    for back in (40.0, 3600.0, 1e6):  # within a stretch or two, an hour of daylight saving, another age
        again = [(name, time - (back if time > 20_000 else 0)) for name, time in normal]
        judge, found = RateJudge(model, 0.001), []
        for place, line in enumerate(again):
            if place in (6_000, 6_700, 6_750):  # as a watch that is killed before, in the middle and after
                state = json.loads(json.dumps(judge.state()))
                judge = RateJudge(model, 0.001)
                judge.restore(state)
            found += [(stretch.name, stretch.kind) for stretch in judge.take(*line, place, "")]
        assert len(found) <= len(before) + 1, (back, found)
        if back > 60:
            first = next(place for place, line in enumerate(normal) if line[1] > 20_000)
            assert (judge.order.jumps, judge.order.jump, judge.order.late) == (1, first, 0)
            assert judge.order.back == pytest.approx(back, abs=10)


def test_one_stamp_far_ahead_tells_nothing_and_two_do() -> None:
    model = fitted(poisson_lines(0.5, 20, 1))
    normal = poisson_lines(0.5, 20, 5)
    before = judged(model, normal)
    cut = len(normal) // 2
    wrong = ("T1", normal[cut][1] + 7200)
    assert judged(model, [*normal[:cut], wrong, *normal[cut:]]) == before
    away = [*normal[:cut], *((name, time + 7200) for name, time in normal[cut:])]
    assert (WHOLE, "silence") in judged(model, away)


def test_an_hour_that_comes_twice_is_learnt_once() -> None:
    lines = poisson_lines(0.5, 20, 1)
    again = [(name, time - (3600 if time > 20_000 else 0)) for name, time in lines]
    order, tally = Order(), Tally(60)
    for place, (name, time) in enumerate(again):
        for at, what in order.take(time, 60, place, name):
            if not order.was_there():
                tally.add(what, at)
    twice, once = tally.frequent()[WHOLE], fitted(lines).tally.frequent()[WHOLE]
    hour = range(16_400 // 60 + 1, 20_000 // 60)
    assert [twice[bucket] for bucket in hour] == [once[bucket] for bucket in hour]
    assert [twice[bucket] for bucket in range(340, 500)] == pytest.approx(
        [once[b + 60] for b in range(340, 500)], abs=1
    )


@given(st.lists(st.floats(0, 1e4), max_size=80), st.sampled_from([1.0, 60.0]))
def test_lines_count_once_or_are_late(times: list[float], width: float) -> None:
    order, out = Order(), []
    for line, time in enumerate(times):
        out += [what for _, what in order.take(time, width, line, line)]
    assert len(out) == len(set(out)) and len(out) >= len(times) - order.late - 20 * order.jumps - 1
    if times == sorted(times):
        assert order.late == order.jumps == 0 and len(out) >= len(times) - 1
    assert all(" 1 lines" not in note for note in order.notes())


def test_rates_are_kept(tmp_path: object) -> None:
    model = fitted(poisson_lines(0.5, 20, 1))
    again = RateModel.fit(tally_of(*model.to_json()))
    assert again is not None
    assert np.array_equal(again.held, model.held) and again.usual == model.usual
    assert fitted_state(model) == fitted_state(again)


def fitted_state(model: RateModel) -> object:
    judge = RateJudge(model, 0.001)
    for place, line in enumerate(poisson_lines(0.1, 20, 7)):
        judge.take(*line, place, "")
    other = RateJudge(model, 0.001)
    other.restore(judge.state())
    assert other.state() == judge.state()
    return judge.state()


@pytest.mark.parametrize(("seconds", "words"), [(1, "1 s"), (60, "1 min"), (7200, "2 h"), (86_400, "1 day")])
def test_widths_in_words(seconds: float, words: str) -> None:
    assert width_words(seconds) == words
