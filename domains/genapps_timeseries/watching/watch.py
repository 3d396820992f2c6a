"""The task behind `timeseries watch`: records in, a line for each state of an event out, and on again after any end.

What is judged depends on the records alone, never on the hour or on how they were cut into pieces. So a run that goes
on from a saved state comes to the same lines again, and leaves out those that its output holds already.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genapps.errors import GenappsError, InputError, UsageError
from genapps.io.appending import STDOUT, Output
from genapps.io.following import STDIN, Batch, Lines, Place
from genapps_timeseries.series import Clock
from genapps_timeseries.watching import training
from genapps_timeseries.watching.limits import Limiter
from genapps_timeseries.watching.records import HEAD, Columns, Layout, Records, decide, texts_of
from genapps_timeseries.watching.series import Asked, Watch
from genapps_timeseries.watching.state import State, load, save
from genapps_timeseries.watching.streaming import FAMILIES
from genapps_timeseries.wording import counted

Say = Callable[[str], None]
CAUSAL = "each record is judged by those before it alone; no score looks ahead"
_RECORDS_SPAN = 1000.0  # records that stand for an hour where there is no calendar


@dataclass(frozen=True)
class Running:
    """How a watch runs, none of which changes what is found. Times in seconds."""

    follow: bool = False
    save_every: float = 10.0
    report_every: float | None = None
    max_series: int = 1000
    settle: float = 1.0  # with normal records at hand, how long to wait for the lines that the columns are decided by


@dataclass
class Watched:
    """What a watch came to: records that were taken, events of this and earlier runs, lines left out by the reason."""

    records: int = 0
    events: int = 0
    series: int = 0
    stopped: bool = False
    left_out: dict[str, int] = field(default_factory=dict)


def watch(
    source: str,
    *,
    output: str = STDOUT,
    columns: Columns | None = None,
    asked: Asked | None = None,
    running: Running | None = None,
    train: str | None = None,
    model: str | None = None,
    state: str | None = None,
    say: Say = lambda text: None,
    stop: Callable[[], bool] = lambda: False,
) -> Watched:
    """Watch a file or standard input (`-`) until it ends or `stop` says so.

    output: where the lines go, added to a file or `-`. train: a file of normal records to learn instead of a warm-up.
    model: a file of `fit`, whose normal part is learnt likewise.
    state: a file that is saved to now and then, and gone on from. say: told what a person should know. Raises
    UsageError and InputError for what cannot be watched, GenappsError where output or state cannot be written.
    """
    settings = columns or Columns(), asked or Asked(), running or Running()
    with Output(output) as out:
        return _Watcher(source, out, *settings, (train, model), state, say).run(stop)


class _Watcher:
    def __init__(
        self,
        source: str,
        output: Output,
        columns: Columns,
        asked: Asked,
        running: Running,
        learnt: tuple[str | None, str | None],
        state: str | None,
        say: Say,
    ) -> None:
        if asked.family not in FAMILIES:
            raise UsageError(f"--family {asked.family}: watch knows {' and '.join(FAMILIES)}")
        self.source, self.columns, self.asked, self.running = source, columns, asked, running
        self.name = "stdin" if source == STDIN else source
        (self.train, self.model), self.state_file, self.say = learnt, state, say
        self.limiter = Limiter(asked.most)
        self.watches: dict[str, Watch] = {}
        self.records: Records | None = None
        self.head: list[str] = []  # the lines that the columns were decided by
        self.pending: list[Batch] = []
        self.started = self.saved = self.reported = time.monotonic()
        self._said: set[str] = set()
        self._place: Place | None = None
        self.output = output
        found = load(state) if state else None
        place = self._restore(found) if found else None
        self.lines = Lines(source, follow=running.follow, place=place, keep_cut=state is not None)
        self._place = self.lines.place()
        self._new = bool(state) and not found
        if self._new:
            self._save()

    # --- the run

    def run(self, stop: Callable[[], bool]) -> Watched:
        try:
            return self._run(stop)
        except GenappsError:
            if self._new:  # of an input that was refused nothing is known
                Path(self.state_file or "").unlink(missing_ok=True)
            raise

    def _run(self, stop: Callable[[], bool]) -> Watched:
        stopped = False
        waited = time.monotonic()
        for batch in self.lines.batches():
            if batch is not None:
                self._feed(batch)
            elif self.pending and self._can_decide(time.monotonic() - waited):
                self._decide()
            self._now_and_then()
            if stop():
                stopped = True
                break
        return self._end(stopped)

    def _feed(self, batch: Batch) -> None:
        if self.records is not None:
            self._take(batch)
            return
        self.pending.append(batch)
        if sum(len(held.lines) for held in self.pending) > HEAD:
            self._decide()

    def _can_decide(self, waited: float) -> bool:
        if not self.train and not self.model:  # the first records are the warm-up anyway
            return False
        lines = [line for batch in self.pending for line in batch.lines if line.strip()]
        return waited >= self.running.settle and len(lines) > 1

    def _decide(self) -> None:
        lines = [line for batch in self.pending for line in batch.lines][: HEAD + 1]
        try:
            self.head = texts_of(lines, self.columns.encoding)
            layout = decide(self.head, self.columns)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from None
        self._use(layout)
        self._new = False
        pending, self.pending = self.pending, []
        if self.state_file:
            self._place = self.lines.place(pending[0])
            self._save()
        for batch in pending:
            self._take(batch)

    def _use(self, layout: Layout) -> None:
        self.layout, self.records = layout, Records(layout, self.columns.encoding)
        if layout.kind != "time":
            self.limiter.span = _RECORDS_SPAN
        told = f"time in {layout.time!r}" if layout.time else "no column of times: records are counted"
        shown = ", ".join(layout.channels[:6]) + (", ..." if len(layout.channels) > 6 else "")
        self.say(f"watching {counted(len(layout.channels), 'channel')} ({shown}), {told}; {CAUSAL}")
        if self.train or self.model:
            self._learn()
        else:
            self.say(f"the first {self.asked.warm_up:,} records of a series are learnt; nothing is reported before")

    def _learn(self) -> None:
        if self.train:
            found, notes = training.of_file(self.train, self.layout, self.columns.encoding)
            for text in notes:
                self.say(f"{self.train}: {text}")
        else:
            found = training.of_model(self.model or "", self.layout)
        for normal in found:
            made = self._add(normal.series)
            if made is not None and not made.warm:
                made.learn(normal.times, normal.rows)
        count = counted(sum(len(normal.rows) for normal in found), "record")
        self.say(
            f"learnt {count} of {self.train}" if self.train else f"learnt {count} that {self.model} holds to be normal"
        )

    def _take(self, batch: Batch) -> None:
        records, watches = self.records, self.watches
        assert records is not None
        read = records.read
        for k, line in enumerate(batch.lines):
            if k == 0 and batch.fresh and records.begins(line):
                continue
            record = read(line)
            if record is None:
                if line.strip():
                    self._left_out(batch.first + k + 1)
                continue
            held = watches.get(record.series)
            if held is None:
                held = self._add(record.series)
                if held is None:
                    continue
            found = held.take(record)
            if found:
                self._tell(held, found, batch, k)
        self._place = self.lines.place()

    def _add(self, name: str) -> Watch | None:
        if len(self.watches) >= self.running.max_series:
            assert self.records is not None
            self.records.leave(f"belongs to a series beyond the first {self.running.max_series:,}")
            self._left_out(0)
            return None
        made = self._watch(name)
        self.watches[name] = made
        return made

    def _watch(self, name: str) -> Watch:
        clock = Clock(self.layout.kind, self.layout.time, None)
        return Watch(name, self.layout.channels, clock, self.asked, self.limiter)

    def _tell(self, held: Watch, found: list[dict[str, Any]], batch: Batch, at: int) -> None:
        # What cannot be read again, or was written where nobody can look, is put down before it is told and after.
        ahead = self.state_file is not None and (self.lines.pipe or not self.output.lasting)
        if ahead:
            self._place = self.lines.place(batch, at + 1)
            self._save(found)
        for line in found:
            self.output.write(line)
        if ahead:
            self._save()

    # --- what a person is told

    def _left_out(self, line: int) -> None:
        assert self.records is not None
        for why in self.records.left_out.keys() - self._said:
            self._said.add(why)
            where = f"line {line:,}: " if line else ""
            self.say(f"{where}left out: it {why}; more of these are counted, not named")

    def _now_and_then(self) -> None:
        now = time.monotonic()
        while self.lines.notes:
            self.say(self.lines.notes.popleft())
        while self.limiter.notes:
            self.say(self.limiter.notes.popleft())
        if self.state_file and now - self.saved >= self.running.save_every:
            self._save()
        if self.running.report_every and now - self.reported >= self.running.report_every:
            self.reported = now
            self.say(self._summary())

    def _records(self) -> int:
        """How many were judged or learnt."""
        return sum(held.records for held in self.watches.values())

    def _summary(self) -> str:
        events = sum(held.events for held in self.watches.values())
        opened = sum(held.open for held in self.watches.values())
        learning = sum(not held.warm for held in self.watches.values())
        parts = [counted(self._records(), "record"), counted(len(self.watches), "series").replace("seriess", "series")]
        parts += [f"{counted(events, 'event')}, {opened} open"]
        parts += [f"{learning} still in the warm-up"] if learning else []
        return "watched " + ", ".join(parts)

    def _end(self, stopped: bool) -> Watched:
        if not stopped and self.pending:
            self._decide()
        if not stopped and self.records is None:
            raise InputError(f"{self.name}: no records; a stream needs lines of CSV or JSON")
        if not stopped and not self.state_file:
            for held in self.watches.values():
                for line in held.finish():
                    self.output.write(line)
        self._now_and_then()
        if self.state_file:
            self._save()
        left_out = dict(self.records.left_out) if self.records else {}
        if self.records and self.records.strange:
            self.say(f"{counted(self.records.strange, 'cell')} held no number and counted as unknown")
        if self.lines.oversized:
            left_out["is too long"] = self.lines.oversized
        behind = sum(held.behind for held in self.watches.values())
        if behind:
            left_out["lies behind the one before in time"] = behind
        for why, count in left_out.items():
            self.say(f"left out: {counted(count, 'line')} that {why if count == 1 else _plural(why)}")
        for held in self.watches.values():
            if held.set_back:
                self.say(f"{held.name or self.source}: the clock was set back {counted(held.set_back, 'time')}")
        if not any(held.warm for held in self.watches.values()):
            known = counted(self._records(), "record")
            self.say(
                f"all of it was warm-up ({known}, {self.asked.warm_up:,} of a series are learnt first): nothing was "
                "judged; give more, a smaller --warm-up, or normal ones with --train"
            )
        if self.output.differing:
            self.say(f"{counted(self.output.differing, 'line')} came out otherwise than before: was the input changed?")
        self.say(self._summary())
        events = sum(held.events for held in self.watches.values())
        return Watched(self._records(), events, len(self.watches), stopped, left_out)

    # --- state

    def _save(self, pending: list[dict[str, Any]] | None = None) -> None:
        """pending: lines of this state that are still to be written."""
        assert self.state_file is not None and self._place is not None
        self.output.settle()
        records = self.records
        kept = {
            "source": self.source,
            "asked": asdict(self.asked),
            "columns": asdict(self.columns),
            "place": asdict(self._place),
            "head": self.head,
            "header": records.header if records else [],
            "left_out": records.left_out if records else {},
            "lines": self.output.count,
            "bytes": self.output.size,
            "piped": self.lines.pipe,
            "output": self.output.target,
            "pending": pending or [],
        }
        series = {name: held.state() for name, held in self.watches.items()}
        save(self.state_file, State(kept, self.limiter.state(), series))
        self.saved = time.monotonic()

    def _restore(self, found: State) -> Place:
        kept = found.kept
        try:
            if kept["source"] != self.source:
                raise UsageError(
                    f"{self.state_file}: the state of another input, {kept['source']}; give this one another --state"
                )
            for name, now in (("asked", asdict(self.asked)), ("columns", asdict(self.columns))):
                before = kept[name]
                other = [key for key, value in now.items() if _plain(value) != before.get(key)]
                if other:
                    raise UsageError(
                        f"{self.state_file}: made with another {other[0].replace('_', ' ')} ({before.get(other[0])}); "
                        "give the same options, or another --state to begin anew"
                    )
            self.head = list(kept["head"])
            self.limiter.restore(found.shared)
            place = Place(**{**kept["place"], "beside": tuple(kept["place"]["beside"])})
            elsewhere = self.output.resume(int(kept["lines"]), int(kept["bytes"]), kept["output"])
            for line in kept["pending"]:
                self.output.write(line)
            if kept["piped"]:  # what was read after this state cannot be read again
                self.output.keep()
            if self.head:
                self._restore_series(found)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, GenappsError):
                raise
            raise InputError(f"{self.state_file}: a state without all of its parts; remove it to begin anew") from None
        self._say_resumed(place)
        if elsewhere:
            self.say(elsewhere)
        return place

    def _restore_series(self, found: State) -> None:
        self.layout = decide(self.head, self.columns)
        self.records = Records(self.layout, self.columns.encoding)
        self.records.resume(found.kept["header"], found.kept["left_out"])
        self._said.update(found.kept["left_out"])
        if self.layout.kind != "time":
            self.limiter.span = _RECORDS_SPAN
        for name, (arrays, told) in found.series.items():
            self.watches[name] = self._watch(name)
            self.watches[name].restore(arrays, told)

    def _say_resumed(self, place: Place) -> None:
        where = f"line {place.line + 1:,}"
        if self.source == STDIN:
            where = "what comes now: what was read and not saved before is not to be had again"
        self.say(f"going on from {self.state_file} with {where}; {CAUSAL}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_MANY = {"has": "have", "is": "are", "belongs": "belong", "lies": "lie"}


def _plural(why: str) -> str:
    first, _, rest = why.partition(" ")
    return f"{_MANY.get(first, first)} {rest}"
