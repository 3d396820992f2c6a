"""The music of an ABC tune: signs become measures, which are played in the order that repeats ask for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

from genapps_music.reading.keys import ALTERS, key_of, length_of, meter_of, tempo_of
from genapps_music.reading.limits import Limits, check_end, check_notes, manageable, one_line, ordered
from genapps_music.score import QUARTER, Meter, Note, Part, Unreadable

_LENGTH = r"(?:\d{0,4}(?:/\d{0,4}){0,8})"
_TOKEN = re.compile(
    rf"""(?P<comment>%.*)
    |(?P<quoted>"[^"]*"?)
    |(?P<mark>![^!\s|]*!|\+[^+\s|]*\+)
    |(?P<grace>\{{[^}}]*\}}?)
    |(?P<field>\[[A-Za-z]:[^\]]*\]?)
    |(?P<ending>\[\s*\d[\d,\-]*)
    |(?P<bar>:*(?:\[\||\|)[|\]]*:*|::+)(?P<ending2>\d[\d,\-]*)?
    |\((?P<tuplet>\d)(?::(?P<into>\d?))?(?::(?P<over>\d?))?
    |(?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH})
    |(?P<rest>[zx])(?P<pause>{_LENGTH})
    |(?P<bars>[ZX])(?P<many>\d{{0,3}})
    |(?P<open>\[)
    |(?P<close>\])(?P<whole>{_LENGTH})
    |(?P<broken>>{{1,3}}|<{{1,3}})
    |(?P<tie>-)
    |(?P<overlay>&)
    |(?P<nothing>(?:[\s).~H-WYh-wy`*\\$]|\((?!\d))+)
    |(?P<other>.)""",
    re.VERBOSE,
)
_LETTERS = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
_MOST_PASSES = 16


@dataclass
class Event:
    """A note, a chord or a rest (no pitches). length: in ticks. tied: to what follows. written: by natural pitch."""

    length: Fraction
    pitches: tuple[int, ...] = ()
    tied: bool = False
    written: dict[int, int] = field(default_factory=dict)


@dataclass
class Measure:
    """What is between two bar lines. begins: a repeat begins here. again: how often it is gone back from its end.

    endings: the passes that it is for, as the first measure of an ending. closed: a double bar follows.
    """

    meter: tuple[int, int] | None
    part: str = ""
    events: list[Event] = field(default_factory=list)
    begins: bool = False
    again: int = 0
    endings: tuple[int, ...] = ()
    closed: bool = False

    @property
    def length(self) -> Fraction:
        """In ticks."""
        return sum((event.length for event in self.events), Fraction(0))


@dataclass
class Voice:
    """One voice as it is read."""

    unit: Fraction
    meter: tuple[int, int] | None
    key: dict[str, int]
    name: str = ""
    measures: list[Measure] = field(default_factory=list)
    altered: dict[str, int] = field(default_factory=dict)
    factor: Fraction = Fraction(1)  # that a broken rhythm leaves for the next note
    tuplet: tuple[Fraction, int] = (Fraction(1), 0)  # and for how many more notes
    last: Event | None = None
    chord: list[tuple[int, int, Fraction]] | None = None
    overlaid: bool = False

    @property
    def measure(self) -> Measure:
        """The measure that is being filled."""
        if not self.measures:
            self.measures.append(Measure(self.meter))
        return self.measures[-1]


@dataclass
class Tune:
    """A tune as it is read, line by line."""

    said: Counter[str]
    limits: Limits
    events: int = 0
    unit: Fraction | None = None
    meter: tuple[int, int] | None = (4, 4)
    key: dict[str, int] = field(default_factory=dict)
    fifths: int | None = None
    minor: bool = False
    tempo: float = 100.0
    order: str = ""
    part: str = ""
    voices: dict[str, Voice] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    current: str = ""

    @property
    def voice(self) -> Voice:
        """The voice that is being read."""
        if self.current not in self.voices:
            if len(self.voices) >= 64:
                raise Unreadable("more than 64 voices")
            unit = self.unit or _unit(self.meter)
            self.voices[self.current] = Voice(unit, self.meter, self.key, self.names.get(self.current, ""))
        return self.voices[self.current]

    def set(self, key: str, value: str, *, header: bool = False) -> None:
        """Take a field. Raises Unreadable where it is one that decides on notes and makes no sense."""
        if key == "V":
            self._switch(value, header)
        elif key == "P" or (key == "Y" and header):  # Y: in the cleaned Nottingham collection
            self._part(value, header)
        elif key == "Q":
            if header or self.tempo == 100.0:
                unit = (self.unit or _unit(self.meter)) if header else self.voice.unit
                self.tempo = tempo_of(value, unit) or self.tempo
        elif key == "K":
            self._key(value, header)
        elif key == "M":
            self._meter(value, header)
        elif key == "L":
            if header:
                self.unit = length_of(value)
            else:
                self.voice.unit = length_of(value)
        elif key == "m":
            self.said["macro not understood"] += 1

    def _switch(self, value: str, header: bool) -> None:
        name = value.split()[0] if value.split() else "1"
        said = re.search(r'(?:name|nm)="([^"]*)"', value)
        if said:
            self.names[name] = one_line(said[1])
        if not header:
            if not self.current and "" in self.voices and not self.voices[""].measures:
                del self.voices[""]
            self.current = name

    def _part(self, value: str, header: bool) -> None:
        if header:
            self.order = re.sub(r"[^A-Za-z]", "", value)
            if re.search(r"[()\d]", value):
                self.order = ""
                self.said["order of parts not understood"] += 1
        else:
            self._count()
            self.part = value[:1]
            self.voice.measures.append(Measure(self.voice.meter, self.part, begins=True))

    def _key(self, value: str, header: bool) -> None:
        fifths, minor, altered = key_of(value)
        if header:
            self.fifths, self.minor, self.key = fifths, minor, altered
        elif value:
            self.voice.key, self.voice.altered = altered, {}

    def _meter(self, value: str, header: bool) -> None:
        if header:
            self.meter = meter_of(value)
        else:
            self.voice.meter = meter_of(value)
            if not self.voice.measure.events:
                self.voice.measure.meter = self.voice.meter

    def read(self, line: str) -> None:
        """Take a line of music."""
        for token in _TOKEN.finditer(line):
            kind = token.lastgroup
            if kind == "length":
                self._note(token)
            elif kind in ("bar", "ending2", "ending"):
                self._bar(token)
            elif kind == "pause":
                self._add(Event(self._length(token["pause"])))
            elif kind == "field":
                self.set(token["field"][1], token["field"][3:].rstrip("]").strip())
            else:
                self._sign(kind or "", token)

    def _sign(self, kind: str, token: re.Match[str]) -> None:
        voice = self.voice
        if kind == "broken":
            self._broken(token["broken"])
        elif kind == "tie":
            if voice.last:
                voice.last.tied = True
        elif kind == "open":
            voice.chord = []
        elif kind == "whole":
            self._chord(token["whole"])
        elif token["tuplet"]:
            self._tuplet(int(token["tuplet"]), token["into"], token["over"])
        elif kind == "many":
            self._bars(int(token["many"] or 1))
        elif kind == "quoted" and token["quoted"][1:2].isalpha():
            self.said["chord symbol left out"] += 1
        elif kind == "grace":
            self.said["grace notes left out"] += 1
        elif kind == "overlay":
            voice.overlaid = True
            self.said["voice laid over a measure left out"] += 1
        elif kind == "other":
            self.said[f"sign not understood: {one_line(token['other']) or '?'}"] += 1

    def _length(self, text: str) -> Fraction:
        """Ticks of a note whose length is written so."""
        number, *parts = text.split("/")
        length = self.voice.unit * 4 * QUARTER * int(number or 1)
        for part in parts:
            if part and not int(part):
                raise Unreadable(f"a note length of {text}")
            length /= int(part or 2)
        return length

    def _note(self, token: re.Match[str]) -> None:
        voice, letter = self.voice, token["letter"].upper()
        octave = int(token["letter"].islower()) + token["octave"].count("'") - token["octave"].count(",")
        if token["accidental"]:
            voice.altered[letter] = ALTERS[token["accidental"]]
        natural = _LETTERS[letter] + 12 * octave
        pitch = natural + voice.altered.get(letter, voice.key.get(letter, 0))
        if letter not in voice.altered and voice.last and voice.last.tied:
            pitch = voice.last.written.get(natural, pitch)  # an accidental lasts as long as its tie
        length = self._length(token["length"])
        if not 0 <= pitch <= 127:
            self.said["note out of range left out"] += 1
        if voice.chord is not None:
            voice.chord.append((natural, pitch, length))
        else:
            self._add(Event(length, (pitch,) if 0 <= pitch <= 127 else (), written={natural: pitch}))

    def _chord(self, length: str) -> None:
        chord, self.voice.chord = self.voice.chord, None
        if not chord:
            return
        times = self._length(length) / self._length("")
        written = {natural: pitch for natural, pitch, _ in chord}
        sounding = tuple(sorted({pitch for pitch in written.values() if 0 <= pitch <= 127}))
        self._add(Event(chord[0][2] * times, sounding, written=written))

    def _add(self, event: Event) -> None:
        voice = self.voice
        factor, left = voice.tuplet
        if left:
            event.length *= factor
            voice.tuplet = factor, left - 1
        self._count()
        event.length = manageable(event.length * voice.factor)
        voice.factor = Fraction(1)
        if voice.overlaid:
            return
        if event.length == 0:
            self.said["note without length left out"] += 1
            return
        voice.measure.events.append(event)
        voice.last = event

    def _count(self) -> None:
        self.events += 1
        check_notes(self.events, self.limits)

    def _broken(self, signs: str) -> None:
        """a>b: the first note longer by a half, the second shorter by as much; >> and >>> go on halving."""
        voice, short = self.voice, Fraction(1, 2 ** len(signs))
        if voice.last is None or voice.overlaid or voice.factor != 1:
            return
        voice.last.length *= 2 - short if signs[0] == ">" else short
        voice.factor = short if signs[0] == ">" else 2 - short

    def _tuplet(self, notes: int, into: str | None, over: str | None) -> None:
        beats, unit = self.voice.meter or (4, 4)
        compound = 3 if unit >= 8 and beats % 3 == 0 else 2
        time = int(into) if into and int(into) else _TUPLETS.get(notes, compound)
        if notes:
            self.voice.tuplet = Fraction(time, notes), int(over) if over and int(over) else notes

    def _bars(self, count: int) -> None:
        """A rest of whole bars."""
        beats, unit = self.voice.meter or (4, 4)
        if count > 1000:
            raise Unreadable(f"a rest of {count} bars")
        self._add(Event(Fraction(4 * QUARTER * beats * count, unit)))

    def _bar(self, token: re.Match[str]) -> None:
        voice, sign = self.voice, token["bar"] or ""
        voice.altered, voice.overlaid, voice.chord = {}, False, None
        colons = re.match(":*", sign)
        left = len(colons[0]) if colons else 0
        right = len(sign) - len(sign.rstrip(":"))
        if sign and left == len(sign):  # :: ends a repeat and begins another
            left, right = max(left // 2, 1), max(left - left // 2, 1)
        before = voice.measure
        if sign and (before.events or before.endings or len(voice.measures) > 1):
            ended = before if before.events or len(voice.measures) == 1 else voice.measures[-2]
            ended.again = max(ended.again, min(left, _MOST_PASSES))
            ended.closed |= "||" in sign or "]" in sign or "[|" in sign
        if before.events:
            voice.measures.append(Measure(voice.meter, self.part))
        voice.measure.begins |= right > 0
        if numbers := token["ending"] or token["ending2"]:
            voice.measure.endings = _passes(numbers)


def _unit(meter: tuple[int, int] | None) -> Fraction:
    """The length of a note where L: does not say."""
    return Fraction(1, 16) if meter and meter[0] / meter[1] < 0.75 else Fraction(1, 8)


def _passes(text: str) -> tuple[int, ...]:
    """The numbers of an ending: "1", "1,3", "1-3"."""
    passes: set[int] = set()
    for one in text.strip("[ ").split(","):
        ends = [int(number) for number in one.split("-") if number.isdigit() and len(number) < 4]
        if ends:
            passes.update(range(ends[0], min(ends[-1], _MOST_PASSES) + 1))
    kept = tuple(sorted(number for number in passes if 1 <= number <= _MOST_PASSES))
    return kept or (1,)


def unfolded(measures: list[Measure]) -> list[Measure]:
    """Measures in the order in which they are played."""
    played: list[Measure] = []
    at = 0
    while at < len(measures):
        body, after = _body(measures, at)
        if body and body[-1].again:
            played += body * (1 + body[-1].again)
        elif after < len(measures) and measures[after].endings:
            endings, after = _endings(measures, after)
            for number in range(1, max(max(passes) for passes, _ in endings) + 1):
                played += body
                for passes, inner in endings:
                    played += inner if number in passes else []
        else:
            played += body
        at = after
    return played


def _body(measures: list[Measure], at: int) -> tuple[list[Measure], int]:
    """What comes before the first ending, or up to the sign that goes back or to the next that begins a repeat."""
    end = at
    while end < len(measures) and not measures[end].endings and not (end > at and measures[end].begins):
        end += 1
        if measures[end - 1].again:
            break
    return measures[at:end], end


def _endings(measures: list[Measure], at: int) -> tuple[list[tuple[tuple[int, ...], list[Measure]]], int]:
    """The endings that begin here, each with its passes, and the place behind them."""
    endings = []
    while at < len(measures) and measures[at].endings:
        end = at + 1
        while end < len(measures) and not measures[end].endings and not measures[end].begins:
            if measures[end - 1].again or measures[end - 1].closed:
                break
            end += 1
        endings.append((measures[at].endings, measures[at:end]))
        closed, at = not measures[end - 1].again, end
        if closed and max(endings[-1][0]) > 1:
            break
    return endings, at


def tune_of(tune: Tune, limits: Limits) -> tuple[list[Part], tuple[Meter, ...]]:
    """The parts and meters of a tune that was read. Raises Unreadable."""
    parts = []
    meters: tuple[Meter, ...] = (Meter(),)
    for number, (name, voice) in enumerate(tune.voices.items()):
        measures = _in_parts([one for one in voice.measures if one.events], tune)
        notes, found = _laid(measures, limits)
        parts.append(Part(notes, voice.name or (name if len(tune.voices) > 1 else "")))
        meters = found if number == 0 else meters
    return parts, meters


def _in_parts(measures: list[Measure], tune: Tune) -> list[Measure]:
    """Measures as they are played: parts in the order that P: asks for, repeats within each."""
    if not tune.order or not {one.part for one in measures} >= set(tune.order):
        return unfolded(measures)
    parts = {name: unfolded([one for one in measures if one.part == name]) for name in set(tune.order)}
    before = unfolded([one for one in measures if one.part not in parts])
    return before + [one for name in tune.order[:1000] for one in parts[name]]


def _laid(measures: list[Measure], limits: Limits) -> tuple[tuple[Note, ...], tuple[Meter, ...]]:
    """Notes and meters of measures one after another; a tie binds a note to one of its pitch that follows at once."""
    check_notes(sum(len(event.pitches) for one in measures for event in one.events), limits)
    now = _pickup(measures)
    meters: list[Meter] = []
    spans: list[tuple[Fraction, Fraction, int]] = []
    tied: dict[int, int] = {}
    for measure in measures:
        if measure.meter and (not meters or measure.meter != (meters[-1].beats, meters[-1].unit)):
            meters.append(Meter(round(now) if meters else 0, *measure.meter))
        for event in measure.events:
            ends: dict[int, int] = {}
            for pitch in event.pitches:
                at = tied.get(pitch, len(spans))
                if at < len(spans):
                    spans[at] = spans[at][0], now + event.length, pitch
                else:
                    spans.append((now, now + event.length, pitch))
                ends[pitch] = at
            tied = ends if event.tied else {}
            now += event.length
        check_end(float(now), limits)
    rounded = ((round(onset), round(end), pitch) for onset, end, pitch in spans)
    notes = ordered(Note(onset, max(end - onset, 1), pitch) for onset, end, pitch in rounded)
    return notes, tuple(meters) or (Meter(),)


def _pickup(measures: list[Measure]) -> Fraction:
    """Where the first measure begins: at the end of a bar where it is shorter than one."""
    if len(measures) < 2 or measures[0].meter is None:
        return Fraction(0)
    beats, unit = measures[0].meter
    return max(Fraction(4 * QUARTER * beats, unit) - measures[0].length, Fraction(0))
