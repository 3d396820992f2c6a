"""Which clips are held out together: those of one voice, where names tell whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from genapps.errors import UsageError

FOLDS = 5
_MOST_VOICES = 10  # that are held out one by one
_FIELD = re.compile(r"\{(\w+)\}")


def parsed(pattern: str, names: Sequence[str]) -> list[dict[str, str]]:
    """What each name says by a pattern such as {word}_{speaker}_{take}; nothing where it does not fit.

    The pattern is of the file's name without its folder and suffix. Raises UsageError for one without fields, with a
    field twice, or with two fields side by side.
    """
    fields = _FIELD.findall(pattern)
    if not fields or len(set(fields)) < len(fields) or "}{" in pattern:
        raise UsageError(
            f"--group {pattern!r}: give a pattern of names such as '{{word}}_{{speaker}}_{{take}}', its fields apart"
        )
    parts = _FIELD.split(pattern)
    text = "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    shape = re.compile(text)
    found = [shape.fullmatch(PurePosixPath(name).stem) for name in names]
    return [{} if one is None else one.groupdict() for one in found]


def folds(labels: Sequence[int], voices: Sequence[str] | None, seed: int) -> list[list[int]]:
    """Numbers of clips that are held out together: each clip in one part, whole voices where there are two or more.

    A part whose rest would lack a word is left out; there is none where all would. By clips: every word's clips are
    dealt out evenly.
    """
    known = sorted(set(voices or ()) - {""})
    if voices is not None and len(known) > 1:
        count = len(known) if len(known) <= _MOST_VOICES else FOLDS
        part_of = {voice: i % count for i, voice in enumerate(known)}
        dealt = [part_of.get(voice, -1) for voice in voices]
    else:
        draw = np.random.default_rng(seed)
        dealt = [-1] * len(labels)
        count = FOLDS
        for word in sorted(set(labels)):
            own = [i for i, label in enumerate(labels) if label == word]
            for place, i in enumerate(draw.permutation(own).tolist()):
                dealt[i] = place % count
    words = set(labels)
    found = []
    for part in range(count):
        held = [i for i, number in enumerate(dealt) if number == part]
        rest = {labels[i] for i, number in enumerate(dealt) if number != part}
        if held and rest == words:
            found.append(held)
    return found
