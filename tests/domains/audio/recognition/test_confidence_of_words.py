"""Words are told by voices that were not learnt, other sounds are rejected, and the promise is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps_audio.recognition.confidence import Scores, fitted_heat, signs, told_apart
from genapps_audio.recognition.front import Front
from genapps_audio.recognition.holding import folds, parsed
from genapps_audio.recognition.learning import Held, Learnt
from genapps_audio.recognition.model import Recognizer


def test_held_out_voices_are_told_and_each_is_held_out_whole(learnt: tuple[Learnt, Held]) -> None:
    _, held = learnt
    assert held.voices == 3 and sorted(held.rows.tolist()) == list(range(54))
    assert float((held.named == held.labels).double().mean()) >= 0.9


def test_what_is_none_of_the_words_is_rejected(learnt: tuple[Learnt, Held], foreign: list[torch.Tensor]) -> None:
    found, held = learnt
    sure = found.confidence
    assert sure is not None and sure.possible and len(sure.reference) == 54
    scores = Scores.of(found.words, found.usual.apply(foreign))
    strange = sure.strangeness(signs(scores, found.words.durations))
    assert (strange > sure.threshold).all() and (sure.p(strange) <= sure.rate).all()
    known = sure.strangeness(held.known)
    assert ((known > sure.threshold) == (sure.p(known) <= sure.rate)).all()
    assert (known > sure.threshold).mean() <= sure.rate  # of the reference itself


def test_steady_sounds_are_rejected_though_they_lie_near_their_own_mean(learnt: tuple[Learnt, Held]) -> None:
    found, _ = learnt
    draw = np.random.default_rng(5)
    noise = [(level * draw.normal(size=3000)).astype(np.float32) for level in (0.001, 0.1)]
    noise += [(0.2 * np.sin(2 * np.pi * hertz / 8000 * np.arange(4000))).astype(np.float32) for hertz in (440, 1000)]
    scores = Scores.of(found.words, found.usual.apply(Front(8000).frames(noise)))
    told, sure = signs(scores, found.words.durations), found.confidence
    assert sure is not None and (sure.strangeness(told) > sure.threshold).all()
    assert (told[:2, 4] < sure.typical[4] - 2 * sure.spread[1]).all()  # noise does not flow
    assert (told[2:, 5] < sure.typical[5] - 3 * sure.spread[2]).all()  # tones do not move


def test_a_word_taken_away_is_never_the_best(learnt: tuple[Learnt, Held]) -> None:
    _, held = learnt
    without = held.scores.without(held.labels)
    assert bool((without.words.argmax(1) != held.labels).all())
    known, unknown = held.known.mean(0), held.unknown.mean(0)
    assert float(unknown[0]) > float(known[0]) + 1 and float(unknown[1]) > float(known[1]) + 1


def test_the_temperature_is_the_one_that_made_the_labels() -> None:
    draw = torch.Generator().manual_seed(0)
    logs = 3 * torch.randn(4000, 5, generator=draw, dtype=torch.double)
    labels = torch.multinomial((logs / 2.5).softmax(1), 1, generator=draw)[:, 0]
    assert fitted_heat(logs, labels) == pytest.approx(2.5, rel=0.1)


def test_weights_are_never_negative_and_ignore_what_tells_nothing() -> None:
    draw = torch.Generator().manual_seed(0)
    known, unknown = (torch.randn(500, 3, generator=draw, dtype=torch.double) for _ in range(2))
    unknown[:, 0] += 3
    unknown[:, 2] -= 1  # strangeness never lessens what is strange
    weights = told_apart(known, unknown)
    assert float(weights.min()) == 0 == float(weights[2])
    assert float(weights[0]) > 5 * float(weights[1])


def test_voices_are_read_from_names_and_dealt_whole() -> None:
    pattern = "{word}_{speaker}_{take}"
    names = ["x/7_theo_0.wav", "odd.wav", "7_anna_maria_3.flac"]
    assert parsed(pattern, names)[0] == {"word": "7", "speaker": "theo", "take": "0"}
    assert [bool(one) for one in parsed(pattern, names)] == [True, False, True]
    for wrong in ("plain", "{word}{speaker}", "{word}_{word}"):
        with pytest.raises(UsageError, match="pattern"):
            parsed(wrong, names)
    labels = [0, 1] * 12
    voices = [f"v{i // 8}" for i in range(24)]
    parts = folds(labels, voices, 0)
    assert sorted(i for part in parts for i in part) == list(range(24))
    assert [len({voices[i] for i in part}) for part in parts] == [1, 1, 1]
    dealt = folds(labels, None, 0)
    assert sorted(i for part in dealt for i in part) == list(range(24)) and len(dealt) == 5
    assert folds([0, 1], ["a", "b"], 0) == []  # without the one clip of a word nothing is learnt of it


def test_what_is_kept_hears_the_same(
    learnt: tuple[Learnt, Held], synthesiser: Callable[..., Any], tmp_path: Path
) -> None:
    found, _ = learnt
    whole = Recognizer(Front(8000), found.usual, found.words, found.confidence, {"clips": {}})
    path = tmp_path / "voice.genapps"
    whole.save(path)
    waves, labels, _ = synthesiser(3, seed=9)
    first, second = whole.judge(waves), Recognizer.load(path).judge(waves)
    torch.testing.assert_close(first.chances, second.chances)
    assert np.array_equal(first.rejected, second.rejected) and first.reasons == second.reasons
    assert (first.chances.argmax(1) == torch.tensor(labels)).double().mean() >= 0.9
    none = Recognizer(whole.front, whole.usual, whole.words, None)
    assert not none.judge(waves).rejected.any() and "nothing is rejected" in none.promise
    content = path.read_bytes()
    path.write_bytes(content[:-5] + b"12345")
    with pytest.raises(InputError):
        Recognizer.load(path)


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        ({"voices_held_out": 6}, "said by voices like the 6 that were held out"),
        ({"voices_held_out": 0}, "said by voices that were learnt; a new voice may be rejected more often"),
        (None, "said by voices that were learnt"),
    ],
)
def test_a_promise_says_of_whose_voices_it_is(estimate: dict[str, int] | None, said: str) -> None:
    sure: Any = SimpleNamespace(possible=True, rate=0.05)
    nothing: Any = None
    made = Recognizer(nothing, nothing, nothing, sure, {"estimate": estimate})
    assert made.promise.startswith("at most 5 % of the clips of known words are rejected, ") and said in made.promise
