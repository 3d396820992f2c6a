"""Names of templates and of findings: what a person accepts, and how it is checked.

A learnt template is T1, T2, ... A new one, which no model knows, is N and a hash of its first line's words, so that its
name hangs on nothing but itself: it is the same in `detect` and `watch`, today and after others were accepted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from hashlib import blake2b

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_logs.merging import Tokens

_BYTES = (
    4  # of the hash: among 20,000 new templates two share a name in one log of twenty, among 100 in none of 800,000
)
_LEARNT = r"T\d+"
_NEW = rf"N[0-9a-f]{{{2 * _BYTES}}}"
_ANY = f"(?:{_LEARNT}|{_NEW})"
_NAME = re.compile(_ANY)
_FINDING = re.compile(rf"(?:{_ANY}|start)-(?:{_ANY}|end|new)|{_ANY}x\d+|(?:{_ANY}|log):(?:burst|silence)|{_ANY}\.\d+")


def name_of_new(tokens: Tokens) -> str:
    """The name of a template that no model knows, by the words that it was first met with."""
    return "N" + blake2b("\0".join(tokens).encode(errors="replace"), digest_size=_BYTES).hexdigest()


def is_learnt(name: str) -> bool:
    """Whether this names a template that was learnt."""
    return re.fullmatch(_LEARNT, name) is not None


def is_new(name: str) -> bool:
    """Whether this names a new template; one that was accepted keeps such a name."""
    return re.fullmatch(_NEW, name) is not None


def templates_in(name: str) -> list[str]:
    """The templates that the name of a finding speaks of."""
    return _NAME.findall(name)


def checked(accept: Collection[str], learnt: Collection[str], found: Iterable[str], where: str) -> frozenset[str]:
    """The names that are accepted, without the numbers of events.

    learnt: templates of the model, of which any finding may come. found: more names that there are. where: words on
    where all of them are. Raises UsageError for a name that nothing has.
    """
    names = {*learnt, *found}
    for name in accept:
        cause = name.partition("#")[0]
        may_come = _FINDING.fullmatch(cause) and set(templates_in(cause)) <= set(learnt)
        if name not in names and not may_come:
            what = "template" if is_learnt(name) or is_new(name) else "finding"
            meant = did_you_mean(name, sorted(names)) or " Give an ID that detect shows without --accept"
            raise UsageError(f"no {what} {name!r} in {where}.{meant}")
    return frozenset(name.partition("#")[0] for name in accept)
