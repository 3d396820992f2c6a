"""A log beside a model of normal ones, line by line: what is told at once, what when a session or stretch is over.

The same for a file and for a stream: memory is bounded, and `state` holds all that is needed to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from genapps_logs.findings import Sign
from genapps_logs.formats import LineFormat
from genapps_logs.learning import half_of
from genapps_logs.learnt import LogModel
from genapps_logs.matching import Matcher, Plan
from genapps_logs.parameters import Usual
from genapps_logs.rates import WHOLE, RateJudge, Stretch, width_words
from genapps_logs.scoring import END, UNKNOWN
from genapps_logs.sequences import Judge, SequenceModel, Verdict
from genapps_logs.sessions import Session, Sessions
from genapps_logs.times import Clock

RATE = 0.01  # of normal sessions
STRETCH_RATE = 0.001  # of normal stretches of time


class LogJudge:
    """Lines in, signs out. What is new or rare as a template is for the caller, who has the plan of each line.

    rate: share of normal sessions, and of normal stretches of time, in alarm; the defaults of each if it is None.
    halves: the two models of a log that is its own reference, each of the sessions that the other one judges.
    """

    def __init__(
        self,
        model: LogModel,
        form: LineFormat,
        rate: float | None = None,
        halves: tuple[SequenceModel, SequenceModel] | None = None,
        alone: bool = False,
    ) -> None:
        self.model = model
        self.clock = Clock()
        self.matcher = Matcher(model.templates.templates)
        self.time: float | None = None
        self.sessions_judged = self.sessions_in_alarm = 0
        self._texts = {template.id: template.text for template in model.templates.templates}
        sequences = model.sequences
        self._parts = form.parts(sequences.grouping.field if sequences else None)
        self._key = sequences.grouping.key() if sequences else None
        self._halves = tuple(
            Judge(half, rate or RATE, self._texts) for half in (halves or ((sequences, sequences) if sequences else ()))
        )
        self._codes = sequences.codes() if sequences else {}
        self.sessions = Sessions(sequences.ends, sequences.steps.order) if sequences else None
        self.rates = RateJudge(model.rates, rate or STRETCH_RATE, alone) if model.rates else None
        self._usual = usual_places(model, alone)
        self._events: dict[str, tuple[int, int]] = {}  # of bursts and silences: how many, and the last bucket
        self.unmatched = 0

    def take(self, line: int, text: str) -> tuple[Plan, str, list[Sign]]:
        """Judge a line: its plan, its message, and the signs that are known now."""
        parts = self._parts(text)
        if parts is None:
            self.unmatched += 1
            message, stamp, field = text, None, None
        else:
            message, stamp, field = parts
        if stamp is not None:
            self.time = self.clock(stamp) or self.time
        plan, values = self.matcher(message)
        signs: list[Sign] = []
        name = plan.template.id if plan.template is not None else ""
        if self.rates is not None and self.time is not None:
            signs += map(self._stretch, self.rates.take(name, self.time, line, text))
        usual = self._usual.get(name)
        if usual is not None:
            self._compare(usual, plan, values, line, text, signs)
        if self._key is not None and self.sessions is not None:
            key = self._key(plan, values, field, text)
            if key is not None:
                self._session(key, self._codes.get(name, UNKNOWN), line, text, signs)
        return plan, message, signs

    def finish(self) -> list[Sign]:
        """The end of the log: sessions that may still go on are judged by their steps alone."""
        signs: list[Sign] = []
        if self.sessions is not None:
            running = self.sessions.ends.quiet < float("inf")
            for session in self.sessions.finish():
                self._over(session, signs, whole=not running)
        return signs

    def _compare(
        self,
        usual: Sequence[Usual | None],
        plan: Plan,
        values: Sequence[str],
        line: int,
        text: str,
        signs: list[Sign],
    ) -> None:
        for place, (slot, known) in enumerate(zip(plan.slots, usual, strict=False), 1):
            if known is None or slot == -1:
                continue
            reason = known.unusual(slot if isinstance(slot, str) else values[slot])
            if reason is not None:
                template = plan.template
                assert template is not None
                reason = f"unusual value {place} of {template.id}: {reason}"
                found = Sign(f"{template.id}.{place}", "value", line, text, reason, template.text, known.p, self.when())
                signs.append(found)

    def _session(self, key: str, code: int, line: int, text: str, signs: list[Sign]) -> None:
        assert self.sessions is not None
        session, over = self.sessions.take(key, code, line, self.time, text)
        for one in over:
            self._over(one, signs)
        judge = self._judge(key)
        past = session.past
        bits = judge.model.steps.surprise(past, code)
        session.past = (*past[1:], code)
        if bits > session.bits:
            session.bits, session.step = bits, len(session.codes) - 1
            session.line, session.text = line, text
            if bits > judge.surely and not session.told and code != UNKNOWN:
                session.told = True
                p = judge.step_p(bits)
                signs.append(self._sign(judge.at(past, code, bits, p), session, line, text))

    def _over(self, session: Session, signs: list[Sign], whole: bool = True) -> None:
        self.sessions_judged += 1
        self.sessions_in_alarm += session.told
        if session.told or not whole:
            return
        judge = self._judge(session.key)
        verdict = judge.whole(tuple(session.codes))
        if verdict is None:
            return
        self.sessions_in_alarm += 1
        if verdict.code == UNKNOWN:  # the message itself is a finding
            return
        at_end = verdict.code == END or verdict.kind == "count" or "x" in verdict.id
        line, text = (session.last, session.last_text) if at_end else (session.line, session.text)
        signs.append(self._sign(verdict, session, line, text))

    def _judge(self, key: str) -> Judge:
        return self._halves[half_of(key)]

    def _sign(self, verdict: Verdict, session: Session, line: int, text: str) -> Sign:
        name = self._halves[0].model.name_of(verdict.code)
        template = self._texts.get(name, "")
        return Sign(verdict.id, verdict.kind, line, text, verdict.reason, template, verdict.p, self.when(), session.key)

    def _stretch(self, stretch: Stretch) -> Sign:
        assert self.rates is not None
        width = self.rates.model.width
        name = f"{stretch.name}:{stretch.kind}"
        number, last = self._events.get(name, (0, -2))
        # A silence that goes on began before; where the clock was set back all is new.
        number += not stretch.bucket - stretch.buckets <= last <= stretch.bucket
        self._events[name] = number, stretch.bucket
        line = "line" if stretch.count == 1 else "lines"
        what = f"{line} in all" if stretch.name == WHOLE else f"{line} of {stretch.name}"
        usual = f"{stretch.mean:,.3g} usual"
        if stretch.kind == "burst":
            reason = f"{stretch.count:,} {what} in {width_words(width)}; {usual}, {stretch.bits:.0f} bits"
        else:
            length = width_words(stretch.buckets * width)
            how = "no" if not stretch.count else f"only {stretch.count:,}"
            reason = f"{how} {what} for {length} after line {stretch.line:,}; {usual}, {stretch.bits:.0f} bits"
        template = self._texts.get(stretch.name, "")
        time = self.when(stretch.bucket * width)
        lines = stretch.count if stretch.kind == "burst" else 0
        return Sign(
            name, stretch.kind, stretch.line, stretch.text, reason, template, stretch.p, time, "", lines, number
        )

    def when(self, seconds: float | None = None) -> str:
        """A time, that of the last line if none is given, as text; without a year where the log has none."""
        seconds = self.time if seconds is None else seconds
        if seconds is None:
            return ""
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return text[5:] if self.clock.yearless else text

    def state(self) -> dict[str, Any]:
        """All that is needed to go on, as plain JSON."""
        return {
            "time": self.time,
            "clock": [self.clock.year, self.clock.last, self.clock.yearless],
            "sessions": self.sessions.state() if self.sessions else None,
            "rates": self.rates.state() if self.rates else None,
            "events": {name: list(pair) for name, pair in self._events.items()},
            "judged": [self.sessions_judged, self.sessions_in_alarm, self.unmatched],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.time = state["time"]
        self.clock.year, self.clock.last, self.clock.yearless = state["clock"]
        if self.sessions and state["sessions"]:
            self.sessions.restore(state["sessions"])
        if self.rates and state["rates"]:
            self.rates.restore(state["rates"])
        self._events = {name: (number, last) for name, (number, last) in state["events"].items()}
        self.sessions_judged, self.sessions_in_alarm, self.unmatched = state["judged"]


def usual_places(model: LogModel, alone: bool = False) -> dict[str, list[Usual | None]]:
    """What is usual in each variable place of each template that has any, without those that were accepted."""
    found = {}
    for name, places in model.places.items():
        usual = [
            None if f"{name}.{number}" in model.accepted else place.usual(alone)
            for number, place in enumerate(places, 1)
        ]
        if any(one is not None for one in usual):
            found[name] = usual
    return found
