"""What ABC's fields of key, meter, length and tempo say."""

from __future__ import annotations

import re
from fractions import Fraction

from genapps_music.reading.limits import one_line
from genapps_music.score import Unreadable

SHARPS = "FCGDAEB"  # the order in which sharps come into a key; flats come in backwards
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "mix": -1,
    "dor": -2,
    "phr": -4,
    "lyd": 1,
    "loc": -5,
}
_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)(.*)")
_EXTRA = re.compile(r"(\^\^|\^|__|_|=)([A-Ga-g])(?![A-Za-z])")
_BEATS = re.compile(r"\(?(\d{1,2}(?:\+\d{1,2})*)\)?/(\d{1,2})")
_TEMPO = re.compile(r"(?:(\d{1,3})/(\d{1,3})(?:\s+\d{1,3}/\d{1,3})*\s*=\s*)?(\d{1,4}(?:\.\d{1,3})?)")
ALTERS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}


def key_of(text: str) -> tuple[int | None, bool, dict[str, int]]:
    """Sharps (+) or flats (-), None for none said; whether minor; how each letter is altered. Raises Unreadable."""
    if text[:2] in ("HP", "Hp"):  # the Highland bagpipe's
        return 2, False, {"F": 1, "C": 1}
    found = _KEY.match(text)
    if not found:
        if text and not text.lower().startswith(("none", "clef", "treble", "bass", "alto", "tenor")):
            raise Unreadable(f"K:{one_line(text, 40)} is no key")
        return None, False, {}
    tonic, sign, word, rest = found.groups()
    shift = 0 if word == "M" else _MODES.get(word.lower()[:3], 0)  # K:AM is A major
    fifths = SHARPS.index(tonic) - 1 + {"#": 7, "b": -7, "": 0}[sign] + shift
    if not -7 <= fifths <= 7:
        raise Unreadable(f"K:{one_line(text, 40)} is no key of at most seven sharps or flats")
    altered = dict.fromkeys(SHARPS[: max(fifths, 0)], 1) | dict.fromkeys(SHARPS[7 + min(fifths, 0) :], -1)
    altered |= {letter.upper(): ALTERS[accidental] for accidental, letter in _EXTRA.findall(rest)}
    return fifths, shift in (-3, -2, -4, -5), altered


def meter_of(text: str) -> tuple[int, int] | None:
    """Beats and unit of a meter; None where there is none. Raises Unreadable."""
    if text.startswith("C|"):
        return 2, 2
    if text.startswith("C"):
        return 4, 4
    if not text or text.lower().startswith("none"):
        return None
    found = _BEATS.match(text)
    beats = sum(int(one) for one in found[1].split("+")) if found else 0
    if not found or not 0 < beats <= 64 or int(found[2]) not in (1, 2, 4, 8, 16, 32, 64):
        raise Unreadable(f"M:{one_line(text, 40)} is no meter")
    return beats, int(found[2])


def length_of(text: str) -> Fraction:
    """A note length such as 1/8, as a share of a whole note. Raises Unreadable."""
    found = re.match(r"(\d{1,3})(?:/(\d{1,3}))?", text)
    if not found or not int(found[1]) or (found[2] and not int(found[2])):
        raise Unreadable(f"L:{one_line(text, 40)} is no note length")
    return Fraction(int(found[1]), int(found[2] or 1))


def tempo_of(text: str, unit: Fraction) -> float | None:
    """Quarter notes a minute, of "1/4=120", "120" (of `unit`) or "Allegro" 3/8=80; None where none is said."""
    found = _TEMPO.search(re.sub(r'"[^"]*"?', "", text))
    if not found:
        return None
    beat = Fraction(int(found[1]), int(found[2])) if found[2] and int(found[2]) else unit
    tempo = float(beat * 4) * float(found[3])
    return min(max(tempo, 1.0), 1000.0) if tempo else None
