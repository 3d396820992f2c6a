"""Learning to enlarge, from a folder to its figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.report.page import render
from genapps_image.features import Extractor
from genapps_image.fidelity import psnr
from genapps_image.reading.pictures import open_pictures
from genapps_image.showing import richest
from genapps_image.upscaling.judging import feature_distance, judge
from genapps_image.upscaling.model import UpscaleModel
from genapps_image.upscaling.patches import Patches, collect, divide, mark
from genapps_image.upscaling.report import page, write_report
from genapps_image.upscaling.shrinking import enlarged, shrunk
from genapps_image.upscaling.tasks import Order, upscale
from genapps_image.upscaling.training import RECIPE, _divided, _evened, charbonnier, steps_only
from genapps_image.writing import write_image


def checks(seed: int, side: int = 32) -> np.ndarray:
    """A disc on stripes with sharp edges: what bicubic blurs and a network soon learns."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side] + draw.uniform(0, 16, (2, 1, 1))
    turn = draw.uniform(0, np.pi)
    stripes = np.floor((down * np.cos(turn) + across * np.sin(turn)) / 6) % 2
    disc = np.hypot(down - side * 0.7, across - side * 0.7) < side / 4
    return (60 + 120 * np.where(disc, 1 - stripes, stripes)[:, :, None] * (1, 0.6, 0.8)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("checks")
    for k in range(8):
        write_image(place / f"{k}.png", checks(k))
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    write_image(place / "tiny.png", checks(9, 6))
    return place


SMALL = {"width": 8, "blocks": 1, "ensemble": False}


@pytest.fixture(scope="module")
def learnt(folder: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    place = tmp_path_factory.mktemp("out")
    order = Order(str(folder), str(place / "large"), steps=150, save=str(place / "m.genapps"), **SMALL)
    return order, upscale(order)


def test_it_is_better_than_bicubic_on_images_it_did_not_learn(learnt) -> None:  # type: ignore[no-untyped-def]
    _, outcome = learnt
    assert len(outcome.judged) == 2
    assert all(row.gain > 0.3 for row in outcome.judged)
    assert all(row.learnt.ssim > row.bicubic.ssim for row in outcome.judged)
    assert all(row.learnt.sharpness > row.bicubic.sharpness for row in outcome.judged)
    assert "over bicubic; better on 2 of 2" in outcome.verdict
    table = "\n".join(outcome.lines())
    assert all(word in table for word in ("PSNR", "SSIM", "perceptual", "bicubic", "2 held-out images, x2"))


def test_figures_are_of_the_files_that_it_writes(learnt, folder: Path) -> None:  # type: ignore[no-untyped-def]
    order, outcome = learnt
    model = UpscaleModel.load(order.save)
    one = outcome.judged[0]
    truth = open_pictures(folder / one.name).one(0).pixels
    assert one.learnt.psnr == psnr(model.upscale(shrunk(truth, 2), ensemble=False), truth)
    assert one.bicubic.psnr == psnr(enlarged(shrunk(truth, 2), 2), truth)
    assert mark(truth) not in model.marks
    assert len(model.marks) == 6


def test_every_image_is_enlarged_and_a_bad_one_costs_itself(learnt) -> None:  # type: ignore[no-untyped-def]
    order, outcome = learnt
    assert len(outcome.written) == 9  # the tiny one is not learnt from, but enlarged
    assert [one.name for one in outcome.skipped] == ["broken.png"]
    assert open_pictures(Path(str(order.output)) / "0.png").one(0).pixels.shape == (64, 64, 3)


def test_a_saved_model_is_judged_on_what_it_did_not_learn(learnt, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    order, outcome = learnt
    again = Order(str(folder), str(tmp_path), model=order.save, **SMALL)
    assert {row.name for row in upscale(again).judged} == {row.name for row in outcome.judged}
    kept = next(k for k in range(8) if f"{k}.png" not in {row.name for row in outcome.judged})
    alone = upscale(replace(again, images=str(folder / f"{kept}.png"), output=str(tmp_path / "x.png")))
    assert alone.judged == []
    assert "learnt from these very images" in alone.notes[0]
    assert alone.written == [str(tmp_path / "x.png")]


def test_same_seed_same_network(folder: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.genapps" for k in range(3)]
    for seed, path in zip((1, 1, 2), paths, strict=True):
        upscale(Order(str(folder), save=str(path), steps=2, family="gan", seed=seed, **SMALL))
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other
    assert UpscaleModel.load(paths[0]).card["steps"] == 2


def test_one_image_is_learnt_on_its_left_and_judged_on_its_right(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", checks(0, 48))
    outcome = upscale(Order(str(tmp_path / "one.png"), str(tmp_path / "large.png"), steps=2, factor=3, **SMALL))
    assert "right quarter" in outcome.notes[0]
    assert open_pictures(tmp_path / "large.png").one(0).pixels.shape == (144, 144, 3)
    pieces, _ = collect(open_pictures(tmp_path / "one.png"), 3, seed=0)
    found = divide(pieces, 3, share=0.5, seed=0)
    assert found.learnt[0].pixels.shape[1] + found.held_out[0].pixels.shape[1] == 48


def test_equal_images_are_one_so_that_none_is_learnt_and_judged(tmp_path: Path) -> None:
    for k in range(8):
        write_image(tmp_path / f"{k}.png", checks(k // 2))
    pieces, _ = collect(open_pictures(tmp_path), 2, seed=0)
    assert len(pieces) == 4
    found = divide(pieces, 2, share=0.25, seed=0)
    assert {p.mark for p in found.learnt}.isdisjoint(p.mark for p in found.held_out)


def test_an_image_of_one_color_is_neither_learnt_nor_judged(tmp_path: Path) -> None:
    write_image(tmp_path / "flat.png", np.full((32, 32, 3), (9, 80, 200), np.uint8))
    with pytest.raises(InputError, match=r"flat\.png: of one color"):
        collect(open_pictures(tmp_path), 2, seed=0)
    write_image(tmp_path / "checks.png", checks(0))
    pieces, skipped = collect(open_pictures(tmp_path), 2, seed=0)
    assert [piece.name for piece in pieces] == ["checks.png"]
    assert [one.name for one in skipped] == ["flat.png"]


def test_images_without_error_gain_nothing_and_stay_json(draw) -> None:  # type: ignore[no-untyped-def]
    row = judge(draw(size=0.0), [np.full((16, 16, 3), 90, np.uint8)], ["flat"], ensemble=False)[0]
    assert row.gain == 0
    assert "null" in json.dumps(row.to_json(), allow_nan=False)


def test_the_page_shows_pieces_of_held_out_images_beside_bicubics(learnt, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, outcome = learnt
    write_report(outcome, tmp_path / "page.html", title="checks <1>")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.count('src="data:image/') == 3 * len(outcome.judged)
    assert "checks &lt;1&gt;" in text and "Closer than bicubic" in text
    assert not re.search(r"https?://|<script|src=\"(?!data:)", text)
    assert len(text) < 300_000
    assert json.loads((tmp_path / "page.json").read_text("utf-8"))["mean"]["gain_db"] > 0
    worse = replace(outcome, judged=[replace(row, learnt=row.bicubic, bicubic=row.learnt) for row in outcome.judged])
    assert "No closer than bicubic" in render(page(worse, "checks"))
    assert "Not measured" in render(page(replace(outcome, judged=[], notes=["not judged: why"]), "checks"))


def test_pieces_are_of_one_place_where_there_is_most_to_see() -> None:
    pixels = np.full((200, 160, 3), 100, np.uint8)
    pixels[101:181, 62:142] = checks(0, 80)
    top, left = richest(pixels, 80)
    assert abs(top - 101) <= 4 and abs(left - 62) <= 4
    assert richest(pixels[:10, :7], 80) == (0, 0)


def test_pieces_belong_together() -> None:
    patches = Patches([checks(k, 40) for k in range(3)], 2, 8)
    small, large = patches.draw(torch.arange(12), torch.Generator().manual_seed(0))
    assert small.shape == (12, 3, 8, 8)
    assert large.shape == (12, 3, 16, 16)
    means = large.reshape(12, 3, 8, 2, 8, 2).mean((3, 5))
    assert float((means - small)[..., 2:-2, 2:-2].abs().mean()) < 0.03
    assert float((means.flip(-1) - small)[..., 2:-2, 2:-2].abs().mean()) > 0.1  # a pair that does not would be seen


def test_a_broken_network_is_told(learnt, folder: Path) -> None:  # type: ignore[no-untyped-def]
    order, outcome = learnt
    model = UpscaleModel.load(order.save)
    with torch.no_grad():
        model.network.leave.bias += 0.05
    rows = judge(model, [checks(0)], ["0"], ensemble=False)
    assert rows[0].gain < 0
    assert "no better than bicubic" in replace(outcome, judged=rows).verdict
    sharp = [replace(row, learnt=replace(row.learnt, sharpness=1.0)) for row in rows]
    assert "farther from the original" in replace(outcome, judged=sharp, family="gan").verdict
    blurred = [replace(row, learnt=replace(row.learnt, sharpness=row.bicubic.sharpness - 0.1)) for row in rows]
    assert "no better than bicubic" in replace(outcome, judged=blurred, family="gan").verdict


def test_charbonnier_is_the_error_far_from_zero() -> None:
    assert float(charbonnier(torch.tensor([3.0, -3.0]), torch.zeros(2))) == pytest.approx(3, rel=1e-6)
    assert float(charbonnier(torch.zeros(2), torch.zeros(2))) == pytest.approx(1e-3)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_critics_pull_does_not_depend_on_how_steep_it_is(scale: float) -> None:
    made = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    error, said = made.abs().mean(), scale * (made**2).sum()
    (evened,) = torch.autograd.grad(_evened(said, error, made) * said, made, retain_graph=True)
    (wanted,) = torch.autograd.grad(error, made)
    assert float(evened.norm()) == pytest.approx(float(wanted.norm()), rel=1e-5)


def test_the_parts_of_adversarial_training_share_time_or_steps() -> None:
    first, game = _divided(replace(RECIPE, budget=100.0))
    assert (first.budget or 0) + (game.budget or 0) == pytest.approx(100)
    first, game = _divided(steps_only(RECIPE, 2))
    assert (first.max_steps, game.max_steps) == (1, 1)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"family": "rbm"}, UsageError, "no family 'rbm' here; there are: regression, gan"),
        ({"factor": 7}, UsageError, "--factor 7"),
        ({"output": None}, UsageError, "-o, or where the model goes"),
        ({"model": "m.genapps", "save": "n.genapps"}, UsageError, "leave one of them out"),
        ({"images": "nowhere"}, UsageError, "no such file or folder"),
    ],
)
def test_what_cannot_be_asked_is_said(folder: Path, change: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        upscale(replace(Order(str(folder), "out", steps=1), **change))  # type: ignore[arg-type]


def test_a_folder_without_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"no image to learn from; a\.png: empty file"):
        upscale(Order(str(tmp_path), str(tmp_path / "out"), steps=1))


class Colors(Extractor):
    """Features of a place: its colors."""

    name = "colors"

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((2, 3))

    def _maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [images.float(), images.float()[..., ::2, ::2]]


def test_distance_of_features_is_of_directions_and_per_place() -> None:
    red, blue = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 90
    half = red.copy()
    half[:, 4:] = blue[:, 4:]
    assert feature_distance(Colors(), red, red) == 0
    assert feature_distance(Colors(), red, red // 2) == pytest.approx(0, abs=1e-9)
    assert feature_distance(Colors(), red, blue) == pytest.approx(2)
    assert feature_distance(Colors(), red, half) == pytest.approx(1)
