"""Each of the six families judges clips: it finds what is odd and when, and judges the same after it was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.models import FAMILIES
from genapps_audio.detection import families
from genapps_audio.detection.families import ByFamily
from genapps_audio.detection.model import OddModel
from genapps_audio.detection.places import place_of
from genapps_audio.detection.promising import Promise
from genapps_audio.detection.stretches import HOP, LENGTH, Axes, numbers, over_frames, starts
from genapps_audio.detection.views import View, view
from genapps_audio.detection.windows import Cut

RATE = 8_000


def hum(draw: np.random.Generator, squeal: tuple[float, float] | None = None) -> View:
    """A motor of three seconds, with a tone of 2 kHz for a while."""
    time = np.arange(3 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * 90 * k * time + draw.uniform(0, 6)) / k for k in range(1, 6))
    wave = 0.05 * (tones + draw.normal(0, 0.3, len(time)))
    if squeal is not None:
        wave += 0.03 * np.sin(2 * np.pi * 2_000 * time) * ((time >= squeal[0]) & (time < squeal[1]))
    return view(torch.from_numpy(wave.astype(np.float32)), RATE)


@pytest.fixture(scope="module")
def normal() -> list[View]:
    draw = np.random.default_rng(0)
    return [hum(draw) for _ in range(12)]


def test_a_family_finds_a_squeal_when_and_where_it_is(normal: list[View]) -> None:
    judge, scores = ByFamily.learn(normal, range(12), family="gmm")
    promise, draw = Promise.of(scores.numpy(), judge.part.numpy(), 0.1), np.random.default_rng(1)
    odd = judge.judge(hum(draw, (1.8, 2.6)))
    assert promise.p(odd.scores) == pytest.approx(1 / 13)
    assert odd.score > 3 + judge.judge(hum(draw)).score
    told = place_of(odd, RATE, 3.0)
    assert abs(told.begin - 1.8) < 0.2 and abs(told.end - 2.6) < 0.2 and told.low < 2_000 < told.high and told.louder
    assert judge.why(odd) == "what the gmm finds unlikely"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_saved_family_judges_as_before(
    family: str, normal: list[View], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "PARTS", 2)
    monkeypatch.setattr(families, "_STEPS", dict.fromkeys(FAMILIES, 3))
    judge, scores = ByFamily.learn(normal[:6], range(6), family=family)
    assert scores.shape == (6,) and bool(scores.isfinite().all())
    OddModel(judge, Cut(3.0, RATE), scores.numpy(), tuple("abcdef")).save(tmp_path / "m.genapps")
    again = OddModel.load(tmp_path / "m.genapps").judge
    one = hum(np.random.default_rng(5), (0.5, 1.0))
    before, after = judge.judge(one), again.judge(one)
    assert torch.equal(before.scores, after.scores) and torch.equal(before.heat, after.heat)
    assert again.words() == judge.words() and family in judge.words()


def test_what_is_no_family_and_what_lacks_a_part_is_refused(normal: list[View]) -> None:
    with pytest.raises(UsageError, match=r"unknown family 'gm'; choose from ensemble, .* mean 'gmm'"):
        ByFamily.learn(normal, range(12), family="gm")
    arrays, settings = ByFamily.learn(normal[:4], range(4), family="gmm")[0].state()
    for name in ("panel/1/axes/size", "moments/bank"):
        with pytest.raises(InputError, match="save it again"):
            ByFamily.restore({key: value for key, value in arrays.items() if key != name}, settings)


@pytest.mark.parametrize("frames", [1, LENGTH - 1, LENGTH, LENGTH + 1, LENGTH + HOP, 100])
def test_stretches_cover_all_frames_of_any_clip(frames: int) -> None:
    cells = torch.randn(frames, 64, generator=torch.Generator().manual_seed(0))
    rows = numbers(cells)
    assert len(rows) == len(starts(frames)) and bool(rows.isfinite().all())
    told = over_frames(torch.full((len(rows),), 2.5), frames)
    assert told.shape == (frames,) and bool((told == 2.5).all())


def test_axes_tell_what_they_leave_out() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(200, 3, generator=draw, dtype=torch.double) @ torch.randn(3, 216, generator=draw).double()
    axes = Axes.learn([rows[:100], rows[100:]])
    shown = axes(rows)
    assert shown.shape == (200, 4)
    assert shown[:, :3].std(0, correction=0).tolist() == pytest.approx([1, 1, 1], rel=1e-3)
    assert float(shown[:, 3].max()) < 1e-6 and float(axes(rows + torch.eye(216)[:1])[:, 3].min()) > 1e-3
