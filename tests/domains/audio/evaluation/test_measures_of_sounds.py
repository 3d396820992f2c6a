"""The measures under control: copies and shifted copies are found, noise is told, and what teaches is said to teach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from genapps.errors import InputError
from genapps_audio.codec import Batch, Codec, gather
from genapps_audio.evaluation import features
from genapps_audio.evaluation.baseline import noise, shuffled
from genapps_audio.evaluation.copies import copies, nearest, outlines, proven
from genapps_audio.evaluation.features import accuracy, by_statistics, learnt, log_mel
from genapps_audio.evaluation.judging import Judged, Sides, judge
from genapps_audio.evaluation.levels import Heard, Levels, is_clipped
from genapps_audio.records import Clip

CODEC = Codec(4000, 16, 0.5)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of two kinds of tones are learnt in a few steps."""
    monkeypatch.setattr(features, "_STEPS_LEARNT", 60)


def clips(count: int, seed: int) -> Batch:
    """Tones in turns of two classes, low and fading, high and swelling."""
    draws, found = np.random.default_rng(seed), []
    for k in range(count):
        time = np.arange(round(draws.uniform(0.15, 0.3) * 4000)) / 4000
        base, share = (draws.uniform(200, 300), time / time[-1]) if k % 2 else (draws.uniform(900, 1200), 0 * time)
        wave = 0.2 * (np.exp(-4 * share)) * np.sin(2 * np.pi * base * (1 + 0.1 * draws.normal() * time) * time)
        wave = (wave + 1e-3 * draws.normal(size=len(time))).astype(np.float32)
        found.append(Clip(f"{k}.wav", wave[:, None], 4000, ("high", "low")[k % 2]))
    return gather(found, CODEC, ["high", "low"])


REAL, HELD, OTHER = clips(80, 0), clips(40, 1), clips(40, 2)
LEVELS = Levels.of([Heard(-20.0, False)] * 3)


def judged(made: Batch, heard: Levels = LEVELS) -> Judged:
    return judge(Sides(CODEC, REAL, HELD, made, REAL, ("high", "low")), {"made": heard, "real": LEVELS})


def test_bands_of_a_tone() -> None:
    patch = torch.full((1, 16, CODEC.bins), -60.0)
    patch[:, :, 32] = 0.0  # 1,000 Hz of 4,000 at 128 samples
    loudest = int(log_mel(patch, CODEC)[0, 0].argmax())
    # On Slaney's scale 1,000 Hz are 15 mel, 2,000 Hz are 15 + 27 log 2 / log 6.4, and 33 steps lead there.
    assert loudest in (18, 19)


def test_other_real_clips_are_good_and_no_copies() -> None:
    found = judged(OTHER)
    assert found.finding.level != "poor"
    assert found.value("tstr") == found.measures[0].controls[0].value == 1.0
    assert found.copied.certain == 0
    assert (found.value("fd_mel") or 0) < 0.2 * (found.measures[1].controls[1].value or 0)


def test_copies_are_told_also_when_they_begin_later() -> None:
    moved = replace(REAL, patches=torch.roll(REAL.patches, 1, 1)).take(torch.arange(40))
    for made in (REAL.take(torch.arange(40)), moved):
        near = nearest(outlines(made.patches, CODEC), outlines(REAL.patches, CODEC))
        assert float((near.index == torch.arange(40)).float().mean()) > 0.9
    found = judged(REAL.take(torch.arange(40)))
    assert found.copied.share > 0.9
    assert found.finding.level == "poor"
    assert "repeat learnt clips" in found.finding.text


def test_a_copy_is_at_no_distance_and_a_limit_is_that_of_unseen_clips() -> None:
    rows = outlines(REAL.patches, CODEC)
    same, unseen = nearest(rows[:10], rows), nearest(outlines(HELD.patches, CODEC), rows)
    assert float(same.ratio.max()) < float(unseen.ratio.min())
    found = copies(same, unseen)
    assert (found.share, found.unseen) == (1.0, pytest.approx(0.025))
    with pytest.raises(InputError, match="2 learnt clips"):
        nearest(rows[:10], rows[:2])


def test_noise_and_shuffled_frames_are_poor() -> None:
    draws = torch.Generator().manual_seed(0)
    for made in (noise(REAL, 40, draws), shuffled(REAL, 40, draws)):
        assert judged(made).finding.level == "poor"


def test_noise_has_the_mean_spectrum_and_shuffling_keeps_the_frames() -> None:
    draws = torch.Generator().manual_seed(0)
    made = noise(REAL, 400, draws)
    assert made.labels is not None and REAL.labels is not None
    for label in range(2):
        power = [(10 ** (one.patches[one.labels == label] / 10)).mean((0, 1)) for one in (made, REAL)]  # type: ignore[index]
        torch.testing.assert_close(power[0].log10(), power[1].log10(), atol=0.15, rtol=0)
    one = REAL.take(torch.tensor([3]))
    mixed = shuffled(one, 1, draws).patches[0]
    assert not torch.equal(mixed, one.patches[0])
    assert {tuple(frame.tolist()) for frame in mixed} == {tuple(frame.tolist()) for frame in one.patches[0]}


def test_wrong_labels_teach_nothing() -> None:
    assert OTHER.labels is not None
    found = judged(replace(OTHER, labels=1 - OTHER.labels))
    assert found.value("tstr") == 0.0
    assert found.finding.level == "poor"


def test_one_class_alone_names_that_class() -> None:
    rows, known = torch.randn(6, 3), torch.tensor([0, 1, 1, 0, 1, 1])
    assert accuracy((rows, torch.ones(6, dtype=torch.long)), (rows, known)) == pytest.approx(4 / 6)


def test_an_embedding_keeps_classes_apart_and_works_without_them() -> None:
    assert REAL.labels is not None and HELD.labels is not None
    for labels, width in ((REAL.labels, 32), (None, 24)):
        rows = learnt(REAL.patches, REAL.seconds, labels, CODEC).of(HELD.patches, HELD.seconds)
        assert rows.shape == (40, width)
        centers = torch.stack([rows[HELD.labels == k].mean(0) for k in range(2)])
        assert bool((torch.cdist(rows, centers).argmin(1) == HELD.labels).all())
    assert by_statistics(CODEC).of(HELD.patches, HELD.seconds).shape == (40, 97)


def test_levels_of_clips() -> None:
    loud = np.full(100, 0.5, np.float32)
    cut = loud.copy()
    cut[10:13] = 1.0
    assert [is_clipped(one) for one in (loud, cut, cut[:12], np.ones(2, np.float32))] == [False, True, False, False]
    found = Levels.of([Heard.of(loud), Heard.of(cut), Heard.of(np.zeros(5, np.float32)), Heard.of(loud)])
    assert (found.n, found.clipped, found.silent) == (4, 0.25, 0.25)
    assert found.loudness == pytest.approx(-6.0, abs=0.1)
    quiet = judged(OTHER, Levels.of([Heard(-40.0, False)])).finding
    assert "20 dB quieter" in quiet.text
    assert judged(OTHER, Levels.of([Heard(-20.0, True)])).finding.level == "poor"


def test_an_interval_of_a_share() -> None:
    from scipy.stats import binomtest

    for count, n in ((0, 40), (10, 40), (7, 7)):
        expected = binomtest(count, n).proportion_ci(method="wilson")
        assert proven(count / n, n) == pytest.approx((expected.low, expected.high), abs=1e-3)
