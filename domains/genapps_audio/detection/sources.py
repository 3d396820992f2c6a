"""Which clips are normal and which are judged, folders with train and test in them, and what is known of the latter."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import UsageError
from genapps.metrics.ranking import auroc, auroc_by_kind
from genapps_audio.reading.clips import Clips, open_clips

GOOD = frozenset(("good", "normal", "ok"))  # folders of test clips without a fault


@dataclass(frozen=True)
class Asked:
    """What is learnt and what is judged; either may be None. known: whether the latter's folders say what is good."""

    good: Clips | None
    new: Clips | None
    known: bool = False


def asked(paths: tuple[str, ...], *, model: bool) -> Asked:
    """GOOD NEW, or one folder with train and test in it; with a model NEW, else nothing but GOOD.

    Raises UsageError for what cannot be meant, and as `open_clips` does.
    """
    if not 1 <= len(paths) <= 2 or (model and len(paths) == 2):
        raise UsageError("give GOOD and NEW: two folders of clips; with --model only NEW")
    if len(paths) == 2:
        return Asked(open_clips(_part(paths[0], "train")), *_judged(_part(paths[1], "test")))
    only = paths[0]
    if model:
        return Asked(None, *_judged(_part(only, "test")))
    if _has_parts(Path(only)):
        return Asked(open_clips(_part(only, "train")), *_judged(_part(only, "test")))
    return Asked(open_clips(only), None)


def kind_of(name: str) -> str:
    """The kind of fault that a clip's folder says, "good" for none."""
    top = name.partition("/")[0]
    return "good" if top.lower() in GOOD else top


@dataclass
class Found:
    """Adds up what is known of each window that was judged."""

    kinds: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    alarms: list[bool] = field(default_factory=list)

    def add(self, kind: str, score: float, alarm: bool) -> None:
        """One of them: kind, "good" for none."""
        self.kinds.append(kind)
        self.scores.append(score)
        self.alarms.append(alarm)

    def figures(self) -> dict[str, Any]:
        """AUROC, of each kind beside the good ones, too; alarms among good and odd ones."""
        kinds, scores, alarms = np.array(self.kinds), np.array(self.scores), np.array(self.alarms, bool)
        good = kinds == "good"
        by_kind = auroc_by_kind(self.kinds, self.scores)
        return {
            "clips": len(kinds),
            "odd": int((~good).sum()),
            "auroc": auroc(~good, scores),
            "auroc_by_kind": by_kind,
            "false_alarms": int(alarms[good].sum()),
            "good": int(good.sum()),
            "found": int(alarms[~good].sum()),
        }


def _has_parts(folder: Path) -> bool:
    return (folder / "train").is_dir() and (folder / "test").is_dir()


def _part(path: str, name: str) -> Path:
    """The part of a folder that has train and test in it, else the path itself."""
    folder = Path(path)
    return folder / name if _has_parts(folder) else folder


def _judged(path: Path) -> tuple[Clips, bool]:
    clips = open_clips(path)
    tops = {name.partition("/")[0].lower() if "/" in name else "" for name in clips.names}
    return clips, path.is_dir() and "" not in tops and bool(tops & GOOD)
