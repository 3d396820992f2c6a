"""Gated convolutions: probabilities that sum to one, the memory that draws the same images, filling in, keeping."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models import load_file
from genapps.models.autoregressive import Autoregressive
from genapps.models.autoregressive.convolutions import ConvolutionModel
from genapps.models.autoregressive.pixels import PixelModel
from genapps.spaces import Pixels
from genapps.training import Event, TrainingConfig

SMALL: dict[str, Any] = {"network": "convolutions", "channels": 8, "blocks": 2, "components": 4}
QUICK = TrainingConfig(max_steps=50, warmup_steps=5, learning_rate=0.02, batch_size=48, check_steps=25)
FEW = TrainingConfig(max_steps=8, warmup_steps=3, learning_rate=0.02)


def every(height: int, width: int, levels: int = 2, planes: int = 1) -> Tensor:
    """All images of that size."""
    numbers = list(itertools.product(range(levels), repeat=planes * height * width))
    return torch.tensor(numbers, dtype=torch.uint8).view(-1, planes, height, width)


def make_images(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Every row of an image is like the one above it, mostly."""
    g = torch.Generator().manual_seed(seed)
    top = torch.rand(n, 1, 1, width, generator=g) < 0.5
    return (top ^ (torch.rand(n, 1, height, width, generator=g) < 0.1)).to(torch.uint8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    return Autoregressive(space=Pixels(1, 3, 3, 2), **SMALL).fit(make_images(500, 3, 3), training=QUICK)


def test_the_option_chooses_the_engine() -> None:
    space = Pixels(1, 3, 3, 2)
    assert isinstance(Autoregressive(space=space, **SMALL)._engine, ConvolutionModel)
    assert isinstance(Autoregressive(space=space)._engine, PixelModel)
    with pytest.raises(UsageError, match="network must be patches or convolutions"):
        Autoregressive(space=space, network="convolution")
    with pytest.raises(UsageError, match="binarize is for images of 2 levels"):
        Autoregressive(space=Pixels(1, 3, 3), binarize=True, **SMALL)
    assert "network = 'patches'" in Autoregressive.describe()


@pytest.mark.parametrize(
    ("planes", "height", "width", "levels"), [(1, 3, 3, 2), (2, 2, 2, 2), (3, 1, 2, 3), (1, 1, 2, 20)]
)
def test_probabilities_of_all_images_sum_to_one(planes: int, height: int, width: int, levels: int) -> None:
    images = every(height, width, levels, planes)
    data = images[torch.randperm(len(images), generator=seeded())[:60]]
    fitted = Autoregressive(space=Pixels(planes, height, width, levels), **SMALL).fit(data, training=FEW)
    found = fitted.log_prob(images)
    assert found.kind == "exact"
    assert found.values.double().exp().sum().item() == pytest.approx(1.0, abs=2e-5)


def test_samples_follow_the_probabilities(model: Autoregressive) -> None:
    shares = model.log_prob(every(3, 3)).values.double().exp()
    drawn = model.sample(10_000, generator=seeded())
    assert drawn.shape == (10_000, 1, 3, 3) and drawn.dtype == torch.uint8
    codes = (drawn.flatten(1).long() * 2 ** torch.arange(8, -1, -1)).sum(1)
    seen = torch.bincount(codes, minlength=512) / len(drawn)
    assert float((shares - seen).abs().sum() / 2) < 0.1  # chance is about 0.07
    assert model.score(make_images(500, 3, 3, seed=1)) > -9 * 0.6931 + 1


@torch.no_grad()
def plainly(model: Autoregressive, n: int, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Images drawn with no memory: the whole network is asked anew for every number."""
    engine = model.engine
    read = torch.zeros(n, *engine.space.shape)
    for row, column, plane in itertools.product(*(range(engine.space.shape[k]) for k in (1, 2, 0))):
        outputs = engine.network(read, labels)[:, plane, row, column]
        read[:, plane, row, column] = engine.values.draw(outputs, 1.0, generator)
    return engine.images(read)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("planes", "levels"), [(1, 2), (3, 256), (2, 5), (1, 0)])
def test_with_memory_and_without_it_the_same_images_are_drawn(planes: int, levels: int) -> None:
    data = torch.rand(40, planes, 6, 7, generator=seeded())
    data = (data * levels).floor().to(torch.uint8) if levels else data
    labels = torch.arange(40) % 2
    model = Autoregressive(space=Pixels(planes, 6, 7, levels), **SMALL).fit(data, labels=labels, training=FEW)
    drawn = model.sample(5, labels=1, generator=seeded(7))
    expected = plainly(model, 5, torch.full((5,), 2), seeded(7))
    torch.testing.assert_close(drawn, expected, atol=0 if levels else 1e-4, rtol=0)
    assert torch.isfinite(model.log_prob(drawn).values).all()
    cold = model.sample(2, labels=0, temperature=0.0)
    torch.testing.assert_close(cold[0], cold[1])


def test_known_rows_are_completed_as_the_model_would(model: Autoregressive) -> None:
    images = every(3, 3)
    shares = model.log_prob(images).values.double().exp()
    known = torch.tensor([1, 0, 1, 1, 0], dtype=torch.int8)  # the first five pixels, so all else follows exactly
    matching = (images.flatten(1)[:, :5] == known).all(1)
    expected = (shares[matching] / shares[matching].sum()) @ images.flatten(1)[matching, 5:].double()
    holes = torch.full((4000, 1, 3, 3), -1, dtype=torch.int8)
    holes.view(-1, 9)[:, :5] = known
    filled = model.impute(holes, generator=seeded()).flatten(1)
    assert (filled[:, :5] == known).all() and (filled >= 0).all()
    torch.testing.assert_close((filled[:, 5:] == 1).double().mean(0), expected, atol=0.04, rtol=0)


def test_particles_follow_what_is_known_further_on(model: Autoregressive) -> None:
    """The top row and a pixel in the middle unknown: many candidates come near the exact conditional."""
    settings = {**model.state()[1], "config": {**model.state()[1]["config"], "particles": 40}}
    several = Autoregressive.from_state(model.space, model.state()[0], settings)
    images, shares = every(3, 3).flatten(1), model.log_prob(every(3, 3)).values.double().exp()
    told = torch.tensor([-1, -1, -1, 1, -1, 1, 1, 0, 1], dtype=torch.int8)
    shares = shares * ((images == told) | (told < 0)).all(1)
    expected = (shares / shares.sum()) @ images.double()
    filled = several.impute(told.view(1, 1, 3, 3).repeat(150, 1, 1, 1), generator=seeded()).flatten(1)
    assert (filled == told)[:, told >= 0].all()
    torch.testing.assert_close((filled == 1).double().mean(0), expected, atol=0.12, rtol=0)


def test_labels_steer_and_are_guessed() -> None:
    labels = torch.arange(200) % 2
    data = (labels.view(-1, 1, 1, 1) * torch.ones(200, 1, 2, 2)).to(torch.uint8)
    model = Autoregressive(space=Pixels(1, 2, 2, 2), **SMALL).fit(data, labels=labels, training=QUICK)
    for label in (0, 1):
        assert (model.sample(50, labels=label) == label).float().mean() > 0.9
    assert model.log_prob(every(2, 2)).values.double().exp().sum().item() == pytest.approx(1.0, abs=1e-6)
    holes = torch.tensor([[1, 1], [-1, -1]], dtype=torch.int8).view(1, 1, 2, 2).repeat(50, 1, 1, 1)
    assert (model.impute(holes)[:, 0, 1] == 1).float().mean() > 0.9


def test_grey_values_are_drawn_anew() -> None:
    grey = torch.tensor([0.0, 0.2, 0.7, 1.0]).view(1, 1, 2, 2).expand(600, -1, -1, -1)
    training = TrainingConfig(max_steps=60, warmup_steps=5, learning_rate=0.03, batch_size=64, ema=0.9)
    model = Autoregressive(space=Pixels(1, 2, 2, 2), binarize=True, **SMALL).fit(grey, training=training)
    shares = model.log_prob(every(2, 2)).values.double().exp()
    ones = (shares[:, None] * every(2, 2).flatten(1)).sum(0)
    torch.testing.assert_close(ones, grey[0].flatten().double(), atol=0.07, rtol=0)


def test_resumed_is_uninterrupted_and_saved_is_the_same(tmp_path: Path) -> None:
    training = TrainingConfig(max_steps=12, checkpoint_seconds=0, check_steps=4)
    data, space = make_images(60, 4, 4), Pixels(1, 4, 4, 2)
    labels = torch.arange(60) % 3

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if event.step >= 8:
            raise Killed

    whole, again, resumed = (Autoregressive(space=space, dropout=0.2, **SMALL) for _ in range(3))
    whole.fit(data, labels=labels, training=training)
    place = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        again.fit(data, labels=labels, training=training, checkpoint=place, progress=kill)
    resumed.fit(data, labels=labels, training=training, checkpoint=place, resume=True)
    one, two = whole.state()[0], resumed.state()[0]
    assert all(one[name].equal(two[name]) for name in one)
    whole.save(tmp_path / "model.genapps")
    loaded = load_file(tmp_path / "model.genapps")
    assert isinstance(loaded.engine, ConvolutionModel) and loaded.config == whole.config
    assert loaded.log_prob(data).values.equal(whole.log_prob(data).values)
    drawn = [m.sample(5, generator=seeded(seed)) for m, seed in ((loaded, 2), (whole, 2), (whole, 3))]
    assert drawn[0].equal(drawn[1]) and not drawn[1].equal(drawn[2])
    more = whole.fit(data, labels=torch.arange(60) % 4, training=FEW, warm_start=True)  # a class more
    assert len(more.sample(3, labels=3)) == 3


@pytest.mark.parametrize(
    ("data", "levels"),
    [
        pytest.param(torch.zeros(1, 1, 3, 3), 2, id="one image"),
        pytest.param(torch.full((30, 1, 3, 3), 1e6), 0, id="constant and far from 0"),
        pytest.param(torch.full((5, 3, 1, 1), 255), 256, id="one pixel"),
        pytest.param(torch.randn(30, 1, 1, 3) * 1e-20, 0, id="tiny"),
    ],
)
def test_hostile_data_ends_in_finite_numbers(data: Tensor, levels: int) -> None:
    model = Autoregressive(space=Pixels(*data.shape[1:], levels), **SMALL).fit(data, training=FEW)
    assert torch.isfinite(model.log_prob(data).values).all()
    assert torch.isfinite(model.sample(5).float()).all() and model.sample(0).shape == (0, *data.shape[1:])
