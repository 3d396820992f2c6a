"""Which of the messages that look alike are one event whose words vary, and which are several events.

Drain (He et al. 2017, section 3) makes a word variable as soon as two lines differ in it, and so takes `session
opened` and `session closed` for one event. Here a word becomes variable on evidence: enough different words have been
seen in its place while enough of the rest stayed. The answer depends on the set of messages, not on their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from genapps_logs.tokens import ANY, is_free, is_word, wildcard_for

Tokens = tuple[str, ...]

_HAPPENED = ("ed", "ing")  # started, stopped, closing
_MORE = 4
_NAMELIKE = re.compile(r"[./_\"<]")


@dataclass(frozen=True)
class Evidence:
    """When words count as one variable: `values` different ones at least, and the share of words that must stay."""

    values: int = 4
    constant: float = 0.6


def partition(messages: Sequence[Tokens], evidence: Evidence) -> list[list[Tokens]]:
    """Groups of messages that are one event each; all messages have equally many tokens.

    Values may always differ. Where words differ without evidence that they vary, the messages are divided by the place
    with the fewest different words, and each part is looked at anew.
    """
    parts, waiting = [], [list(messages)]
    while waiting:
        group = waiting.pop()
        place = _dividing_place(group, evidence)
        if place is None:
            parts.append(group)
            continue
        by_word: dict[str, list[Tokens]] = defaultdict(list)
        for tokens in group:
            by_word[tokens[place]].append(tokens)
        waiting.extend(by_word.values())
    return parts


def merged(group: Sequence[Tokens]) -> Tokens:
    """The template of a group: what all have in common, wildcards elsewhere."""
    return tuple(
        column[0] if column.count(column[0]) == len(column) else wildcard_for(column[0])
        for column in zip(*group, strict=True)
    )


def _dividing_place(group: list[Tokens], evidence: Evidence) -> int | None:
    """Where a group has to be divided; None if it is one event."""
    if len(group) == 1:
        return None
    columns = [set(column) for column in zip(*group, strict=True)]
    varying = [place for place, column in enumerate(columns) if len(column) > 1]
    hard = [place for place in varying if not all(map(is_free, columns[place]))]
    if not hard:
        return None
    words = [column for column in columns if any(map(is_word, column))]
    steady = sum(len(column) == 1 for column in words) >= evidence.constant * len(words)
    few = [place for place in hard if not _is_open(columns[place], evidence)]
    if steady and (not few or _are_values(group, few, evidence)):
        return None
    return min(few or hard, key=lambda place: (len(columns[place]), place))


def _is_open(column: set[str], evidence: Evidence) -> bool:
    """Whether a place has had so many words that it is a variable's; words that say what happened take more of them."""
    if any(token.endswith(ANY) for token in column):
        return True
    happened = sum(token.endswith(_HAPPENED) for token in column)
    return len(column) >= evidence.values * (_MORE if 2 * happened >= len(column) else 1)


def _are_values(group: list[Tokens], places: list[int], evidence: Evidence) -> bool:
    """Whether each place holds what values look like, and together they vary enough."""
    if len({tuple(tokens[place] for place in places) for tokens in group}) < evidence.values:
        return False
    return all(
        (place > 0 and tokens[place - 1].endswith("="))
        or _NAMELIKE.search(tokens[place].strip(' "'))
        or '"' in tokens[place]
        for place in places
        for tokens in group
    )
