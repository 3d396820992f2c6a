"""Lines of a log beside templates that are known: which one a message is of, and the values in its variable places.

What a masked message comes to is worked out once and remembered, since few masked messages of a log are new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from genapps_logs.masking import KINDS, Masker
from genapps_logs.merging import Tokens
from genapps_logs.miner import MESSAGE_LIMIT, Miner, Template
from genapps_logs.tokens import ANY, tokens_of

_MASK = re.compile(rf"<({'|'.join(KINDS)})>")
_PLACE = re.compile(rf"<(?:{'|'.join(KINDS)}|\*)>")
_REMEMBERED = 50_000
_NAME = re.compile(r"([A-Za-z][\w.-]*[_-])$|([A-Za-z][\w.-]*)\W{0,3}$")
_PLAIN = {"SIZE": "NUM", "DURATION": "NUM"}  # a number with its unit behind it becomes a quantity as a token
_BARE = ("UUID", "HEX", "ID")  # kinds that name a thing by themselves, whatever stands before


@dataclass(frozen=True, slots=True)
class Plan:
    """What a masked message comes to.

    template: the one it is of, None where there is none. slots: for each variable place of the template, in order, the
    number of the value in the message that stands there, or the word itself; -1 where it is not known.
    identifiers: what each value of the message would be an identifier of (`blk_<NUM>`, `<UUID>`, `order <NUM>`).
    """

    template: Template | None
    slots: tuple[int | str, ...]
    identifiers: tuple[str, ...]


class Matcher:
    """Finds the template of a message among known ones, and its values; nothing is learnt."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._miner = Miner()
        self._miner.add(templates)
        self._mask = Masker()
        self._plans: dict[str, Plan] = {}

    def __call__(self, message: str) -> tuple[Plan, list[str]]:
        """The plan of a message and its values."""
        masked, values = self._mask.read(message[:MESSAGE_LIMIT])
        return self._plans.get(masked) or self._planned(masked, message, len(values)), values

    def _planned(self, masked: str, message: str, count: int) -> Plan:
        template = self._miner.match(message)
        found = list(_MASK.finditer(masked))
        names = tuple(_identifier(masked, mask) for mask in found)
        if len(found) != count:  # the log itself speaks of <NUM>
            plan = Plan(template, (), ())
        elif template is None:
            plan = Plan(None, (), names)
        else:
            plan = Plan(template, _slots(template.tokens, masked, [mask[1] for mask in found]), names)
        if len(self._plans) >= _REMEMBERED:
            self._plans.clear()
        self._plans[masked] = plan
        return plan


@lru_cache(65_536)
def places_of(tokens: Tokens) -> tuple[str, ...]:
    """The variable places of a template: the kind of each, `*` for a word that varies."""
    return tuple(mask[0][1:-1] for token in tokens for mask in _PLACE.finditer(token))


def _slots(template: Tokens, masked: str, kinds: list[str]) -> tuple[int | str, ...]:
    """For each variable place of a template the value of the message that stands there, or the word."""
    tokens = tokens_of(masked)
    kept = [mask[1] for token in tokens for mask in _MASK.finditer(token)]
    value_of = _aligned(kinds, kept)
    slots: list[int | str] = []
    place = 0  # of the next value in the tokens
    for known, token in zip(template, tokens, strict=True):
        here = len(_MASK.findall(token))
        wanted = len(_PLACE.findall(known))
        if wanted and known.strip() == ANY:
            slots.append(value_of[place] if here else token.strip())
        else:
            slots += [value_of[place + k] if k < here else -1 for k in range(wanted)]
        place += here
    return tuple(slots)


def _aligned(kinds: list[str], kept: list[str]) -> list[int]:
    """Which of a message's values each value of its tokens is; -1 where tokens stand for several values."""
    kinds, kept = [_PLAIN.get(kind, kind) for kind in kinds], [_PLAIN.get(kind, kind) for kind in kept]
    if len(kinds) == len(kept):
        return list(range(len(kept)))
    start = 0
    while start < min(len(kinds), len(kept)) and kinds[start] == kept[start]:
        start += 1
    end = 0
    while end < min(len(kinds), len(kept)) - start and kinds[-1 - end] == kept[-1 - end]:
        end += 1
    middle = [-1] * (len(kept) - start - end)
    return [*range(start), *middle, *range(len(kinds) - end, len(kinds))]


def _identifier(masked: str, mask: re.Match[str]) -> str:
    """What a value may be an identifier of: its prefix, or for a bare number the word before it."""
    before = _NAME.search(masked, max(0, mask.start() - 40), mask.start())
    if before and before[1]:
        return f"{before[1]}{mask[0]}"
    if mask[1] in _BARE:
        return mask[0]
    return f"{before[2]} {mask[0]}" if before and before[2] else mask[0]
