"""A stopped fit goes on to the same model; looking at it while it learns changes nothing; settings arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genapps.errors import UsageError
from genapps.models import FAMILIES
from genapps.training.settings import Event
from genapps_image.codec import Batch, Codec
from genapps_image.generation.fitting import Study, fit, settings_of
from genapps_image.generation.recipes import RULES, recipe_for
from genapps_image.generation.sheets import Sheets
from genapps_image.model import ImageModel

CODEC = Codec(8, 8, 1)
Small = Callable[[str], tuple[str, ...]]
LONGER = ("training.max_steps=20", "training.min_steps=20", "training.epochs=1000")


class Stopped(Exception):
    """What a person's Ctrl-C is."""


def stopping_at(step: int, part: int = 0) -> Callable[[Event], None]:
    """Stops the run at this step of this part."""
    begun = [-1]

    def tell(event: Event) -> None:
        begun[0] += event.step == 10
        if event.step >= step and begun[0] == part:
            raise Stopped

    return tell


def same(one: ImageModel, other: ImageModel) -> bool:
    states = [[part.state()[0] for part in model.parts] for model in (one, other)]
    return all(
        tensor.equal(theirs[name]) for mine, theirs in zip(*states, strict=True) for name, tensor in mine.items()
    )


@pytest.mark.parametrize(("family", "part"), [("autoregressive", 0), ("rbm", 1)])
def test_a_stopped_fit_goes_on_to_the_same_model(
    family: str, part: int, batch: Batch, small: Small, tmp_path: Path
) -> None:
    study = Study(settings=(*small(family)[:-2], *LONGER))
    whole = fit(batch, CODEC, family, study)
    kept = replace(study, checkpoint=tmp_path / "run")
    with pytest.raises(Stopped):
        fit(batch, CODEC, family, replace(kept, progress=stopping_at(10, part)))
    assert list(tmp_path.glob("run*"))
    steps: list[int] = []
    resumed = fit(batch, CODEC, family, replace(kept, resume=True, progress=lambda event: steps.append(event.step)))
    assert min(steps) >= 10  # it did not begin anew
    assert same(whole, resumed)
    other = fit(batch, CODEC, family, replace(study, seed=1))
    assert not same(whole, other)


def test_sheets_are_written_while_it_learns_and_change_nothing(batch: Batch, small: Small, tmp_path: Path) -> None:
    study = Study(settings=(*small("autoregressive")[:-2], *LONGER))
    sheets = Sheets(tmp_path / "sheet.png", wait=0.0)
    watched = fit(batch, CODEC, "autoregressive", replace(study, snapshot=sheets))
    assert (tmp_path / "sheet.png").stat().st_size > 500
    assert sheets.wait > 0  # drawing takes a small part of the time
    assert same(fit(batch, CODEC, "autoregressive", study), watched)


def test_a_class_of_few_images_leaves_one_model_for_all(batch: Batch, small: Small) -> None:
    assert batch.labels is not None
    labels = torch.zeros_like(batch.labels)
    labels[:3] = 1
    study = Study(settings=small("gmm"))
    model = fit(replace(batch, labels=labels), CODEC, "gmm", study)
    assert (len(model.parts), model.classes) == (1, ())
    assert "fewer than 10 images" in study.notes[0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_every_collection_has_a_recipe_that_its_family_understands(family: str, device: str) -> None:
    for count in (1, 300, 5000, 60_000):
        for side in (8, 28, 64, 256):
            for levels in (2, 256):
                recipe = recipe_for(family, count, side, device, levels)
                options, training = settings_of(recipe, CODEC, Study(settings=("training.max_steps=7",)))
                assert training.max_steps == 7
                assert recipe.options.items() <= options.items()
    assert recipe_for("vae", 100, 28, "cpu", 256).options["body"] == "mlp"
    assert any(rule.device == "gpu" for rule in RULES)


@pytest.mark.parametrize(
    ("count", "side", "device", "body"),
    [
        (5000, 28, "gpu", "ladder"),
        (2000, 256, "gpu", "ladder"),
        (1999, 28, "gpu", "conv"),
        (5000, 12, "gpu", "conv"),
        (5000, 28, "cpu", "mlp"),
        (5000, 64, "cpu", "conv"),
    ],
)
def test_a_ladder_is_for_many_images_on_a_gpu(count: int, side: int, device: str, body: str) -> None:
    assert recipe_for("vae", count, side, device, 256).options.get("body", "conv") == body


def test_a_ladder_is_learnt_on_a_cpu_where_it_is_asked_for(batch: Batch, small: Small) -> None:
    events: list[Event] = []
    study = Study(settings=("body=ladder", "channels=4", *small("vae")), progress=events.append)
    model = fit(batch, CODEC, "vae", study)
    assert "groups of latents in use" in events[-1].message
    drawn = model.sample(4, ["lying", "standing", "lying", "standing"])
    assert drawn.shape == (4, 1, 8, 8) and drawn.dtype == torch.uint8


def test_convolutions_are_learnt_where_they_are_asked_for(batch: Batch) -> None:
    settings = ("network=convolutions", "blocks=1", "training.max_steps=4", "training.min_steps=1")
    model = fit(batch, CODEC, "autoregressive", Study(settings=settings))
    config = model.parts[0].config
    assert (config.network, config.channels, config.blocks) == ("convolutions", 16, 1)  # the recipe's, and what is set
    assert recipe_for("autoregressive", 5000, 28, "gpu", 256, "convolutions").options["channels"] == 128
    assert recipe_for("vae", 100, 28, "cpu", 256, "convolutions").options["body"] == "mlp"
    drawn = model.sample(2, ["lying", "standing"])
    hole = torch.zeros(8, 8, dtype=torch.bool)
    hole[2:4, 3:6] = True
    filled = model.impute(drawn, hole, "lying", candidates=3)
    assert filled[:, 0, ~hole].equal(drawn[:, 0, ~hole]) and filled.dtype == torch.uint8


def test_wrong_names_are_refused(batch: Batch) -> None:
    with pytest.raises(UsageError, match="Did you mean 'gmm'"):
        fit(batch, CODEC, "gmn")
    with pytest.raises(UsageError, match="unknown key 'hiden'"):
        fit(batch, CODEC, "vae", Study(settings=("hiden=3",)))
