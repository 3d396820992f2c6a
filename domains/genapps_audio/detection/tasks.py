"""Odd clips, as a task: each window scored, with a p-value, when, in which band and why it is odd; events of them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genapps.anomaly import severity
from genapps.anomaly.events import GRADES
from genapps.io.atomic import check_target, replacing
from genapps_audio.detection.judging import Judged, Watch
from genapps_audio.detection.model import OddModel, view_of
from genapps_audio.detection.picture import picture
from genapps_audio.detection.places import Place, place_of
from genapps_audio.detection.promising import Promise
from genapps_audio.detection.sources import Found, kind_of
from genapps_audio.detection.windows import Window, headers, refuse_none, windows
from genapps_audio.reading.clips import Clips
from genapps_audio.records import Skipped, Unreadable

SHOWN = 24  # of the oddest windows, with pictures
DIGITS = 6


@dataclass(frozen=True)
class Row:
    """One window: of which clip, from when to when, how strange, how rare that is among normal ones, where and why.

    place: when and in which band it is oddest, in seconds of the recording. why: what is strange about it. nearest: the
    normal clip that is most like it. kind: what is known of it, or None.
    """

    name: str
    start: float
    end: float
    score: float
    p_value: float
    alarm: bool
    place: Place
    why: str
    nearest: str
    whole: bool
    kind: str | None = None

    @property
    def words(self) -> str:
        """Where and why it is odd, and what it is most like."""
        return f"{self.place.words}; strange in {self.why}; most like {self.nearest}"

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name if self.whole else f"{self.name} at {self.start:.6g} s"


@dataclass(frozen=True)
class Heard:
    """Windows in alarm of one recording that belong together.

    peak: the middle of the strangest of them, in seconds. severity, grade: as `genapps.anomaly.Event` has them.
    """

    name: str
    place: Place
    peak: float
    windows: int
    p_value: float
    score: float
    severity: float
    grade: str
    reason: str


@dataclass(frozen=True)
class Shown:
    """An odd window with its spectrogram as a file's bytes."""

    row: Row
    picture: bytes


@dataclass(frozen=True)
class Detection:
    """Every window that was judged, in the order they came; shown: the oddest, oddest first.

    resampled: recordings that had another rate than what was learnt. lower: those of them with a lower one.
    """

    model: OddModel
    promise: Promise
    rows: tuple[Row, ...]
    events: tuple[Heard, ...]
    shown: tuple[Shown, ...]
    skipped: tuple[Skipped, ...]
    recordings: int
    resampled: int
    lower: int
    truth: dict[str, Any] | None = None
    maps: int = 0

    @property
    def alarms(self) -> int:
        """Windows with an alarm."""
        return sum(row.alarm for row in self.rows)


@dataclass
class _Oddest:
    """Keeps the pictures of the oddest windows only, so that memory does not grow with the recordings."""

    most: int
    heap: list[tuple[float, int, Shown]] = field(default_factory=list)

    def wants(self, score: float) -> bool:
        return self.most > 0 and (len(self.heap) < self.most or score > self.heap[0][0])

    def add(self, score: float, number: int, shown: Shown) -> None:
        entry = (score, -number, shown)
        (heapq.heappush if len(self.heap) < self.most else heapq.heappushpop)(self.heap, entry)

    def sorted(self) -> tuple[Shown, ...]:
        return tuple(shown for _, _, shown in sorted(self.heap, key=lambda one: (-one[0], -one[1])))


def detect(
    new: Clips,
    model: OddModel,
    *,
    rate: float | None = None,
    known: bool = False,
    maps: Path | None = None,
    shown: int = SHOWN,
    watch: Watch | None = None,
) -> Detection:
    """Judge clips one at a time, long ones window by window.

    rate: of false alarms; without one 0.01, or the least that the normal clips can promise. known: whether the clips'
    folders say what each is. maps: a folder for a spectrogram of each window in alarm, its event framed, and of each
    clip that is one window. Raises UsageError for a rate nobody can mean, InputError where no clip can be used.
    """
    promise = Promise.of(model.scores, model.judge.part.numpy(), rate)
    found, skipped = headers(new)
    rows: list[Row] = []
    oddest, truth, paths, drawn, used = _Oddest(shown), Found(), _paths(maps), 0, []
    for done, (number, header) in enumerate(found.items()):
        whole = model.cut.count(header.seconds) == 1
        try:
            for one in windows(new, number, header, model.cut):
                heard = view_of(one)
                judged = model.judge.judge(heard)
                row = _row(one, judged, model, promise, kind_of(new.names[number]) if known else None, whole)
                rows.append(row)
                if known:
                    truth.add(row.kind or "", row.score, row.alarm)
                mapped = maps is not None and (whole or row.alarm)
                if mapped or oddest.wants(row.score):
                    image = picture(heard.cells, one.rate, row.place.later(-one.start))
                    if mapped:
                        _write(paths(row.title), image)
                        drawn += 1
                    if oddest.wants(row.score):
                        oddest.add(row.score, len(rows), Shown(row, image))
            used.append(header)
        except Unreadable as error:
            skipped.append(Skipped(new.names[number], str(error)))
        if watch is not None:
            watch("judging", done + 1, len(found))
    if not rows:
        raise refuse_none(new, skipped)
    return Detection(
        model,
        promise,
        tuple(rows),
        tuple(events_of(rows, promise.rate)),
        oddest.sorted(),
        tuple(skipped),
        recordings=len(used),
        resampled=sum(one.rate != model.cut.rate for one in used),
        lower=sum(one.rate < model.cut.rate for one in used),
        truth=truth.figures() if known else None,
        maps=drawn,
    )


def _row(one: Window, judged: Judged, model: OddModel, promise: Promise, kind: str | None, whole: bool) -> Row:
    p = promise.p(judged.scores)
    place = place_of(judged, one.rate, one.seconds).later(one.start)
    nearest = model.names[judged.nearest]
    return Row(
        one.name,
        one.start,
        one.end,
        judged.score,
        p,
        p <= promise.rate,
        place,
        model.judge.why(judged),
        nearest,
        whole,
        kind,
    )


def events_of(rows: Sequence[Row], rate: float) -> Iterator[Heard]:
    """Windows of one recording in alarm that follow one another and are odd in bands that meet, as one event each."""
    chain: list[Row] = []
    for row in rows:
        if chain and not (row.alarm and _goes_on(chain[-1], row)):
            yield _event(chain, rate)
            chain = []
        if row.alarm:
            chain.append(row)
    if chain:
        yield _event(chain, rate)


def _goes_on(one: Row, other: Row) -> bool:
    """Whether a window is the next one of the same recording, and odd in the same band."""
    follows = one.name == other.name and one.start < other.start <= one.end + 1e-6
    return follows and max(one.place.low, other.place.low) < min(one.place.high, other.place.high)


def _event(chain: Sequence[Row], rate: float) -> Heard:
    peak = max(chain, key=lambda row: row.score)
    place = replace(
        peak.place,
        begin=chain[0].place.begin,
        end=max(row.place.end for row in chain),
        low=min(row.place.low for row in chain),
        high=max(row.place.high for row in chain),
        length=peak.place.length if len(chain) == 1 else math.inf,
    )
    p = min(row.p_value for row in chain)
    bad = severity(p, len(chain), rate)
    middle = (peak.place.begin + peak.place.end) / 2
    reason = f"{place.words}; strange in {peak.why}; most like {peak.nearest}"
    grade = GRADES[min(int(bad), len(GRADES) - 1)]
    return Heard(peak.name, place, middle, len(chain), p, peak.score, bad, grade, reason)


def _paths(folder: Path | None) -> Callable[[str], Path]:
    """Where the picture of a window goes: the same path below the folder, as PNG; two of one name get numbers."""
    taken: set[str] = set()

    def path(name: str) -> Path:
        assert folder is not None
        parts = [part for part in Path(name.replace(" at ", "-at-")).parts if part not in ("/", "..", ".")]
        stem = "/".join(parts).removesuffix(Path(name).suffix) if "-at-" not in "/".join(parts) else "/".join(parts)
        chosen, number = stem or "clip", 1
        while chosen in taken:
            number += 1
            chosen = f"{stem}-{number}"
        taken.add(chosen)
        target = folder / f"{chosen}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    return path


def _write(path: Path, image: bytes) -> None:
    with replacing(path) as file:
        file.write(image)


def prepare(maps: Path | None) -> None:
    """Make the folder for maps, refused where it could not be. Raises as `check_target` does."""
    if maps is not None:
        check_target(maps.with_name(f"{maps.name}.png"))
        maps.mkdir(exist_ok=True)


def by_score(rows: Sequence[Row]) -> Iterator[Row]:
    """The oddest first."""
    return iter(sorted(rows, key=lambda row: -row.score))
