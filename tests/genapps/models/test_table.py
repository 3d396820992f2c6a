"""The whole table of families and spaces: fit, sample, score, save, load, compare, resume, in every cell there is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genapps.batches import Batch, Ragged, as_batch, numbers_of
from genapps.errors import GenappsError, InputError, UsageError
from genapps.models import FAMILIES, build, family_class, load_file
from genapps.models.base import Family
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space, Tokens
from genapps.training import TrainingConfig

SPACES: dict[type, Space] = {
    Columns: Columns((Categorical(2), Categorical(3, ordered=True), Categorical(4))),
    Tokens: Tokens(4, 8),
    Frames: Frames((Continuous(), Continuous()), 8),
    Pixels: Pixels(1, 8, 8, 2),
}
CELLS = [(family, kind) for family in sorted(FAMILIES) for kind in SPACES if kind in family_class(family).engines]
QUICK = TrainingConfig(epochs=2, batch_size=32, min_steps=8, checkpoint_seconds=0.0)
# A model of a size for tests: the first option of every family, and what else keeps it small.
SMALL: dict[tuple[str, type], dict[str, Any]] = {
    ("gmm", Columns): {"n_components": 4, "trees": 1, "max_iter": 5},
}


def options(family: str, kind: type) -> dict[str, Any]:
    first = {"gmm": "n_components", "hmm": "n_components", "rbm": "n_components", "autoregressive": "hidden"}
    return SMALL.get((family, kind), {first.get(family, "latent"): 4 if family != "autoregressive" else 16})


def example(kind: type, rows: int = 80) -> Any:
    rng = np.random.default_rng(0)
    if kind is Columns:
        first = rng.integers(0, 2, rows)
        return np.stack([first, first + rng.integers(0, 2, rows), rng.integers(0, 4, rows)], 1)
    lengths = rng.integers(3, 9, rows)
    if kind is Tokens:
        return [rng.integers(0, 2, n) + 2 * (np.arange(n) % 2) for n in lengths]
    if kind is Frames:
        return [np.cumsum(rng.normal(size=(n, 2)), 0) for n in lengths]
    return (rng.random((rows, 1, 8, 8)) < np.linspace(0.1, 0.9, 8)).astype(np.uint8)


def fit(family: str, kind: type, data: Any = None, **further: Any) -> Family:
    model = build(family, SPACES[kind], **options(family, kind))
    data = example(kind) if data is None else data
    return model.fit(data, training=QUICK, generator=torch.Generator().manual_seed(3), **further)


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, type], Family]:
    return {}


@pytest.fixture(params=CELLS, ids=lambda cell: f"{cell[0]}-{cell[1].__name__}")
def model(request: pytest.FixtureRequest, models: dict[tuple[str, type], Family]) -> Family:
    """Each cell is fitted once for all tests here."""
    if request.param not in models:
        models[request.param] = fit(*request.param)
    return models[request.param]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same(one: Batch, two: Batch) -> bool:
    return numbers_of(one).equal(numbers_of(two)) and len(one) == len(two)


def test_samples_belong_to_the_space_and_follow_the_seed(model: Family) -> None:
    one, two, other = (model.sample(12, generator=seeded(seed)) for seed in (1, 1, 2))
    assert len(one) == 12
    batch = as_batch(one, model.space)
    assert not torch.isnan(numbers_of(batch).double()).any()
    assert same(one, two) and not same(one, other)
    if isinstance(one, Ragged) and isinstance(model.space, Tokens | Frames):
        assert int(one.lengths.max()) <= model.space.longest
    assert len(model.sample(0)) == 0


def test_scores_are_finite_and_honest(model: Family) -> None:
    data = example(type(model.space))
    score = model.anomaly_score(data, generator=seeded())
    assert score.shape == (80,) and bool(torch.isfinite(score).all())
    if model.family == "gan":
        with pytest.raises(UsageError, match="likelihood"):
            model.log_prob(data)
        return
    found = model.log_prob(data, generator=seeded())
    assert found.values.shape == (80,) and bool(torch.isfinite(found.values).all())
    kinds = {"vae": ("bound",), "rbm": ("estimate", "exact")}  # a small RBM is enumerated
    assert found.kind in kinds.get(model.family, ("exact",))
    assert (found.error is not None) == (found.kind == "estimate")


def test_a_saved_model_is_the_same_model(model: Family, tmp_path: Path) -> None:
    model.save(tmp_path / "model.genapps")
    again = load_file(tmp_path / "model.genapps")
    assert again.space == model.space and again.config == model.config
    assert same(again.sample(9, generator=seeded(5)), model.sample(9, generator=seeded(5)))
    data = example(type(model.space))
    assert again.anomaly_score(data, generator=seeded()).equal(model.anomaly_score(data, generator=seeded()))


def test_the_same_seed_gives_the_same_model(model: Family) -> None:
    again = fit(model.family, type(model.space))
    one, two = model.state()[0], again.state()[0]
    assert one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)


class Killed(BaseException):
    """Stands for a signal."""


GRADIENT = [cell for cell in CELLS if cell[0] in ("vae", "gan", "rbm", "autoregressive")]


@pytest.mark.parametrize("cell", GRADIENT, ids=lambda cell: f"{cell[0]}-{cell[1].__name__}")
def test_a_killed_fit_goes_on_to_the_same_model_bit_for_bit(
    cell: tuple[str, type], models: dict[tuple[str, type], Family], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = models.setdefault(cell, fit(*cell))
    checkpoint = tmp_path / "run.checkpoint"
    from genapps.training import loop

    write = loop.write_checkpoint

    def write_and_die(*arguments: Any) -> None:
        write(*arguments)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "write_checkpoint", write_and_die)
        fit(*cell, checkpoint=checkpoint)
    resumed = fit(*cell, checkpoint=checkpoint, resume=True)
    one, two = whole.state()[0], resumed.state()[0]
    assert one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)


HOSTILE: dict[str, Any] = {
    "constant": lambda kind: _constant(kind),
    "one row": lambda kind: example(kind, 1),
    "two equal rows": lambda kind: [*example(kind, 1), *example(kind, 1)],
    "fewer rows than components": lambda kind: example(kind, 3),
}


def _constant(kind: type) -> Any:
    if kind is Tokens:
        return [np.zeros(4, int)] * 30
    if kind is Frames:
        return [np.full((4, 2), 1e6)] * 30
    return np.zeros_like(example(kind, 30))


@pytest.mark.parametrize("hostile", sorted(HOSTILE))
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell[0]}-{cell[1].__name__}")
def test_hostile_data_end_in_a_named_error_or_finite_numbers(cell: tuple[str, type], hostile: str) -> None:
    data = HOSTILE[hostile](cell[1])
    try:
        fitted = fit(*cell, np.stack(data) if isinstance(data, list) and cell[1] in (Columns, Pixels) else data)
        score = fitted.anomaly_score(example(cell[1], 5), generator=seeded())
        rows = fitted.sample(5, generator=seeded())
    except GenappsError as error:
        assert "\n" not in str(error)
        return
    assert bool(torch.isfinite(score).all()) and bool(torch.isfinite(numbers_of(rows).double()).all())


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_numbers_at_an_offset_with_gaps_duplicates_and_infinities(family: str) -> None:
    """Columns around a million, one constant, rows doubled; then NaN, which is refused or learnt; then inf."""
    if Columns not in family_class(family).engines:
        return
    rng = np.random.default_rng(0)
    data = np.repeat(rng.normal(1e6, 2.0, (40, 3)), 2, axis=0)
    data[:, 2] = 7.0
    holes = data.copy()
    holes[::3, 0] = np.nan
    space = Columns((Continuous(),) * 3)
    for given in (data, holes):
        try:
            fitted = build(family, space, **options(family, Columns)).fit(given, training=QUICK)
        except GenappsError as error:
            assert "\n" not in str(error)
            continue
        assert bool(torch.isfinite(fitted.anomaly_score(data)).all())
        assert bool(torch.isfinite(fitted.sample(5)).all())
    with pytest.raises((InputError, UsageError), match=r"infinite|token"):
        build(family, space, **options(family, Columns)).fit(np.where(data == 7.0, np.inf, data), training=QUICK)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_cell_that_is_not_built_names_those_that_are(family: str) -> None:
    found = family_class(family)
    for kind, space in SPACES.items():
        if kind not in found.engines:
            with pytest.raises(UsageError, match=next(iter(found.engines)).__name__):
                build(family, space)


def test_options_of_no_engine_are_refused_with_the_name_meant() -> None:
    with pytest.raises(UsageError, match=r"gmm has no option 'n_component'.*Did you mean 'n_components'"):
        build("gmm", n_component=3)
    with pytest.raises(UsageError, match="one value without a name"):
        family_class("gmm")(3, 4)


@pytest.mark.parametrize("family", ["autoregressive", "gan", "rbm", "vae"])
def test_bytes_and_truth_values_are_rows_of_codes(family: str) -> None:
    truth = np.random.default_rng(0).random((60, 3)) < 0.5
    for given in (truth, truth.astype(np.uint8)):
        fitted = build(family, **options(family, Columns)).fit(given, training=QUICK)
        assert set(fitted.sample(20, generator=seeded()).unique().tolist()) <= {0, 1}


def test_a_checkpoint_may_be_named_by_text(tmp_path: Path) -> None:
    place = str(tmp_path / "run.checkpoint")
    whole = fit("vae", Columns, checkpoint=place)
    assert Path(place).exists()
    resumed = fit("vae", Columns, checkpoint=place, resume=True)
    assert same(whole.sample(5, generator=seeded()), resumed.sample(5, generator=seeded()))


def test_spherical_chains_are_spherical_in_the_data_s_units() -> None:
    frames = np.random.default_rng(0).normal(size=(200, 2)) * [1.0, 10.0]
    covars = build("hmm", n_components=2, covariance_type="spherical").fit(frames).covars_
    torch.testing.assert_close(covars[:, 0], covars[:, 1], rtol=1e-9, atol=0)
