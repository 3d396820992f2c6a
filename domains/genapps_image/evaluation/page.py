"""The figures as lines for a terminal, and as one page with pictures."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from torch import Tensor

from genapps.report.files import write_files
from genapps.report.measured import measured_lines
from genapps.report.page import Block, Facts, Figure, Figures, Page, Score, Scores, Section, Table, Terms, render
from genapps.report.text import clip, figure, percent
from genapps_image.codec import image_of, to_channels
from genapps_image.evaluation.inception_score import SPLITS
from genapps_image.evaluation.tasks import Evaluated
from genapps_image.records import Bytes, Picture
from genapps_image.writing import encoded, sheet

_SHOWN = 30  # images on a sheet
_COLUMNS = 10
_PAIRS = 12
_LARGEST = 64  # pixels of an image on the page
_WIDE = 320  # pixels that a sheet of small images is enlarged to
_TERMS = (
    ("Held-out real", "Real images that were put aside: what no model can be better than with as many images."),
    ("Gaussian pixels", "Every pixel drawn by itself from its own normal distribution: what any model has to beat."),
    (
        "FD, KD",
        "Fréchet and kernel distance of features; their names say which features, and only equal names compare.",
    ),
    ("precision, density", "Do made images lie where real ones are? Low: they look wrong."),
    ("recall, coverage", "Are real images reached by made ones? Low: kinds of images are missing."),
    ("bins that differ", "Cells of real images of which too many or too few were made."),
    ("near copies", "Made images nearer to a training image than 99 in 100 unseen real images come."),
)
_INCEPTION = ("FID, KID, IS", "Those distances of Inception's features, and its score, by the weights that were given.")


def lines(found: Evaluated) -> Iterator[str]:
    """The verdict and the figures."""
    judged = found.judged
    yield f"{judged.finding.word}. {judged.finding.text}"
    yield ""
    yield from measured_lines(judged.measures, "made")
    spans = judged.intervals
    yield f"{judged.distances[1]} x 1000, 95 %: made {spans['made'].low:.1f} to {spans['made'].high:.1f}, " + (
        f"held-out {spans['real'].low:.1f} to {spans['real'].high:.1f}; below 0 means about 0"
    )
    if judged.scores:
        made, real = judged.scores["made"], judged.scores["real"]
        yield (
            f"IS, mean and deviation over {SPLITS} parts: made {made.mean:.2f} ± {made.deviation:.2f}, "
            f"held-out {real.mean:.2f} ± {real.deviation:.2f}"
        )
    yield (
        f"{judged.n:,} images of each kind beside {len(found.sides.reference):,} real ones; "
        f"{len(found.search.made):,} made ones looked for among {len(found.search.training):,} training images"
    )


def write_page(path: str, found: Evaluated) -> None:
    """Write the page, and its figures beside it as JSON."""
    write_files(path, page_text(found), json.dumps(found.to_json(), ensure_ascii=False, indent=1, default=str) + "\n")


def page_text(found: Evaluated) -> str:
    """The page as HTML; pictures are in it."""
    judged = found.judged
    scores = {measure.key: measure.score("made") for measure in judged.measures}
    head = tuple(scores[key] for key in ("fd", "precision", "coverage", "copies"))
    page = Page(
        title=clip(found.made.where, 100),
        subject="images evaluated",
        level=judged.finding.level,
        word=judged.finding.word,
        verdict=judged.finding.text,
        facts=(f"{judged.n:,} images of each kind", f"features {judged.extractor}",
               f"{found.codec.height} x {found.codec.width} pixels"),
        headline=head,
        sections=tuple(_sections(found, tuple(scores.values()))),
        footer="Pictures are inside this file; it needs no network.",
    )  # fmt: skip
    return render(page)


def _sections(found: Evaluated, scores: tuple[Score, ...]) -> Iterator[Section]:
    yield Section("pictures", "Pictures", "Drawn at random, not chosen.", (_sheets(found),))
    blocks: list[Block] = [Scores("Figures", scores)]
    if found.judged.classes:
        rows = tuple(
            (clip(c.name, 60), f"{c.n:,}", *map(percent, (c.made, c.held_out, c.covered, c.covered_held_out)))
            for c in found.judged.classes
        )
        head = ("class", "real images", "share made", "held-out", "coverage made", "held-out")
        blocks.append(Table("By class, as the nearest real images vote", head, rows, numbers=5))
    yield Section("figures", "Figures", "Each beside held-out real images and a trivial baseline.", tuple(blocks))
    lead = f"{percent(found.judged.copied.share)} of the made images are near copies; 1 % of unseen real ones are."
    yield Section("copies", "Nearest training images", lead, (_nearest(found),))
    facts = [("Real", found.real.where), ("Made", found.made.where), ("Skipped", f"{len(found.skipped):,} files")]
    facts += [("Note", sentence) for sentence in (*found.notes, *found.judged.notes)]
    told = Facts(tuple((name, clip(value, 300)) for name, value in facts))
    words = (*_TERMS, _INCEPTION) if found.judged.scores else _TERMS
    yield Section("about", "About", "", (told, Terms("Words", words)))


def _sheets(found: Evaluated) -> Figures:
    sides, rows = found.sides, []
    for name, images in (
        ("Made", sides.made),
        ("Held-out real", sides.held_out),
        ("Gaussian pixels", found.judged.floor[:_COLUMNS]),
    ):
        rows.append(Figure(name, inline(_sheet(images[:_SHOWN]), name), wide=True))
    return Figures(tuple(rows))


def _nearest(found: Evaluated) -> Figures:
    """The made images that come nearest to a training one, side by side with it."""
    figures = []
    for pair in found.nearest(_PAIRS):
        both = [found.made.one(pair.made), found.real.one(pair.training)]
        pixels = [_plain(found.codec.encode(one)) for one in both if isinstance(one, Picture)]
        if len(pixels) == len(both):
            names = found.made.names[pair.made], found.real.names[pair.training]
            below = f"nearest: {clip(names[1], 60)}, nearness {figure(pair.nearness)}"
            shown = inline(enlarged(sheet(pixels, 2)), f"{clip(names[0], 60)} beside {clip(names[1], 60)}")
            figures.append(Figure(clip(names[0], 60), shown, "near copy" if pair.is_copy else "", below=below))
    return Figures(tuple(figures))


def _sheet(images: Tensor) -> Bytes:
    return enlarged(sheet([_plain(one) for one in images.numpy()], _COLUMNS))


def _plain(image: Bytes) -> Bytes:
    """Pixels (H, W, C), grey or RGB, of (C, H, W); at most so large that a page of them stays small."""
    pixels = to_channels(np.ascontiguousarray(image.transpose(1, 2, 0)), 1 if len(image) == 1 else 3)
    step = -(-max(pixels.shape[:2]) // _LARGEST)
    smaller = np.asarray(image_of(pixels).reduce(step))
    return smaller[:, :, None] if smaller.ndim == 2 else smaller


def enlarged(pixels: Bytes, least: int = _WIDE) -> Bytes:
    """Each pixel as a square of pixels, so that small images can be seen and stay as they are."""
    factor = max(1, least // max(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def inline(pixels: Bytes, label: str) -> Markup:
    """Pixels (H, W, C) as an image inside the page."""
    data = base64.b64encode(encoded(pixels)).decode()
    return Markup('<img src="data:image/png;base64,{0}" alt="{1}" style="width:100%;height:auto">').format(data, label)
