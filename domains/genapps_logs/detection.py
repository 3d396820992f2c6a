"""What in a log is unlike the normal one: messages, their order, how often they come, and the values in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genapps.errors import UsageError
from genapps.report.text import clip
from genapps.wording import counted
from genapps_logs.findings import Book, Finding, Sign, is_accepted
from genapps_logs.formats import LineFormat
from genapps_logs.judging import RATE, STRETCH_RATE, LogJudge
from genapps_logs.learning import Asked, Learnt, learn, readable_twice
from genapps_logs.learnt import LogModel
from genapps_logs.miner import Miner, Template
from genapps_logs.model import EXAMPLE
from genapps_logs.names import checked, name_of_new, templates_in
from genapps_logs.rates import Tally
from genapps_logs.sequences import promise_of
from genapps_logs.tasks import Progress, dropped_notes, read_log

RARE = 2
ENOUGH = 200  # lines below which rarity says nothing
ONLY_TEMPLATES = (
    "the model knows templates only; what `genapps logs fit` saves knows their order, rates and values, too"
)
ALONE = "no normal log was given, so only what is rare in this one can be told; --train FILE says what is normal"


@dataclass(frozen=True)
class Options:
    """How a log is judged.

    rare: so few normal lines make a template rare. rate: share of normal sessions, and of normal stretches of time,
    that may raise an alarm; None
    is 1 % and 0.1 %.
    """

    rare: int = RARE
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate <= 0.5:
            raise UsageError(f"a false-alarm rate lies above 0 and is at most 0.5, not {self.rate:g}")


@dataclass(frozen=True)
class Detected:
    """The findings in a log, in the order of their first lines.

    `expected_new_lines` is how many of as many normal lines would have been of new templates, None where no normal log
    is known. `sessions` were judged, of which `sessions_in_alarm` are strange. `promises` say what was asked and what
    was kept on normal data. `timeline` holds (start, lines) of stretches of `width` seconds, where it was asked for.
    """

    log: str
    format: str
    lines: int
    normal_lines: int
    findings: tuple[Finding, ...]
    expected_new_lines: float | None
    notes: tuple[str, ...]
    sessions: int = 0
    sessions_in_alarm: int = 0
    grouping: str = ""
    promises: tuple[str, ...] = ()
    timeline: tuple[tuple[float, int], ...] = ()
    width: int = 0

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        names = ("log", "format", "lines", "normal_lines", "expected_new_lines", "sessions", "sessions_in_alarm")
        return {
            **{name: getattr(self, name) for name in names},
            "grouping": self.grouping,
            "promises": list(self.promises),
            "notes": list(self.notes),
            "findings": [to_json(finding) for finding in self.findings],
        }


def detect(
    log: str | Path,
    *,
    train: str | Path | None = None,
    model: str | Path | None = None,
    accept: Collection[str] = (),
    rare: int = RARE,
    false_alarm_rate: float | None = None,
    format: str | None = None,
    session: str | None = None,
    group_by: str | None = None,
    window: float | None = None,
    family: str = "auto",
    events: Callable[[Sign], object] | None = None,
    timeline: bool = False,
    progress: Progress | None = None,
) -> Detected:
    """What in a log is unlike a normal one: the log `train`, or what is saved in `model`.

    Found are templates that are new or rare, sessions whose steps are unusual or missing, bursts and silences, and
    unusual values. A template is new if no normal line is of it, rare if at most `rare` are. Without a normal log the
    log is compared with itself: only what is rare in it can be told. `accept` names findings that are normal; the
    model's file remembers them. How many normal lines would be of new templates is estimated from the templates that
    came once (I. J. Good, The population frequencies of species, Biometrika 40, 1953).

    session: a field, a regular expression, `none`, or None to find the identifier. group_by: host, process or a field.
    window: seconds. family: what scores sequences (`sequences.members_of`). events: is handed every sign. timeline:
    whether lines are counted over time.

    Raises UsageError for both a log and a model to compare with, for `accept` without a model, and for a name that no
    template and no finding has; else as `tasks.templates` and `learning.learn` do.
    """
    if train is not None and model is not None:
        raise UsageError("a normal log and a model of one cannot both be given; leave out one of them")
    if accept and model is None:
        raise UsageError("what is accepted has to be remembered; give the model that remembers it")
    options = Options(rare, false_alarm_rate)
    asked = Asked(format, session, group_by, window, family)
    if model is not None:
        asked.check_beside_model()
        known = Learnt(LogModel.load(model), 0, ())
        if not known.model.whole:
            known = replace(known, notes=(ONLY_TEMPLATES,))
        found = _compare(log, str(log), known, options, asked, accept, events, timeline, progress)
        if accept:
            found.model.save(model)
            return replace(found.detected, notes=(*found.detected.notes, _accepted(known.model, found.model, model)))
        return found.detected
    with readable_twice(log if train is None else train) as (path, called):
        learnt = learn(path, asked, alone=train is None, called=called, progress=progress)
        if train is not None:
            learnt = replace(learnt, notes=tuple(f"{called}: {note}" for note in learnt.notes))
        place, name = (path, called) if train is None else (log, str(log))
        return _compare(place, name, learnt, options, asked, accept, events, timeline, progress).detected


def _accepted(before: LogModel, now: LogModel, file: str | Path) -> str:
    """A sentence on what the model's file remembers from now on, in the words of the templates."""
    texts = {template.id: template.text for template in now.templates.templates}

    def said(name: str) -> str:
        return " ".join([name, *(f"“{clip(texts[one])}”" for one in templates_in(name) if one in texts)])

    names = ", ".join(map(said, sorted(now.accepted - before.accepted)))
    return f"accepted: {names}; written to {file}" if names else f"{file} had accepted all of it before"


@dataclass(frozen=True)
class _Compared:
    """What was found, and the model with what was accepted."""

    detected: Detected
    model: LogModel


def _compare(
    log: str | Path,
    called: str,
    learnt: Learnt,
    options: Options,
    asked: Asked,
    accept: Collection[str],
    events: Callable[[Sign], object] | None,
    timeline: bool,
    progress: Progress | None,
) -> _Compared:
    """Judge every line, and gather what was found."""
    model, alone = learnt.model, learnt.alone
    known = model.templates
    fresh, book, tally = Miner(name=name_of_new), Book(model.accepted), Tally()
    judges: list[LogJudge] = []
    began: dict[int, str] = {}  # when the first line of each template was written

    def compare(_: str, line: int, text: str) -> None:
        judge = judges[0]
        plan, message, signs = judge.take(line, text)
        template = plan.template
        if template is None:
            template = fresh.learn(message, line, text)
        else:
            template.take(line, text)
        if template.count == 1:
            began[line] = judge.when()
        if timeline and judge.time is not None:
            tally.add("", judge.time)
        for sign in signs:
            if book.take(sign) is not None and events is not None:
                events(sign)

    def begin(form: LineFormat) -> None:
        judges.append(LogJudge(model, form, options.rate, learnt.halves, alone))

    name = None if called == "-" else called
    read = read_log(log, compare, asked.format, known.format or None, progress, name, begin)
    (judge,) = judges
    for sign in judge.finish():
        if book.take(sign) is not None and events is not None:
            events(sign)
    fresh.settle()
    new = fresh.templates()
    gathered = list(book.findings())
    learnt_names = [template.id for template in known.templates]
    found_names = [*(template.id for template in new), *(finding.id for finding in gathered)]
    accepted = model.accepted | checked(accept, learnt_names, found_names, "this log or the model")
    # The lines of this log do not count as normal ones; the templates that were accepted do.
    kept = (*known.templates, *(template for template in new if template.id in accepted))
    bare = tuple(Template(t.tokens, t.id, t.before, t.example) for t in kept)
    normal_lines = 0 if alone else known.lines
    judged = _Judge(normal_lines, read.lines, options.rare, began)
    findings = [
        *(judged.known(template) for template in known.templates if template.id not in accepted),
        *(judged.new(template) for template in new if template.id not in accepted),
        *(finding for finding in gathered if not is_accepted(finding.id, accepted)),
    ]
    for finding in findings:  # of templates they are told at the end, when these have their names
        if finding is not None and finding.kind in ("new", "rare") and events is not None:
            events(_sign_of(finding))
    once = sum(template.before == 1 for template in known.templates)
    notes = (
        *dict.fromkeys((*read.notes, *learnt.notes)),
        *dropped_notes(fresh),
        *_more_notes(judge, book, model, alone),
    )
    detected = Detected(
        log=read.log,
        format=read.format,
        lines=read.lines,
        normal_lines=normal_lines,
        findings=tuple(sorted((f for f in findings if f is not None), key=lambda finding: (finding.lines, finding.id))),
        expected_new_lines=read.lines * once / normal_lines if normal_lines else None,
        notes=tuple(notes) if normal_lines else (*notes, ALONE),
        sessions=judge.sessions_judged,
        sessions_in_alarm=judge.sessions_in_alarm,
        grouping=model.sequences.grouping.words if model.sequences else "",
        promises=() if alone else tuple(_promises(model, options.rate)),
        timeline=tuple((bucket * float(tally.width), n) for bucket, n in sorted(tally.counts.get("", {}).items())),
        width=tally.width,
    )
    return _Compared(detected, model.accepting(accepted, replace(known, templates=bare, accepted=accepted)))


def _sign_of(finding: Finding) -> Sign:
    """A finding that is a template, as one sign for all of its lines."""
    line = finding.lines[0]
    told = finding.id, finding.kind, line, finding.text, finding.reason
    return Sign(*told, template=finding.template, p=finding.p_value, time=finding.time, lines=finding.count)


def to_json(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON."""
    return {**vars(finding), "lines": list(finding.lines), "sessions": list(finding.sessions)}


def _promises(model: LogModel, rate: float | None) -> Iterator[str]:
    if model.sequences is not None:
        promise = promise_of(model.sequences.held, rate or RATE)
        yield f"sessions by {model.sequences.grouping.words}: {promise.sentence()}"
    if model.rates is not None:
        yield f"rates: {model.rates.sentence(rate or STRETCH_RATE)}"


def _more_notes(judge: LogJudge, book: Book, model: LogModel, alone: bool) -> Iterator[str]:
    if judge.rates and not alone:  # else it was said when the log was learnt
        yield from judge.rates.order.notes()
    if book.left_out:
        yield f"{counted(book.left_out, 'sign')} left out of further findings: there are more than {book.most:,}"
    if model.rates is not None and judge.time is None:
        yield "the lines have no time stamps, so their rates are not judged"


@dataclass(frozen=True)
class _Judge:
    """Says what is a finding, given how many normal lines there are, how many in the log, and what is rare."""

    normal_lines: int
    lines: int
    rare: int
    began: Mapping[int, str]

    def known(self, template: Template) -> Finding | None:
        """The finding that a template of the normal log is."""
        if not template.count:
            return None
        if not self.normal_lines:
            return self.new(template)
        if template.before > self.rare or self.normal_lines < ENOUGH:
            return None
        return self._finding(
            template, "rare", f"{counted(template.before, 'such line')} among {self.normal_lines:,} normal ones"
        )

    def new(self, template: Template) -> Finding | None:
        """The finding that a template is of which there is no normal line; without a normal log, if it is rare."""
        if self.normal_lines:
            return self._finding(template, "new", f"no line like this among {self.normal_lines:,} normal ones")
        if template.count > self.rare or self.lines < ENOUGH:
            return None
        return self._finding(
            template, "rare", f"{counted(template.count, 'such line')} among {self.lines:,} of this log"
        )

    def _finding(self, template: Template, kind: str, reason: str) -> Finding:
        lines, text = tuple(template.lines), template.example[:EXAMPLE]
        when = self.began.get(template.first, "")
        return Finding(template.id, kind, template.count, lines, text, template.text, reason, time=when)
