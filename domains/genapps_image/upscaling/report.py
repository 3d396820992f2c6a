"""The page on enlarged images: figures beside the bicubic filter's, and held-out images side by side with the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.page import Facts, Figure, Figures, Level, Page, Score, Section, Table, render
from genapps.report.text import clip
from genapps_image.showing import magnified, side_by_side
from genapps_image.upscaling.judging import Judged, mean
from genapps_image.upscaling.tasks import Outcome

_SHOWN = 12  # images of which a piece is on the page
_LISTED = 200
_LARGE = 2  # pixels of the page that a pixel of a piece becomes


def write_report(outcome: Outcome, path: str | Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **outcome.to_json()}, ensure_ascii=False, indent=1)
    write_files(path, render(page(outcome, title)), figures + "\n")


def page(outcome: Outcome, title: str) -> Page:
    """The page."""
    level, word, verdict = _verdict(outcome)
    facts = [f"x{outcome.factor}", outcome.family, f"{len(outcome.judged):,} images judged"]
    if outcome.written:
        facts.append(f"{len(outcome.written):,} images written")
    return Page(
        title=title,
        subject="Larger images",
        level=level,
        word=word,
        verdict=verdict,
        facts=tuple(facts),
        headline=tuple(_scores(outcome)),
        sections=tuple(_sections(outcome)),
        footer="The page shows pieces of the images. It loads nothing from elsewhere.",
    )


def _verdict(outcome: Outcome) -> tuple[Level, str, str]:
    if not outcome.judged:
        return "usable", "Not measured", " ".join(outcome.notes) or "No image was left to judge by."
    text = f"Images made small and large again: {outcome.verdict}."
    better = sum(row.gain > 0 for row in outcome.judged)
    if 2 * better > len(outcome.judged):
        return "good", "Closer than bicubic", text
    if outcome.family == "gan" and outcome.sharper:
        return "usable", "Sharper, not closer", text
    return "poor", "No closer than bicubic", text


def _scores(outcome: Outcome) -> Iterator[Score]:
    if not outcome.judged:
        return
    both, n = mean(outcome.judged), len(outcome.judged)
    rows = [
        ("PSNR, dB", "psnr", "higher", None, "Decibels of signal over error, all channels."),
        ("SSIM", "ssim", "higher", 1.0, "Structural similarity of the luminance."),
        ("Perceptual distance", "perceptual", "lower", 0.0, "Of normalized Laplacian pyramids of the luminance."),
        ("Feature distance, lite0", "features", "lower", 0.0, "Of a network that knows photographs."),
        ("Sharpness", "sharpness", "higher", 1.0, "Slopes beside the original's; 1 is as sharp, above 1 harsher."),
    ]
    for name, key, better, ideal, meaning in rows:
        learnt, bicubic = getattr(both.learnt, key), getattr(both.bicubic, key)
        if learnt is not None and bicubic is not None:
            marks = [Mark("synthetic", "learnt", learnt), Mark("floor", "bicubic", bicubic)]
            if ideal is not None:
                marks.append(Mark("ceiling", "the original", ideal))
            yield Score(name, tuple(marks), better, n, "held-out images", meaning=meaning)  # type: ignore[arg-type]


def _sections(outcome: Outcome) -> Iterator[Section]:
    shown = [figure for row in outcome.judged[:_SHOWN] for figure in _pieces(row)]
    if shown:
        lead = (
            "The place of each held-out image that has most details, enlarged by the bicubic filter and by the model."
        )
        yield Section("pieces", "Side by side", lead, (Figures(tuple(shown)),))
        rows = tuple(_row(one) for one in outcome.judged[:_LISTED])
        head = ("Image", "PSNR, dB", "bicubic", "gain", "SSIM", "bicubic", "Sharpness", "bicubic")
        yield Section("figures", "Each image", "", (Table("Figures beside bicubic's", head, rows, numbers=7),))
    facts = [("Made small by", "Pillow's bicubic filter")]
    known = {name: value for name, value in outcome.learnt.items() if isinstance(value, int | float | str)}
    facts += [(name.replace("_", " "), str(value)) for name, value in known.items() if name != "degradation"]
    facts += [("Note", sentence) for sentence in outcome.notes]
    facts += [(f"Skipped: {clip(one.name)}", one.reason) for one in outcome.skipped[:100]]
    told = Facts(tuple((clip(name), clip(value, 300)) for name, value in facts))
    yield Section("about", "About", "What was learnt, and what was met.", (told,))


def _pieces(row: Judged) -> Iterator[Figure]:
    if row.pieces is None:
        return
    pictures = [
        (f"bicubic: {row.bicubic.psnr:.2f} dB, sharpness {row.bicubic.sharpness:.2f}", row.pieces.bicubic),
        (f"learnt: {row.learnt.psnr:.2f} dB, sharpness {row.learnt.sharpness:.2f}", row.pieces.learnt),
        ("the original", row.pieces.truth),
    ]
    name, large = clip(row.name, 60), [(title, magnified(pixels, _LARGE)) for title, pixels in pictures]
    yield Figure(name, side_by_side(large, name), aside=f"{row.gain:+.2f} dB", wide=True)


def _row(one: Judged) -> tuple[str, ...]:
    learnt, bicubic = one.learnt, one.bicubic
    return (
        clip(one.name, 60), f"{learnt.psnr:.2f}", f"{bicubic.psnr:.2f}", f"{one.gain:+.2f}",
        f"{learnt.ssim:.4f}", f"{bicubic.ssim:.4f}", f"{learnt.sharpness:.2f}", f"{bicubic.sharpness:.2f}",
    )  # fmt: skip
