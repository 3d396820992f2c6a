"""What is surely a value in a log message, replaced by the name of its kind: <IP>, <NUM>, <PATH> and their like.

A message is taken word by word and every word is remembered, since few words of a log are new: the one regular
expression below runs on those alone.
"""

from __future__ import annotations

import re

WORD_LIMIT = 1024  # characters of one word that are looked at; what is longer is data
REMEMBERED = 50_000  # words
MEMORABLE = 96  # characters; longer words hardly come twice

_X = "[0-9a-fA-F]"
_OCTETS = r"\d{1,3}(?:\.\d{1,3}){3}"
_TOP = "com|net|org|edu|gov|mil|int|info|biz|local|localdomain|lan|internal|arpa"
_END = r"\s\"'<>\])},;"  # what no URL and no path goes beyond

# Tried in this order at each character; a kind may have several patterns. Look-behinds let each start only where a word
# or a number may, and possessive quantifiers never try again, so that the time is linear in the length of a word.
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("URL", rf"(?<![A-Za-z])[A-Za-z][A-Za-z0-9+.-]{{1,15}}+://[^{_END}]*[^{_END}:.]"),
    ("EMAIL", r"(?<![\w.+-])[\w.+-]++@(?:[\w-]++\.)+[A-Za-z]\w+"),
    ("UUID", rf"(?<!{_X}){_X}{{8}}-(?:{_X}{{4}}-){{3}}{_X}{{12}}(?!{_X})"),
    ("MAC", rf"(?<![\w:])(?:{_X}{{2}}[:-]){{5}}{_X}{{2}}(?![\w:])"),
    ("IP", rf"(?<![\d.]){_OCTETS}(?![\d.]*\d)(?::\d+)?(?:/\d{{1,2}}(?!\d))?"),
    (
        "IP",
        rf"(?<![\w:.])(?=[0-9a-fA-F:.]*(?:::|(?::{_X}{{1,4}}){{7}}))(?=[:.]*{_X})"
        rf"(?:{_X}{{0,4}}:){{2,7}}(?:{_X}{{1,4}}|{_OCTETS})?(?![\w:])",
    ),
    (
        "DATE",
        r"(?<![\d.])\d{4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,2}"
        r"(?:[T:-]\d{1,2}[:.]\d{2}[:.]\d{2}(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\d.]*\d)",
    ),
    ("DATE", r"(?<![\w/])\d{1,2}/(?:\d{1,2}|[A-Z][a-z]{2})/\d{2,4}(?::\d\d:\d\d:\d\d)?(?![\w/])"),
    ("TIME", r"(?<![\w:.])\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?![\w:])"),
    ("PATH", rf"(?<![\w/.])(?:~|\.{{1,2}})?/(?!{_OCTETS})(?=[\w.@%+~$#-])[^{_END}:|=?(\[{{]*+(?:\?[^{_END}]*+)?"),
    ("PATH", rf"(?<!\w)[A-Za-z]:\\[^{_END}|]*+"),
    ("PATH", r"(?<![\w/.-])[\w.-]++(?:/[\w.-]++){2,}+/?"),
    ("PATH", r"(?<![\w/.-])[\w-]*\.[\w.-]*+/[\w./$-]++"),
    ("HOST", rf"(?<![\w.-])(?:[\w-]+\.)+(?:{_TOP})(?![\w-])(?!\.\w)(?::\d+)?"),
    ("HOST", r"(?<![\w.-])(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*:\d{1,5}(?![\w.])"),
    ("HEX", rf"(?<![A-Za-z0-9])0[xX]{_X}++"),
    ("HEX", rf"(?<![A-Za-z0-9])(?={_X}*\d)(?=\d*[a-fA-F]){_X}{{6,}}+(?![A-Za-z0-9])"),
    ("HEX", rf"(?<![A-Za-z0-9])(?!\d{{8}})(?:{_X}{{8}}){{1,4}}+(?![A-Za-z0-9])"),
    ("ID", r"(?<![A-Za-z0-9])(?=\d*+(?:[A-Za-z]++\d++){2})[A-Za-z0-9]{10,}+"),
    ("SIZE", r"(?<![\w.])\d+(?:[.,]\d+)*(?:[KMGTP]i?B|[kmgt]b|bytes|B)(?!\w)"),
    ("DURATION", r"(?<![\w.])\d+(?:[.,]\d+)*(?:ns|us|µs|ms|s|secs?|min|h)(?!\w)"),
    # One digit at the end of a word is part of a name: en0, IPv6, tty2, L1. It stays.
    ("", r"(?<![\w.-])[A-Za-z]++\d(?!\w|-\d|\.\w)"),
    ("NUM", r"(?:(?<![A-Za-z0-9.\])])[-+])?\d+(?:[.,]\d+)*"),
    ("NULL", r"(?<![\w.-])(?:null|None|nil)(?![\w.-])"),
)
KINDS = (*dict.fromkeys(kind for kind, _ in _PATTERNS if kind), "DATA")
_MASKS = {f"p{place}": f"<{kind}>" for place, (kind, _) in enumerate(_PATTERNS) if kind}
_VALUE = re.compile("|".join(f"(?P<p{place}>{pattern})" for place, (_, pattern) in enumerate(_PATTERNS)))


def mask_word(word: str) -> str:
    """One word with every value in it replaced by the name of its kind.

    >>> mask_word("src:/10.0.0.7:50010"), mask_word("blk_-3886504906"), mask_word("took=12.5ms")
    ('src:/<IP>', 'blk_<NUM>', 'took=<DURATION>')
    """
    if len(word) > WORD_LIMIT:
        return mask_word(word[:WORD_LIMIT]) + "<DATA>"
    return _VALUE.sub(_named, word)


def read_word(word: str) -> tuple[str, tuple[str, ...]]:
    """One word as `mask_word` gives it, and the values that were replaced, in their order.

    >>> read_word("src:/10.0.0.7:50010"), read_word("blk_-3886504906"), read_word("word")
    (('src:/<IP>', ('10.0.0.7:50010',)), ('blk_<NUM>', ('-3886504906',)), ('word', ()))
    """
    if len(word) > WORD_LIMIT:
        masked, values = read_word(word[:WORD_LIMIT])
        return masked + "<DATA>", (*values, "")
    values_here: list[str] = []

    def named(found: re.Match[str]) -> str:
        mask = _MASKS.get(found.lastgroup or "")
        if mask is None:
            return found[0]
        values_here.append(found[0])
        return mask

    return _VALUE.sub(named, word), tuple(values_here)


def _named(found: re.Match[str]) -> str:
    # The last group to close is the pattern's own: the one inside it, the mark of a date, has closed before.
    return _MASKS.get(found.lastgroup or "", found[0])


class Masker:
    """Masks messages, and remembers the words that it has met."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._values: dict[str, tuple[str, tuple[str, ...]]] = {}

    def __call__(self, message: str) -> str:
        """The message with every value replaced by its kind, its words one space apart."""
        known = self._known
        return " ".join([known.get(word) or self._met(word) for word in message.split()])

    def _met(self, word: str) -> str:
        masked = mask_word(word)
        if len(word) <= MEMORABLE:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[word] = masked
        return masked

    def read(self, message: str) -> tuple[str, list[str]]:
        """The same, and the values that were replaced, in their order; that of <DATA> is empty."""
        known = self._values
        masked: list[str] = []
        values: list[str] = []
        for word in message.split():
            found = known.get(word) or self._met_values(word)
            masked.append(found[0])
            if found[1]:
                values += found[1]
        return " ".join(masked), values

    def _met_values(self, word: str) -> tuple[str, tuple[str, ...]]:
        found = read_word(word)
        if len(word) <= MEMORABLE:
            if len(self._values) >= REMEMBERED:
                self._values.clear()
            self._values[word] = found
        return found
