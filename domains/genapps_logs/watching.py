"""The task behind `logs watch`: lines in as they come, a JSON line for each state of a finding out, and on again.

What is told depends on the lines alone, never on the hour or on how they were cut into pieces. So a run that goes on
from a saved state comes to the same output again, and leaves out what is there already (`genapps.io.appending`).
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.io.appending import STDOUT, Output
from genapps.io.artifact import Artifact, read_artifact, write_artifact
from genapps.io.following import STDIN, Batch, Lines, Place
from genapps.wording import counted
from genapps_logs.findings import Sign
from genapps_logs.formats import ENOUGH, format_named
from genapps_logs.judging import LogJudge
from genapps_logs.learning import Asked, learn
from genapps_logs.learnt import LogModel
from genapps_logs.miner import Miner
from genapps_logs.names import checked, is_new, name_of_new
from genapps_logs.ongoing import QUIET, Open
from genapps_logs.reading import HEAD, LINE_LIMIT, SAMPLE_LINES, Oddities, check_head

Say = Callable[[str], None]
TASK = "logs.watch"
WARM_UP = 5000  # lines that are learnt where nothing is known to be normal
QUIET_LINES = 10_000  # lines, where there are no stamps
_SWEEP = 100  # lines between two looks for what is to be closed


@dataclass(frozen=True)
class Running:
    """How a watch runs. rate: of false alarms, the defaults of each kind if None. rare: so few normal lines make a
    template rare. most: findings that may open within an hour. Times in seconds.
    """

    follow: bool = False
    rate: float | None = None
    rare: int = 2
    warm_up: int = WARM_UP
    most: int = 100
    save_every: float = 10.0


@dataclass
class Watched:
    """What a watch came to: lines that were read, findings that opened, and whether it was asked to end."""

    lines: int = 0
    findings: int = 0
    stopped: bool = False


def watch(
    source: str,
    *,
    output: str = STDOUT,
    model: str | Path | None = None,
    train: str | Path | None = None,
    state: str | None = None,
    accept: frozenset[str] = frozenset(),
    asked: Asked | None = None,
    running: Running | None = None,
    say: Say = lambda text: None,
    stop: Callable[[], bool] = lambda: False,
) -> Watched:
    """Watch a log or standard input (`-`) until it ends or `stop` says so.

    output: where the lines go, added to a file or `-`. model: what `fit` saved; train: a normal log to learn instead;
    without both the first lines are learnt and not judged. state: a file that is saved to now and then, and gone on
    from. say: told what a person should know. Raises UsageError and InputError for what cannot be watched, GenappsError
    where output or state cannot be written.
    """
    if model is not None and train is not None:
        raise UsageError("a normal log and a model of one cannot both be given; leave out one of them")
    settings = asked or Asked(), running or Running()
    with Output(output) as out:
        return _Watcher(source, out, model, train, state, accept, *settings, say).run(stop)


class _Watcher:
    def __init__(
        self,
        source: str,
        output: Output,
        model: str | Path | None,
        train: str | Path | None,
        state: str | None,
        accept: frozenset[str],
        asked: Asked,
        running: Running,
        say: Say,
    ) -> None:
        self.source, self.asked, self.running, self.say = source, asked, running, say
        self.name = "stdin" if source == STDIN else source
        self.accept, self.state_file = accept, state
        self.lines_read = 0
        self.odd = Oddities()
        self.size = self.given = 0  # bytes and lines with something in them of this run
        self.fresh = Miner(name=name_of_new)
        self.judge: LogJudge | None = None
        self.form_said = False  # that lines are of another format than the one that is known
        self.jumps = 0  # times that the clock was set back, and it was said
        self.waiting: list[bytes] = []  # lines of the warm-up
        found = _load(state) if state is not None else None
        kept = self._kept(found) if found is not None else None
        self.output = output
        self.began = found is None
        self.lines = Lines(
            source,
            follow=running.follow,
            place=kept["place"] if kept is not None else None,
            keep_cut=state is not None,
            longest=LINE_LIMIT + 1,  # one byte more than is kept, by which it is known that there are more
            shorten=True,
        )
        if found is not None and kept is not None:
            self._restore(found, kept)
        elif model is not None:
            asked.check_beside_model()
            self._begin(LogModel.load(model))
        elif train is not None:
            self._begin(learn(train, asked).model)
        else:
            self.say(f"the first {running.warm_up:,} lines are learnt and not judged; --model or --train judges all")
        self.place = self.lines.place()
        self.saved = time.monotonic()
        if state is not None and found is None and (model is not None or train is not None):
            self._save()

    def run(self, stop: Callable[[], bool]) -> Watched:
        stopped = False
        for batch in self.lines.batches():
            if batch is not None:
                self._check_head(batch)
                for k, raw in enumerate(batch.lines):
                    told = self._take(raw)
                    if told and self.state_file is not None and not self.output.lasting:
                        self.place = self.lines.place(batch, k + 1)
                        self._save()
                if self.judge is not None:
                    self.place = self.lines.place()
            self._now_and_then()
            if stop():
                stopped = True
                break
        return self._end(stopped)

    def _check_head(self, batch: Batch) -> None:
        """Refuse what begins like no log; a file that it is rotated to later only has lines that are left out."""
        if not self.began or self.size:
            return
        head = b"\n".join(batch.lines)[:HEAD]
        if head.startswith(b"\x1f\x8b"):
            raise InputError(f"{self.name}: compressed with gzip; watch it with: zcat FILE | genapps logs watch -")
        check_head(self.name, head)

    def _begin(self, model: LogModel) -> None:
        form = format_named(model.templates.format, _examples(model))
        names = [template.id for template in model.templates.templates]
        self.accept = checked(self.accept, names, filter(is_new, self.accept), "the model")
        self.model, self.form = model, form
        self.judge = LogJudge(model, form, self.running.rate)
        self.open = Open(model.accepted | self.accept, self.running.most)
        grouping = model.sequences.grouping.words if model.sequences else "nothing"
        templates = counted(len(model.templates.templates), "template")
        self.say(f"watching lines of the format {form.name}, {templates} known, "
                 f"sessions by {grouping}; every line is judged by those before it alone")  # fmt: skip

    def _take(self, raw: bytes) -> bool:
        """Judge one line; whether something was told."""
        self.size += len(raw) + 1
        if self.judge is None:
            self.waiting.append(raw)
            if len(self.waiting) >= self.running.warm_up:
                self._learn()
            return False
        self.lines_read += 1
        self.odd.lines += 1
        text = self.odd.text(raw)
        self.given += bool(text)
        found: list[dict[str, Any]] = []
        for sign in self._judged(text) if text else ():
            found += self.open.take(sign, self._now())
        if not self.lines_read % _SWEEP:
            quiet = QUIET if self.judge.time is not None else float(QUIET_LINES)
            found += self.open.sweep(self._now(), quiet)
        fresh = [self.output.write(line) for line in found]
        return any(fresh)

    def _now(self) -> float:
        assert self.judge is not None
        return self.judge.time if self.judge.time is not None else float(self.lines_read)

    def _judged(self, text: str) -> list[Sign]:
        assert self.judge is not None
        plan, message, signs = self.judge.take(self.lines_read, text)
        template, line = plan.template, self.lines_read
        when, normal = self.judge.when(), self.model.templates.lines
        if template is not None:
            if template.before <= self.running.rare:
                reason = f"{counted(template.before, 'such line')} among {normal:,} normal ones"
                signs.append(Sign(template.id, "rare", line, text, reason, template.text, time=when))
            return signs
        template = self.fresh.learn(message, line, text)
        reason = f"no line like this among {normal:,} normal ones"
        signs.append(Sign(template.id, "new", line, text, reason, template.text, time=when))
        return signs

    def _learn(self) -> None:
        """Learn from the lines of the warm-up."""
        with tempfile.TemporaryDirectory(prefix="genapps-") as folder:
            path = Path(folder) / "log"
            path.write_bytes(b"".join(raw + b"\n" for raw in self.waiting))
            learnt = learn(path, self.asked, called=f"the first lines of {self.name}")
        self.given += len(self.waiting)
        self.lines_read = len(self.waiting)
        self.odd.lines = self.lines_read
        self.waiting.clear()
        for note in learnt.notes:
            self.say(note)
        self._begin(learnt.model)

    def _now_and_then(self) -> None:
        while self.lines.notes:
            self.say(self.lines.notes.popleft())
        rates = self.judge.rates if self.judge is not None else None
        if rates is not None and rates.order.jumps > self.jumps:
            self.jumps = rates.order.jumps
            self.say(rates.order.jump_note())
        if self.lines_read >= SAMPLE_LINES:
            self._compare_form(ENOUGH)
        if self.state_file is not None and self.judge is not None:
            now = time.monotonic()
            if now - self.saved >= self.running.save_every:
                self._save()

    def _compare_form(self, share: float) -> None:
        """Say once that more than this share of the lines are of another format than the one that is known."""
        others = self.judge.unmatched if self.judge is not None else 0
        if others > share * self.lines_read and not self.form_said:
            self.form_said = True
            be = "is" if others == 1 else "are"
            self.say(f"{counted(others, 'line')} so far {be} not of the format {self.form.name} that was learnt: "
                     "taken whole, no time read in them; learn a log like this one with: genapps logs fit")  # fmt: skip

    def _end(self, stopped: bool) -> Watched:
        if self.judge is None:
            self._now_and_then()
            for raw in self.waiting:
                self.odd.lines += 1
                self.given += bool(self.odd.text(raw))
            self._end_of_text(stopped)
            known = counted(len(self.waiting), "line")
            self.say(
                f"all of it was warm-up ({known}): nothing was judged; give a smaller --warm-up, --model or --train"
            )
            return Watched(len(self.waiting), 0, stopped)
        if not stopped and self.state_file is None:
            for sign in self.judge.finish():
                for line in self.open.take(sign, self._now()):
                    self.output.write(line)
            for line in self.open.sweep(float("inf"), 0.0):
                self.output.write(line)
        self._now_and_then()
        if self.state_file is not None:
            self._save()
        if self.open.kept_back:
            most = counted(self.running.most, "finding")
            self.say(f"{counted(self.open.kept_back, 'sign')} kept back: more than {most} an hour")
        self._compare_form(0)
        if self.output.differing:
            self.say(f"{counted(self.output.differing, 'line')} came out otherwise than before: was the input changed?")
        met = self.open.met.union(template.id for template in self.fresh.templates())
        for name in sorted(filter(is_new, self.accept - met)):
            self.say(f"--accept {name}: no such line came")
        if self.judge.rates is not None and (late := self.judge.rates.order.late_note()):
            self.say(late)
        self.say(f"watched {counted(self.lines_read, 'line')}, {counted(self.open.opened, 'finding')}")
        self._end_of_text(stopped)
        return Watched(self.lines_read, self.open.opened, stopped)

    def _end_of_text(self, stopped: bool) -> None:
        """Say what was odd in the lines; refuse what was none for the most part, where all of it was read."""
        for note in self.odd.notes():
            self.say(note)
        if self.began and not stopped:
            if not self.size:
                check_head(self.name, b"")
            self.odd.judge(self.name, self.size, self.given)

    # --- state

    def _save(self) -> None:
        assert self.state_file is not None and self.judge is not None
        self.output.settle()
        arrays, header = self.model.parts()
        kept = {
            "source": self.source,
            "asked": asdict(self.asked),
            "place": asdict(self.place),
            "output": self.output.target,
            "count": self.output.count,
            "bytes": self.output.size,
            "lines": self.lines_read,
            "accept": sorted(self.accept),
            "judge": self.judge.state(),
            "open": self.open.state(),
            "fresh": self.fresh.state(),
        }
        arrays["watch"] = np.frombuffer(json.dumps(kept).encode(), np.uint8)
        write_artifact(self.state_file, arrays, {**header, "task": TASK})
        self.saved = time.monotonic()

    def _kept(self, found: Artifact) -> dict[str, Any]:
        """What a state holds beside the model. Raises UsageError for that of another input or of other options."""
        with self._whole():
            kept: dict[str, Any] = json.loads(found.tensors["watch"].tobytes())
            if kept["source"] != self.source:
                raise UsageError(
                    f"{self.state_file}: the state of another input, {kept['source']}; give this one another --state"
                )
            before = Asked(**kept["asked"])
            if before != self.asked:
                raise UsageError(f"{self.state_file}: made with other options; give the same ones, or another --state")
            self.accept |= frozenset(kept["accept"])
            kept["place"] = Place(**{**kept["place"], "beside": tuple(kept["place"]["beside"])})
            return kept

    def _restore(self, found: Artifact, kept: dict[str, Any]) -> None:
        with self._whole():
            self._begin(LogModel.of(found, self.state_file or ""))
            assert self.judge is not None
            self.judge.restore(kept["judge"])
            self.jumps = self.judge.rates.order.jumps if self.judge.rates is not None else 0
            self.open.restore(kept["open"])
            self.fresh.restore(kept["fresh"])
            self.lines_read = self.odd.lines = int(kept["lines"])
            elsewhere = self.output.resume(int(kept["count"]), int(kept["bytes"]), kept["output"])
        where = f"line {self.lines_read + 1:,}"
        self.say(f"going on from {self.state_file} with {where}")
        if elsewhere:
            self.say(elsewhere)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Refuse a state of which something is missing."""
        try:
            yield
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"{self.state_file}: a state without all of its parts; remove it to begin anew") from error


def _load(path: str) -> Artifact | None:
    """A saved state, or None where there is none yet. Raises UsageError for a file that is something else."""
    if not Path(path).exists():
        return None
    found = read_artifact(path)
    if found.header.get("task") != TASK:
        raise UsageError(f"{path}: a genapps file, but not the state of a watch; give --state another name")
    return found


def _examples(model: LogModel) -> list[str]:
    """Lines of a normal log, by which the message of JSON lines is found again."""
    return [template.example for template in model.templates.templates[:SAMPLE_LINES]]
