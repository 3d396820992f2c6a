"""`recognize`: words out of clips of each, then the words of new clips, or that a clip is none of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from genapps.anomaly import needed_length
from genapps.errors import InputError, UsageError
from genapps.metrics.shares import wilson
from genapps.wording import counted
from genapps_audio.reading.clips import Clips
from genapps_audio.recognition.confidence import Confidence, calibrated
from genapps_audio.recognition.front import SHORTEST, Front
from genapps_audio.recognition.learning import Held, Settings, Watch, kept, learn
from genapps_audio.recognition.model import Recognizer, Said
from genapps_audio.recognition.segments import segments
from genapps_audio.recognition.sources import heard, silent, spoken
from genapps_audio.records import Clip, Skipped, Wave

SHOWN = 12  # clips whose states are kept for the page
_TOGETHER = 64  # clips that are judged at once
_WHOLE = 20.0  # seconds of a clip that is taken for one word
NO_SOUND = "no sound"


@dataclass(frozen=True)
class Estimate:
    """What models made of held-out clips of known words.

    right, held_out: how many were named rightly, of how many; low, high: a 95 % interval of that share. majority: the
    share of the commonest word. voices: how many voices were held out one by one, 0 where clips were. rejected: the
    share of known clips that one half of them would reject of the other. unknown: the share of clips that is rejected
    as if their own word had never been learnt. table: (W, W) counts, a row a word, a column what was heard.
    """

    held_out: int
    right: int
    low: float
    high: float
    majority: float
    voices: int
    rejected: float | None
    unknown: float | None
    table: tuple[tuple[int, ...], ...]
    by_voice: dict[str, float] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """The share that was named rightly."""
        return self.right / self.held_out


@dataclass(frozen=True)
class Row:
    """One clip, or one stretch of it from `onset` to `end` in seconds. word: "" where it is rejected, and `runner` is
    then the likeliest word; chance: how likely the word is, if it is one of the known ones. score: how strange it is,
    which is no word above the threshold."""

    name: str
    onset: float
    end: float
    word: str
    chance: float | None
    runner: str
    score: float | None
    reason: str
    label: str = ""


@dataclass(frozen=True)
class Shown:
    """A clip with the states of its likeliest word: frames (T',) of states, and its wave."""

    row: Row
    word: str
    wave: Wave
    states: tuple[int, ...]


@dataclass(frozen=True)
class Recognized:
    """What was learnt, if it was, and what became of the new clips, in their order."""

    recognizer: Recognizer
    estimate: Estimate | None
    rows: tuple[Row, ...]
    shown: tuple[Shown, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    segmented: bool = False

    @property
    def known(self) -> tuple[int, int] | None:
        """How many new clips in folders of known words were named rightly, and how many there are."""
        words = set(self.recognizer.words.names)
        told = [row for row in self.rows if row.label in words]
        return (sum(row.word == row.label for row in told), len(told)) if told else None

    @property
    def known_rejected(self) -> float | None:
        """The share of new clips in folders of known words that is rejected, beside what is promised."""
        told = [row for row in self.rows if row.label in set(self.recognizer.words.names)]
        return sum(not row.word for row in told) / len(told) if told else None


def teach(
    clips: Clips,
    *,
    group: str | None = None,
    rate: int | None = None,
    settings: Settings | None = None,
    watch: Watch,
) -> tuple[Recognizer, Estimate | None, list[Skipped], list[str]]:
    """Learn words from clips of them. Raises as `spoken` does, and UsageError for a share nobody can mean."""
    settings, began = settings or Settings(), time.process_time()
    if settings.rate is not None and not 0 < settings.rate <= 0.5:
        raise UsageError(f"{100 * settings.rate:g} % of known words rejected: ask for more than none, at most 50 %")
    read = spoken(clips, group, rate, lambda done, total: watch("reading", done, total))
    front = Front(read.rate)
    short = sum(len(wave) < front.shortest for wave in read.waves)
    notes = list(read.notes)
    if short:
        least = f"{1000 * SHORTEST * front.hop:.3g} ms"
        notes.append(f"{counted(short, 'clip')} shorter than {least}: silence is put around them")
    found = learn(read.waves, read.labels, read.words, read.voices, front, settings, watch)
    estimate = None
    if found.held is not None and found.confidence is not None:
        estimate = estimated(found.held, len(read.words), found.confidence, read.voices)
    counts = torch.bincount(torch.tensor(read.labels), minlength=len(read.words)).tolist()
    card: dict[str, Any] = {
        "clips": dict(zip(read.words, counts, strict=True)),
        "voices": len(set(read.voices or ()) - {""}),
        "states": [int(model.config.n_components) for model in found.words.models],
        "cpu_seconds": round(time.process_time() - began, 1),
        "seed": settings.seed,
        "estimate": None if estimate is None else told(estimate, read.words),
    }
    return Recognizer(front, found.usual, found.words, found.confidence, card), estimate, read.skipped, notes


def recognize(
    new: Clips, recognizer: Recognizer, *, cut: bool = False, watch: Watch
) -> tuple[list[Row], list[Shown], list[Skipped], list[str]]:
    """The words of new clips. cut: find several words in each. Raises InputError where no clip can be used."""
    rows: list[Row] = []
    shown: list[Shown] = []
    skipped: list[Skipped] = []
    short = 0
    waiting: list[tuple[Clip, float, float, Wave]] = []

    def judge() -> None:
        for row, kept_ in zip(waiting_rows(waiting, recognizer), waiting, strict=True):
            rows.append(row[0])
            if row[1] is not None and len(shown) < SHOWN:
                shown.append(Shown(row[0], row[1][0], kept_[3], row[1][1]))
        waiting.clear()

    for i in range(len(new)):
        one = new.one(i)
        if isinstance(one, Skipped):
            skipped.append(one)
        elif not cut and one.seconds > _WHOLE:
            skipped.append(
                Skipped(one.name, f"{one.seconds:.4g} s long, more than one word; --segments finds the words in it")
            )
        else:
            stretches = list(_stretches(one, recognizer.front.rate, cut))
            short += sum(len(wave) < recognizer.front.shortest for *_, wave in stretches)
            waiting += [(one, *stretch) for stretch in stretches]
        if len(waiting) >= _TOGETHER:
            judge()
        watch("recognizing", i + 1, len(new))
    if waiting:
        judge()
    if not rows:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{new.where}: no clip that can be used{why}")
    notes = [f"{counted(short, 'clip')} of a few frames only: silence is put around them"] if short else []
    return rows, shown, skipped, notes


def waiting_rows(
    waiting: Sequence[tuple[Clip, float, float, Wave]], recognizer: Recognizer
) -> Iterator[tuple[Row, tuple[str, tuple[int, ...]] | None]]:
    """A row of each stretch, and its likeliest word with the states of its frames; None where there is no sound."""
    loud = [k for k, (*_, wave) in enumerate(waiting) if not silent(wave)]
    said = recognizer.judge([waiting[k][3] for k in loud]) if loud else None
    place = {k: j for j, k in enumerate(loud)}
    for k, (clip, onset, end, _) in enumerate(waiting):
        if said is None or k not in place:
            yield Row(clip.name, onset, end, "", None, "", None, NO_SOUND, clip.label or ""), None
        else:
            yield _row(clip, onset, end, said, place[k], recognizer)


def _row(
    clip: Clip, onset: float, end: float, said: Said, j: int, recognizer: Recognizer
) -> tuple[Row, tuple[str, tuple[int, ...]]]:
    names = recognizer.words.names
    chances, order = said.chances[j].topk(2)
    best, second = order.tolist()
    out = bool(said.rejected[j])
    row = Row(
        clip.name,
        onset,
        end,
        "" if out else names[best],
        float(chances[0]),
        names[best] if out else names[second],
        float(said.strange[j]) if recognizer.confidence is not None else None,
        said.reasons[j],
        clip.label or "",
    )
    return row, (names[best], tuple(recognizer.words.states(best, said.frames[j])))


def _stretches(one: Clip, rate: int, cut: bool) -> Iterator[tuple[float, float, Wave]]:
    wave = heard(one, rate)
    if not cut:
        yield 0.0, one.seconds, wave
        return
    for onset, end in segments(wave, rate):
        yield onset, end, wave[round(onset * rate) : round(end * rate)]


def estimated(held: Held, words: int, sure: Confidence, voices: Sequence[str] | None) -> Estimate:
    """What held-out clips say of how well words are told, and of how well others are rejected."""
    named, labels = held.named, held.labels
    right = named == labels
    low, high = wilson(int(right.sum()), len(labels))
    table = torch.bincount(labels * words + named, minlength=words * words).view(words, words)
    strange = torch.from_numpy(sure.strangeness(held.known))
    parts = _halves(held, voices)
    unknown = _others_rejected(held, torch.tensor(parts) % 2, sure.rate) if words > 2 else None
    by_voice: dict[str, float] = {}
    if held.voices and voices is not None:
        told_of = [voices[i] for i in held.rows.tolist()]
        for voice in sorted(set(told_of)):
            own = torch.tensor([one == voice for one in told_of])
            by_voice[voice] = float(right[own].double().mean())
    return Estimate(
        len(labels),
        int(right.sum()),
        low,
        high,
        float(torch.bincount(labels, minlength=words).max()) / len(labels),
        held.voices,
        kept(strange, parts, sure.rate),
        unknown,
        tuple(tuple(row) for row in table.tolist()),
        by_voice,
    )


def _others_rejected(held: Held, halves: Tensor, rate: float) -> float | None:
    """The share of one half of the held-out clips, as if their words had not been learnt, that is rejected by what the
    other half says of weights and of the threshold."""
    shares = []
    for judge in (0, 1):
        rows, rest = torch.nonzero(halves == judge)[:, 0], torch.nonzero(halves != judge)[:, 0]
        if min(len(rows), len(rest)) < needed_length(rate):
            return None
        scores = held.scores.take(rows)
        sure = calibrated(scores, held.labels[rows], held.known[rows], held.unknown[rows], rate)
        shares.append(float((sure.p(sure.strangeness(held.unknown[rest])) <= rate).mean()))
    return math.fsum(shares) / 2


def _halves(held: Held, voices: Sequence[str] | None) -> list[int]:
    """Two halves of the held-out clips, (n,): of different voices where those are known."""
    if not held.voices or voices is None:
        return [i % 2 for i in range(len(held.rows))]
    number = {voice: k for k, voice in enumerate(sorted(set(voices)))}
    return [number[voices[i]] for i in held.rows.tolist()]


def told(found: Estimate, words: Sequence[str]) -> dict[str, Any]:
    """An estimate as JSON."""
    return {
        "held_out": found.held_out,
        "right": found.right,
        "accuracy": found.accuracy,
        "interval": [found.low, found.high],
        "majority": found.majority,
        "voices_held_out": found.voices,
        "by_voice": found.by_voice,
        "known_rejected": found.rejected,
        "left_out_words_rejected": found.unknown,
        "words": list(words),
        "confusion": [list(row) for row in found.table],
    }
