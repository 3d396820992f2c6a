"""Spoken digits of six voices: words named rightly and words never learnt rejected, by a voice that was held out.

    GENAPPS_DATA=shared/data python benchmarks/audio/digits.py words    # 9 CPU minutes; words=0 is the first way alone
    GENAPPS_DATA=shared/data python benchmarks/audio/digits.py choice   # 6: what was chosen, by voices learnt from
    GENAPPS_DATA=shared/data python benchmarks/audio/digits.py unseen   # 8

Data: the Free Spoken Digit Dataset, 3,000 clips of six voices, 50 of each digit by each. One voice is held out at a
time; all that is learnt, and what was chosen (`choice`), is from the other five. `words`: the product's models beside
hmmlearn's on the same frames, as it has them and normalised by clip; beside bags of frames without time, and a Gaussian
RBM's features. `unseen`: three or four digits are never learnt, each digit once. Said by voices that were learnt (takes
0 to 4 of all six, as the set's own split has it; the threshold comes from the known words of the other takes, a fifth
held out at a time) and by a voice that was not (the threshold comes from the known words of the five, a voice held out
at a time). All weights come from known words alone.
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from keep import read, write
from sets import folder
from torch import Tensor

from genapps.batches import Ragged
from genapps.models import GMM, RBM
from genapps.training import TrainingConfig
from genapps_audio.reading.clips import open_clips
from genapps_audio.recognition.confidence import Scores, calibrated, signs
from genapps_audio.recognition.front import Front, Usual
from genapps_audio.recognition.learning import Settings, fit, hold_out
from genapps_audio.recognition.sources import heard
from genapps_audio.recognition.words import Shape
from genapps_audio.records import Skipped

NAMES = tuple("0123456789")
LEFT_OUT = ((0, 1, 2), (3, 4, 5), (6, 7, 8, 9))  # of `unseen`: each digit once
HALF = 2  # of the clips one in so many is learnt from there, where voices are held out
_NAMED = ("left_out", "held_out")
RATE = 0.05
FEWER = 5  # `choice` learns two takes of so many, and judges two others


class Digits:
    """All clips: waves, digits (N,), voices (N,) and takes (N,)."""

    def __init__(self) -> None:
        clips = open_clips(folder("fsdd") / "recordings")
        read_ = [one for one in map(clips.one, range(len(clips))) if not isinstance(one, Skipped)]
        self.waves = [heard(one, 8000) for one in read_]
        told = [one.name.removesuffix(".wav").split("_") for one in read_]
        self.labels = [int(digit) for digit, _, _ in told]
        self.voices = [voice for _, voice, _ in told]
        self.takes = [int(take) for _, _, take in told]
        self.everyone = sorted(set(self.voices))
        self.front = Front(8000)
        self.frames = self.front.frames(self.waves)

    def of(self, voices: Sequence[str], takes: Sequence[int] = range(50)) -> list[int]:
        """The clips of these voices and takes."""
        return [i for i, voice in enumerate(self.voices) if voice in voices and self.takes[i] in takes]

    def pick(self, rows: Sequence[int], frames: Sequence[Tensor] | None = None) -> tuple[list[Tensor], list[int]]:
        """Frames and labels of these clips."""
        return [(frames or self.frames)[i] for i in rows], [self.labels[i] for i in rows]


# -- what judges -----------------------------------------------------------------------------------------------------


def own(data: Digits, settings: Settings, frames: Sequence[Tensor] | None, rest: list[int], held: list[int]) -> Any:
    """The product's hidden Markov models and contrasts: what words are named by (n, 10) of held-out clips."""
    return _said(data, settings, frames, rest, held).both


def alone(data: Digits, settings: Settings, frames: Sequence[Tensor] | None, rest: list[int], held: list[int]) -> Any:
    """The hidden Markov models alone: log-densities a frame (n, 10)."""
    return _said(data, settings, frames, rest, held).words


def _said(
    data: Digits, settings: Settings, frames: Sequence[Tensor] | None, rest: list[int], held: list[int]
) -> Scores:
    settings = replace(settings, shape=replace(settings.shape, bag=1))  # nothing is rejected
    usual, words = fit(*data.pick(rest, frames), NAMES, settings)
    return Scores.of(words, usual.apply(data.pick(held, frames)[0]))


def of_voice(data: Digits, settings: Settings, rest: list[int], held: list[int]) -> Any:
    """The same where each voice's mean is that of all of its clips, the held-out ones, not their words, included."""
    means = {
        voice: torch.cat([data.frames[i] for i in [*rest, *held] if data.voices[i] == voice]).mean(0)
        for voice in {data.voices[i] for i in [*rest, *held]}
    }
    frames = [one - means.get(voice, 0) for one, voice in zip(data.frames, data.voices, strict=True)]
    return own(data, replace(settings, usual=1e9), frames, rest, held)


def by_clip(data: Digits) -> list[Tensor]:
    """Frames whose mean and deviation are their own clip's alone, as the field's recipe has it."""
    return [(one - one.mean(0)) / (one.std(0, correction=0) + 1e-5) for one in data.frames]


def peer(data: Digits, frames: Sequence[Tensor] | None, rest: list[int], held: list[int]) -> np.ndarray:
    """hmmlearn's GaussianHMM of 10 states, left to right, begun with equal parts; 8 iterations."""
    from hmmlearn.hmm import GaussianHMM

    logging.getLogger("hmmlearn").setLevel(logging.CRITICAL)
    usual = Usual.of([data.frames[i] for i in rest], Settings().usual)
    see = (lambda rows: usual.apply([data.frames[i] for i in rows])) if frames is None else None
    chosen = {i: x for part in (rest, held) for i, x in zip(part, see(part) if see else data.pick(part, frames)[0],
                                                            strict=True)}  # fmt: skip
    found = []
    for digit in range(10):
        clips = [chosen[i].double().numpy() for i in rest if data.labels[i] == digit]
        model = GaussianHMM(10, "diag", n_iter=8, init_params="", params="mct", min_covar=1e-2, random_state=0)
        parts = [np.array_split(one, 10) for one in clips]
        states = [np.vstack([one[k] for one in parts]) for k in range(10)]
        model.startprob_ = np.eye(10)[0]
        model.transmat_ = 0.6 * np.eye(10) + 0.4 * np.eye(10, k=1)
        model.transmat_[9, 9] = 1.0
        model.means_ = np.stack([one.mean(0) for one in states])
        model.covars_ = np.stack([one.var(0) + 1e-2 for one in states])
        model.fit(np.vstack(clips), [len(one) for one in clips])
        found.append([model.score(chosen[i].double().numpy()) / len(chosen[i]) for i in held])
    return np.array(found).T


def bags(data: Digits, rest: list[int], held: list[int]) -> np.ndarray:
    """A mixture of 64 normal distributions a digit: frames in no order."""
    usual = Usual.of([data.frames[i] for i in rest], Settings().usual)
    judged = Ragged.of(usual.apply(data.pick(held)[0]))
    clip = torch.repeat_interleave(torch.arange(len(held)), judged.lengths)
    found = []
    for digit in range(10):
        frames = torch.cat(usual.apply([data.frames[i] for i in rest if data.labels[i] == digit]))
        model = GMM(64, covariance_type="diag", max_iter=15, reg_covar=0.01, init_params="k-means++").fit(frames)
        total = torch.zeros(len(held)).double().index_add_(0, clip, model.log_prob(judged.values).values.double())
        found.append(total / judged.lengths)
    return torch.stack(found, 1).numpy()


def restricted(data: Digits, settings: Settings, rest: list[int], held: list[int]) -> Any:
    """Principal components of a Gaussian RBM's 96 hidden units, learnt without labels, in place of the cepstra."""
    usual = Usual.of([data.frames[i] for i in rest], settings.usual)
    seen = dict(zip([*rest, *held], usual.apply(data.pick([*rest, *held])[0]), strict=True))
    together = torch.cat([seen[i] for i in rest[::5]])
    units = RBM(96).fit(together, training=TrainingConfig(epochs=6))
    hidden = {i: units.transform(one).float() for i, one in seen.items()}
    wide = torch.cat([hidden[i] for i in rest])
    centre = wide.mean(0)
    axes = torch.linalg.eigh(torch.cov(wide.T))[1][:, -39:]
    frames = [(hidden[i] - centre) @ axes if i in hidden else data.frames[i][:, :39] for i in range(len(data.frames))]
    return own(data, replace(settings, usual=1e9), frames, rest, held)


# -- what is measured ------------------------------------------------------------------------------------------------


def by_voices(data: Digits, judge: Any) -> dict[str, Any]:
    """Each voice judged by what was learnt from the other five."""
    began, shares = time.process_time(), {}
    for voice in data.everyone:
        held = data.of([voice])
        logs = torch.as_tensor(judge(data.of([one for one in data.everyone if one != voice]), held))
        named = logs.argmax(1).tolist()
        shares[voice] = sum(named[k] == data.labels[i] for k, i in enumerate(held)) / len(held)
    found = {
        "mean": float(np.mean(list(shares.values()))),
        "worst": min(shares.values()),
        "by_voice": shares,
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    print(found, flush=True)
    return found


def words(data: Digits, chosen: Sequence[int] = ()) -> None:
    """Write how rightly each way, or each of those of these numbers, names words."""
    ways = {
        "hidden Markov models with contrasts": partial(own, data, Settings(), None),
        "hidden Markov models alone": partial(alone, data, Settings(), None),
        "the same, its clips' own mean alone": partial(alone, data, replace(Settings(), usual=1e9), by_clip(data)),
        "the same, each voice's mean of all its clips": partial(of_voice, data, Settings()),
        "hmmlearn, clips' own mean and deviation": partial(peer, data, by_clip(data)),
        "hmmlearn, the same frames": partial(peer, data, None),
        "mixtures of frames in no order": partial(bags, data),
        "Gaussian RBM's features": partial(restricted, data, Settings()),
    }
    for number, (name, way) in enumerate(ways.items()):
        if not chosen or number in chosen:
            print(name, flush=True)
            made = {"way": name, **by_voices(data, way)}
            before = [row for row in read("digits").get("rows", []) if row.get("way") not in (None, name)]
            _keep("words", [*before, {"part": "words", **made}], clips=len(data.waves), commonest=0.1)


def choice(data: Digits) -> None:
    """Write what each setting reaches within the voices that are learnt from, for each voice that is held out."""
    base, front = Settings(), data.front
    ways = {
        "8 states of 2": (own, replace(base, shape=Shape(8, 2)), front),
        "8 states of 2, alone": (alone, replace(base, shape=Shape(8, 2)), front),
        "10 states": (own, replace(base, shape=Shape(10, 1)), front),
        "10 states, alone": (alone, replace(base, shape=Shape(10, 1)), front),
        "10 states of 2": (own, replace(base, shape=Shape(10, 2)), front),
        "6 states of 4": (own, replace(base, shape=Shape(6, 4)), front),
        "the usual as 20 frames": (own, replace(base, usual=20.0), front),
        "the usual as 150 frames": (own, replace(base, usual=150.0), front),
        "silence at the ends kept": (own, base, replace(front, silence=1e3)),
    }
    pairs = [two for one in itertools.combinations(data.everyone, 2) for two in (one, one[::-1])]
    held = {two: data.of([two[0]], range(1, 50, FEWER)) for two in pairs}  # judged, and held out of all
    logs: dict[str, dict[Any, Tensor]] = {}
    for name, (judge, settings, seen) in ways.items():
        frames, logs[name] = seen.frames(data.waves), {}
        for two in itertools.combinations(data.everyone, 2):
            rest = data.of([one for one in data.everyone if one not in two], range(0, 50, FEWER // 2))
            both = [*held[two], *held[two[::-1]]]
            found = judge(data, settings, frames, rest, both)
            logs[name][two], logs[name][two[::-1]] = found.split([len(held[two]), len(held[two[::-1]])])
        print(name, _inner(data, logs[name], held), flush=True)
    for together in (("8 states of 2", "10 states"), ("10 states", "10 states of 2", "6 states of 4")):
        logs[" and ".join(together)] = {two: sum(logs[name][two] for name in together) for two in pairs}
    table = {name: _inner(data, found, held) for name, found in logs.items()}
    best = {voice: max(table, key=lambda name: table[name][voice]) for voice in data.everyone}
    rows = [
        {"setting": name, "mean": float(np.mean(list(row.values()))), "by_voice": row} for name, row in table.items()
    ]
    _keep("choice", rows, best_for=best)


def _inner(data: Digits, logs: dict[Any, Tensor], held: dict[Any, list[int]]) -> dict[str, float]:
    """For each voice that is held out of all, the mean share of the other five's clips that are named rightly."""
    found: dict[str, list[float]] = {voice: [] for voice in data.everyone}
    for two, rows in held.items():
        named = logs[two].argmax(1).tolist()
        found[two[1]].append(sum(named[k] == data.labels[i] for k, i in enumerate(rows)) / len(rows))
    return {voice: float(np.mean(shares)) for voice, shares in found.items()}


def unseen(data: Digits) -> None:
    """Write how many clips of digits that were never learnt, and of other sounds, are rejected."""
    others = [heard(one, 8000)[: 8000 * 2] for one in open_clips(folder("esc10")) if not isinstance(one, Skipped)]
    draw = np.random.default_rng(0)
    noise = [(0.1 * draw.normal(size=4000)).astype(np.float32) for _ in range(100)]
    foreign = {"environmental sounds": data.front.frames(others), "white noise": data.front.frames(noise)}
    rows = []
    for out in LEFT_OUT:
        folds = [("none", data.of(data.everyone, range(5, 50)), data.of(data.everyone, range(5)))]
        folds += [(v, data.of([one for one in data.everyone if one != v])[::HALF], data.of([v])) for v in data.everyone]
        for voice, learnt, held in folds:
            rest = [i for i in learnt if data.labels[i] not in out]
            row = _unseen(data, rest, held, out, foreign, by_voice=voice != "none")
            rows.append({"left_out": list(out), "held_out": voice, **row})
            print(rows[-1], flush=True)
    means = {}
    for name, some in (("voices learnt", [r for r in rows if r["held_out"] == "none"]),
                       ("voices never heard", [r for r in rows if r["held_out"] != "none"])):  # fmt: skip
        means[name] = {key: float(np.mean([row[key] for row in some])) for key in some[0] if key not in _NAMED}
    print(means)
    _keep("unseen", rows, rate=RATE, mean=means)


def _unseen(
    data: Digits,
    rest: list[int],
    held: list[int],
    out: Sequence[int],
    foreign: dict[str, list[Tensor]],
    by_voice: bool,
) -> dict[str, float]:
    learnt = [digit for digit in range(10) if digit not in out]
    frames, labels = data.pick(rest)
    labels = [learnt.index(label) for label in labels]
    names = [NAMES[digit] for digit in learnt]
    settings = replace(Settings(), rate=RATE)
    voices = [data.voices[i] for i in rest] if by_voice else None
    judged = hold_out(frames, labels, names, voices, settings, lambda *_: None)
    assert judged is not None
    sure = calibrated(judged.scores, judged.labels, judged.known, judged.unknown, RATE)
    usual, models = fit(frames, labels, names, settings)

    def strange(some: Sequence[Tensor]) -> np.ndarray:
        return sure.strangeness(signs(Scores.of(models, usual.apply(some)), models.durations))

    known = strange(data.pick([i for i in held if data.labels[i] not in out])[0])
    others = {"unseen": strange(data.pick([i for i in held if data.labels[i] in out])[0])}
    others |= {name: strange(some) for name, some in foreign.items()}
    shares = {name: float((sure.p(one) <= RATE).mean()) for name, one in {"known": known, **others}.items()}
    exact = np.quantile(known, 1 - RATE)  # where just so many of the judged clips themselves would be rejected
    return {**shares, "unseen_where_known_is_5%": float((others["unseen"] > exact).mean())}


def _keep(part: str, rows: list[dict[str, Any]], **summary: Any) -> None:
    """Write one part beside those that were measured before."""
    before = read("digits")
    others = [row for row in before.get("rows", []) if row["part"] != part]
    told = {**before.get("summary", {}), part: summary}
    settings = {"product": {**vars(Settings()), "shape": Settings().shape.to_json()}, "front": Front(8000).to_json()}
    write("digits", [*others, *({**row, "part": part} for row in rows)], settings, told)


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {"words": words, "choice": choice, "unseen": unseen}
    everything = Digits()
    for part in sys.argv[1:] or list(parts):
        name, _, numbers = part.partition("=")
        parts[name](everything, *([[int(one) for one in numbers.split(",")]] if numbers else []))
