"""Painting photographs, at once and by what was learnt."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.report.page import render
from genapps_image.reading.pictures import open_pictures
from genapps_image.showing import fitted
from genapps_image.stylizing import network as networks
from genapps_image.stylizing.matching import Look, painted
from genapps_image.stylizing.model import StyleModel
from genapps_image.stylizing.network import Stylizer
from genapps_image.stylizing.objective import structure_kept, style_distance
from genapps_image.stylizing.palette import palette_of
from genapps_image.stylizing.pictures import numbers, pixels_of
from genapps_image.stylizing.report import page, write_report
from genapps_image.stylizing.tasks import Order, stylize
from genapps_image.writing import write_image


def scene(side: int = 40) -> np.ndarray:
    down, across = np.mgrid[:side, :side]
    disc = np.hypot(down - side / 2, across - side / 2) < side / 3
    return np.where(disc[..., None], (200, 120, 60), (40, 90, 160)).astype(np.uint8) + (across % 5)[..., None].astype(
        np.uint8
    )


def weave(side: int = 40) -> np.ndarray:
    down, across = np.mgrid[:side, :side]
    grey = 128 + 90 * np.sin(down * 1.5) * np.cos(across * 1.1)
    return np.clip(grey[..., None] * (1, 0.9, 0.3), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("desk")
    (place / "photos").mkdir()
    for k in range(4):
        write_image(place / "photos" / f"{k}.png", np.rot90(scene(), k).copy())
    (place / "photos" / "broken.png").write_bytes(b"GIF89a")
    write_image(place / "weave.png", weave())
    write_image(place / "other.png", 255 - weave()[:, ::-1])
    return place


def test_the_style_comes_nearer_and_the_structure_stays(desk: Path, tmp_path: Path) -> None:
    order = Order(str(desk / "photos" / "0.png"), str(tmp_path / "a.png"), (str(desk / "weave.png"),), steps=20)
    one = stylize(order).measured[0]
    assert one.style < 0.4 * one.photo
    assert one.kept > 0.3
    strong = stylize(replace(order, strength=1.0)).measured[0]
    assert strong.kept < one.kept


def test_without_the_structures_term_less_of_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from genapps_image.stylizing import matching

    def kept() -> float:
        photo = numbers(scene())
        made = painted(photo, [numbers(weave())], Look(0.5, steps=20), torch.Generator().manual_seed(0))
        return structure_kept(made, photo)

    whole = kept()
    monkeypatch.setattr(matching, "balance", lambda strength: 0.0)
    assert kept() < whole - 0.05


def test_strength_0_is_the_photograph(desk: Path, tmp_path: Path) -> None:
    order = Order(str(desk / "photos" / "0.png"), str(tmp_path / "a.png"), (str(desk / "weave.png"),), strength=0.0)
    stylize(order)
    assert np.array_equal(open_pictures(tmp_path / "a.png").one(0).pixels, scene())


def test_color_is_kept_where_asked(desk: Path) -> None:
    photo = numbers(scene())
    made = painted(photo, [numbers(weave())], Look(0.9, keep_color=True, steps=10), torch.Generator().manual_seed(0))
    inside = (made.abs() < 0.999).all(1)[0]
    apart = (made[0, 0] - made[0, 2]) - (photo[0, 0] - photo[0, 2])
    assert float(apart[inside].abs().max()) < 1e-4
    assert float((made - photo).abs().mean()) > 0.02


def test_a_folder_with_two_styles_and_a_bad_file(desk: Path, tmp_path: Path) -> None:
    styles = (str(desk / "weave.png"), str(desk / "other.png"))
    order = Order(str(desk / "photos"), str(tmp_path / "a"), styles, steps=4, size=32)
    outcome = stylize(order)
    assert [Path(path).name for path in outcome.written] == [f"{k}.png" for k in range(4)]
    assert [one.name for one in outcome.skipped] == ["broken.png"]
    assert "mean of 4" in outcome.lines()[0]
    assert outcome.to_json()["within_style"] > 0
    first = (tmp_path / "a" / "0.png").read_bytes()
    stylize(replace(order, output=str(tmp_path / "b")))
    assert (tmp_path / "b" / "0.png").read_bytes() == first
    stylize(replace(order, output=str(tmp_path / "c"), seed=1))
    assert (tmp_path / "c" / "0.png").read_bytes() != first


def test_alpha_stays(desk: Path, tmp_path: Path) -> None:
    alpha = np.arange(40 * 40).reshape(40, 40, 1).astype(np.uint8)
    write_image(tmp_path / "in.png", np.concatenate([scene(), alpha], 2))
    stylize(Order(str(tmp_path / "in.png"), str(tmp_path / "out.png"), (str(desk / "weave.png"),), steps=1))
    assert np.array_equal(open_pictures(tmp_path / "out.png").one(0).pixels[:, :, 3:], alpha)


def test_a_style_is_learnt_kept_and_painted_with(desk: Path, tmp_path: Path) -> None:
    style = (str(desk / "weave.png"),)
    order = Order(None, None, style, train=str(desk / "photos"), save=str(tmp_path / "s.genapps"), steps=25, width=8)
    assert stylize(order).notes == ["1 of the photographs to learn on could not be used"]
    again = Order(str(desk / "photos"), str(tmp_path / "a"), model=order.save)
    outcome = stylize(again)
    assert all(one.style < 0.8 * one.photo for one in outcome.measured)  # by the style that the file holds
    assert len(outcome.written) == 4
    assert outcome.learnt["steps"] == 25
    pixels = torch.from_numpy(scene()).permute(2, 0, 1)
    before, after = (
        style_distance(numbers(model.paint(pixels).permute(1, 2, 0).numpy()), [numbers(weave())])
        for model in (untrained(), StyleModel.load(str(order.save)))
    )
    assert after < 0.9 * before  # it has learnt more than colors, which both know


def test_the_page_shows_photograph_style_and_result(desk: Path, tmp_path: Path) -> None:
    order = Order(str(desk / "photos"), str(tmp_path / "a"), (str(desk / "weave.png"),), steps=2)
    outcome = stylize(order)
    write_report(outcome, tmp_path / "page.html", title="photos")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.count('src="data:image/') == 2 * 4 + 1
    assert "Skipped: broken.png" in text
    assert not re.search(r"https?://|<script|src=\"(?!data:)", text)
    assert len(json.loads((tmp_path / "page.json").read_text("utf-8"))["measured"]) == 4
    for share, said in ((0.5, "In the style"), (1, "Hardly more than its colors"), (9, "Not in the style")):
        rows = [replace(one, style=share * one.colors) for one in outcome.measured]
        assert said in render(page(replace(outcome, measured=rows), "photos"))


def untrained() -> StyleModel:
    network = Stylizer(4, torch.Generator().manual_seed(0)).eval()
    network.palette = palette_of([numbers(weave())], torch.Generator().manual_seed(0))
    return StyleModel(network, {"steps": 0}, (numbers(weave()),))


def test_the_size_of_the_tiles_does_not_show() -> None:
    picture = torch.randint(256, (3, 101, 58), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    model = untrained()
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.mul_(1.5)
    whole = model.paint(picture)
    assert int((model.paint(picture, tile=32).int() - whole.int()).abs().max()) <= 1
    assert whole.shape == picture.shape


def test_less_reach_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from genapps_image.stylizing import model as models

    picture = torch.randint(256, (3, 64, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    whole = untrained().paint(picture)
    monkeypatch.setattr(models, "REACH", 0)
    assert int((untrained().paint(picture, tile=32).int() - whole.int()).abs().max()) > 3
    assert networks.REACH % networks.STEP == 0


@pytest.mark.parametrize("change", ["none", "shape", "tiny"])
def test_a_file_without_pictures_of_its_style_is_refused(tmp_path: Path, change: str) -> None:
    untrained().save(tmp_path / "s.genapps")
    found = read_artifact(tmp_path / "s.genapps")
    held = {name: value for name, value in found.tensors.items() if not name.startswith("style/")}
    other = {"none": {}, "shape": {"style/0": weave()[..., 0]}, "tiny": {"style/0": weave(3)}}[change]
    write_artifact(tmp_path / "s.genapps", {**held, **other}, found.header)
    with pytest.raises(InputError, match="no pictures of its style"):
        StyleModel.load(tmp_path / "s.genapps")


@pytest.mark.parametrize(
    ("change", "said"),
    [({"task": "upscale"}, "holds no style"), ({"width": 10**6}, "no version"), ({"width": 8}, "fit")],
)
def test_a_file_that_says_otherwise_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    untrained().save(tmp_path / "s.genapps")
    found = read_artifact(tmp_path / "s.genapps")
    write_artifact(tmp_path / "s.genapps", found.tensors, {**found.header, **change})
    with pytest.raises(InputError, match=said):
        StyleModel.load(tmp_path / "s.genapps")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"styles": ()}, "with --style, or what was learnt with --model"),
        ({"model": "s.genapps"}, "leave --style out"),
        ({"model": "s.genapps", "styles": (), "save": "t.genapps"}, "leave one of them out"),
        ({"save": "t.genapps"}, "name their folder with --train"),
        ({"photos": None}, "name the photograph"),
        ({"train": "photos", "strength": 0.0}, "nothing to learn"),
        ({"output": None}, "painted photographs go with -o"),
        ({"train": "photos", "keep_color": True}, "leave it out"),
        ({"train": "photos", "photos": None, "output": None}, "goes with --save"),
    ],
)
def test_what_cannot_be_asked_is_said(change: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stylize(replace(Order("photo.png", "out.png", ("style.png",)), **change))  # type: ignore[arg-type]


def test_pictures_that_cannot_be_painted_are_said(desk: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "tiny.png", scene(8))
    style = (str(desk / "weave.png"),)
    with pytest.raises(InputError, match="too small to paint"):
        stylize(Order(str(tmp_path / "tiny.png"), str(tmp_path / "out.png"), style))
    with pytest.raises(InputError, match="a style needs texture"):
        stylize(Order(str(desk / "photos"), str(tmp_path / "out"), (str(tmp_path / "tiny.png"),)))
    with pytest.raises(InputError, match="a style is a picture"):
        stylize(Order(str(desk / "photos"), str(tmp_path / "out"), (str(desk / "photos" / "broken.png"),)))


def test_sizes() -> None:
    assert fitted(scene(), 20).shape == (20, 20, 3)
    assert fitted(scene()[:10], 20).shape == (5, 20, 3)
    assert fitted(scene(), 100).shape == (40, 40, 3)
    assert np.array_equal(pixels_of(numbers(scene())), scene())
    assert numbers(scene()[:, :, :1]).shape == (1, 3, 40, 40)
