"""The figures as lines for a terminal, and as one page with pictures and players."""

from __future__ import annotations

import json
from collections.abc import Iterator

from markupsafe import Markup

from genapps.report.files import write_files
from genapps.report.measured import measured_lines
from genapps.report.page import Block, Facts, Figure, Figures, Page, Score, Scores, Section, Table, Terms, render
from genapps.report.text import clip, figure, percent
from genapps_audio.evaluation.tasks import Evaluated
from genapps_audio.players import heard
from genapps_audio.reading.clips import Clips
from genapps_audio.records import Clip

_SHOWN = 12  # clips of a side
_PAIRS = 6
_LONGEST = 12.0  # seconds of one of them
_TERMS = (
    ("Held-out real", "Real clips that were put aside: what no model can be better than with as many clips."),
    ("Noise", "Steady noise with the mean spectrum of each class: what any model has to beat."),
    ("Shuffled frames", "Real clips whose moments stand in any order: the right sounds, at the wrong time."),
    ("train on made, test on real", "A classifier learns from made clips alone and names held-out real ones."),
    ("FD", "Fréchet distance of features; its name says which, and only equal names and numbers of clips compare."),
    ("precision, density", "Do made clips lie where real ones are? Low: they sound wrong."),
    ("recall, coverage", "Are real clips reached by made ones? Low: kinds of clips are missing."),
    (
        "near copies",
        "Made clips nearer to a learnt clip than 99 in 100 unseen real clips come, shifted a little or not.",
    ),
)


def lines(found: Evaluated) -> Iterator[str]:
    """The verdict and the figures."""
    judged = found.judged
    yield f"{judged.finding.word}. {judged.finding.text}"
    yield ""
    yield from measured_lines(judged.measures, "made")
    for name in ("made", "real"):
        one = judged.levels[name]
        yield (
            f"{name:<5} {one.loudness:.1f} dB ({one.low:.1f} to {one.high:.1f}), {percent(one.clipped)} clipped, "
            f"{percent(one.silent)} silent, of {one.n:,} clips"
        )
    yield (
        f"{judged.n:,} clips of each kind beside {len(found.sides.reference):,} real ones; "
        f"copies looked for among {len(found.sides.all_learnt):,} learnt clips"
    )


def write_page(path: str, found: Evaluated) -> None:
    """Write the page, and its figures beside it as JSON."""
    write_files(path, page_text(found), json.dumps(found.to_json(), ensure_ascii=False, indent=1, default=str) + "\n")


def page_text(found: Evaluated) -> str:
    """The page as HTML; pictures and sounds are in it."""
    judged = found.judged
    scores = {measure.key: measure.score("made") for measure in judged.measures}
    head = tuple(scores[key] for key in ("tstr", "fd_mel", "precision", "coverage", "copies") if key in scores)
    return render(
        Page(
            title=clip(found.made.where, 100),
            subject="sounds evaluated",
            level=judged.finding.level,
            word=judged.finding.word,
            verdict=judged.finding.text,
            facts=(f"{judged.n:,} clips of each kind", f"{found.sides.codec.rate:,} Hz"),
            headline=head,
            sections=tuple(_sections(found, tuple(scores.values()))),
            footer="Pictures and sounds are inside this file; it needs no network.",
        )
    )


def _sections(found: Evaluated, scores: tuple[Score, ...]) -> Iterator[Section]:
    made, real = found.sides.made.names[:_SHOWN], found.sides.held_out.names[:_SHOWN]
    yield Section("made", "Made clips", "Drawn at random, not chosen.", (_sounds(found.made, made),))
    yield Section("real", "Real clips", "Drawn at random, not chosen.", (_sounds(found.real, real),))
    blocks: list[Block] = [Scores("Figures", scores)]
    if found.judged.classes:
        rows = tuple((clip(c.name, 60), percent(c.made), percent(c.real), f"{c.z:+.1f}") for c in found.judged.classes)
        blocks.append(Table("By class", ("class", "share made", "share real", "z"), rows, numbers=3))
    yield Section("figures", "Figures", "Each beside held-out real clips and trivial baselines.", tuple(blocks))
    lead = f"{percent(found.judged.copied.share)} of the made clips are near copies; 1 % of unseen real ones are."
    yield Section("copies", "Nearest learnt clips", lead, (_nearest(found),))
    facts = [("Real", found.real.where), ("Made", found.made.where), ("Skipped", f"{len(found.skipped):,} files")]
    facts += [(f"FD-{name}", told) for name, told in found.judged.features.items()]
    facts += [("Note", sentence) for sentence in (*found.notes, *found.judged.notes)]
    told = Facts(tuple((name, clip(value, 300)) for name, value in facts))
    yield Section("about", "About", "", (told, Terms("Words", _TERMS)))


def _sounds(clips: Clips, names: list[str]) -> Figures:
    """Those of these names that the source has; held-out clips may be another's."""
    number = {name: k for k, name in enumerate(clips.names)}
    figures = []
    for name in names:
        one = clips.one(number[name]) if name in number else None
        if isinstance(one, Clip):
            figures.append(Figure(clip(name, 60), _heard(one), below=f"{one.seconds:.2f} s"))
    return Figures(tuple(figures))


def _nearest(found: Evaluated) -> Figures:
    """The made clips that come nearest to a learnt one, each beside it."""
    figures = []
    numbers = [{name: k for k, name in enumerate(one.names)} for one in (found.made, found.real)]
    for pair in found.nearest(_PAIRS):
        made, learnt = found.made.one(numbers[0][pair.made]), found.real.one(numbers[1][pair.learnt])
        if isinstance(made, Clip) and isinstance(learnt, Clip):
            below = f"nearness {figure(pair.nearness)}"
            figures.append(Figure(clip(pair.made, 60), _heard(made), "near copy" if pair.is_copy else "", below=below))
            figures.append(Figure(clip(pair.learnt, 60), _heard(learnt), "learnt"))
    return Figures(tuple(figures))


def _heard(one: Clip) -> Markup:
    return heard(one.mono[: round(_LONGEST * one.rate)], one.rate, clip(one.name, 60))
