"""A masked message as tokens: words, marks and values, each with the space before it where there was one.

What is one value to a person is made one token first: a date of several words, a number with its unit, a list of values
of one kind. Lines that differ in such things alone then have the same tokens, and as many of them.
"""

from __future__ import annotations

import re

ANY = "<*>"  # what may be anything
MOST = 400  # tokens of a template; the rest of a longer message may be anything

_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ENDS = r"(?![^\s,;\])}>.])"  # the value ends here, not in the middle of a word

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (
            rf"(?:\b{_DAY},? )?\b{_MONTH} <NUM>,?(?: <NUM>)? <TIME>(?: [A-Z]{{3,4}}\b)?(?: <NUM>)?"
            rf"|\b{_DAY},? <NUM> {_MONTH} <NUM>(?: <TIME>)?",
            "<DATE>",
        ),
        (r"<DATE> <TIME>", "<DATE>"),
        # The value of a key, be it a whole structure: ws=WorkSource{10102} or ws=null.
        (r"(?<==)\w*+(?:\{[^{}]*\}|\[[^\[\]]*\])", ANY),
        # Brackets with nothing in them where others hold something: from 10.0.0.7 () at.
        (r"(?<=[( ])\(\)", f"({ANY})"),
        (r"<NUM> (?:[KMGTP]i?B|[kmgt]b|bytes|B)\b", "<SIZE>"),
        (r"<NUM> (?:ns|us|ms|s|sec|secs|seconds?|minutes?)\b", "<DURATION>"),
        (r"<(?=<(?:NUM|SIZE|DURATION)>)", ""),  # less than so much
        (r"(<[A-Z]+>) \(\1\)", r"\1"),  # said again in other words: 2,048 bytes (2.00 KB)
        # Lists of values of one kind, whatever their number.
        (r"(?<![^\s,;])(?=[^\s,;]*<[A-Z]+>)([^\s,;]++)(?:[ ,;]{1,2}\1(?![^\s,;]))+", r"\1"),
        (rf"(<[A-Z]+>)(?:[ ,;@|]{{1,2}}\1)+{_ENDS}", r"\1"),
    )
)
# A quoted text without values is one token; so is what a key has for a value; so is a word, up to a mark, with the
# number in brackets that some carry: LOCAL(<NUM>).
_TOKEN = re.compile(
    r" ?(?:\"[^\"<>]*\"|(?<==)[^\s,;(){}\[\]\"]+|(?:<(?:[A-Z]+|\*)>|[^\s=:,;()\[\]{}<>\"'|])+(?:\(<NUM>\))?|\S)"
)
_WORD = re.compile(r"\w")


def tokens_of(masked: str) -> tuple[str, ...]:
    """The tokens of a message whose values are masked; joined they are its template.

    >>> tokens_of("Served block blk_<NUM> to /<IP>")
    ('Served', ' block', ' blk_<NUM>', ' to', ' /<IP>')
    >>> tokens_of("sent <NUM> bytes (<SIZE>), uid=<NUM>")
    ('sent', ' <SIZE>', ',', ' uid', '=', '<NUM>')
    """
    for pattern, put in _RULES:
        masked = pattern.sub(put, masked)
    found = tuple(_TOKEN.findall(masked))
    return found if len(found) <= MOST else (*found[:MOST], f" {ANY}")


def text_of(tokens: tuple[str, ...]) -> str:
    """The template that tokens make."""
    return "".join(tokens).strip()


def is_free(token: str) -> bool:
    """Whether a token holds a value, so that another may stand in its place."""
    return "<" in token and len(token.strip()) > 1


def is_word(token: str) -> bool:
    """Whether a token says something, and is no mere mark."""
    return _WORD.search(token) is not None


def wildcard_for(token: str) -> str:
    """What stands for any token in the place of this one, with its space."""
    return f" {ANY}" if token.startswith(" ") else ANY
