"""MusicXML as scores: what sounds, without how it is printed.

Measures stand where the longest part puts their bar lines. A first measure that is shorter than a bar is a pickup: it
is put at the end of a whole bar, so that beats can be counted from tick 0. Repeats are not played, grace notes are
left out; both are said. Transposing instruments are read at the pitch that sounds.
Source: W3C Music Notation Community Group, MusicXML 4.0, 2021.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from genapps_music.reading.limits import (
    DEFAULT,
    Limits,
    check_end,
    check_notes,
    check_parts,
    manageable,
    one_line,
    ordered,
    told,
)
from genapps_music.reading.xml import Element, Kept, parse
from genapps_music.score import QUARTER, Meter, Note, Part, Score, Unreadable

KEPT = frozenset(
    (
        *(
            "score-partwise",
            "score-timewise",
            "part-list",
            "score-part",
            "part-name",
            "midi-instrument",
            "midi-program",
        ),
        *("midi-channel", "midi-unpitched", "part", "measure", "note", "chord", "grace", "cue", "rest", "pitch"),
        *("step", "alter", "octave", "unpitched", "duration", "tie", "notations", "tied", "instrument", "attributes"),
        *(
            "divisions",
            "key",
            "fifths",
            "mode",
            "time",
            "beats",
            "beat-type",
            "transpose",
            "chromatic",
            "octave-change",
        ),
        *("backup", "forward", "direction", "direction-type", "metronome", "beat-unit", "beat-unit-dot", "per-minute"),
        *("sound", "barline", "repeat"),
    )
)
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNITS = {"breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125}
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass
class _Voice:
    """One part as it is read. notes: measure, onset, duration in ticks, pitch, velocity, tied to before, after."""

    limits: Limits
    notes: list[tuple[int, Fraction, Fraction, int, int, bool, bool]] = field(default_factory=list)
    lengths: list[Fraction] = field(default_factory=list)
    meters: list[tuple[int, Fraction, int, int]] = field(default_factory=list)
    keys: list[tuple[int, bool, int]] = field(default_factory=list)
    tempos: list[tuple[int, Fraction, float]] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    drums: bool = False
    divisions: Fraction = Fraction(1)
    shift: int = 0
    bar: int = 4 * QUARTER


@dataclass(frozen=True)
class _Listed:
    """What the list of parts says of one. unpitched: instrument -> the pitch of a drum."""

    name: str = ""
    program: int = 0
    drums: bool = False
    unpitched: dict[str, int] = field(default_factory=dict)


def read_musicxml(data: bytes, limits: Limits = DEFAULT) -> Score:
    """A score, partwise or timewise, from the bytes of its file. Raises Unreadable."""
    root = parse(data, Kept(KEPT), limits)
    if root.tag not in ("score-partwise", "score-timewise"):
        raise Unreadable(f"XML, but no score: it begins with <{root.tag[:40]}>")
    listed = {one.get("id"): _listed(one) for many in root.all("part-list") for one in many.all("score-part")}
    measures = _partwise(root)
    if len(measures) > limits.max_parts:
        raise Unreadable(f"{len(measures):,} parts, more than the {limits.max_parts} allowed")
    voices = {name: _voice(elements, listed.get(name, _Listed()), limits) for name, elements in measures.items()}
    if not voices:
        raise Unreadable("a score without parts")
    return _score(voices, listed, limits)


def _partwise(root: Element) -> dict[str, list[Element]]:
    """The measures of each part by its name; what has none is numbered."""
    found: dict[str, list[Element]] = {}
    if root.tag == "score-partwise":
        for number, part in enumerate(root.all("part")):
            found.setdefault(part.get("id") or str(number), []).extend(part.all("measure"))
        return found
    for measure in root.all("measure"):
        for number, part in enumerate(measure.all("part")):
            found.setdefault(part.get("id") or str(number), []).append(part)
    return found


def _listed(part: Element) -> _Listed:
    programs = [one.said("midi-program") for one in part.all("midi-instrument") if one.said("midi-program")]
    program = int(_number(programs[0], "midi-program")) - 1 if programs else 0
    drums = any(one.said("midi-channel") == "10" for one in part.all("midi-instrument"))
    pitches = {one.get("id"): one.said("midi-unpitched") for one in part.all("midi-instrument")}
    unpitched = {name: int(_number(text, "midi-unpitched")) - 1 for name, text in pitches.items() if text}
    return _Listed(one_line(part.said("part-name")), program if 0 <= program < 128 else 0, drums, unpitched)


@lru_cache(maxsize=4096)
def _number(text: str, what: str) -> Fraction:
    if not _NUMBER.fullmatch(text):
        raise Unreadable(f"<{what}> is {one_line(text, 40)!r}, which is no number")
    return Fraction(text)


def _voice(measures: Iterable[Element], listed: _Listed, limits: Limits) -> _Voice:
    voice = _Voice(limits, drums=listed.drums)
    for number, measure in enumerate(measures):
        try:
            _measure(measure, number, voice, listed)
        except Unreadable as error:
            raise Unreadable(f"measure {one_line(measure.get('number'), 20) or number + 1}: {error}") from None
        check_notes(len(voice.notes), limits)
    return voice


def _measure(measure: Element, number: int, voice: _Voice, listed: _Listed) -> None:
    now = before = longest = Fraction(0)
    for element in measure.children:
        tag = element.tag
        if tag == "note":
            length = _note(element, number, before if element.first("chord") is not None else now, voice, listed)
            if element.first("chord") is None and length is not None:
                before, now = now, now + length
        elif tag == "backup":
            now -= _length(element, voice)
            if now < 0:
                now = Fraction(0)
                voice.said["step back over the beginning of a measure cut"] += 1
        elif tag == "forward":
            now += _length(element, voice)
        elif tag == "attributes":
            _attributes(element, number, now, voice)
        elif tag in ("direction", "sound"):
            _tempo(element, number, now, voice)
        elif tag == "barline" and element.first("repeat") is not None:
            voice.said["repeat not played"] += 1
        longest = max(longest, now)
    voice.lengths.append(longest)


def _length(element: Element, voice: _Voice) -> Fraction:
    length = _number(element.said("duration"), "duration")
    if length < 0:
        raise Unreadable(f"a duration of {float(length):g}")
    return manageable(length * QUARTER / voice.divisions)


def _note(element: Element, number: int, onset: Fraction, voice: _Voice, listed: _Listed) -> Fraction | None:
    """Keep a note; its length in ticks, None for those that take no time."""
    if element.first("grace") is not None:
        voice.said["grace note left out"] += 1
        return None
    length = _length(element, voice)
    if element.first("rest") is not None:
        return length
    if element.first("cue") is not None:
        voice.said["cue note left out"] += 1
        return length
    pitch = _pitch(element, voice, listed)
    if pitch is None:
        voice.said["note without a pitch left out"] += 1
    elif not 0 <= pitch <= 127:
        voice.said["note out of range left out"] += 1
    elif length == 0:
        voice.said["note without length left out"] += 1
    else:
        ties = {tie.get("type") for tie in element.all("tie")}
        ties |= {tie.get("type") for notations in element.all("notations") for tie in notations.all("tied")}
        voice.notes.append((number, onset, length, pitch, _velocity(element), "stop" in ties, "start" in ties))
    return length


def _velocity(element: Element) -> int:
    """What `dynamics` says, a percentage of a velocity of 90; 80 without it."""
    said = element.get("dynamics")
    return min(max(round(float(said) * 0.9), 1), 127) if _NUMBER.fullmatch(said) else 80


def _pitch(element: Element, voice: _Voice, listed: _Listed) -> int | None:
    if written := element.first("pitch"):
        step = _STEPS.get(written.said("step"))
        if step is None:
            raise Unreadable(f"<step> is {one_line(written.said('step'), 20)!r}, which is no note")
        alter = round(_number(written.said("alter") or "0", "alter"))
        return 12 * (int(_number(written.said("octave"), "octave")) + 1) + step + alter + voice.shift
    if element.first("unpitched") is not None:
        voice.drums = True
        instrument = element.first("instrument")
        return listed.unpitched.get("" if instrument is None else instrument.get("id"))
    return None


def _attributes(element: Element, number: int, now: Fraction, voice: _Voice) -> None:
    if element.first("divisions") is not None:
        voice.divisions = _number(element.said("divisions"), "divisions")
        if voice.divisions <= 0:
            raise Unreadable(f"<divisions> is {float(voice.divisions):g}: it does not say how long a quarter note is")
    for transpose in element.all("transpose"):
        octaves = _number(transpose.said("octave-change") or "0", "octave-change")
        voice.shift = round(_number(transpose.said("chromatic") or "0", "chromatic")) + 12 * int(octaves)
    for key in element.all("key"):
        fifths = int(_number(key.said("fifths") or "0", "fifths"))
        voice.keys.append((fifths, key.said("mode") == "minor", voice.shift))
    for time in element.all("time"):
        beats = [sum(_number(one, "beats") for one in beat.text.strip().split("+")) for beat in time.all("beats")]
        units = [_number(unit.text.strip(), "beat-type") for unit in time.all("beat-type")]
        if len(beats) == len(units) == 1 and 0 < beats[0] <= 64 and units[0] in (1, 2, 4, 8, 16, 32, 64):
            voice.meters.append((number, now, int(beats[0]), int(units[0])))
        elif beats:
            voice.said["time signature that is not understood left out"] += 1


def _tempo(element: Element, number: int, now: Fraction, voice: _Voice) -> None:
    """The tempo that a direction or a sound says, in quarter notes a minute."""
    sounds = [element] if element.tag == "sound" else list(element.all("sound"))
    said = [sound.get("tempo") for sound in sounds if sound.get("tempo")]
    tempo = float(said[0]) if said and _NUMBER.fullmatch(said[0]) else 0.0
    if not tempo:
        for mark in _marks(element):
            unit, rate = _UNITS.get(mark.said("beat-unit"), 0.0), mark.said("per-minute")
            dotted = 1.5 if mark.first("beat-unit-dot") is not None else 1.0
            tempo = unit * dotted * float(rate) if _NUMBER.fullmatch(rate) else 0.0
    if tempo > 0:
        voice.tempos.append((number, now, min(max(tempo, 1.0), 1000.0)))


def _marks(element: Element) -> Iterator[Element]:
    return (mark for inner in element.all("direction-type") for mark in inner.all("metronome"))


def _score(voices: dict[str, _Voice], listed: dict[str, _Listed], limits: Limits) -> Score:
    starts = _starts(list(voices.values()), limits)
    said: Counter[str] = Counter()
    parts = []
    for name, voice in voices.items():
        one = listed.get(name, _Listed())
        parts.append(Part(_tied(voice, starts), one.name, 0 if voice.drums else one.program, voice.drums))
        said.update({what: number for what, number in voice.said.items() if what != "repeat not played"})
    repeats = max(voice.said["repeat not played"] for voice in voices.values())
    said.update({"repeat sign passed over": repeats} if repeats else {})
    tempos = sorted((starts[number] + now, tempo) for voice in voices.values() for number, now, tempo in voice.tempos)
    keys = [(fifths, minor) for voice in voices.values() for fifths, minor, shift in voice.keys[:1] if shift % 12 == 0]
    remarks = told(said)
    if len({tempo for _, tempo in tempos}) > 1:
        remarks.append("its tempo changes: only the first is kept")
    return Score(
        parts=check_parts(parts, limits),
        meters=_meters(next(iter(voices.values())), starts),
        tempo=tempos[0][1] if tempos else 100.0,
        fifths=keys[0][0] if keys and abs(keys[0][0]) <= 7 else None,
        minor=bool(keys) and keys[0][1],
        remarks=tuple(remarks),
    )


def _starts(voices: list[_Voice], limits: Limits) -> list[Fraction]:
    """Where each measure begins, and where the last ends: after the longest part's; an empty one lasts a bar."""
    count = max(len(voice.lengths) for voice in voices)
    meters = {number: 4 * QUARTER * beats // unit for number, _, beats, unit in voices[0].meters}
    starts, bar = [Fraction(0)], meters.get(0, 4 * QUARTER)
    for number in range(count):
        bar = meters.get(number, bar)
        length = max((voice.lengths[number] for voice in voices if number < len(voice.lengths)), default=Fraction(0))
        if number == 0 and 0 < length < bar and count > 1:
            starts[0] = bar - length
        starts.append(starts[-1] + (round(length) or bar))
        check_end(float(starts[-1]), limits)
    return starts


def _tied(voice: _Voice, starts: list[Fraction]) -> tuple[Note, ...]:
    """The notes of a part; those that a tie binds are one."""
    placed = sorted(
        (starts[number] + onset, pitch, length, loud, back, on)
        for number, onset, length, pitch, loud, back, on in voice.notes
    )
    notes: list[tuple[Fraction, Fraction, int, int]] = []
    open_: dict[tuple[int, Fraction], list[int]] = {}
    for onset, pitch, length, loud, back, on in placed:
        begun = open_.get((pitch, onset)) if back else None
        if begun:
            at = begun.pop()
            notes[at] = notes[at][0], onset + length, pitch, notes[at][3]
        else:
            at = len(notes)
            notes.append((onset, onset + length, pitch, loud))
        if on:
            open_.setdefault((pitch, onset + length), []).append(at)
    rounded = [(round(onset), round(end), pitch, loud) for onset, end, pitch, loud in notes]
    return ordered(Note(onset, max(end - onset, 1), pitch, loud) for onset, end, pitch, loud in rounded)


def _meters(voice: _Voice, starts: list[Fraction]) -> tuple[Meter, ...]:
    kept: list[Meter] = []
    for number, now, beats, unit in voice.meters:
        if not kept or (beats, unit) != (kept[-1].beats, kept[-1].unit):
            kept.append(Meter(round(starts[number] + now) if kept else 0, beats, unit))
    return tuple(kept) or (Meter(),)
