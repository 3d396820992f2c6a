"""What the models hear: frames that do not depend on how loud a clip is, nor on what comes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from genapps_audio.recognition.front import SHORTEST, Front, Usual
from genapps_audio.recognition.segments import segments


def test_frames_are_a_clips_own_and_know_no_loudness(synthesiser: Callable[..., Any]) -> None:
    waves = synthesiser(2, voices=1)[0]
    front = Front(8000)
    together = front.frames(waves)
    for wave, frames in zip(waves, together, strict=True):
        assert frames.shape == (1 + len(front.word(wave)) // front.step, front.size)
        alone = front.frames([wave])[0]
        torch.testing.assert_close(alone, frames, atol=2e-3, rtol=0)
    louder = front.frames([0.5 * waves[0]])[0]
    assert float((louder - together[0])[:, [0, *range(2, 39)]].abs().mean()) < 0.05


def test_short_and_empty_clips_have_frames() -> None:
    front = Front(8000)
    for count in (0, 1, 7, 100, 959):
        frames = front.frames([np.full(count, 0.1, np.float32)])[0]
        assert len(frames) == SHORTEST + 1 and bool(torch.isfinite(frames).all())


def test_silence_around_a_word_makes_no_difference(synthesiser: Callable[..., Any]) -> None:
    wave, front = synthesiser(1, voices=1)[0][0], Front(8000)
    quiet = np.zeros(80 * 50, np.float32)
    word = front.word(np.concatenate([quiet, wave, quiet]))
    assert 0.9 * len(wave) < len(word) <= len(wave) + 2 * 4 * front.step
    assert float(np.square(word).sum()) > 0.99 * float(np.square(wave).sum())


def test_the_usual_counts_as_so_many_frames() -> None:
    draw = torch.Generator().manual_seed(0)
    clips = [torch.randn(n, 3, generator=draw) + n for n in (20, 30, 50)]
    usual = Usual.of(clips, 40.0)
    torch.testing.assert_close(usual.mean, torch.cat(clips).mean(0))
    for clip, seen in zip(clips, usual.apply(clips), strict=True):
        mean = (clip.sum(0) + 40 * usual.mean) / (len(clip) + 40)
        torch.testing.assert_close(seen * usual.variance.sqrt() + mean, clip)
    own = Usual(usual.mean, usual.variance, 0.0).apply(clips)  # a clip's own mean alone
    for seen in own:
        torch.testing.assert_close(seen.mean(0), torch.zeros(3), atol=1e-4, rtol=0)


def test_words_of_a_recording_are_found_where_they_are(synthesiser: Callable[..., Any]) -> None:
    waves = synthesiser(2, voices=1)[0]
    draw = np.random.default_rng(0)
    parts, expected, at = [], [], 0
    for wave in waves:
        pause = (0.001 * draw.normal(size=int(8000 * draw.uniform(0.4, 0.8)))).astype(np.float32)
        parts += [pause, wave]
        expected.append(((at + len(pause)) / 8000, (at + len(pause) + len(wave)) / 8000))
        at += len(pause) + len(wave)
    found = segments(np.concatenate([*parts, parts[0]]), 8000)
    assert len(found) == len(expected)
    for (onset, end), (begin, finish) in zip(found, expected, strict=True):
        assert abs(onset - begin) < 0.08 and abs(end - finish) < 0.08
    assert segments((0.1 * draw.normal(size=8000)).astype(np.float32), 8000) == [(0.0, 1.0)]
    assert segments(np.zeros(10, np.float32), 8000) == [(0.0, 10 / 8000)]
