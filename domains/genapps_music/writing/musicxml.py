"""Scores as MusicXML 4.0, partwise, plain or compressed.

Bars, ties over their lines, chords, as many voices as overlaps ask for, note values with dots and triplets. A length
that no note value has, as in played MIDI files, is written as values tied together; what remains has no value.
Source: W3C Music Notation Community Group, MusicXML 4.0, 2021.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.writing.notation import VALUES, Bar, Chord, bars, spelled, split, voices, within

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
    '<score-partwise version="4.0">'
)
_CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles><rootfile full-path="score.musicxml" '
    'media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
)


def mxl_bytes(score: Score) -> bytes:
    """The compressed file. The same score gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("META-INF/container.xml", _CONTAINER), ("score.musicxml", musicxml(score))):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text.encode())
    return buffer.getvalue()


def musicxml(score: Score) -> str:
    """The whole file."""
    parts = score.parts or (Part(()),)
    measures = bars(score)
    lines = [_HEAD, *_title(score.name), "<part-list>"]
    for number, part in enumerate(parts, 1):
        lines += _listed(part, number)
    lines.append("</part-list>")
    for number, part in enumerate(parts, 1):
        lines.append(f'<part id="P{number}">')
        lines += _Written(score, part, number, measures).measures()
        lines.append("</part>")
    return "\n".join([*lines, "</score-partwise>\n"])


def _plain(text: str) -> str:
    return escape("".join(c if c.isprintable() else " " for c in text)).strip()


def _title(name: str) -> list[str]:
    return [f"<work><work-title>{_plain(name)}</work-title></work>"] if _plain(name) else []


def _listed(part: Part, number: int) -> Iterator[str]:
    own = f"P{number}"
    drums = sorted({note.pitch for note in part.notes}) if part.drums else []
    instruments = [f"{own}-I{pitch}" for pitch in drums] or [f"{own}-I1"]
    name = _plain(part.name)
    yield f'<score-part id="{own}"><part-name>{name}</part-name>'
    for instrument in instruments:
        yield f'<score-instrument id="{instrument}"><instrument-name>{name}</instrument-name></score-instrument>'
    channel = 10 if part.drums else (number - 1) % 9 + 1
    for instrument, pitch in zip(instruments, drums or [-1], strict=True):
        sound = f"<midi-unpitched>{pitch + 1}</midi-unpitched>" if pitch >= 0 else ""
        program = f"<midi-program>{1 if part.drums else part.program + 1}</midi-program>"
        yield (
            f'<midi-instrument id="{instrument}"><midi-channel>{channel}</midi-channel>'
            f"{program}{sound}</midi-instrument>"
        )
    yield "</score-part>"


@dataclass(frozen=True)
class _Written:
    """One part of a piece on its way to paper."""

    score: Score
    part: Part
    number: int
    bars: list[Bar]

    def measures(self) -> Iterator[str]:
        """The measures, line by line."""
        lines = voices(self.part.notes)
        for bar in self.bars:
            implicit = ' implicit="yes"' if bar.pickup else ""
            yield f'<measure number="{bar.number}"{implicit}>'
            yield from self._signs(bar, bar is self.bars[0])
            used = [at for at, voice in enumerate(lines) if at == 0 or any(one.notes for one in within(voice, bar))]
            for at in used or [0]:
                if at:
                    yield f"<backup><duration>{bar.end - bar.start}</duration></backup>"
                for chord in within(lines[at] if lines else [], bar):
                    yield from self._chord(chord, at, bar)
            if bar is self.bars[-1]:
                yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
            yield "</measure>"

    def _signs(self, bar: Bar, first: bool) -> Iterator[str]:
        if first:
            key = self.score.fifths
            mode = "minor" if self.score.minor else "major"
            told = f"<key><fifths>{key}</fifths><mode>{mode}</mode></key>" if key is not None else ""
            meter = _time(bar.meter) if bar.meter else ""
            yield f"<attributes><divisions>{QUARTER}</divisions>{told}{meter}{self._clef()}</attributes>"
            if self.number == 1:
                tempo = f"{self.score.tempo:.6f}".rstrip("0").rstrip(".")
                yield (
                    '<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>'
                    f"<per-minute>{self.score.tempo:.0f}</per-minute></metronome></direction-type>"
                    f'<sound tempo="{tempo}"/></direction>'
                )
        elif bar.meter:
            yield f"<attributes>{_time(bar.meter)}</attributes>"

    def _clef(self) -> str:
        if self.part.drums:
            return "<clef><sign>percussion</sign></clef>"
        pitches = sorted(note.pitch for note in self.part.notes) or [60]
        sign, line = ("G", 2) if pitches[len(pitches) // 2] >= 59 else ("F", 4)
        return f"<clef><sign>{sign}</sign><line>{line}</line></clef>"

    def _chord(self, chord: Chord, voice: int, bar: Bar) -> Iterator[str]:
        """A chord within a bar, as one or more note values; ties lead on to the next value or over the bar line."""
        if not chord.notes and (voice > 0 or (chord.onset, chord.end) == (bar.start, bar.end)):
            yield self._silence(chord, voice)
            return
        now = chord.onset
        for ticks in split(chord.end - chord.onset):
            value = VALUES.get(ticks)
            kind = "" if value is None else f"<type>{value.type}</type>" + "<dot/>" * value.dots
            if value is not None and value.triplet:
                kind += (
                    "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
                    "</time-modification>"
                )
            if not chord.notes:
                yield f"<note><rest/><duration>{ticks}</duration><voice>{voice + 1}</voice>{kind}</note>"
            for place, note in enumerate(chord.notes):
                yield self._note(note, now, ticks, voice, kind, chord=place > 0)
            now += ticks

    def _silence(self, chord: Chord, voice: int) -> str:
        ticks = chord.end - chord.onset
        if voice:
            return f"<forward><duration>{ticks}</duration><voice>{voice + 1}</voice></forward>"
        return f'<note><rest measure="yes"/><duration>{ticks}</duration><voice>1</voice></note>'

    def _note(self, note: Note, now: int, ticks: int, voice: int, kind: str, *, chord: bool) -> str:
        ties = [name for name, there in (("stop", now > note.onset), ("start", now + ticks < note.end)) if there]
        tie = "".join(f'<tie type="{name}"/>' for name in ties)
        tied = "".join(f'<tied type="{name}"/>' for name in ties)
        notations = f"<notations>{tied}</notations>" if tied else ""
        loud = f'<note dynamics="{note.velocity / 0.9:.2f}">' if note.velocity != 80 else "<note>"
        return (
            f"{loud}{'<chord/>' if chord else ''}{self._pitch(note)}<duration>{ticks}</duration>{tie}"
            f"{self._instrument(note)}<voice>{voice + 1}</voice>{kind}{notations}</note>"
        )

    def _pitch(self, note: Note) -> str:
        step, alter, octave = spelled(note.pitch, self.score.fifths or 0)
        if self.part.drums:
            return "<unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
        altered = f"<alter>{alter}</alter>" if alter else ""
        return f"<pitch><step>{step}</step>{altered}<octave>{octave}</octave></pitch>"

    def _instrument(self, note: Note) -> str:
        return f'<instrument id="P{self.number}-I{note.pitch}"/>' if self.part.drums else ""


def _time(meter: Meter) -> str:
    return f"<time><beats>{meter.beats}</beats><beat-type>{meter.unit}</beat-type></time>"
