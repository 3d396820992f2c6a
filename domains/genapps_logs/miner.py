"""Templates of log messages, learnt a line at a time: a tree of fixed depth whose leaves hold what looks alike.

The tree is Drain's (P. He, J. Zhu, Z. Zheng, M. Lyu: Drain: an online log parsing approach with fixed depth tree, ICWS
2017, section 3): the number of tokens first, the first word then, unless it holds a value. At a leaf Drain compares a
line with every template and merges it into the most alike one beyond a threshold. Here a line whose fixed words are all
a template's joins it, found by looking up rather than by comparing; any other becomes a template of its own, and what a
leaf has gathered is merged where there is evidence (`merging`), when the leaf has grown and at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from genapps_logs.masking import Masker
from genapps_logs.merging import Evidence, Tokens, merged, partition
from genapps_logs.names import is_learnt
from genapps_logs.tokens import ANY, is_free, text_of, tokens_of

MESSAGE_LIMIT = 4096  # characters of a message that are mined
NOTED = 5  # line numbers that a template keeps
_REMEMBERED = 50_000  # masked messages whose template is known at once
_MEMORABLE = 1024  # characters of one
_GROWTH = 1.5
_FIRST_LOOK = 8  # templates in a leaf before they are compared
_COMPARED = 1000  # templates of a leaf that a message is compared with one by one
_SPARED = 0.75  # share of the templates that stay when there are too many


@dataclass(frozen=True)
class MinerSettings:
    """How many templates are kept at most, and what makes words a variable."""

    max_templates: int = 20_000
    evidence: Evidence = field(default_factory=Evidence)


class Template:
    """One kind of message: its tokens, and which lines of the log are of it.

    `count` lines, of which `lines` are the numbers of the first few; `last` is the last one's, `example` the first
    one's text. `before` lines of earlier logs were of it, too.
    """

    __slots__ = ("before", "count", "example", "id", "into", "last", "lines", "tokens")

    def __init__(self, tokens: Tokens, id: str = "", before: int = 0, example: str = "") -> None:
        self.tokens, self.id, self.before, self.example = tokens, id, before, example
        self.count = self.last = 0
        self.lines: list[int] = []
        self.into: Template | None = None  # what this was merged into

    @property
    def first(self) -> int:
        """The number of the first line; 0 where the log has none."""
        return self.lines[0] if self.lines else 0

    def take(self, line: int, text: str) -> None:
        """Count one more line."""
        if self.count < NOTED:
            if not self.count:
                self.example = text
            self.lines.append(line)
        self.count += 1
        self.last = line

    def state(self) -> list[Any]:
        """All of it as plain JSON."""
        return [self.id, self.before, self.count, self.last, self.lines, self.example, *self.tokens]

    @classmethod
    def restore(cls, state: list[Any]) -> Template:
        """What `state` gave."""
        name, before, count, last, lines, example, *tokens = state
        made = cls(tuple(tokens), name, before, example)
        made.count, made.last, made.lines = count, last, list(lines)
        return made

    @property
    def text(self) -> str:
        """The template as a person reads it."""
        return text_of(self.tokens)

    def current(self) -> Template:
        """This template, or what it has become part of."""
        found = self
        while found.into is not None:
            found = found.into
        return found


class _Leaf:
    """The templates of one path through the tree, found by the places of their wildcards."""

    def __init__(self) -> None:
        self.by_tokens: dict[Tokens, Template] = {}
        self.shapes: dict[tuple[tuple[int, str], ...], None] = {}
        self.next_look = _FIRST_LOOK
        self.is_settled = False

    def add(self, template: Template) -> None:
        self.is_settled = False
        self.by_tokens[template.tokens] = template
        places = tuple((place, token) for place, token in enumerate(template.tokens) if token.endswith(ANY))
        if places:
            self.shapes[places] = None

    def find(self, tokens: Tokens) -> Template | None:
        found = self.by_tokens.get(tokens)
        if found is not None or not self.shapes:
            return found
        for places in self.shapes:
            filled = list(tokens)
            for place, wildcard in places:
                filled[place] = wildcard
            found = self.by_tokens.get(tuple(filled))
            if found is not None:
                return found
        return None

    def find_alike(self, tokens: Tokens) -> Template | None:
        """The first template that differs in values only: a host's name where it has an address."""
        for template in islice(self.by_tokens.values(), _COMPARED):
            if all(
                mine == other or mine.endswith(ANY) or (is_free(mine) and is_free(other))
                for mine, other in zip(template.tokens, tokens, strict=True)
            ):
                return template
        return None


class Miner:
    """Learns templates from messages in bounded memory; the same messages in the same order give the same templates.

    name: gives a template its name when it is first met; they have none if it is not given.
    """

    def __init__(
        self, settings: MinerSettings | None = None, name: Callable[[Tokens], str] = lambda tokens: ""
    ) -> None:
        self.settings = settings or MinerSettings()
        self._name = name
        self.dropped = 0  # lines whose template is no longer known, since there were too many
        self._mask = Masker()
        self._leaves: dict[tuple[int, str], _Leaf] = {}
        self._known: dict[str, Template] = {}
        self._size = 0
        self._limit = self.settings.max_templates

    def learn(self, message: str, line: int, text: str = "") -> Template:
        """Count a message of that line number; returns its template as of now (later `current()` tells)."""
        masked = self._mask(message[:MESSAGE_LIMIT])
        template = self._known.get(masked)
        if template is None:
            template = self._place(masked)
        while template.into is not None:
            template = template.into
        template.take(line, text)
        if self._size > self._limit:
            self._forget()
        return template

    def match(self, message: str) -> Template | None:
        """The template that a message belongs to, be it with other kinds of values; None if there is none.

        Nothing is learnt.
        """
        masked = self._mask(message[:MESSAGE_LIMIT])
        template = self._known.get(masked)
        if template is None:
            tokens = tokens_of(masked)
            leaf = self._leaves.get(_path(tokens))
            template = leaf.find(tokens) or leaf.find_alike(tokens) if leaf else None
            if template is not None:
                self._remember(masked, template)
        return template.current() if template else None

    def add(self, templates: Iterable[Template]) -> None:
        """Take templates that were learnt before."""
        for template in templates:
            self._leaves.setdefault(_path(template.tokens), _Leaf()).add(template)
            self._size += 1

    def settle(self) -> None:
        """Merge what there is evidence for; call it once after the last line."""
        for leaf in self._leaves.values():
            if not leaf.is_settled:
                self._look(leaf)

    def templates(self) -> list[Template]:
        """All templates, in the order of their first lines."""
        found = [template for leaf in self._leaves.values() for template in leaf.by_tokens.values()]
        return sorted(found, key=lambda template: (template.first, template.tokens))

    def state(self) -> list[Any]:
        """All templates and how far each leaf has been looked at, as plain JSON."""
        return [
            [leaf.next_look, leaf.is_settled, [template.state() for template in leaf.by_tokens.values()]]
            for leaf in self._leaves.values()
        ]

    def restore(self, state: list[Any]) -> None:
        """Go on where `state` was taken."""
        for next_look, is_settled, templates in state:
            found = [Template.restore(one) for one in templates]
            self.add(found)
            leaf = self._leaves[_path(found[0].tokens)]
            leaf.next_look, leaf.is_settled = int(next_look), bool(is_settled)

    def _place(self, masked: str) -> Template:
        tokens = tokens_of(masked)
        leaf = self._leaves.setdefault(_path(tokens), _Leaf())
        template = leaf.find(tokens)
        if template is None:
            template = Template(tokens, self._name(tokens))
            leaf.add(template)
            self._size += 1
            if len(leaf.by_tokens) >= leaf.next_look:
                self._look(leaf)
        self._remember(masked, template)
        return template

    def _remember(self, masked: str, template: Template) -> None:
        if len(masked) <= _MEMORABLE:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[masked] = template

    def _look(self, leaf: _Leaf) -> None:
        """Merge the templates of a leaf where there is evidence that they are one."""
        old = leaf.by_tokens
        leaf.by_tokens, leaf.shapes = {}, {}
        for group in partition(list(old), self.settings.evidence):
            members = [old[tokens] for tokens in group]
            leaf.add(members[0] if len(members) == 1 else _union(members, merged(group)))
        self._size -= len(old) - len(leaf.by_tokens)
        leaf.is_settled = len(leaf.by_tokens) == len(old)
        leaf.next_look = max(_FIRST_LOOK, int(_GROWTH * len(leaf.by_tokens)))

    def _forget(self) -> None:
        """Drop the templates whose last lines are longest ago, so that the most recent stay."""
        self.settle()
        everything = sorted(self.templates(), key=lambda template: template.last)
        excess = len(everything) - int(_SPARED * self._limit)
        if len(everything) <= self._limit:
            return
        for template in everything[:excess]:
            leaf = self._leaves[_path(template.tokens)]
            del leaf.by_tokens[template.tokens]
            self.dropped += template.count
        self._leaves = {path: leaf for path, leaf in self._leaves.items() if leaf.by_tokens}
        self._size = len(everything) - excess
        self._known.clear()


def _path(tokens: Tokens) -> tuple[int, str]:
    """The way through the tree; a first word that may be a value or a dotted name decides nothing."""
    first = tokens[0] if tokens else ""
    return len(tokens), ANY if is_free(first) or first.count(".") >= 2 else first


def _union(members: list[Template], tokens: Tokens) -> Template:
    """One template for several: the oldest name, the first line's text, everyone's lines."""
    names = (template.id for template in sorted(members, key=_age) if template.id)
    first = min(members, key=lambda template: (not template.count, template.first))
    whole = Template(
        tokens,
        id=next(names, ""),
        before=sum(template.before for template in members),
        example=first.example,
    )
    whole.count = sum(template.count for template in members)
    whole.last = max(template.last for template in members)
    whole.lines = sorted(line for template in members for line in template.lines)[:NOTED]
    for template in members:
        template.into = whole
    return whole


def _age(template: Template) -> tuple[bool, int]:
    """Learnt templates by their numbers, then the others by their first lines."""
    learnt = is_learnt(template.id)
    return not learnt, int(template.id[1:]) if learnt else template.first
