"""Learn from a normal log all that a log is judged by. It is read twice: for templates, then for what they do."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from genapps.errors import UsageError
from genapps.wording import counted
from genapps_logs.formats import LineFormat, format_named
from genapps_logs.grouping import EXAMINED, Grouping, asked_grouping, find_grouping
from genapps_logs.learnt import LogModel, Places
from genapps_logs.matching import Matcher, Plan, places_of
from genapps_logs.miner import Template
from genapps_logs.order import Order
from genapps_logs.parameters import FEWEST, IGNORED, Place
from genapps_logs.rates import RateModel, Tally
from genapps_logs.reading import SAMPLE_LINES, LogReader
from genapps_logs.scoring import Steps
from genapps_logs.sequences import FEWEST as FEWEST_SESSIONS
from genapps_logs.sequences import MOST, MOST_STEPS, Kept, SequenceModel, members_of, usual_ends
from genapps_logs.sessions import Ends, Session, Sessions
from genapps_logs.tasks import Progress, templates
from genapps_logs.times import Clock

MOST_PLACES = 5000  # variable places whose values are learnt, those of the most frequent templates
_EVERY = 4096
_STRETCH = 60  # seconds within which lines may be out of order while buckets of time are still short


@dataclass(frozen=True)
class Asked:
    """How a log is to be learnt: the form of its lines, how they are grouped, and what scores sequences."""

    format: str | None = None
    session: str | None = None
    group_by: str | None = None
    window: float | None = None
    family: str = "auto"

    def check_beside_model(self) -> None:
        """Raise UsageError where more is asked than the format: a model brings how lines are grouped and scored."""
        if self.session or self.group_by or self.window or self.family != "auto":
            options = "--session, --group-by, --window and --family"
            raise UsageError(f"a model brings how lines are grouped and scored; leave out {options}")


@contextmanager
def readable_twice(log: str | Path) -> Iterator[tuple[str | Path, str]]:
    """A log that can be read again, and what it is called: standard input is put in a file that is gone afterwards."""
    if str(log) != "-":
        yield log, str(log)
        return
    with tempfile.TemporaryDirectory(prefix="genapps-") as folder:
        path = Path(folder) / "log"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path, "stdin"


@dataclass(frozen=True)
class Learnt:
    """A model of a log and how it was read.

    alone: whether it is the log's own model, which is to be judged. halves: then, two models of its sessions, each of
    those that the other one judges.
    """

    model: LogModel
    lines: int
    notes: tuple[str, ...]
    halves: tuple[SequenceModel, SequenceModel] | None = None
    alone: bool = False


def learn(
    log: str | Path,
    asked: Asked,
    *,
    known: LogModel | None = None,
    alone: bool = False,
    called: str | None = None,
    progress: Progress | None = None,
) -> Learnt:
    """Learn what is normal from a log that can be read twice.

    known: what was learnt before and is gone on with; its grouping and scorers stay. alone: the log is its own
    reference, so that its sessions are judged by each other's halves. Raises as `tasks.templates` does, and UsageError
    for what cannot be grouped so.
    """
    members_of(asked.family)
    mined = templates(
        log, format=asked.format, model=known.templates if known else None, progress=progress, called=called
    )
    before = known.templates.templates if known else ()
    renamed = {template.id: template.current().id for template in before}
    found = replace(mined.model, templates=tuple(_as_normal(template) for template in mined.model.templates))
    with LogReader(log, called) as reader:
        form = format_named(found.format, [text for _, text in islice(reader.lines(), SAMPLE_LINES)])
    grouping = _grouping(log, form, found.templates, asked, known, called)
    places = _known_places(known, found.templates, renamed)
    reader_of = _Learning(form, found.templates, grouping, places)
    with LogReader(log, called) as reader:
        for number, text in reader.lines():
            reader_of.take(number, text)
            if progress and not number % _EVERY:
                progress(reader.position, reader.size)
    model = LogModel(found, places=reader_of.places, accepted=known.accepted if known else frozenset(), whole=True)
    model.rates = _rates(reader_of.tally, known, renamed)
    family = known.sequences.family if known and known.sequences else asked.family
    model.sequences, halves = _sequences(reader_of, known, renamed, family, alone)
    notes = (*mined.notes, *_told(model, grouping, reader_of))
    return Learnt(model, mined.lines, notes, halves, alone)


def _as_normal(template: Template) -> Template:
    """A template whose lines are normal ones of before."""
    return Template(template.tokens, template.id, template.before + template.count, template.example)


def _grouping(
    log: str | Path,
    form: LineFormat,
    known_templates: Sequence[Template],
    asked: Asked,
    known: LogModel | None,
    called: str | None,
) -> Grouping:
    if known is not None and known.sequences is not None:
        return known.sequences.grouping
    said = asked_grouping(asked.session, asked.group_by, asked.window, form)
    if said is not None:
        return said
    matcher, parts = Matcher(known_templates), form.parts(None)

    def planned(reader: LogReader) -> Iterator[tuple[int, Plan, Sequence[str], str]]:
        for number, text in islice(reader.lines(), EXAMINED):
            found = parts(text)
            yield number, *matcher(text if found is None else found[0]), text

    with LogReader(log, called) as reader:
        return find_grouping(planned(reader), form)


def _known_places(known: LogModel | None, now: Sequence[Template], renamed: dict[str, str]) -> Places:
    """The places that were learnt before, of the templates that are as they were."""
    if known is None:
        return {}
    same = {template.id: template.tokens for template in now}
    return {
        template.id: known.places[template.id]
        for template in known.templates.templates
        if template.id in known.places and same.get(template.id) == template.tokens
    }


class _Learning:
    """Takes the lines of a normal log one by one, and gathers what is learnt of them; memory is bounded."""

    def __init__(self, form: LineFormat, known: Sequence[Template], grouping: Grouping, places: Places) -> None:
        self.matcher, self.clock, self.tally = Matcher(known), Clock(), Tally()
        self.grouping = grouping
        self.parts, self.key = form.parts(grouping.field), grouping.key()
        self.codes = {template.id: code for code, template in enumerate(known, 1)}
        ends = Ends(seconds=grouping.seconds or math.inf, rows=grouping.rows or math.inf)
        self.sessions = Sessions(ends, 0)
        self.kept = Kept(MOST // 2, MOST_STEPS // 2), Kept(MOST // 2, MOST_STEPS // 2)
        self.gaps: list[float] = []
        self.timed = 0
        self.places = places
        self.wanted = _wanted(known, places)
        self.time: float | None = None
        self.order = Order()

    def take(self, number: int, text: str) -> None:
        found = self.parts(text)
        message, stamp, field = (text, None, None) if found is None else found
        seconds = self.clock(stamp) if stamp is not None else None
        if seconds is not None:
            self.timed += 1
            self.time = seconds
        plan, values = self.matcher(message)
        name = plan.template.id if plan.template is not None else ""
        if self.time is not None:
            for at, what in self.order.take(self.time, max(self.tally.width, _STRETCH), number, name):
                if not self.order.was_there():  # an hour that the log goes through twice has twice the lines
                    self.tally.add(what, at)
        wanted = self.wanted.get(name)
        if wanted is not None:
            for slot, place in zip(plan.slots, wanted, strict=False):
                if place is not None and slot != -1:
                    place.take(slot if isinstance(slot, str) else values[slot])
        key = self.key(plan, values, field, text)
        if key is not None:
            _, over = self.sessions.take(key, self.codes.get(name, 0), number, self.time, "")
            for session in over:
                self._over(session)

    def finish(self) -> None:
        """The end of the log: sessions that began shortly before may not be whole."""
        rest = self.sessions.finish()
        quiet = (
            usual_ends(self.gaps, self.grouping).quiet if self.gaps else usual_ends(_gaps(rest), self.grouping).quiet
        )
        whole = [session for session in rest if self.sessions.now - (session.last_time or 0.0) > quiet]
        for session in whole if len(whole) + self.kept[0].seen + self.kept[1].seen >= len(rest) // 2 else rest:
            self._over(session)

    def _over(self, session: Session) -> None:
        self.kept[half_of(session.key)].add(tuple(session.codes))
        self.gaps.append(session.longest_gap)
        if len(self.gaps) > 2 * MOST:
            del self.gaps[::2]


def half_of(key: str) -> int:
    """Which half of the sessions one belongs to."""
    return zlib.crc32(key.encode(errors="replace")) & 1


def _gaps(sessions: Sequence[Session]) -> list[float]:
    return [session.longest_gap for session in sessions]


def _wanted(known: Sequence[Template], places: Places) -> dict[str, list[Place | None]]:
    """The places whose values are learnt, of the most frequent templates; made where they are not known yet."""
    wanted: dict[str, list[Place | None]] = {}
    total = 0
    for template in sorted(known, key=lambda template: -template.before):
        kinds = places_of(template.tokens)
        if not kinds or template.before < FEWEST or total + len(kinds) > MOST_PLACES:
            continue
        total += len(kinds)
        here = places.get(template.id)
        if here is None or len(here) != len(kinds):
            here = places[template.id] = [Place(kind) for kind in kinds]
        wanted[template.id] = [None if place.kind in IGNORED else place for place in here]
    return wanted


def _rates(tally: Tally, known: LogModel | None, renamed: dict[str, str]) -> RateModel | None:
    if known is not None and known.rates is not None:
        for name, buckets in known.rates.tally.counts.items():
            old = Tally(known.rates.tally.width)
            old.counts[renamed.get(name, name)] = buckets
            tally.merge(old)
    return RateModel.fit(tally)


def _sequences(
    found: _Learning, known: LogModel | None, renamed: dict[str, str], family: str, alone: bool
) -> tuple[SequenceModel | None, tuple[SequenceModel, SequenceModel] | None]:
    found.finish()
    names = list(found.codes)
    old = _recoded(known, found.codes, renamed)
    new = [steps for kept in found.kept for steps in kept.sequences]
    seen = sum(kept.seen for kept in found.kept) + (known.sequences.seen if known and known.sequences else 0)
    if known is not None and known.sequences is not None and not new:
        ends = known.sequences.ends
    else:
        ends = usual_ends(found.gaps, found.grouping)
    if len(old) + len(new) < FEWEST_SESSIONS or found.grouping.kind == "none":
        return None, None
    model = SequenceModel.fit([*old, *new], names, found.grouping, ends, family, seen)
    if not alone:
        return model, None
    parts = [kept.sequences for kept in found.kept]
    if min(map(len, parts)) < FEWEST_SESSIONS // 2:
        return None, None
    halves = [SequenceModel.fit(part, names, found.grouping, ends, family, len(part)) for part in parts]
    held = np.concatenate([halves[1 - place].score(part) for place, part in enumerate(parts)])
    for half in halves:
        half.held = held
    return model, (halves[1], halves[0])


def _recoded(known: LogModel | None, codes: dict[str, int], renamed: dict[str, str]) -> list[Steps]:
    """The sequences that were learnt before, in the codes of now."""
    if known is None or known.sequences is None:
        return []
    old = known.sequences
    now = [0, *(codes.get(renamed.get(name, name), 0) for name in old.names)]
    return [tuple(now[code] for code in steps) for steps in old.sequences]


def _told(model: LogModel, grouping: Grouping, found: _Learning) -> Iterator[str]:
    """What is to be said of the parts that were learnt, or could not be."""
    if grouping.kind == "none":
        yield "no identifier of sessions was found: steps are not judged; --session, --group-by or --window names one"
    elif model.sequences is None:
        seen = sum(kept.seen for kept in found.kept)
        found_here = f"{counted(seen, 'session')} by {grouping.words}"
        yield f"{found_here}, too few to judge their steps: it takes {FEWEST_SESSIONS}"
    if not found.timed:
        yield "the lines have no time stamps, so their rates are not judged"
    elif model.rates is None:
        yield "the log is too short to judge the rates of its messages"
    yield from found.order.notes()
