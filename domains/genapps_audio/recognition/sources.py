"""Clips of words as waves of one rate, each with its word and, where names tell, its voice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.wording import counted
from genapps_audio.reading.clips import Clips
from genapps_audio.reading.decoding import at_rate
from genapps_audio.reading.samples import CANCELLED, told_cancelled
from genapps_audio.recognition.front import RATES, SILENT, USUAL
from genapps_audio.recognition.holding import parsed
from genapps_audio.records import Clip, Skipped, Wave

FEWEST = 4  # clips of a word
LONGEST = 10.0  # seconds of a clip that one word is learnt from
MOST_WORDS = 200
WORD, VOICE = "word", "speaker"  # the fields of a pattern that count

Reading = Callable[[int, int], None]


@dataclass(frozen=True)
class Spoken:
    """Clips of known words. waves: (N,) of (T,). labels: (N,) numbers of `words`. voices: (N,), "" where not known, or
    None. names: (N,) of the clips."""

    rate: int
    waves: list[Wave]
    labels: list[int]
    words: tuple[str, ...]
    voices: list[str] | None
    names: list[str]
    skipped: list[Skipped]
    notes: list[str]


def spoken(clips: Clips, group: str | None, rate: int | None, reading: Reading) -> Spoken:
    """All clips of words that can be used. group: a pattern of names that tells voices, and words where no folders do.

    Raises UsageError for a rate or a pattern nobody can mean, InputError for fewer than two words or too few clips.
    """
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        raise UsageError(f"a rate of {rate:,} Hz: give one of {RATES[0]:,} to {RATES[1]:,}")
    clips, voices, notes = _labelled(clips, group)
    _check(clips)
    read: list[Clip] = []
    skipped: list[Skipped] = []
    voice_of = dict(zip(clips.names, voices, strict=True)) if voices is not None else {}
    for i in range(len(clips)):
        one = clips.one(i)
        reason = one.reason if isinstance(one, Skipped) else _unfit(one)
        if isinstance(one, Clip) and not reason:
            read.append(one)
        else:
            skipped.append(Skipped(clips.names[i], reason))
        reading(i + 1, len(clips))
    words = _words(clips, [one.label or "" for one in read], skipped)
    chosen = rate or min(Counter(one.rate for one in read).most_common(1)[0][0], USUAL)
    number = {word: k for k, word in enumerate(words)}
    return Spoken(
        chosen,
        [heard(one, chosen) for one in read],
        [number[one.label or ""] for one in read],
        tuple(words),
        None if voices is None else [voice_of[one.name] for one in read],
        [one.name for one in read],
        skipped,
        [*notes, *_brought(read, chosen), *told_cancelled(sum(CANCELLED in one.notes for one in read))],
    )


def heard(one: Clip, rate: int) -> Wave:
    """(T,) of a clip, its channels together, at a rate."""
    wave = np.ascontiguousarray(np.nan_to_num(one.mono))
    return wave if one.rate == rate else at_rate(wave[:, None], one.rate, rate)[:, 0]


def silent(wave: Wave) -> bool:
    """Whether there is no sound in a wave (T,)."""
    return not len(wave) or float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) < SILENT


def _unfit(one: Clip) -> str:
    """Why a clip that could be read teaches no word; nothing where it does."""
    if not one.label:
        return "of no word, and the others are in folders of theirs"
    if one.seconds > LONGEST:
        return f"{one.seconds:.3g} s long: one word takes at most {LONGEST:g} s; cut it"
    return "holds no sound" if silent(one.mono) else ""


def _labelled(clips: Clips, group: str | None) -> tuple[Clips, list[str] | None, list[str]]:
    """The clips with their words, their voices where a pattern tells them, and what should be said of that."""
    if group is None:
        return clips, None, []
    told = parsed(group, clips.names)
    if not any(told):
        raise InputError(f"--group {group!r}: fits no name in {clips.where}, such as {clips.names[0]}")
    if clips.labels is None and any(WORD in one for one in told):
        clips = replace(clips, labels=[one.get(WORD, "") for one in told])
    if not any(VOICE in one for one in told):
        return clips, None, [f"--group names no {{{VOICE}}}: held-out clips are of voices that were learnt"]
    unfit = sum(not one for one in told)
    notes = [f"{counted(unfit, 'name')} that --group does not fit: whose voice that is, is not known"] if unfit else []
    return clips, [one.get(VOICE, "") for one in told], notes


def _check(clips: Clips) -> None:
    words = clips.classes
    if not words:
        raise InputError(
            f"{clips.where}: no words; put the clips of each word into a folder of its own, or tell by --group what "
            "names say: --group '{word}_{speaker}_{take}'"
        )
    if len(words) == 1:
        raise InputError(f"{clips.where}: one word, {words[0]!r}; at least two are needed to tell them apart")
    if len(words) > MOST_WORDS:
        raise InputError(f"{clips.where}: {len(words):,} words; at most {MOST_WORDS} are told apart")


def _words(clips: Clips, labels: list[str], skipped: list[Skipped]) -> list[str]:
    """The words. Raises InputError where one has too few clips."""
    counts = Counter(labels)
    few = [word for word in clips.classes if counts[word] < FEWEST]
    if few:
        told = ", ".join(f"{word!r} {counts[word]}" for word in few[:5]) + (", ..." if len(few) > 5 else "")
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{clips.where}: too few clips of {told}; each word needs {FEWEST} that can be used{why}")
    return clips.classes


def _brought(read: list[Clip], rate: int) -> list[str]:
    others = Counter(one.rate for one in read if one.rate != rate)
    if not others:
        return []
    told = ", ".join(f"{count:,} at {other:,} Hz" for other, count in sorted(others.items()))
    return [f"resampled to {rate:,} Hz: {told}"]
