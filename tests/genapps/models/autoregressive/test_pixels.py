"""Images: probabilities that sum to one, draws that follow them, filling in, grey values drawn anew at every step."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models import load_file
from genapps.models.autoregressive import Autoregressive
from genapps.models.autoregressive.pixel_values import PixelValues
from genapps.models.autoregressive.pixels import PixelConfig, PixelModel
from genapps.spaces import Pixels, allow
from genapps.training import Event, TrainingConfig

SMALL: dict[str, Any] = {"hidden": 16, "heads": 2, "layers": 1, "head": 24, "patch": 2, "components": 4}
GREY = TrainingConfig(max_steps=250, warmup_steps=10, learning_rate=0.01, ema=0.9)
QUICK = TrainingConfig(max_steps=120, warmup_steps=10, learning_rate=0.01)


def every(height: int, width: int) -> Tensor:
    """All black-and-white images of that size."""
    bits = list(itertools.product(range(2), repeat=height * width))
    return torch.tensor(bits, dtype=torch.uint8).view(-1, 1, height, width)


def make_images(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Every row of an image is like the one above it, mostly."""
    g = torch.Generator().manual_seed(seed)
    top = torch.rand(n, 1, 1, width, generator=g) < 0.5
    flips = torch.rand(n, 1, height, width, generator=g) < 0.1
    return (top ^ flips).to(torch.uint8)


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    return Autoregressive(space=Pixels(1, 3, 3, 2), **SMALL).fit(make_images(500, 3, 3), training=QUICK)


@pytest.mark.parametrize(("height", "width", "patch"), [(2, 2, 1), (2, 2, 2), (2, 3, 2), (3, 3, 4), (1, 4, 2)])
def test_probabilities_of_all_images_sum_to_one(height: int, width: int, patch: int) -> None:
    options = {**SMALL, "patch": patch}
    data = make_images(200, height, width)
    fitted = Autoregressive(space=Pixels(1, height, width, 2), **options).fit(
        data, training=TrainingConfig(max_steps=30)
    )
    found = fitted.log_prob(every(height, width))
    assert found.kind == "exact"
    assert found.values.double().exp().sum().item() == pytest.approx(1.0, abs=1e-6)


def test_samples_follow_the_probabilities(model: Autoregressive) -> None:
    shares = model.log_prob(every(3, 3)).values.double().exp()
    drawn = model.sample(20_000, generator=torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 1, 3, 3) and drawn.dtype == torch.uint8
    codes = (drawn.flatten(1).long() * 2 ** torch.arange(8, -1, -1)).sum(1)
    seen = torch.bincount(codes, minlength=512) / len(drawn)
    assert float((shares - seen).abs().sum() / 2) < 0.08  # chance is about 0.06
    assert model.score(make_images(500, 3, 3, seed=1)) > -9 * 0.6931 + 1


def test_levels_between_are_a_distribution() -> None:
    for levels, components in ((3, 1), (16, 1), (17, 3), (256, 5)):
        values = PixelValues(levels, components)
        g = torch.Generator().manual_seed(levels)
        outputs = 2 * torch.randn(4, values.outputs, generator=g)
        codes = torch.arange(levels).expand(4, -1)
        read = values.read(codes)
        assert values.codes(read).equal(codes)
        terms = values.log_prob(outputs[:, None].expand(-1, levels, -1), read)
        torch.testing.assert_close(terms.double().exp().sum(1), torch.ones(4).double(), atol=2e-5, rtol=0)
        drawn = values.codes(values.draw(outputs[:1].expand(20_000, -1), 1.0, g))
        seen = torch.bincount(drawn, minlength=levels) / 20_000
        assert float((seen - terms[0].exp()).abs().sum() / 2) < 0.08


def test_the_density_of_a_real_pixel_integrates_to_one() -> None:
    values = PixelValues(0, 3)
    outputs = torch.randn(1, 9, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    grid = torch.linspace(-60, 60, 200_001, dtype=torch.double)
    density = values.log_prob(outputs.expand(len(grid), -1), grid).exp()
    assert float(density.sum() * (grid[1] - grid[0])) == pytest.approx(1.0, abs=1e-4)


def test_real_images_of_any_offset_and_unit() -> None:
    g = torch.Generator().manual_seed(0)
    data = torch.randn(150, 2, 3, 3, generator=g, dtype=torch.double)
    space = Pixels(2, 3, 3)
    training = TrainingConfig(max_steps=40)
    plain = Autoregressive(space=space, **SMALL).fit(data, training=training)
    moved = Autoregressive(space=space, **SMALL).fit(data * 40 + 1e6, training=training)
    expected = plain.log_prob(data).values - 18 * torch.tensor(40.0).log()
    torch.testing.assert_close(moved.log_prob(data * 40 + 1e6).values, expected, atol=0.05, rtol=0)
    assert moved.sample(50).mean().item() == pytest.approx(1e6, abs=30)


def test_known_top_rows_are_completed_as_the_model_would(model: Autoregressive) -> None:
    """Rows 0 and 1 make up the first patches, so that what follows is drawn from its exact conditional."""
    images = every(3, 3)
    shares = model.log_prob(images).values.double().exp()
    top = torch.tensor([[1, 0, 1], [1, 0, 1]], dtype=torch.int8)
    matching = (images[:, 0, :2] == top).flatten(1).all(1)
    expected = torch.stack(
        [(shares * matching * (images[:, 0, 2, column] == 1)).sum() / (shares * matching).sum() for column in range(3)]
    )
    holes = torch.full((5000, 1, 3, 3), -1, dtype=torch.int8)
    holes[:, 0, :2] = top
    filled = model.impute(holes, generator=torch.Generator().manual_seed(0))
    assert (filled[:, 0, :2] == top).all() and (filled >= 0).all()
    torch.testing.assert_close((filled[:, 0, 2] == 1).double().mean(0), expected, atol=0.04, rtol=0)


def test_particles_follow_what_is_known_further_on() -> None:
    """The top row unknown, the rest known: one candidate ignores the rest, many come near the exact conditional."""
    data = make_images(500, 3, 3)
    model = Autoregressive(space=Pixels(1, 3, 3, 2), **{**SMALL, "patch": 1}, particles=40).fit(data, training=QUICK)
    images = every(3, 3)
    shares = model.log_prob(images).values.double().exp()
    rest = torch.tensor([[1, 0, 1], [1, 0, 1]], dtype=torch.int8)
    matching = (images[:, 0, 1:] == rest).flatten(1).all(1)
    expected = torch.stack(
        [(shares * matching * (images[:, 0, 0, column] == 1)).sum() / (shares * matching).sum() for column in range(3)]
    )
    holes = torch.full((600, 1, 3, 3), -1, dtype=torch.int8)
    holes[:, 0, 1:] = rest
    filled = model.impute(holes, generator=torch.Generator().manual_seed(0))
    assert (filled[:, 0, 1:] == rest).all()
    torch.testing.assert_close((filled[:, 0, 0] == 1).double().mean(0), expected, atol=0.1, rtol=0)


def test_grey_values_are_drawn_anew_and_judged_as_bits() -> None:
    """Pixels of grey value p are learnt as 1 with probability p, which no single binarisation shows exactly."""
    grey = torch.tensor([0.0, 0.2, 0.7, 1.0]).view(1, 1, 2, 2).expand(900, -1, -1, -1)
    space = Pixels(1, 2, 2, 2)
    model = Autoregressive(space=space, binarize=True, **SMALL).fit(grey, training=GREY)
    shares = model.log_prob(every(2, 2)).values.double().exp()
    assert shares.sum().item() == pytest.approx(1.0, abs=1e-6)
    ones = (shares[:, None] * every(2, 2).flatten(1)).sum(0)
    torch.testing.assert_close(ones, grey[0].flatten().double(), atol=0.06, rtol=0)
    as_bytes = (grey * 255).round().to(torch.uint8)
    again = Autoregressive(space=space, binarize=True, **SMALL).fit(as_bytes, training=GREY)
    torch.testing.assert_close(again.log_prob(every(2, 2)).values, model.log_prob(every(2, 2)).values, atol=0.5, rtol=0)
    with pytest.raises(InputError, match="from 0 to 1"):
        Autoregressive(space=space, binarize=True, **SMALL).fit(grey * 2)
    with pytest.raises(UsageError, match=r"give space=Pixels\(C, H, W, 2\)"):
        Autoregressive(binarize=True, **SMALL).fit(grey)


def test_labels_steer() -> None:
    labels = torch.arange(300) % 2
    data = (labels.view(-1, 1, 1, 1) * torch.ones(300, 1, 2, 2)).to(torch.uint8)
    model = Autoregressive(space=Pixels(1, 2, 2, 2), **SMALL).fit(data, labels=labels, training=QUICK)
    for label in (0, 1):
        assert (model.sample(50, labels=label) == label).float().mean() > 0.95
        found = model.log_prob(every(2, 2), labels=label).values.double().exp()
        assert found.sum().item() == pytest.approx(1.0, abs=1e-6)
    assert model.log_prob(every(2, 2)).values.double().exp().sum().item() == pytest.approx(1.0, abs=1e-6)
    holes = torch.tensor([[1, 1], [-1, -1]], dtype=torch.int8).view(1, 1, 2, 2).repeat(50, 1, 1, 1)
    assert (model.impute(holes)[:, 0, 1] == 1).float().mean() > 0.9  # the class is guessed from what is known


def test_half_precision_learns_the_same() -> None:
    """Products in bfloat16 change what is learnt by less than 2 %; probabilities are exact in both."""
    data = make_images(300, 3, 3)
    fitted = [
        Autoregressive(space=Pixels(1, 3, 3, 2), **SMALL).fit(
            data, training=TrainingConfig(max_steps=50, warmup_steps=10, precision=precision)
        )
        for precision in ("float32", "bfloat16")
    ]
    full, half = (model.score(data) for model in fitted)
    assert half == pytest.approx(full, rel=0.02)
    assert fitted[1].log_prob(every(3, 3)).values.double().exp().sum().item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("side", [(28, 7), (32, 8), (3, 4), (30, 6), (9, 5)])
def test_patches_fit_the_image(side: tuple[int, int]) -> None:
    assert PixelModel(Pixels(1, side[0], side[0], 2), PixelConfig()).patch == side[1]


@pytest.mark.parametrize("levels", [3, 256, 0])
def test_colours_and_many_levels(levels: int) -> None:
    g = torch.Generator().manual_seed(0)
    data = torch.rand(60, 3, 5, 4, generator=g)
    data = (data * levels).floor().to(torch.uint8) if levels else data
    model = Autoregressive(space=Pixels(3, 5, 4, levels), **SMALL).fit(data, training=TrainingConfig(max_steps=20))
    drawn = model.sample(4)
    assert drawn.shape == (4, 3, 5, 4) and drawn.dtype == (torch.uint8 if levels else torch.float32)
    assert torch.isfinite(model.log_prob(drawn).values).all()
    cold = model.sample(2, temperature=0.0)
    torch.testing.assert_close(cold[0], cold[1])


def test_images_in_a_batch_do_not_touch_each_other(model: Autoregressive) -> None:
    images = every(3, 3)[::50]
    alone = torch.cat([model.log_prob(image[None]).values for image in images])
    torch.testing.assert_close(model.log_prob(images).values, alone, atol=1e-5, rtol=0)


def test_resumed_is_uninterrupted_and_saved_is_the_same(tmp_path: Path) -> None:
    training = TrainingConfig(max_steps=40, checkpoint_seconds=0, check_steps=20)
    grey = torch.rand(100, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    space = Pixels(1, 4, 4, 2)

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if event.step >= 30:
            raise Killed

    whole, again, resumed = (Autoregressive(space=space, binarize=True, **SMALL) for _ in range(3))
    whole.fit(grey, training=training)
    place = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        again.fit(grey, training=training, checkpoint=place, progress=kill)
    resumed.fit(grey, training=training, checkpoint=place, resume=True)
    one, two = whole.state()[0], resumed.state()[0]
    assert all(one[name].equal(two[name]) for name in one)
    whole.save(tmp_path / "model.genapps")
    loaded = load_file(tmp_path / "model.genapps")
    bits = make_images(20, 4, 4)
    assert loaded.log_prob(bits).values.equal(whole.log_prob(bits).values)
    samples = [m.sample(5, generator=torch.Generator().manual_seed(2)) for m in (loaded, whole)]
    assert samples[0].equal(samples[1])


@pytest.mark.parametrize(
    ("data", "levels"),
    [
        pytest.param(torch.zeros(1, 1, 3, 3), 2, id="one image"),
        pytest.param(torch.ones(30, 1, 3, 3), 2, id="constant"),
        pytest.param(torch.full((30, 1, 3, 3), 1e6), 0, id="constant and far from 0"),
        pytest.param(torch.full((5, 1, 3, 3), 255), 256, id="all white"),
        pytest.param(torch.randn(30, 1, 3, 3) * 1e-20, 0, id="tiny"),
    ],
)
def test_hostile_data_ends_in_finite_numbers(data: Tensor, levels: int) -> None:
    model = Autoregressive(space=Pixels(1, 3, 3, levels), **SMALL).fit(data, training=TrainingConfig(max_steps=30))
    assert torch.isfinite(model.log_prob(data).values).all()
    assert torch.isfinite(model.sample(5).float()).all()


def test_what_cannot_be_is_said(model: Autoregressive) -> None:
    unknown = torch.full((1, 1, 3, 3), -1)
    with pytest.raises(InputError, match="fill them in with impute"):
        model.log_prob(unknown)
    with pytest.raises(InputError, match="does not learn from unknown"):
        Autoregressive(space=Pixels(1, 3, 3), **SMALL).fit(torch.full((5, 1, 3, 3), torch.nan))
    with pytest.raises(UsageError, match="give known pixels to impute"):
        model.sample(2, given=[allow(0, torch.ones(2).numpy())])
    with pytest.raises(UsageError, match="samples without prompt"):
        model.sample(2, prompt=[[1]])
    with pytest.raises(UsageError, match="multiple of 2 x heads"):
        Autoregressive(10, space=Pixels(1, 3, 3))
    assert model.sample(0).shape == (0, 1, 3, 3)
    assert model.impute(every(3, 3)[:3]).equal(every(3, 3)[:3])
