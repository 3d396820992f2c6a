"""What kind of music a piece is, in numbers, and how far two sets of pieces are apart in them.

Pitch class entropy, scale consistency, groove consistency, empty beats and polyphony are defined as in MusPy (Dong et
al., "MusPy: a toolkit for symbolic music generation", ISMIR 2020), beside which bars are compared on a grid of
sixteenths and a note that ends with a beat does not fill the next one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from genapps_music.judging.voices import REST, Ints, Voices, bar_starts
from genapps_music.score import QUARTER, Score
from genapps_music.tonality import key_of

Floats = NDArray[np.float64]

LENGTHS = (60, 80, 120, 160, 180, 240, 320, 360, 480, 720, 960, 1440, 1920, 3840)  # ticks that lengths are rounded to
WIDEST = 13  # semitones of a melodic step from which on all count as one
CHORDS = 2048  # kinds of chords: which of the eleven other pitch classes sound above the lowest note's
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True)
class Traits:
    """One piece in numbers; NaN where it has none, such as the groove of a single bar."""

    pitch_class_entropy: float  # bits, of notes over the twelve pitch classes
    scale_consistency: float  # share of notes in the diatonic scale that fits best (natural minor has the same notes)
    groove_consistency: float  # 1 - share of sixteenths in which neighboring bars differ in whether a note begins
    empty_beat_rate: float  # share of quarters in which nothing sounds
    polyphony: float  # notes sounding at once, on average while any sounds
    notes_per_quarter: float
    mean_length: float  # quarters, of a note
    pitch_spread: float  # semitones, deviation of the pitches

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The traits in order."""
        return tuple(field.name for field in fields(cls))

    def row(self) -> Floats:
        """As numbers (D,), in the order of `names`."""
        return np.array(astuple(self), float)


@dataclass(frozen=True)
class Histograms:
    """What occurs in one piece, counted.

    degrees: (12,) notes by pitch class above the tonic of the key that fits best. intervals: (27,) steps of each voice
    from -13 to 13 semitones. lengths: (14,) notes by the nearest of `LENGTHS`. chords: (2048,) quarters by kind of
    chord, for moments at which two notes at least sound.
    """

    degrees: Floats
    intervals: Floats
    lengths: Floats
    chords: Floats


KINDS: dict[str, str] = {
    "degrees": "degrees of the scale",
    "intervals": "melodic steps",
    "lengths": "lengths of notes",
    "chords": "kinds of chords",
}


def traits(score: Score) -> Traits:
    """A piece without its drums in numbers. Raises ValueError for one that has no notes."""
    notes = [note for part in score.parts if not part.drums for note in part.notes]
    if not notes:
        raise ValueError("a piece without notes has no traits")
    onsets, ends, pitches = np.array([(note.onset, note.end, note.pitch) for note in notes]).T
    classes = np.bincount(pitches % 12, minlength=12)
    return Traits(
        pitch_class_entropy=entropy(classes),
        scale_consistency=scale_consistency(classes),
        groove_consistency=_groove(score, onsets),
        empty_beat_rate=_empty_beats(onsets, ends),
        polyphony=float((ends - onsets).sum() / _covered(onsets, ends)),
        notes_per_quarter=float(len(notes) * QUARTER / max(ends.max() - onsets.min(), 1)),
        mean_length=float((ends - onsets).mean() / QUARTER),
        pitch_spread=float(pitches.std()),
    )


def entropy(counts: Ints | Floats) -> float:
    """Bits of a histogram."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def scale_consistency(classes: Ints) -> float:
    """The largest share of notes, counted by pitch class (12,), that one diatonic scale holds."""
    return max(float(np.roll(classes, -tonic)[list(_MAJOR)].sum()) for tonic in range(12)) / float(classes.sum())


def histograms(piece: Voices) -> Histograms:
    """What occurs in the voices of a piece."""
    lines = [np.array([(n.onset, n.end, n.pitch) for n in line]) for line in piece.lines]
    if not lines:
        return Histograms(np.zeros(12), np.zeros(2 * WIDEST + 1), np.zeros(len(LENGTHS)), np.zeros(CHORDS))
    onsets, ends, pitches = np.concatenate(lines).T
    tonic, _ = key_of(zip(pitches.tolist(), (ends - onsets).tolist(), strict=True))
    classes = np.bincount((pitches - tonic) % 12, minlength=12)
    steps = np.concatenate([np.diff(line[:, 2]) for line in lines])
    limits = np.sqrt(np.array(LENGTHS[1:]) * np.array(LENGTHS[:-1]))
    return Histograms(
        degrees=classes.astype(float),
        intervals=np.bincount(np.clip(steps, -WIDEST, WIDEST) + WIDEST, minlength=2 * WIDEST + 1).astype(float),
        lengths=np.bincount(np.searchsorted(limits, ends - onsets), minlength=len(LENGTHS)).astype(float),
        chords=_chords(piece),
    )


def divergence(p: Floats, q: Floats) -> float:
    """Jensen-Shannon divergence of two histograms, in bits: 0 alike, 1 nothing in common; NaN where one is empty."""
    if not p.sum() or not q.sum():
        return math.nan
    p, q = p / p.sum(), q / q.sum()
    return max(0.0, entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)


def divergences(made: Sequence[Histograms], real: Sequence[Histograms]) -> dict[str, float]:
    """How far two sets of pieces are apart, for each kind of histogram."""
    return {kind: divergence(sum_of(made, kind), sum_of(real, kind)) for kind in KINDS}


def sum_of(pieces: Sequence[Histograms], kind: str) -> Floats:
    """One histogram of all pieces."""
    found: Floats = np.sum([getattr(one, kind) for one in pieces], axis=0)
    return found


def gaps(made: Floats, real: Floats) -> Floats:
    """Largest distance (D,) of the distribution functions (Kolmogorov and Smirnov's) of two sets of traits (N, D)."""
    found = []
    for a, b in zip(made.T, real.T, strict=True):
        a, b = np.sort(a[np.isfinite(a)]), np.sort(b[np.isfinite(b)])
        at = np.concatenate([a, b])
        shares = [np.searchsorted(one, at, side="right") / max(len(one), 1) for one in (a, b)]
        found.append(float(np.abs(shares[0] - shares[1]).max()) if len(a) and len(b) else math.nan)
    return np.array(found)


def features(piece: Traits, counted: Histograms) -> Floats:
    """A piece as one row (D,): its traits, and its shares of degrees, steps and lengths."""
    shares = [one / max(one.sum(), 1) for one in (counted.degrees, counted.intervals, counted.lengths)]
    return np.concatenate([np.nan_to_num(piece.row()), *shares])


def scaled(rows: Floats, reference: Floats) -> Floats:
    """Rows (N, D) in deviations of the reference (M, D) from its mean, at most three either way.

    A deviation counts as a fiftieth at least, in shares or of the mean, so that what hardly varies weighs little.
    """
    middle = reference.mean(axis=0)
    deviation = np.maximum(reference.std(axis=0), 0.02 * np.maximum(np.abs(middle), 1))
    found: Floats = np.clip((rows - middle) / deviation, -3, 3)
    return found


def _covered(onsets: Ints, ends: Ints) -> float:
    """Ticks at which anything sounds."""
    order = np.argsort(onsets, kind="stable")
    begins, reached = onsets[order], np.maximum.accumulate(ends[order])
    before = np.concatenate([[begins[0]], reached[:-1]])
    return float(np.maximum(reached - np.maximum(begins, before), 0).sum())


def _empty_beats(onsets: Ints, ends: Ints) -> float:
    beats = -(-int(ends.max()) // QUARTER)
    change = np.zeros(beats + 1, np.int64)
    np.add.at(change, onsets // QUARTER, 1)
    np.add.at(change, (ends - 1) // QUARTER + 1, -1)
    return float((np.cumsum(change)[:-1] == 0).mean())


def _groove(score: Score, onsets: Ints) -> float:
    """Neighboring bars of equal length; NaN where there are none."""
    end = int(onsets.max()) + 1
    starts = bar_starts(score.meters, end)
    sizes = np.diff([*starts.tolist(), int(starts[-1]) + score.meters[-1].bar]) // (QUARTER // 4)
    struck = np.zeros((len(starts), max(int(sizes.max()), 1)), bool)
    bars = np.searchsorted(starts, onsets, side="right") - 1
    struck[bars, np.minimum((onsets - starts[bars]) // (QUARTER // 4), struck.shape[1] - 1)] = True
    alike = (sizes[1:] == sizes[:-1]) & (sizes[1:] > 0)
    if not alike.any():
        return math.nan
    differ = (struck[1:] != struck[:-1]).sum(axis=1)[alike]
    return float(1 - (differ / sizes[1:][alike]).mean())


def _chords(piece: Voices) -> Floats:
    moments, pitches = piece.sonorities
    lasting = np.diff(np.append(moments, piece.end)) / QUARTER
    sounding = pitches != REST
    several = sounding.sum(axis=1) > 1
    pitches, sounding, lasting = pitches[several], sounding[several], lasting[several]
    if not len(pitches):
        return np.zeros(CHORDS)
    lowest = np.where(sounding, pitches, 999).min(axis=1, keepdims=True)
    above = np.where(sounding, (pitches - lowest) % 12, 0)
    bits = np.bitwise_or.reduce(1 << above, axis=1) >> 1  # the lowest note itself is always there
    return np.bincount(bits, weights=lasting, minlength=CHORDS).astype(float)
