"""What was learnt of normal clips, as one object and one file: the judge, what normal clips score, their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import genapps
from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, told_version, write_artifact
from genapps.metrics.distributions import Floats
from genapps.spaces import Continuous, Frames
from genapps.wording import counted
from genapps_audio.detection.families import ENSEMBLE, ByFamily, check_family
from genapps_audio.detection.judging import Judge, Judging, Watch
from genapps_audio.detection.views import BANDS, View, view
from genapps_audio.detection.windows import SHORTEST, Cut, Window, headers, refuse_none, windows
from genapps_audio.reading.clips import Clips
from genapps_audio.records import Skipped, Unreadable

DOMAIN, TASK = "audio", "detect"
FEWEST = 10  # normal clips
MOST = 2_000  # of them that are learnt
RATES = (1_000, 192_000)
WINDOWS = (0.25, 600)  # seconds


@dataclass(frozen=True)
class OddModel:
    """judge: what judges. cut: how recordings become windows. scores: (R,) of normal clips by what had not learnt them.

    names: (R,) of normal clips. provenance: where they are from.
    """

    judge: Judging
    cut: Cut
    scores: Floats
    names: tuple[str, ...]
    provenance: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        arrays, settings = self.judge.state()
        tree = {f"judge/{name}": value.numpy() for name, value in arrays.items()}
        space = Frames((Continuous(),) * BANDS, 1)
        header = {
            "family": self.judge.family if isinstance(self.judge, ByFamily) else ENSEMBLE,
            "domain": DOMAIN,
            "task": TASK,
            "space": space.to_json(),
            "model": {
                "settings": settings,
                "seconds": self.cut.seconds,
                "rate": self.cut.rate,
                "names": list(self.names),
            },
            "provenance": self.provenance,
            "measures": {"normal_clips": len(self.scores)},
        }
        write_artifact(path, {**tree, "scores": self.scores}, {"genapps_version": genapps.__version__, **header})

    @classmethod
    def load(cls, path: str | Path) -> OddModel:
        """Read a model file. Raises InputError where it is damaged, of a newer version, or of another kind."""
        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if (header.get("domain"), header.get("task")) != (DOMAIN, TASK):
            found = " ".join(str(header[key]) for key in ("domain", "task") if header.get(key))
            raise InputError(f"{path}: a model of {found!r}; give a file written by 'audio detect --save'")
        try:
            told = header["model"]
            arrays = {
                name.removeprefix("judge/"): torch.from_numpy(value)
                for name, value in artifact.tensors.items()
                if name.startswith("judge/")
            }
            cut = Cut(float(told["seconds"]), int(told["rate"]))
            if not (SHORTEST <= cut.seconds <= WINDOWS[1] and 100 <= cut.rate <= RATES[1]):
                raise ValueError("no length of windows, or no rate")
            kind: Any = Judge if header["family"] == ENSEMBLE else ByFamily
            judge = kind.restore(arrays, told["settings"])
            return cls(judge, cut, artifact.tensors["scores"], tuple(told["names"]), header["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: not all of a model of normal clips ({error}){told_version(header)}; save it again"
            ) from None


def learn(
    good: Clips,
    *,
    window: float | None = None,
    rate: int | None = None,
    level: bool = True,
    family: str = ENSEMBLE,
    seed: int = 0,
    watch: Watch | None = None,
) -> tuple[OddModel, list[Skipped]]:
    """The model of normal clips, and the files that are none.

    window: seconds of the windows that long recordings are cut into; without it the median length of clips, or 5 where
    that is above 10. rate: samples a second that all are brought to; without it what most have, at most 16,000. level:
    whether how loud a clip is counts; to a single family it never does. family: "ensemble", or one of the six. Raises
    UsageError for numbers nobody can mean, InputError where there are fewer than 10 clips or windows.
    """
    if family != ENSEMBLE:
        check_family(family)
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        raise UsageError(f"a rate of {rate:,} Hz: give one of {RATES[0]:,} to {RATES[1]:,}")
    if window is not None and not WINDOWS[0] <= window <= WINDOWS[1]:
        raise UsageError(f"windows of {window:g} s: give a length of {WINDOWS[0]} to {WINDOWS[1]} s")
    found, skipped = headers(good)
    if not found:
        raise refuse_none(good, skipped)
    cut = Cut.of(list(found.values()), window, rate)
    kept, failed = _views(good, cut, found, seed, watch)
    skipped += failed
    if len(kept) < FEWEST:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        shorter = f", or --window of less than {cut.seconds:g} s" if max(h.seconds for h in found.values()) > 20 else ""
        raise InputError(
            f"{good.where}: {counted(len(kept), 'normal clip')}, at least {FEWEST} are needed{shorter}{why}"
        )
    views = [one for _, one in kept]
    groups = [one.number for one, _ in kept]
    judge: Judging
    if family == ENSEMBLE:
        judge, scores = Judge.learn(views, groups, seed, level=level, watch=watch)
    else:
        judge, scores = ByFamily.learn(views, groups, seed, family=family, watch=watch)
    told = {
        "source": good.where,
        "recordings": len({one.number for one, _ in kept}),
        "normal_clips": len(kept),
        "seconds": cut.seconds,
        "rate": cut.rate,
        "resampled": sum(one.rate != cut.rate for one in found.values()),
        "seed": seed,
    }
    names = tuple(_name(one, cut) for one, _ in kept)
    return OddModel(judge, cut, scores.double().numpy(), names, told), skipped


def _views(
    good: Clips, cut: Cut, found: dict[int, Any], seed: int, watch: Watch | None
) -> tuple[list[tuple[Window, View]], list[Skipped]]:
    """Of all windows of normal clips, or of some by chance where there are many; the waves are not kept."""
    total = sum(cut.count(one.seconds) for one in found.values())
    chosen = set(torch.randperm(total, generator=torch.Generator().manual_seed(seed))[:MOST].tolist())
    kept, skipped, place = [], [], 0
    for done, (number, header) in enumerate(found.items()):
        try:
            for k, one in enumerate(windows(good, number, header, cut)):
                if place + k in chosen:
                    kept.append((Window(number, one.name, one.start, one.wave[:0], one.rate), view_of(one)))
        except Unreadable as error:
            skipped.append(Skipped(good.names[number], str(error)))
        place += cut.count(header.seconds)
        if watch is not None:
            watch("listening to normal clips", done + 1, len(found))
    return kept, skipped


def view_of(one: Window) -> View:
    """What members see of a window."""
    return view(torch.from_numpy(np.ascontiguousarray(one.wave)), one.rate)


def _name(one: Window, cut: Cut) -> str:
    return one.name if one.start == 0 else f"{one.name} at {one.start:.6g} s"
