"""What a person may ask of a column: a value, one of several, a range, or a missing cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unicodedata import normalize

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_tabular.schema import Schema


@dataclass(frozen=True)
class Equals:
    """The column has this value; text is read as the column's own values are written."""

    value: Any


@dataclass(frozen=True)
class OneOf:
    """The column has one of these values.

    `literal` is the text that this was parsed from, here and below: a column that has it as a value means that value.
    """

    values: tuple[Any, ...]
    literal: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Between:
    """The column lies in this closed range; None leaves that side open."""

    low: Any = None
    high: Any = None
    literal: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class IsMissing:
    """The cell is empty, or holds a word that means so."""

    literal: str | None = field(default=None, compare=False)


Condition = Equals | OneOf | Between | IsMissing
MISSING = "missing"


def parse(texts: Sequence[str], schema: Schema) -> dict[str, Condition]:
    """Conditions by column from texts like age=30..40, age=..40, state=NY|NJ, tail=missing, income=>50K.

    UsageError for an unknown column, a column named twice, or a text that is none of these.
    """
    conditions: dict[str, Condition] = {}
    for text in texts:
        name, value = _split(text, schema)
        if name in conditions:
            raise UsageError(f"'{name}' has two conditions; join values with | or give one range")
        conditions[name] = parse_value(name, value)
    return conditions


def parse_value(name: str, text: str) -> Condition:
    """What the text right of the = asks of a column."""
    if not text:
        raise UsageError(f"'{name}=' needs a value; for empty cells write {name}={MISSING}")
    if text == MISSING:
        return IsMissing(text)
    low, dots, high = text.partition("..")
    if dots and not high.startswith("."):
        if not (low or high):
            raise UsageError(f"'{name}=..' needs a low or a high end, like {name}=30..40 or {name}=..40")
        return Between(low.strip() or None, high.strip() or None, text)
    return OneOf(tuple(text.split("|")), text) if "|" in text else Equals(text)


def _split(text: str, schema: Schema) -> tuple[str, str]:
    """The column's name and the text after its =; names may hold = themselves, the longest one that fits counts.

    A name in another Unicode normal form (an accent typed as a character of its own) is the same name.
    """
    for form in (str, partial(normalize, "NFC")):
        fitting = [name for name in schema.names if form(text).startswith(f"{form(name)}=")]
        if fitting:
            name = max(fitting, key=len)
            return name, form(text)[len(form(name)) + 1 :]
    name, equals, _ = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is no condition; write it like age=30..40, state=NY|NJ or city={MISSING}")
    raise UsageError(f"there is no column '{name}'.{did_you_mean(name, schema.names)}")
