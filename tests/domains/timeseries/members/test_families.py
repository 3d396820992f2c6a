"""The families and PyOD's detectors as judges of a series: they find, keep, and survive."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from genapps.errors import UsageError
from genapps_timeseries.members.base import Member, Task
from genapps_timeseries.members.choosing import AUTO, Best, check_family, compared, member_of, restored
from genapps_timeseries.members.family import FAMILIES, deviance
from genapps_timeseries.members.family_windows import View, held_out, inside, unlearnt
from genapps_timeseries.series import Floats

NAMES = (*FAMILIES, "forest", "pyod:KNN")
NORMAL, ALL = 900, 1500
STRANGE = slice(1200, 1240)


def wave(channels: int = 1, seed: int = 0) -> Floats:
    """A noisy wave whose first channel goes wrong in some rows after the normal part."""
    generator = np.random.default_rng(seed)
    phase = np.arange(ALL)[:, None] / 6 + np.arange(channels)
    values = np.sin(phase) + 0.1 * generator.normal(size=(ALL, channels))
    values[STRANGE, 0] = 0.1 * generator.normal(size=STRANGE.stop - STRANGE.start) + 2.5
    return values[:, 0] if channels == 1 else values


def judge(name: str) -> Member:
    if name != "forest":
        return member_of(name)
    from genapps_timeseries.members.foreign import ForeignMember

    return ForeignMember("forest")


def learnt(name: str, values: Floats, normal: int = NORMAL) -> Member:
    if name.startswith("pyod:"):
        pytest.importorskip("pyod")
    return judge(name).fit(Task(values[:normal], 38, np.random.default_rng(7)))


@pytest.fixture(scope="module", params=NAMES)
def member(request: pytest.FixtureRequest) -> Member:
    return learnt(request.param, wave())


def test_what_is_strange_scores_highest(member: Member) -> None:
    values = wave()
    scores = member.score(values)
    assert scores.shape == (ALL,) and np.isfinite(scores).all()
    usual = np.r_[scores[: STRANGE.start - 60], scores[STRANGE.stop + 60 :]]
    assert scores[STRANGE].mean() > np.quantile(usual, 0.99)
    assert member.reference.shape == (NORMAL,) and np.isfinite(member.reference).all()
    later = np.r_[scores[NORMAL + 60 : STRANGE.start - 60], scores[STRANGE.stop + 60 :]]
    assert np.median(later) < np.quantile(member.reference, 0.9)  # which is as of points that were not learnt


def test_its_state_is_plain_and_makes_an_equal_member(member: Member) -> None:
    arrays, settings = member.state()
    again = restored(member.name, {k: a.copy() for k, a in arrays.items()}, json.loads(json.dumps(settings)))
    np.testing.assert_allclose(again.score(wave()), member.score(wave()), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(again.reference, member.reference)


@pytest.mark.parametrize("name", ["gmm", "hmm"])
def test_the_same_task_makes_the_same_member(name: str) -> None:
    one, two = (learnt(name, wave()).score(wave()) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["gmm", "hmm", "forest"])
def test_several_channels_are_judged_together(name: str) -> None:
    values = wave(3)
    member = learnt(name, values)
    scores = member.score(values)
    assert scores.shape == (ALL,)
    assert scores[STRANGE].mean() > np.quantile(scores[NORMAL : STRANGE.start - 60], 0.99)
    with_state = restored(member.name, *member.state())
    np.testing.assert_allclose(with_state.score(values), scores, rtol=1e-6, atol=1e-6)


def hostile(kind: str) -> Floats:
    generator = np.random.default_rng(0)
    return {
        "constant, then not": np.r_[np.full(300, 7.0), np.arange(100.0)],
        "few levels": np.round(generator.normal(size=400)),
        "huge": generator.normal(size=400) * 1e300,
        "tiny": generator.normal(size=400) * 1e-300,
        "one jump to the end of numbers": np.r_[generator.normal(size=350), np.full(50, 1e308)],
        "short": generator.normal(size=12),
        "two points": np.array([1.0, 2.0]),
    }[kind]


@pytest.mark.parametrize("name", ["gmm", "hmm", "rbm"])
@pytest.mark.parametrize("kind", ["constant, then not", "few levels", "huge", "tiny", "short", "two points"])
def test_hostile_series_end_in_finite_scores(name: str, kind: str) -> None:
    values = hostile(kind)
    member = learnt(name, values, max(2, len(values) * 3 // 4))
    assert np.isfinite(member.score(values)).all() and np.isfinite(member.reference).all()


def test_what_lies_at_the_end_of_numbers_is_strange() -> None:
    values = hostile("one jump to the end of numbers")
    scores = learnt("gmm", values, 300).score(values)
    assert scores[360:].min() > scores[:300].max()


def test_blocks_change_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    values = wave()
    for name in ("gmm", "hmm"):
        member = learnt(name, values)
        whole = member.score(values)
        with monkeypatch.context() as context:
            context.setattr("genapps_timeseries.members.family_windows.BLOCK", 17)
            context.setattr("genapps_timeseries.members.family.STRETCHES", 2)
            np.testing.assert_allclose(member.score(values), whole, rtol=1e-4, atol=1e-4)


def test_a_step_is_judged_by_the_past_alone() -> None:
    values = wave()
    member: Any = learnt("hmm", values)
    later = values.copy()
    later[1300:] = 5.0
    one, two = (member._nats(member._frames(v[:, None]), 0) for v in (values, later))
    np.testing.assert_array_equal(one[:1300], two[:1300])
    assert not np.allclose(one[1300:], two[1300:])


def test_windows_by_hand() -> None:
    values = np.arange(20.0)[:, None]
    view = View.fit(values, 8, 4)
    assert (view.length, view.step, view.count) == (9, 3, 3)  # half of what is there, in means of three
    rows = view.rows(values, np.array([0, 5]))
    back = rows * values.std() + values.mean()
    np.testing.assert_allclose(back, [[1, 4, 7], [6, 9, 12]])


def test_held_out_points_are_not_learnt() -> None:
    held = held_out(1000, 20)
    assert held.sum() == 200
    starts = inside(~held, 20)
    assert not any(held[start : start + 20].any() for start in starts)
    assert not held_out(100, 20).any()


def test_scores_of_what_was_learnt_are_those_of_the_same_rank_among_the_unlearnt() -> None:
    generator = np.random.default_rng(0)
    held = held_out(2000, 10)
    own, honest = generator.normal(size=2000), generator.normal(size=2000) + 3
    found = unlearnt(own, honest, held)
    np.testing.assert_array_equal(found[held], honest[held])
    assert found[~held].mean() == pytest.approx(3.0, abs=0.2)
    assert np.corrcoef(own[~held], found[~held])[0, 1] > 0.98


def test_the_deviance_of_a_normal_law_is_the_distance() -> None:
    distance = np.array([0.0, 1.0, 4.0])
    np.testing.assert_allclose(deviance(distance**2 / 2 + 7, 7.0), distance)


def test_auto_takes_what_finds_most_and_keeps_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    values = wave()
    monkeypatch.setattr("genapps_timeseries.members.choosing.FAMILIES", {n: FAMILIES[n] for n in ("gmm", "hmm")})
    best = learnt(AUTO, values)
    assert isinstance(best, Best) and best.tried
    worth = [w for _, w in best.tried]
    assert worth == sorted(worth, reverse=True) and best.chosen.name == best.tried[0][0]
    again = restored(AUTO, *best.state())
    assert isinstance(again, Best) and again.tried == best.tried
    np.testing.assert_allclose(again.score(values), best.score(values), rtol=1e-6, atol=1e-6)
    assert compared(Task(values[:100], 38, np.random.default_rng(0))) == ()


def test_names() -> None:
    for name in ("ensemble", AUTO, *FAMILIES):
        check_family(name)
    with pytest.raises(UsageError, match="Did you mean 'gmm'"):
        check_family("gnm")
    pytest.importorskip("pyod")
    check_family("pyod:ECOD")
    with pytest.raises(UsageError, match="pyod:IForest"):
        check_family("pyod:IForrest")
