"""What a person asks of a log, as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from genapps.wording import counted
from genapps_logs.formats import LineFormat, format_named, recognize_format
from genapps_logs.miner import Miner, MinerSettings, Template
from genapps_logs.model import EXAMPLE, TemplateModel, number
from genapps_logs.reading import SAMPLE_LINES, LogReader

Progress = Callable[[int, int], None]  # stored bytes read, of how many
Learn = Callable[[str, int, str], object]  # a message, its line's number, its line
_EVERY = 4096  # lines between two words on progress
_SAMPLE_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Row:
    """One template and the lines it stands for; `is_new` where a saved model did not know it."""

    id: str
    count: int
    share: float
    template: str
    first_line: int
    last_line: int
    example: str
    is_new: bool


@dataclass(frozen=True)
class Mined:
    """The templates of a log, the most frequent first, and how it was read."""

    log: str
    format: str
    lines: int
    unmatched: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    model: TemplateModel
    knew: bool = False  # whether a saved model was brought

    @property
    def new(self) -> int:
        """How many templates the saved model did not know."""
        return sum(row.is_new for row in self.rows)


def templates(
    log: str | Path,
    *,
    format: str | None = None,
    model: TemplateModel | str | Path | None = None,
    save: str | Path | None = None,
    max_templates: int | None = None,
    progress: Progress | None = None,
    called: str | None = None,
) -> Mined:
    """The templates of a log: a file, a `.gz` file, or "-" for standard input; memory does not grow with its size.

    `format` names the lines' form (`formats.NAMES`), which is recognized otherwise. `model` is a saved set of templates
    that lines are counted under; what it does not know is learnt on top. `save` keeps the result for the next log.
    `called` is what messages call the log.

    Raises UsageError for an unknown format or a missing file, InputError for a log that is empty or no text.
    """
    known = TemplateModel.load(model) if isinstance(model, str | Path) else model
    miner = Miner(_settings(known, max_templates))
    if known:
        miner.add(known.templates)
    read = read_log(log, miner.learn, format, known.format if known else None, progress, called)
    miner.settle()
    found = miner.templates()
    number(found)
    model_of = TemplateModel(
        read.format,
        tuple(found),
        miner.settings,
        read.lines + (known.lines if known else 0),
        known.accepted if known else frozenset(),
    )
    if save is not None:
        model_of.save(save)
    before = frozenset(t.id for t in known.templates) if known else None
    return Mined(
        log=read.log,
        format=read.format,
        lines=read.lines,
        unmatched=read.unmatched,
        rows=_rows(found, read.lines, before),
        notes=(*read.notes, *dropped_notes(miner)),
        model=model_of,
        knew=known is not None,
    )


@dataclass(frozen=True)
class ReadLog:
    """How a log was read: its name, the form of its lines, how many there are and how many have another form."""

    log: str
    format: str
    lines: int
    unmatched: int
    notes: tuple[str, ...]


def read_log(
    log: str | Path,
    learn: Learn,
    name: str | None,
    usual: str | None,
    progress: Progress | None = None,
    called: str | None = None,
    begin: Callable[[LineFormat], object] | None = None,
) -> ReadLog:
    """Hand every line's message to `learn`, with the line's number and text; the form to `begin` before.

    The form is the one of that `name`, else the `usual` one, else recognized. Raises as `templates` does.
    """
    with LogReader(log, called) as reader:
        lines = reader.lines()
        sample = _sample(lines)
        form = _form([text for _, text in sample], name or usual)
        if begin is not None:
            begin(form)
        number_of, unmatched = _learn(learn, form, chain(sample, lines), reader, progress)
        notes = (*reader.oddities.notes(), *_format_notes(form, number_of, unmatched))
    return ReadLog(reader.name, form.name, number_of, unmatched, notes)


def _settings(known: TemplateModel | None, max_templates: int | None) -> MinerSettings:
    settings = known.settings if known else MinerSettings()
    return MinerSettings(max_templates, settings.evidence) if max_templates else settings


def _sample(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    """The first lines, by which the format is recognized."""
    taken, size = [], 0
    for item in islice(lines, SAMPLE_LINES):
        taken.append(item)
        size += len(item[1])
        if size > _SAMPLE_CHARACTERS:
            break
    return taken


def _form(sample: list[str], name: str | None) -> LineFormat:
    return recognize_format(sample) if name is None else format_named(name, sample)


def _learn(
    learn: Learn, form: LineFormat, lines: Iterator[tuple[int, str]], reader: LogReader, progress: Progress | None
) -> tuple[int, int]:
    """Take every line; returns how many there were, and how many were not of the format."""
    message_of = form.message
    taken = unmatched = 0
    for line, text in lines:
        message = message_of(text)
        if message is None:
            unmatched += 1
            message = text
        learn(message, line, text)
        taken += 1
        if progress and not taken % _EVERY:
            progress(reader.position, reader.size)
    return taken, unmatched


def _rows(found: list[Template], lines: int, before: frozenset[str] | None) -> tuple[Row, ...]:
    """The templates that lines were found for, the most frequent first."""
    seen = sorted((t for t in found if t.count), key=lambda t: (-t.count, t.first))
    return tuple(
        Row(
            t.id,
            t.count,
            t.count / lines,
            t.text,
            t.first,
            t.last,
            t.example[:EXAMPLE],
            before is not None and t.id not in before,
        )
        for t in seen
    )


def dropped_notes(miner: Miner) -> Iterator[str]:
    """What is to be said where templates had to be dropped."""
    if miner.dropped:
        yield (
            f"more than {miner.settings.max_templates:,} templates: those not seen for longest were dropped, with "
            f"{counted(miner.dropped, 'line')}; --max-templates keeps more"
        )


def _format_notes(form: LineFormat, lines: int, unmatched: int) -> Iterator[str]:
    if unmatched:
        share = f"{unmatched / lines:.1%}".replace("%", " %")
        others = f"{unmatched:,} of {counted(lines, 'line')} ({share})"
        yield f"{others} {'is' if unmatched == 1 else 'are'} not of the format {form.name}, taken whole"
