"""A folder becomes a model: what lies in it beside images brings no class, and what learnt nothing is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genapps_image.codec import Batch
from genapps_image.generation.fitting import Study
from genapps_image.generation.judging import Reached
from genapps_image.generation.tasks import fit_images, present


@pytest.mark.parametrize("family", ["gmm", "vae"])
def test_a_file_that_is_no_image_brings_no_class(family: str, tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    for k, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(14):
            pixels = draws.integers(100 * k, 100 * k + 90, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    (tmp_path / "notes.txt").write_text("two kinds of animals")
    few = ("n_components=1", "n_factors=1") if family == "gmm" else ("hidden=8", "latent=2", "training.max_steps=4")
    found = fit_images(str(tmp_path), Study(settings=few), family=family, size=8)
    assert found.model.classes == ("cat", "dog")
    assert not any("fewer" in note for note in found.notes)
    assert [one.name for one in found.skipped] == ["notes.txt"]
    assert found.model.sample(2, ["cat", "dog"]).shape == (2, 1, 8, 8)


def test_classes_without_images_are_left_out_and_the_others_keep_theirs() -> None:
    images = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    batch = Batch(images, torch.tensor([3, 1, 3, 1]), list("wxyz"), ["", "a", "b", "c"], [])
    found = present(batch)
    assert found.classes == ["a", "c"] and found.labels is not None and found.labels.tolist() == [1, 0, 1, 0]
    one = present(replace(batch, labels=torch.tensor([2, 2, 2, 2])))
    assert one.labels is None and not one.classes


@pytest.mark.parametrize(
    ("score", "distance", "nothing"), [(8.0, 20.0, True), (7.0, 20.0, False), (8.0, 5.0, False), (None, 20.0, True)]
)
def test_what_is_no_better_than_independent_pixels_has_learnt_nothing(
    score: float | None, distance: float, nothing: bool
) -> None:
    reached = Reached("bits a number", "exact", score, 7.5, 20, "pixels", 40, True, distance, 1.0, 10.0)
    assert reached.nothing_learnt is nothing
    assert not replace(reached, score=None, distance=None).nothing_learnt
