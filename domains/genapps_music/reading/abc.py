"""Tune books in ABC as scores: one piece for each X:, its repeats and endings played, its voices as parts.

A tune ends at an empty line. Accidentals last their bar, in all octaves. A first measure that is shorter than a bar
is a pickup and is put at the end of a whole bar. Grace notes, chord symbols and words are left out; what is not
understood is said; a tune without notes, or with a damaged one, is skipped and its fellows are read.
Source: C. Walshaw et al., The abc music standard 2.1, 2011.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from genapps_music.reading.limits import DEFAULT, Limits, check_parts, check_size, one_line, told
from genapps_music.reading.tunes import Tune, tune_of
from genapps_music.score import Score, Skipped, Unreadable

_FIELD = re.compile(r"([A-Za-z+]):(.*)")
_MUSIC = frozenset("KLMQV")  # fields that say how what follows is read


@dataclass
class _Text:
    """The lines of one tune: fields before the music, then lines of music and fields among them."""

    number: str
    head: list[tuple[str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)


def read_abc(data: bytes, limits: Limits = DEFAULT) -> tuple[list[Score], list[Skipped]]:
    """The tunes of a book, named by their numbers, and those that could not be read. Raises Unreadable."""
    check_size(len(data), limits.max_text_bytes)
    texts = _texts(_decoded(data), limits)
    if not texts:
        raise Unreadable("no tune in it: a tune begins with X:")
    scores, skipped = [], []
    for name, text in zip(_names(texts), texts, strict=True):
        try:
            scores.append(_score(name, text, limits))
        except Unreadable as error:
            skipped.append(Skipped(name, str(error)))
    return scores, skipped


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise Unreadable("no text")
    return text


def _names(texts: list[_Text]) -> list[str]:
    """Their numbers, made different: "12", "12 (2)"; none for a single tune."""
    if len(texts) == 1:
        return [""]
    seen: Counter[str] = Counter()
    names = []
    for text in texts:
        seen[text.number] += 1
        names.append(text.number if seen[text.number] == 1 else f"{text.number} ({seen[text.number]})")
    return names


def _texts(text: str, limits: Limits) -> list[_Text]:
    """The tunes of a book; fields before the first hold for all. Raises Unreadable for too many."""
    shared: list[tuple[str, str]] = []
    tunes: list[_Text] = []
    within, lines = False, text.splitlines()
    if not any(line.startswith("X:") for line in lines):
        lines = ["X:1", *lines] if any(line.startswith("K:") for line in lines) else []
    for line in lines:
        found = _FIELD.match(line)
        if line.startswith("X:"):
            tunes.append(_Text(one_line(line[2:].partition("%")[0], 40) or "?", list(shared)))
            within = True
            if len(tunes) > limits.max_pieces:
                raise Unreadable(f"more than {limits.max_pieces:,} tunes in one file")
        elif not tunes:
            if found and found[1] in _MUSIC:
                shared.append((found[1], _plain(found[2])))
        elif not line.strip():
            within = within and not tunes[-1].body
        elif not within:
            if "|" in line and not found:
                tunes[-1].said["line of music after an empty line left out"] += 1
        elif found and not tunes[-1].body:
            tunes[-1].head.append((found[1], _plain(found[2])))
            if found[1] == "K":
                tunes[-1].body.append("%")
        elif not line.startswith("%"):
            tunes[-1].body.append(line)
    return tunes


def _plain(text: str) -> str:
    return text.partition("%")[0].strip()


def _score(name: str, text: _Text, limits: Limits) -> Score:
    tune = Tune(text.said, limits)
    for key, value in sorted(text.head, key=lambda one: one[0] == "Q"):  # a tempo may count in lengths of L:
        tune.set(key, value, header=True)
    if not any(key == "K" for key, _ in text.head):
        text.said["without K:, read as C major"] += 1
    for line in text.body:
        found = _FIELD.match(line)
        if found:
            tune.set(found[1], _plain(found[2]))
        else:
            tune.read(line)
    parts, meters = tune_of(tune, limits)
    return Score(
        parts=check_parts(parts, limits),
        name=name,
        meters=meters,
        tempo=tune.tempo,
        fifths=tune.fifths,
        minor=tune.minor,
        remarks=tuple(told(tune.said)),
    )
