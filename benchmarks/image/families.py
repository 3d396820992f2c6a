"""MNIST and Fashion-MNIST by each of the six families, for the same CPU time, beside real images and a trivial model.

    python benchmarks/image/families.py [--quick] [--only FAMILY] [--set mnist|fashion|bits] [--minutes 10]

A cell is a family on a set; cells that are not run keep their rows. The families learn the 60,000 training images with
their classes by the preset that `genapps image fit` takes on a CPU, on one thread; families that follow a gradient get
the number of steps that fill the time, the others run to their end. Judged on test images: bits a pixel of the first
2,000 (exact, a bound or an estimate, as said), and 2,000 drawn images beside 2,000 test images by a network that learnt
to name the classes of the training set. Other 2,000 test images and independent normal pixels stand beside them.

"bits" is MNIST in black and white by the protocol of benchmarks/core/mnist.py: nats an image.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keep
import numpy as np
import torch
from PIL import Image, ImageDraw
from sets import CODEC, images
from torch import Tensor

from genapps.metrics.reaching import reach
from genapps.models import FAMILIES
from genapps.training.settings import Event
from genapps_image.codec import Batch
from genapps_image.evaluation.baseline import gaussian_pixels
from genapps_image.evaluation.distances import frechet
from genapps_image.features import Extractor, extractor_of
from genapps_image.generation.fitting import Study, fit
from genapps_image.generation.judging import IndependentPixels
from genapps_image.model import ImageModel
from genapps_image.writing import sheet, write_image

NAME = "families"
STRIPS = Path(__file__).resolve().parent / "results" / "families"
GRADIENT = ("autoregressive", "gan", "rbm", "vae")  # whose steps can be counted out beforehand
BITS = ("autoregressive", "vae", "rbm", "hmm")  # that learn black and white
BESIDE = ("real", "independent pixels")
SEED = 20080705  # of the test images' bits, as in benchmarks/core/mnist.py
TRIED = (10, 40)  # steps by which the pace is measured
FILLED = 0.9  # of the time goes into steps, the rest into checks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 images, seconds a family; nothing is written")
    parser.add_argument("--only", choices=sorted(FAMILIES), help="one family")
    parser.add_argument("--set", dest="name", choices=["mnist", "fashion", "bits"], help="one set")
    parser.add_argument("--minutes", type=float, default=10.0, help="CPU minutes of a fit, at most")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name in [asked.name] if asked.name else ["mnist", "fashion", "bits"]:
        source, few = "mnist" if name == "bits" else name, asked.quick
        train, test = images(source, most=1000 if few else None), images(source, "t10k", 400 if few else None)
        room = Room(name, train, test.images, 100 if asked.quick else 2000)
        families = [asked.only] if asked.only else [f for f in FAMILIES if name != "bits" or f in BITS]
        for family in families:
            row, strip = cell(room, family, 2.0 if asked.quick else 60 * asked.minutes)
            print(*(f"{key} {value}" for key, value in row.items()), sep="  ", flush=True)
            if not asked.quick:
                write([row, *room.beside()], {family: strip, **room.strips()})
    if not asked.quick:
        picture()


class Room:
    """A set, and what its models are judged by, made once."""

    def __init__(self, name: str, train: Batch, test: Tensor, n: int) -> None:
        self.name, self.train, self.n = name, train, n
        self.held, self.other, self.bits = test[:n], test[n : 2 * n], name == "bits"
        if self.bits:
            drawn = torch.rand(test[:, 0].shape, generator=torch.Generator().manual_seed(SEED))
            test = (drawn < test[:, 0].float() / 255).to(torch.uint8)[:, None] * 255
            self.held, self.other = test[:n], test[n : 2 * n]
        assert train.labels is not None
        start = time.process_time()
        learnt = train.images[:10_000]
        if self.bits:
            learnt = (torch.rand(learnt.shape, generator=torch.Generator().manual_seed(1)) < learnt.float() / 255) * 255
        self.extractor: Extractor = extractor_of("self", learnt.to(torch.uint8), train.labels[:10_000])
        self.rows = self.extractor.features(self.held)
        self.seconds = time.process_time() - start

    def measures(self, made: Tensor) -> dict[str, Any]:
        """Figures of images (n, 1, 28, 28) beside test images."""
        features = self.extractor.features(made)
        found = reach(self.rows, features)
        return {
            "fd_self": round(frechet(self.rows, features), 3),
            **{key: round(getattr(found, key), 4) for key in ("precision", "recall", "density", "coverage")},
            "n": len(made),
        }

    def beside(self) -> list[dict[str, Any]]:
        """Rows of real images and of independent pixels."""
        trivial = IndependentPixels.of(self.train.images)
        logs = trivial.bits_log_prob(self.held) if self.bits else trivial.log_prob(self.held)
        figures = {"set": self.name, "features_cpu_seconds": round(self.seconds, 1)}
        return [
            {**figures, "family": BESIDE[0], **self.measures(self.other)},
            {**figures, "family": BESIDE[1], **told(self.bits, logs, "exact"), **self.measures(self.trivial())},
        ]

    def trivial(self) -> Tensor:
        """Images of independent pixels."""
        drawn = gaussian_pixels(self.train.images, self.n, torch.Generator().manual_seed(0))
        if not self.bits:
            return drawn
        mean = self.train.images.float().mean(0) / 255
        return (torch.rand(drawn.shape, generator=torch.Generator().manual_seed(0)) < mean).to(torch.uint8) * 255

    def strips(self) -> dict[str, np.ndarray]:
        """Two rows of independent pixels; images of the sets themselves are not this project's to hand on."""
        return {BESIDE[1]: strip(self.trivial()[:20])}


def cell(room: Room, family: str, seconds: float) -> tuple[dict[str, Any], np.ndarray]:
    """The row of a family, and two images of each class."""
    study = Study(levels=2 if room.bits else 256 if family != "rbm" else None, device="cpu")
    steps = steps_within(room, family, study, seconds) if family in GRADIENT else None
    settings = () if steps is None else (*endless(steps), *study.settings)
    curve: list[list[float]] = []
    start = time.process_time()

    def tell(event: Event) -> None:
        if event.validation is not None:
            curve.append([event.step, round(time.process_time() - start, 1), round(event.validation, 4)])

    budget = None if steps is not None else seconds
    model = fit(room.train, CODEC, family, replace(study, settings=settings, budget=budget, progress=tell))
    spent = time.process_time() - start
    row: dict[str, Any] = {"set": room.name, "family": family, "cpu_seconds": round(spent, 1), "steps": steps}
    row |= {"learnt": len(room.train.images), "levels": model.view.levels, "options": dict(model.card["options"])}
    start = time.process_time()
    made = model.sample(room.n, generator=torch.Generator().manual_seed(1))
    row |= {"images_a_cpu_second": round(room.n / max(time.process_time() - start, 1e-9), 1)}
    if family != "gan":
        start = time.process_time()
        found = model.log_prob(room.held)
        row |= told(model.view.levels == 2, found.values, found.kind)
        row |= {"score_error": found.error, "score_cpu_seconds": round(time.process_time() - start, 1)}
    row |= room.measures(made)
    row |= {"curve": curve[:: max(1, len(curve) // 20)]}
    return row, strip(of_each_class(model))


def steps_within(room: Room, family: str, study: Study, seconds: float) -> int:
    """How many steps fill the time: the difference of two short fits is their pace."""
    spent = []
    for steps in TRIED:
        start = time.process_time()
        fit(room.train, CODEC, family, replace(study, settings=endless(steps)))
        spent.append(time.process_time() - start)
    pace = max((spent[1] - spent[0]) / (TRIED[1] - TRIED[0]), 1e-4)
    return max(TRIED[1], int(FILLED * (seconds - spent[0]) / pace))


def endless(steps: int) -> tuple[str, ...]:
    """Settings for so many steps, however many images there are."""
    return (f"training.max_steps={steps}", f"training.min_steps={steps}", "training.epochs=1000000")


def told(bits: bool, logs: Tensor, kind: str) -> dict[str, Any]:
    """Mean and standard error of minus log-probabilities in nats: nats an image of bits, else bits a pixel."""
    values = -logs.double() / (1 if bits else 784 * float(torch.tensor(2.0).log()))
    error = float(values.std() / len(values) ** 0.5)
    unit = "nats an image" if bits else "bits a pixel"
    return {"score": round(float(values.mean()), 4), "standard_error": round(error, 4), "unit": unit, "kind": kind}


def of_each_class(model: ImageModel) -> Tensor:
    """Two images of each class, (20, 1, 28, 28), class after class in a row."""
    if not model.classes:
        return model.sample(20, generator=torch.Generator().manual_seed(0))
    return model.sample(20, [*model.classes, *model.classes], generator=torch.Generator().manual_seed(0))


def strip(made: Tensor) -> np.ndarray:
    """Two rows of ten images."""
    return sheet(CODEC.decode(made), columns=10)


def write(rows: list[dict[str, Any]], strips: dict[str, np.ndarray]) -> None:
    """Put rows in the place of those of the same set and family, and strips into files of their own."""
    new = {(row["set"], row["family"]) for row in rows}
    old = [row for row in keep.read(NAME).get("rows", []) if (row["set"], row["family"]) not in new]
    order = [*FAMILIES, *BESIDE]
    rows = sorted(old + rows, key=lambda row: (row["set"], order.index(row["family"])))
    keep.write(NAME, rows, {"protocol": __doc__, "threads": 1})
    STRIPS.mkdir(parents=True, exist_ok=True)
    for family, pixels in strips.items():
        write_image(STRIPS / f"{rows_set(new)}-{family.replace(' ', '-')}.png", pixels)


def rows_set(keys: set[tuple[str, str]]) -> str:
    """The one set of these rows."""
    (name,) = {name for name, _ in keys}
    return name


def picture() -> None:
    """All strips in one picture: a column a set, a row a family."""
    names = [*FAMILIES, "independent-pixels"]
    there = {(s, f): STRIPS / f"{s}-{f}.png" for s in ("mnist", "fashion") for f in names}
    found = {key: Image.open(path) for key, path in there.items() if path.exists()}
    width, height = max(one.width for one in found.values()), max(one.height for one in found.values())
    margin, gap = 110, 10
    whole = Image.new("L", (margin + 2 * (width + gap), len(names) * (height + gap)), 255)
    draw = ImageDraw.Draw(whole)
    for row, family in enumerate(names):
        draw.text((4, row * (height + gap) + height // 2 - 6), family.replace("-", " "), fill=0)
        for column, name in enumerate(("mnist", "fashion")):
            if (name, family) in found:
                whole.paste(found[name, family], (margin + column * (width + gap), row * (height + gap)))
    write_image(STRIPS.parent / "families.png", np.asarray(whole)[:, :, None])


if __name__ == "__main__":
    main()
