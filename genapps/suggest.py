"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The words " Did you mean 'NAME'?" for the nearest of `words`, or nothing when none is near.

    They follow a sentence that ends in a full stop. Nearness is difflib's ratio, without regard to case.
    """
    from difflib import get_close_matches

    names = {name.casefold(): name for name in words}
    near = get_close_matches(word.casefold(), names, n=1)
    return f" Did you mean {names[near[0]]!r}?" if near else ""
