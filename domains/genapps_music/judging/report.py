"""The page of all music commands: a verdict with its figures, pieces to see and hear, broken rules, copied passages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from markupsafe import Markup

from genapps.report.charts import category_bars
from genapps.report.files import write_files
from genapps.report.measured import measured_lines
from genapps.report.page import Block, Facts, Figure, Figures, Page, Scores, Section, Table, Terms, legend, render
from genapps.report.text import clip, figure
from genapps_music.judging import showing
from genapps_music.judging.copying import WAYS, Copies, Notes, Passage
from genapps_music.judging.judging import SIDES, Judged, Looked, judge
from genapps_music.judging.likelihood import Judge, mean_per_quarter
from genapps_music.judging.rules import MEANINGS, RULES, Breach, Ranges
from genapps_music.judging.statistics import KINDS, LENGTHS, Traits, sum_of
from genapps_music.score import QUARTER, Score

if TYPE_CHECKING:
    from genapps_music.writing.picture import Shade

SHOWN = 6  # made pieces to see and hear
_ROOM = 1_400_000  # bytes of sound on a page
_PLACES = 300  # broken rules that are listed
_COPIES = 50
_HEADLINE = ("parallels", "chords", "coverage", "long_voices", "long_melody", "nats")
_DEGREES = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")
_TERMS = (
    ("Held-out real", "Real pieces that nothing was learnt from: no model needs to be better."),
    (
        "Independent notes",
        "As many voices, as long, pitch and length of each note drawn alone from the corpus: what a model has to beat.",
    ),
    ("Change", "A moment at which what sounds becomes something else; rules are counted in 100 of them."),
    *((RULES[rule], meaning) for rule, meaning in MEANINGS.items()),
    (
        "Not looked for",
        "Hidden fifths and octaves, doublings, unresolved dissonances; phrases and passing notes are not told apart.",
    ),
    ("Copied", "The same steps or chords with the same times between them, in any key, as in one reference piece."),
)


@dataclass(frozen=True)
class Item:
    """One piece on the page: pictures and sound are data URIs, `told` sentences, `places` where rules are broken."""

    name: str
    about: str
    roll: str
    sound: str = ""
    bars: Markup | str = ""
    told: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pieces:
    """Pieces below one another."""

    kind: ClassVar[str] = "pieces"
    items: tuple[Item, ...]


def write_page(
    path: str | Path,
    made: Sequence[Score],
    *,
    reference: Sequence[Score] = (),
    held_out: Sequence[Score] = (),
    surprise: Judge | None = None,
    title: str,
    subject: str = "music",
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    given: Sequence[Sequence[Shade]] = (),
    kept: Sequence[Notes] = (),
    ranges: Ranges | None = None,
    seed: int = 0,
) -> Judged:
    """Judge made pieces and write the page `path` (.html) and, beside it, its figures as JSON.

    reference: real pieces that the model learnt from; ranges, rates and copies are told beside them. held_out: real
    pieces that it did not learn from, the control of every figure. Without either there are rules and pictures alone.
    surprise: what the model says of pieces. title, subject: what stands on top, such as the file's name and "music
    composed". facts: names and values for the end of the page, such as the model, its family and the seed. notes:
    sentences that people must be told. given: of each made piece what was not drawn, shaded in its picture; kept:
    the notes of it, which are no copies. ranges: of the model's voices; else those of the reference. Raises as
    `genapps.report.files.check_report` does; call that before the work.
    """
    judged = judge(made, reference, held_out, surprise=surprise, given=kept, ranges=ranges, seed=seed)
    shades = [given[k] if k < len(given) else () for k in judged.numbers]
    write_judged(path, judged, title=title, subject=subject, facts=facts, notes=notes, given=shades)
    return judged


def write_judged(
    path: str | Path,
    judged: Judged,
    *,
    title: str,
    subject: str = "music",
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    given: Sequence[Sequence[Shade]] = (),
) -> None:
    """Write the page of what was judged already, and its figures beside it."""
    told = {"title": title, **judged.to_json(), "facts": dict(facts)}
    text = page_text(judged, title=title, subject=subject, facts=facts, notes=notes, given=given)
    write_files(path, text, json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n")


def page_text(
    judged: Judged,
    *,
    title: str,
    subject: str = "music",
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    given: Sequence[Sequence[Shade]] = (),
) -> str:
    """The page as HTML; pictures and sounds are in it."""
    scores = {one.key: one.score("made") for one in judged.measures}
    line = [f"{len(judged.made):,} made", f"{len(judged.real):,} held-out real", f"{len(judged.reference):,} reference"]
    page = Page(
        title=clip(title, 100),
        subject=subject,
        level=judged.finding.level,
        word=judged.finding.word,
        verdict=clip(judged.finding.text, 1000),
        facts=tuple(line),
        headline=tuple(scores[key] for key in _HEADLINE if key in scores)[:6],
        sections=tuple(_sections(judged, facts, [*notes, *judged.notes], given)),
        footer="Pictures and sounds are inside this file; it needs no network.",
    )
    return render(page, "music.html", "genapps_music.judging")


def lines(judged: Judged) -> Iterator[str]:
    """The verdict and the figures, for a terminal."""
    yield f"{judged.finding.word}. {judged.finding.text}"
    yield ""
    yield from measured_lines(judged.measures, "made")
    for copies in judged.copies:
        longest = max(range(len(copies.made)), key=lambda k: copies.made[k].notes)
        if copies.made[longest].notes:
            name = clip(judged.made[longest].score.name, 60)
            yield f"longest copy, {WAYS[copies.way]}: {name}, {_copied_words(judged, copies.made[longest])}"


def _sections(
    judged: Judged, facts: Sequence[tuple[str, str]], notes: Sequence[str], given: Sequence[Sequence[Shade]]
) -> Iterator[Section]:
    lead = "The first of them; below, where rules are broken." if len(judged.made) > 1 else ""
    yield Section("pieces", "To see and hear", lead, (_pieces(judged, given),))
    yield Section(
        "rules", "Voice leading", "In 100 changes of what sounds; a corpus has its own rates.", _rules(judged)
    )
    own = ("degrees", "intervals", "lengths", "chords", "traits", "precision", "coverage", "distinct", "near", "nats")
    scores = tuple(one.score("made") for one in judged.measures if one.key in own)
    charts = (_charts(judged),) if judged.real else ()
    blocks: tuple[Block, ...] = (*charts, _traits(judged), *((Scores("Figures", scores),) if scores else ()))
    lead = "Each beside held-out real pieces and notes drawn independently."
    yield Section("likeness", "What kind of music", lead, blocks)
    if judged.copies:
        lead = "The longest passage of each piece that is in a reference piece, the longest first."
        yield Section("copies", "Copied passages", lead, _copies(judged))
    told = [*facts, *(("Note", sentence) for sentence in notes)]
    about: list[Block] = [Facts(tuple((clip(name, 60), clip(value, 300)) for name, value in told))] if told else []
    yield Section("about", "About", "", (*about, Terms("Words", _TERMS)))


def _pieces(judged: Judged, given: Sequence[Sequence[Shade]]) -> Pieces:
    shown = judged.made[:SHOWN]
    real = judged.real[:1] if judged.real else ()
    count = len(shown) + len(real) + len(judged.given)
    seconds = showing.seconds_each(count, _ROOM)
    items = [_item(judged, k, seconds, given[k] if k < len(given) else (), count) for k in range(len(shown))]
    items += [_real(one, "given, not made: in no figure", seconds, count) for one in judged.given]
    items += [_real(one, "a held-out real piece, to compare", seconds, count) for one in real]
    return Pieces(tuple(items))


def _item(judged: Judged, k: int, seconds: float, given: Sequence[Shade], pieces: int) -> Item:
    one = judged.made[k]
    told = [
        f"Copied, {WAYS[copies.way]}: {_copied_words(judged, copies.made[k])}{_longer(copies)}"
        for copies in judged.copies
        if copies.made[k].notes and not copies.made[k].notes <= copies.limit
    ]
    bars: Markup | str = ""
    if k < len(judged.surprises.get("made", ())):
        surprise = judged.surprises["made"][k]
        if surprise.why:
            told.append(f"The model has no likelihood for it: {surprise.why}")
        else:
            bars = showing.bars(surprise.bars, _usual(judged), one.voices.first)
            told.append(f"{figure(surprise.per_quarter)} nats a quarter ({surprise.kind})")
    places = [one for one in one.checked.breaches if one.rule != "spacing"]
    words = [_place_words(breach) for breach in places[:12]]
    if len(places) > len(words):
        words.append(f"and {len(places) - len(words):,} more")
    picture, sound = showing.roll(one.score, given, pieces), showing.sound(one.score, seconds)
    return Item(one.score.name, _about(one), picture, sound, bars, tuple(told), tuple(words))


def _real(one: Looked, what: str, seconds: float, pieces: int) -> Item:
    return Item(
        one.score.name, f"{what}; {_about(one)}", showing.roll(one.score, (), pieces), showing.sound(one.score, seconds)
    )


def _about(one: Looked) -> str:
    count = sum(len(part.notes) for part in one.score.parts)
    voices = f"{len(one.voices.names)} voice{'s' if len(one.voices.names) != 1 else ''}"
    return f"{voices}, {count:,} notes, {one.score.end / QUARTER:g} quarters"


def _usual(judged: Judged) -> float:
    """Nats of a bar of real pieces, of the made ones where there are none."""
    side = judged.surprises.get("real") or judged.surprises["made"]
    bars = [nats for one in side for nats in one.bars]
    return float(np.mean(bars)) if bars else mean_per_quarter(side) or 0.0


def _place_words(breach: Breach) -> str:
    return (
        f"bar {breach.bar}, beat {breach.beat:g}: {RULES[breach.rule]}, {' and '.join(breach.voices)}, {breach.words}"
    )


def _copied_words(judged: Judged, passage: Passage) -> str:
    bars = f"bar {passage.bar}" if passage.bar == passage.last else f"bars {passage.bar} to {passage.last}"
    source = clip(judged.source(passage.source), 60)
    return (
        f"{passage.notes} in a row ({passage.quarters:g} quarter{'' if passage.quarters == 1 else 's'}, {bars}),"
        f" as {source} from bar {passage.source_bar}"
    )


def _longer(copies: Copies) -> str:
    return f"; 95 % of real pieces have {copies.limit:g} in a row at most" if copies.unseen else ""


def _rules(judged: Judged) -> tuple[Block, ...]:
    heads: dict[str, str] = {"made": "Made", "real": "Held-out real", "reference": "Reference", "floor": SIDES["floor"]}
    sides = [side for side in heads if side in judged.rates["parallels"]]
    rows = []
    for name, by in judged.rates.items():
        if name == "parallels":
            continue
        cells = (f"{by[side].value:.2f}{f' ({by[side].span})' if by[side].span else ''}" for side in sides)
        rows.append((RULES[name], f"{by['made'].breaches:,}", *cells))  # type: ignore[index]
    head = ("Rule", "places", *(heads[side] for side in sides))
    table = Table(
        "Places in 100 changes, with 95 % intervals over several pieces", head, tuple(rows), numbers=len(head) - 1
    )
    found = [(one.score.name, breach) for one in judged.made for breach in one.checked.breaches]
    told = tuple(
        (clip(name, 60), RULES[b.rule], " and ".join(clip(v, 30) for v in b.voices), str(b.bar), f"{b.beat:g}", b.words)
        for name, b in found[:_PLACES]
    )
    title = f"All {len(found):,} places" if len(found) <= _PLACES else f"The first {_PLACES} of {len(found):,} places"
    places = Table(title, ("Piece", "Rule", "Voices", "Bar", "Beat", "What"), told, folded=len(told) > 20)
    return (table, places) if told else (table,)


def _charts(judged: Judged) -> Figures:
    words = legend((("real", "held-out real pieces"), ("synthetic", "made pieces")))
    figures = []
    for kind, title in KINDS.items():
        made, real = (sum_of([one.histograms for one in side], kind) for side in (judged.made, judged.real))
        made, real = made / max(made.sum(), 1e-9), real / max(real.sum(), 1e-9)
        order = np.argsort(-real)[:7].tolist() if kind == "chords" else np.flatnonzero(made + real > 0.002).tolist()
        names = [_label(kind, k) for k in order]
        chart = category_bars(names, real[order].tolist(), made[order].tolist(), label=title, most=26)
        figures.append(Figure(title.capitalize(), chart, below=words))
    return Figures(tuple(figures))


def _label(kind: str, k: int) -> str:
    if kind == "degrees":
        return _DEGREES[k]
    if kind == "intervals":
        step = k - 13
        return f"{step:+d}" if abs(step) < 13 else f"{'+' if step > 0 else '-'}13 or more" if step else "0"
    if kind == "lengths":
        return f"{LENGTHS[k] / QUARTER:.3g} quarters"
    above = [degree for degree in range(12) if (k << 1 | 1) >> degree & 1]
    return "+".join(map(str, above))


def _traits(judged: Judged) -> Table:
    means = {side: np.array([one.traits.row() for one in judged.side(side)]) for side in SIDES if judged.side(side)}
    rows = []
    for k, name in enumerate(Traits.names()):
        cells = []
        for values in means.values():
            column = values[:, k][np.isfinite(values[:, k])]
            cells.append(f"{column.mean():.2f} ± {column.std():.2f}" if len(column) else "–")
        rows.append((name.replace("_", " "), *cells))
    head = ("Trait", *(SIDES[side] for side in means))
    return Table("Traits of pieces, mean and deviation", head, tuple(rows), numbers=len(head) - 1)


def _copies(judged: Judged) -> tuple[Block, ...]:
    tables = []
    for copies in judged.copies:
        lengths = [one.notes for one in copies.unseen]
        usual = f"real pieces: median {np.median(lengths):g}, longest {max(lengths)}" if lengths else ""
        order = sorted(range(len(copies.made)), key=lambda k: -copies.made[k].notes)[:_COPIES]
        rows = tuple(
            (
                clip(judged.made[k].score.name, 60),
                clip(judged.source(copies.made[k].source), 60),
                f"{copies.made[k].bar} to {copies.made[k].last}",
                str(copies.made[k].source_bar),
                f"{copies.made[k].quarters:g}",
                str(copies.made[k].notes),
            )
            for k in order
            if copies.made[k].notes
        )
        title = f"{WAYS[copies.way].capitalize()}{f' ({usual})' if usual else ''}"
        head = ("Piece", "Found in", "Bars", "there from", "Quarters", "In a row")
        tables.append(Table(title, head, rows, numbers=4, folded=len(rows) > 12))
    return tuple(tables)
