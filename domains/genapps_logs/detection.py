"""What in a log is unlike the normal one: messages that never came before, and messages that hardly ever come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_logs.miner import Miner, MinerSettings, Template
from genapps_logs.model import EXAMPLE, TemplateModel, number
from genapps_logs.tasks import Progress, dropped_notes, read_log, templates

RARE = 2
ENOUGH = 200  # lines below which rarity says nothing
ALONE = "no normal log was given, so only what is rare in this one can be told; --train FILE says what is normal"


@dataclass(frozen=True)
class Finding:
    """One template that is unlike the normal log.

    `kind` is new or rare, `count` how many lines are of it, `lines` the numbers of the first few, `text` the first one.
    """

    id: str
    kind: str
    count: int
    lines: tuple[int, ...]
    text: str
    template: str
    reason: str


@dataclass(frozen=True)
class Detected:
    """The findings in a log, in the order of their first lines.

    `expected_new_lines` is how many of as many normal lines would have been of new templates, None where no normal log
    is known.
    """

    log: str
    format: str
    lines: int
    normal_lines: int
    findings: tuple[Finding, ...]
    expected_new_lines: float | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "log": self.log,
            "format": self.format,
            "lines": self.lines,
            "normal_lines": self.normal_lines,
            "expected_new_lines": self.expected_new_lines,
            "notes": list(self.notes),
            "findings": [{**vars(finding), "lines": list(finding.lines)} for finding in self.findings],
        }


def detect(
    log: str | Path,
    *,
    train: str | Path | None = None,
    model: str | Path | None = None,
    accept: Collection[str] = (),
    rare: int = RARE,
    format: str | None = None,
    progress: Progress | None = None,
) -> Detected:
    """What in a log is new or rare beside a normal one: the log `train`, or the templates saved in `model`.

    A template is new if no normal line is of it, rare if at most `rare` are. Without a normal log the log is compared
    with itself: only what is rare in it can be told. `accept` names findings that are normal; the model's file
    remembers them. How many normal lines would be of new templates is estimated from the templates that came once
    (I. J. Good, The population frequencies of species, Biometrika 40, 1953).

    Raises UsageError for both a log and a model to compare with, for `accept` without a model, and for a name that no
    template has; else as `tasks.templates` does.
    """
    if train is not None and model is not None:
        raise UsageError("a normal log and a model of one cannot both be given; leave out one of them")
    if accept and model is None:
        raise UsageError("what is accepted has to be remembered; give the model that remembers it")
    normal = _normal(train, model, format)
    known, fresh = Miner(), Miner()
    known.add(normal.templates)

    def compare(message: str, line: int, text: str) -> None:
        template = known.match(message)
        if template is None:
            fresh.learn(message, line, text)
        else:
            template.take(line, text)

    read = read_log(log, compare if normal.templates else fresh.learn, format, normal.format or None, progress)
    fresh.settle()
    new = fresh.templates()
    number([*normal.templates, *new])
    accepted = _accepted([*normal.templates, *new], normal, accept)
    if model is not None and accept:
        # The lines of this log do not count as normal ones; the templates that were accepted do.
        kept = (*normal.templates, *(template for template in new if template.id in accepted))
        bare = tuple(Template(t.tokens, t.id, t.before, t.example) for t in kept)
        replace(normal, templates=bare, accepted=accepted).save(model)
    judge = _Judge(normal.lines, read.lines, rare)
    findings = [
        *(judge.known(template) for template in normal.templates if template.id not in accepted),
        *(judge.new(template) for template in new if template.id not in accepted),
    ]
    once = sum(template.before == 1 for template in normal.templates)
    return Detected(
        log=read.log,
        format=read.format,
        lines=read.lines,
        normal_lines=normal.lines,
        findings=tuple(sorted((f for f in findings if f is not None), key=lambda finding: finding.lines)),
        expected_new_lines=read.lines * once / normal.lines if normal.lines else None,
        notes=(*read.notes, *dropped_notes(fresh), *(() if normal.lines else (ALONE,))),
    )


def _normal(train: str | Path | None, model: str | Path | None, format: str | None) -> TemplateModel:
    """The templates of normal lines, counted as before this log; of none where there is no normal log."""
    if model is not None:
        return TemplateModel.load(model)
    if train is None:
        return TemplateModel("", (), MinerSettings(), 0)
    learnt = templates(train, format=format).model
    return replace(learnt, templates=tuple(Template(t.tokens, t.id, t.count, t.example) for t in learnt.templates))


@dataclass(frozen=True)
class _Judge:
    """Says what is a finding, given how many normal lines there are, how many in the log, and what is rare."""

    normal_lines: int
    lines: int
    rare: int

    def known(self, template: Template) -> Finding | None:
        """The finding that a template of the normal log is."""
        if not template.count or template.before > self.rare or self.normal_lines < ENOUGH:
            return None
        return _finding(template, "rare", f"{_lines(template.before)} among {self.normal_lines:,} normal ones")

    def new(self, template: Template) -> Finding | None:
        """The finding that a template is of which there is no normal line; without a normal log, if it is rare."""
        if self.normal_lines:
            return _finding(template, "new", f"no line like this among {self.normal_lines:,} normal ones")
        if template.count > self.rare or self.lines < ENOUGH:
            return None
        return _finding(template, "rare", f"{_lines(template.count)} among {self.lines:,} of this log")


def _finding(template: Template, kind: str, reason: str) -> Finding:
    text = template.example[:EXAMPLE]
    return Finding(template.id, kind, template.count, tuple(template.lines), text, template.text, reason)


def _lines(count: int) -> str:
    return f"{count:,} such {'line' if count == 1 else 'lines'}"


def _accepted(known: Iterable[Template], normal: TemplateModel, accept: Collection[str]) -> frozenset[str]:
    names = [template.id for template in known]
    for name in accept:
        if name not in names:
            raise UsageError(f"no template {name!r} in this log or the model.{did_you_mean(name, names)}")
    return normal.accepted | frozenset(accept)
