"""What was made of a set of images, for a person: lines, figures as JSON, and a page with pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from genapps.report.charts import Mark
from genapps.report.page import Block, Facts, Figure, Figures, Level, Page, Score, Section, Table, render
from genapps.report.text import clip
from genapps_image.augmentation.enlarging import enlarged
from genapps_image.augmentation.gain import CLASSICAL, GENERATED, REAL
from genapps_image.augmentation.gain import lines as gain_lines
from genapps_image.writing import encoded, sheet, write_json

if TYPE_CHECKING:
    from genapps_image.augmentation.tasks import Outcome

PAGE = "report.html"
_TOLD = 50  # refused rows and skipped files that a page lists
_NAMES = {REAL: "real", CLASSICAL: "with transforms", GENERATED: "with generated images"}


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Every figure."""
    order, looked, choice = outcome.order, outcome.looked, outcome.choice
    parts = outcome.parts
    return {
        "images": order.images,
        "output": order.output,
        "seed": order.seed,
        "per_class": order.per_class,
        "files": outcome.written,
        "classes": {name: vars(part) for name, part in parts.items()},
        "mix": {"name": choice.mix.name, "reason": choice.reason, "chances": [vars(one) for one in choice.mix.chances]},
        "trials": [vars(trial) for trial in choice.trials],
        "generated": {"share": outcome.share, "asked": order.generated, "family": order.generating.family},
        "gain": None if outcome.gain is None else outcome.gain.to_json(),
        "nearness": None if outcome.nearness is None else outcome.nearness.to_json(),
        "repeats": [list(pair) for pair in outcome.repeats],
        "boxes": None if outcome.annotations is None else {
            "file": outcome.annotations,
            "read": sum(map(len, looked.boxes.values())),
            "lost": outcome.lost,
            "refused": [vars(one) for one in looked.refused],
        },
        "skipped": [vars(one) for one in looked.skipped],
        "notes": outcome.notes,
    }  # fmt: skip


def lines(outcome: Outcome) -> Iterator[str]:
    """The same for a person."""
    kinds = {kind: sum(getattr(part, kind) for part in outcome.parts.values()) for kind in ("classical", "generated")}
    made = f"{outcome.looked.count:,} real, {kinds['classical']:,} transformed, {kinds['generated']:,} generated"
    yield f"images      {outcome.written:,}: {made}"
    yield f"mix         {outcome.choice.mix.name}: {outcome.choice.reason}"
    for trial in outcome.choice.trials:
        yield f"            {trial.mix:<12} {100 * trial.accuracy:5.1f} %   surprise {trial.loss:.3f} nats"
    if outcome.gain is not None:
        told = gain_lines(outcome.gain)
        yield f"gain        {told[0]}"
        yield from (f"            {line}" for line in told[1:])
    yield f"generated   {generated_line(outcome)}"
    if outcome.nearness is not None:
        yield f"copies      {outcome.nearness.line()}"
    if outcome.repeats:
        first, later = outcome.repeats[0]
        yield f"repeats     {len(outcome.repeats):,} pairs of images hardly differ, such as {first} and {later}"
    if outcome.annotations is not None:
        count = sum(map(len, outcome.looked.boxes.values()))
        refused = len(outcome.looked.refused)
        yield f"boxes       {count:,} read, {refused:,} refused, {outcome.lost:,} moved out of sight"


def generated_line(outcome: Outcome) -> str:
    """Whether generated images are among the files, and why."""
    arm = None if outcome.gain is None else outcome.gain.arm(GENERATED)
    said = "" if arm is None or arm.gain is None else f" ({100 * arm.gain:+.1f} points on held-out images)"
    if outcome.share:
        why = "as asked for" if outcome.order.generated != "auto" else "they help"
        return f"{100 * outcome.share:.0f} % of what is added: {why}{said}"
    if outcome.order.generated == 0.0:
        return "none, as asked for"
    return f"none: no gain that is sure{said}" if arm is not None else "none: nothing says that they would help"


def write_report(target: Path, outcome: Outcome) -> None:
    """Figures and the page, into the folder."""
    write_json(target / "augment.json", to_json(outcome))
    (target / PAGE).write_text(render(page(outcome)), "utf-8")


def page(outcome: Outcome) -> Page:
    """The page."""
    level, word, verdict = _verdict(outcome)
    facts = [f"{outcome.written:,} files", f"mix {outcome.choice.mix.name}", f"seed {outcome.order.seed}"]
    return Page(
        title=clip(Path(outcome.order.images).name or outcome.order.images),
        subject="A larger set of images",
        level=level,
        word=word,
        verdict=verdict,
        facts=tuple(facts),
        headline=tuple(_scores(outcome)),
        sections=tuple(_sections(outcome)),
        footer="The page loads nothing from elsewhere.",
    )


def _verdict(outcome: Outcome) -> tuple[Level, str, str]:
    gain = outcome.gain
    if gain is None:
        return "usable", "Not measured", " ".join(outcome.notes) or "The gain was not measured."
    classical = gain.arm(CLASSICAL)
    assert classical is not None and classical.gain is not None
    points = (
        f"{100 * classical.gain:+.1f} points ({100 * classical.accuracy:.1f} % of {gain.held_out:,} held-out images)"
    )
    told = f" Generated images: {generated_line(outcome)}."
    if classical.helps:
        return "good", "It helps", f"A small classifier gains {points} from the transforms.{told}"
    if classical.hurts:
        return "poor", "It hurts", f"A small classifier loses by the transforms: {points}.{told}"
    return (
        "usable",
        "No gain that is sure",
        f"A small classifier with the transforms: {points}, as luck may give.{told}",
    )


def _scores(outcome: Outcome) -> Iterator[Score]:
    if outcome.gain is not None:
        last = outcome.gain.arms[-1] if outcome.share else outcome.gain.arm(CLASSICAL) or outcome.gain.arms[-1]
        real = outcome.gain.arms[0].accuracy
        marks = (Mark("synthetic", _NAMES[last.name], last.accuracy), Mark("floor", "real images alone", real))
        yield Score("Held-out images named rightly", marks, "higher", outcome.gain.held_out, "a small classifier")
    if outcome.nearness is not None:
        near = outcome.nearness
        marks = (Mark("synthetic", "generated", near.nearer), Mark("ceiling", "unseen", near.usual))
        yield Score("Nearer to a training image than is usual", marks, "lower", near.generated, "distance of pixels")


def _sections(outcome: Outcome) -> Iterator[Section]:
    blocks: list[Block] = [_picture("The mix", _samples(outcome))] if "real" in outcome.pictures else []
    rows = [(one.name, f"{one.chance:g}", f"{one.amount:g}") for one in outcome.choice.mix.chances]
    blocks.append(Table("Transforms", ("Transform", "Chance", "Amount"), tuple(rows), numbers=2))
    if outcome.choice.trials:
        tried = [(t.mix, f"{100 * t.accuracy:.1f} %", f"{t.loss:.3f}") for t in outcome.choice.trials]
        blocks.append(Table("Mixes tried", ("Mix", "Named rightly", "Surprise, nats"), tuple(tried), numbers=2))
    yield Section("mix", "Transforms", f"{outcome.choice.mix.name}: {outcome.choice.reason}.", tuple(blocks))
    if outcome.gain is not None:
        arms = []
        for arm in outcome.gain.arms:
            more = "" if arm.gain is None else f"{100 * arm.gain:+.1f} ± {100 * (arm.gain_error or 0):.1f}"
            arms.append((_NAMES[arm.name], f"{arm.images:,}", f"{100 * arm.accuracy:.1f} %", more))
        head = ("Learnt from", "Images", "Named rightly", "Points more")
        lead = (
            f"A small classifier learns from each set and names {outcome.gain.held_out:,} images that neither it nor "
            f"the generator was shown; the mean of {outcome.gain.repeats}."
        )
        yield Section("gain", "Gain", lead, (Table("Training sets", head, tuple(arms), numbers=3),))
    if outcome.nearness is not None:
        shown = [_picture("Generated images", sheet(_arrays(outcome.pictures["generated"]), 10))]
        if outcome.pairs:
            pairs = [side for made, real, _ in outcome.pairs for side in (made, real)]
            shown.append(_picture("Generated, and the nearest learnt image", sheet(_arrays(pairs), 8)))
        yield Section("copies", "Generated images", f"{outcome.nearness.line()}.", tuple(shown))
    files = Table("Files", ("Class", "Real", "Transformed", "Generated"), tuple(_counts(outcome)), numbers=3)
    yield Section("files", "Files", "manifest.jsonl says how each was made, so that it can be made again.", (files,))
    refused = [(one.row, one.reason) for one in outcome.looked.refused[:_TOLD]]
    skipped = [(one.name, one.reason) for one in outcome.looked.skipped[:_TOLD]]
    if refused or skipped or outcome.notes:
        tables: list[Block] = []
        for title, told in (("Boxes refused", refused), ("Files skipped", skipped)):
            if told:
                rows2 = tuple((clip(name, 80), clip(reason, 160)) for name, reason in told)
                tables.append(Table(title, ("Where", "Why"), rows2))
        if outcome.notes:
            tables.append(Facts(tuple((str(k), clip(note, 300)) for k, note in enumerate(outcome.notes, 1))))
        yield Section("met", "What was met", "And what was done about it.", tuple(tables))


def _counts(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    for name, part in list(outcome.parts.items())[:200]:
        yield clip(name or "all"), f"{part.real:,}", f"{part.classical:,}", f"{part.generated:,}"


def _samples(outcome: Outcome) -> Any:
    """A few images, each above what the mix makes of it."""
    images = outcome.pictures["real"][:10]
    rows = [images, *(enlarged(images, outcome.choice.mix, 1, seed) for seed in range(3))]
    return sheet([image for row in rows for image in _arrays(row)], len(images))


def _arrays(images: Any) -> list[Any]:
    return [np.asarray(image).transpose(1, 2, 0) for image in images]


def _picture(title: str, pixels: Any) -> Figures:
    scale = max(1, 640 // pixels.shape[1])
    large = pixels.repeat(scale, 0).repeat(scale, 1)
    data = base64.b64encode(encoded(large)).decode()
    text = Markup('<img alt="{0}" style="max-width:100%" src="data:image/png;base64,{1}">').format(title, data)
    return Figures((Figure(title, text, wide=True),))
