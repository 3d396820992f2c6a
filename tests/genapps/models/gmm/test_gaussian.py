"""The classical mixture against scikit-learn, quadrature, closed formulas, and itself in other units."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Reference

from genapps.errors import InputError, UsageError
from genapps.models import GMM, build, load, load_file
from genapps.models.gmm import kernels, rows
from genapps.models.gmm.deep import DeepMixture
from genapps.spaces import Categorical, Columns, Constraint, Continuous, allow

KINDS = ("full", "tied", "diag", "spherical", "lowrank")
CLASSICAL = KINDS[:4]
MIXED = Columns((Continuous(), Categorical(3), Continuous()))
Array = NDArray[np.float64]


def blobs(n: int = 600, width: int = 3, seed: int = 0) -> Array:
    """Three overlapping clusters, standardised."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(size=(n // 3, width)) @ (np.eye(width) + 0.4 * rng.normal(size=(width, width)))
        + 3 * rng.normal(size=width)
        for _ in range(3)
    ]
    data = np.concatenate(parts)
    return (data - data.mean(0)) / data.std(0)


def mixed(n: int = 900, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 3, n)
    code = np.where(rng.random(n) < 0.8, state, rng.integers(0, 3, n))
    return np.stack([3.0 * state + rng.normal(size=n), code, -state + 0.5 * rng.normal(size=n)], 1)


def holes(data: Array, share: float = 0.25, seed: int = 1) -> Array:
    found = data.copy()
    found[np.random.default_rng(seed).random(data.shape) < share] = np.nan
    return found


def reference(data: Array, kind: str, iterations: int, components: int = 3) -> Reference:
    model = Reference(
        components, covariance_type=kind, max_iter=iterations, tol=0, random_state=0, init_params="random"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(data)


def like(model: Reference, **options: Any) -> GMM:
    """The same mixture as the reference's, ready to go on."""
    given = (model.weights_, model.means_, model.covariances_)
    return GMM.from_parameters(*given, covariance_type=model.covariance_type, warm_start=True, **options)


def fit(data: Any, kind: str = "full", components: int = 3, **options: Any) -> GMM:
    further = {name: options.pop(name) for name in ("sample_weight", "validation") if name in options}
    return GMM(components, covariance_type=kind, n_factors=1, **options).fit(data, **further)


def difference(one: Any, two: Any) -> float:
    return float(np.abs(np.asarray(one, np.float64) - np.asarray(two, np.float64)).max())


# -- oracles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLASSICAL)
def test_the_same_start_ends_at_scikit_learns_likelihood(kind: str) -> None:
    data = blobs()
    start = reference(data, kind, 1)
    end = reference(data, kind, 21)
    ours = like(start, max_iter=20, tol=0).fit(data)
    assert ours.n_iter_ == 20
    assert ours.score(data) == pytest.approx(end.score(data), abs=1e-9)
    for name in ("weights_", "means_", "covariances_"):
        assert difference(getattr(ours, name), getattr(end, name)) < 1e-8
    assert ours.bic(data) == pytest.approx(end.bic(data), rel=1e-10)
    assert ours.aic(data) == pytest.approx(end.aic(data), rel=1e-10)
    assert difference(ours.predict_proba(data), end.predict_proba(data)) < 1e-7
    assert (ours.predict(data).numpy() == end.predict(data)).all()
    assert difference(ours.score_samples(data), end.score_samples(data)) < 1e-8


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_a_perturbed_kernel_is_caught(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth too much in one feature's parameters, and the test above no longer holds."""
    original = kernels.Linear.__init__

    def perturbed(self: Any, parameters: torch.Tensor, dtype: torch.dtype) -> None:
        parameters = parameters.clone()
        parameters[:, -1] *= 1.001
        original(self, parameters, dtype)

    monkeypatch.setattr(kernels.Linear, "__init__", perturbed)
    data = blobs()
    assert abs(like(reference(data, kind, 1)).score(data) - reference(data, kind, 1).score(data)) > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_the_density_integrates_to_one(kind: str) -> None:
    model = fit(blobs(width=2), kind)
    axis = torch.linspace(-9, 9, 601, dtype=torch.double)
    grid = torch.cartesian_prod(axis, axis)
    assert float(model.log_prob(grid).values.exp().sum() * (axis[1] - axis[0]) ** 2) == pytest.approx(1, abs=1e-6)


def test_the_density_of_mixed_rows_sums_and_integrates_to_one() -> None:
    model = build("gmm", MIXED, n_components=3, covariance_type="full").fit(mixed())
    axis = torch.linspace(-8, 14, 301, dtype=torch.double)
    codes = torch.arange(3).double()
    total = model.log_prob(torch.cartesian_prod(axis, codes, axis)).values.exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(total) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", ["full", "tied"])
def test_many_columns_are_learnt_piece_by_piece_to_the_same_numbers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = holes(blobs(width=5), 0.1)
    whole = fit(data, kind, max_iter=5, tol=0)
    monkeypatch.setattr(kernels, "WIDE", 2)
    pieces = fit(data, kind, max_iter=5, tol=0)
    assert difference(whole.means_, pieces.means_) < 1e-9
    assert whole.score(data) == pytest.approx(pieces.score(data), abs=1e-10)


def test_factor_analysers_have_the_density_of_their_covariance() -> None:
    model = GMM(2, covariance_type="lowrank", n_factors=2).fit(blobs(width=5))
    data = blobs(width=5, seed=3)
    parts = [
        np.log(weight) + stats.multivariate_normal(mean, cov).logpdf(data)
        for weight, mean, cov in zip(
            model.weights_.numpy(), model.means_.numpy(), model.covariances_.numpy(), strict=True
        )
    ]
    assert difference(model.score_samples(data), np.logaddexp(*parts)) < 1e-8


def test_one_factor_analyser_of_full_rank_reaches_the_sample_covariance() -> None:
    data = blobs(width=3)
    model = GMM(1, covariance_type="lowrank", n_factors=3, max_iter=2000, tol=1e-10).fit(data)
    assert difference(model.covariances_[0], np.cov(data.T, bias=True)) < 2e-3


# -- expectation-maximization ------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(1, 60),
    width=st.integers(1, 4),
    components=st.integers(1, 6),
    missing=st.sampled_from([0.0, 0.3]),
    prior=st.sampled_from([0.0, 2.0]),
    weight_prior=st.sampled_from([1.0, 3.0]),
    weighted=st.booleans(),
    reg=st.sampled_from([0.0, 1e-6, 1e-2]),
    single=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_em_never_lowers_the_penalised_likelihood(
    kind: str, n: int, width: int, components: int, missing: float, prior: float, weight_prior: float, weighted: bool,
    reg: float, single: bool, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    data = holes(rng.normal(size=(n, width)) + 4 * rng.integers(0, 2, (n, 1)), missing, seed)
    data = data.astype(np.float32) if single else data
    model = fit(
        data,
        kind,
        components,
        max_iter=15,
        tol=0,
        reg_covar=max(reg, 1e-6 if prior == 0 else 0.0),
        covariance_prior=prior,
        weight_prior=weight_prior,
        sample_weight=rng.random(n) + 0.1 if weighted else None,
    )
    bounds = np.array(model.lower_bounds_)
    assert np.isfinite(bounds).all()
    if not single and reg == 0 and prior > 0:
        assert (np.diff(bounds) >= -1e-9 * np.maximum(1, np.abs(bounds[1:]))).all()
    assert np.isfinite(model.score_samples(data).numpy()).all()
    assert np.isfinite(model.sample(3).numpy()).all()


def test_the_watch_sees_an_m_step_that_goes_downhill(monkeypatch: pytest.MonkeyPatch) -> None:
    from genapps.models.gmm import gaussian

    original = gaussian.maximize

    def worse(mixture: Any, sums: Any, prior: Any) -> Any:
        from dataclasses import replace

        found = original(mixture, sums, prior)
        return replace(found, means=found.means + 0.3)

    monkeypatch.setattr(gaussian, "maximize", worse)
    model = fit(blobs(), max_iter=20)
    assert model.n_iter_ == 0 and not model.converged_  # it keeps what it had before the fall


def test_a_held_out_set_ends_a_fit_that_learns_by_heart() -> None:
    train, other = blobs(60, 4), blobs(300, 4, seed=7)
    loose = fit(train, components=8, max_iter=100, tol=0)
    kept = fit(train, components=8, max_iter=100, tol=0, validation=other)
    assert kept.n_iter_ < loose.n_iter_ and kept.score(other) > loose.score(other)


def test_the_best_of_several_starts_goes_on() -> None:
    rng = np.random.default_rng(0)
    data = np.concatenate([rng.normal(center, 0.3, (80, 2)) for center in rng.normal(0, 8, (8, 2))])
    one = [GMM(8, init_params="random_from_data", random_state=s).fit(data).score(data) for s in range(6)]
    several = [GMM(8, init_params="random_from_data", n_init=6, random_state=s).fit(data).score(data) for s in range(6)]
    assert np.mean(several) > np.mean(one) and min(several) > min(one)


# -- invariance --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_offset_of_a_million_changes_nothing(kind: str, dtype: type) -> None:
    moved = (blobs().astype(dtype) * 100 + dtype(1e6)).astype(dtype)
    here = (moved.astype(np.float64) - 1e6).astype(dtype)  # the same digits
    one, two = (fit(data, kind, max_iter=20) for data in (here, moved))
    limit = 1e-4 if dtype is np.float32 else 1e-7
    assert one.score(here) == pytest.approx(two.score(moved), abs=limit)
    assert difference(one.means_, two.means_ - 1e6) < 100 * limit


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("far", [1e5, -1e7])
def test_one_value_far_out_leaves_the_other_rows_their_density(kind: str, far: float) -> None:
    """`reg_covar` is a share of a column's variance: were it one value's work, no component could be narrow."""
    data = blobs()
    spoiled = np.concatenate([data, np.full((1, data.shape[1]), far)])
    clean = GMM(3, covariance_type=kind, tol=1e-9).fit(data).score(data)
    assert GMM(4, covariance_type=kind, tol=1e-9).fit(spoiled).score(data) > clean - 0.1
    assert not (kind == "full" and _drowned(spoiled, data) > clean - 0.5)  # the check can fail


def test_rows_of_codes_alone_have_no_number_to_be_far_out() -> None:
    codes = np.repeat(np.random.default_rng(0).integers(0, 3, (50, 1)), 2, axis=1)
    model = GMM(3, covariance_type="full", space=Columns((Categorical(3), Categorical(3)))).fit(codes)
    assert np.isfinite(model.score(codes))
    holes = codes.copy()
    holes[:, 1] = -1
    assert (model.impute(holes).numpy() == codes).mean() > 0.9


def _drowned(spoiled: Array, data: Array) -> float:
    """The same with the deviation of all values as the measure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "FAR", np.inf)
        return GMM(4, tol=1e-9).fit(spoiled).score(data)


@pytest.mark.parametrize("kind", KINDS)
def test_units_change_the_density_by_their_volume_alone(kind: str) -> None:
    data = blobs()
    units = np.full(3, 1e-3) if kind == "spherical" else np.array([1e-3, 1.0, 1e4])
    one, two = fit(data, kind, max_iter=20), fit(data * units, kind, max_iter=20)
    assert two.score(data * units) == pytest.approx(one.score(data) - np.log(units).sum(), abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_and_columns_and_the_chunk_do_not_matter(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = holes(blobs(), 0.1)
    model = fit(data, kind, max_iter=3)
    rng = np.random.default_rng(0)
    again, shuffled = (GMM(3, covariance_type=kind, n_factors=1, max_iter=5, tol=0, warm_start=True) for _ in range(2))
    for other in (again, shuffled):
        other._engine, other.fitted = load("gmm", model.space, *model.state()).engine, True
        other._engine.config = type(other._engine.config)(3, kind, 1, warm_start=True, max_iter=5, tol=0)
    again.fit(data)
    monkeypatch.setitem(kernels._CHUNK, "cpu", 7)
    shuffled.fit(data[rng.permutation(len(data))])
    assert again.score(data) == pytest.approx(shuffled.score(data), abs=1e-11)


@pytest.mark.parametrize("kind", CLASSICAL)
def test_a_row_that_counts_twice_is_two_rows(kind: str) -> None:
    data = blobs()
    start = reference(data, kind, 1)
    weights = np.random.default_rng(0).integers(0, 4, len(data))
    weighted = like(start, max_iter=10, tol=0).fit(data, sample_weight=weights)
    repeated = like(start, max_iter=10, tol=0).fit(np.repeat(data, weights, 0))
    assert difference(weighted.means_, repeated.means_) < 1e-9
    assert difference(weighted.covariances_, repeated.covariances_) < 1e-9
    bic = weighted.bic(data, sample_weight=weights)
    assert bic == pytest.approx(repeated.bic(np.repeat(data, weights, 0)), rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_ends_where_float64_does(kind: str) -> None:
    data = blobs().astype(np.float32)
    one, two = (fit(data.astype(dtype), kind, max_iter=300) for dtype in (np.float32, np.float64))
    assert one.score(data) == pytest.approx(two.score(data), abs=1e-3)


# -- gaps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_value_is_integrated_out(kind: str) -> None:
    model = fit(blobs(), kind)
    data = blobs(seed=5)[:50]
    gaps = data.copy()
    gaps[:, 1] = np.nan
    part = model.marginal([0, 2])
    assert difference(model.score_samples(gaps), part.score_samples(data[:, [0, 2]])) < 1e-10
    assert difference(model.predict_proba(gaps), part.predict_proba(data[:, [0, 2]])) < 1e-10
    everything = model.score_samples(np.full((1, 3), np.nan))
    assert float(everything) == pytest.approx(0, abs=1e-12)


def test_gaps_at_random_are_learnt_around() -> None:
    """Full covariances from rows with a quarter of their values missing, against those from all values."""
    rng = np.random.default_rng(0)
    cov = np.array([[1.0, 0.8, 0.3], [0.8, 1.0, 0.5], [0.3, 0.5, 1.0]])
    data = rng.multivariate_normal([0, 5, -5], cov, 4000)
    model = GMM(1, tol=1e-9).fit(holes(data))
    assert difference(model.covariances_[0], cov) < 0.08
    assert difference(model.means_[0], data.mean(0)) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_imputation_draws_from_the_conditional(kind: str) -> None:
    model = fit(blobs(), kind)
    row = np.array([[0.4, np.nan, np.nan]])
    drawn = model.impute(np.repeat(row, 20_000, 0))
    rest = model.condition([0], [0.4])
    assert (drawn[:, 0] == 0.4).all()
    expected = rest.weights_ @ rest.means_
    torch.testing.assert_close(drawn[:, 1:].mean(0), expected, atol=0.03, rtol=0)
    ks = stats.ks_2samp(drawn[:, 1], rest.sample(20_000)[:, 0])
    assert ks.pvalue > 1e-4


# -- parts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_conditioning_is_the_joint_over_the_marginal(kind: str) -> None:
    model = fit(blobs(), kind)
    data = blobs(seed=2)[:20]
    values = [float(data[0, 1])]
    rest = model.condition([1], values)
    data[:, 1] = values[0]
    joint = model.score_samples(data) - model.marginal([1]).score_samples(data[:, [1]])
    assert difference(rest.score_samples(data[:, [0, 2]]), joint) < 1e-9


def test_conditioning_on_codes_and_numbers() -> None:
    model = build("gmm", MIXED, n_components=3, covariance_type="full").fit(mixed())
    data = mixed(40, seed=3)
    data[:, :2] = (2.5, 1)
    rest = model.condition([1, 0], [1, 2.5])
    joint = model.score_samples(data) - model.marginal([0, 1]).score_samples(data[:, :2])
    assert difference(rest.score_samples(data[:, [2]]), joint) < 1e-9
    with pytest.raises(InputError, match="no code from 0 to 2"):
        model.condition([1], [7])
    with pytest.raises(UsageError, match="name different ones"):
        model.marginal([0, 0])


@pytest.mark.parametrize("kind", ["full", "diag", "lowrank"])
def test_conditions_on_numbers_and_codes_are_exact(kind: str) -> None:
    """Against rejection: rows of the model that happen to satisfy two intervals and a weight on codes."""
    model = build("gmm", MIXED, n_components=3, covariance_type=kind, n_factors=1).fit(mixed())

    def between(variable: int, low: float, high: float) -> Constraint:
        return Constraint((variable,), (np.ones((1, 1), np.float32),), (np.zeros((1, 1), np.int64),), (low, high))

    asked = [between(0, 1.0, 4.0), between(2, -1.5, -0.4), allow(1, np.array([0.2, 1.0, 0.0], np.float32))]
    rows = model.sample(6000, given=asked, generator=torch.Generator().manual_seed(0)).numpy()
    free = model.sample(300_000, generator=torch.Generator().manual_seed(1)).numpy()
    keep = (free[:, 0] >= 1) & (free[:, 0] <= 4) & (free[:, 2] >= -1.5) & (free[:, 2] <= -0.4)
    keep &= np.random.default_rng(0).random(len(free)) < np.array([0.2, 1.0, 0.0])[free[:, 1].astype(int)]
    free = free[keep]
    assert rows[:, 0].min() >= 1 and rows[:, 0].max() <= 4 and not (rows[:, 1] == 2).any()
    assert abs((rows[:, 1] == 1).mean() - (free[:, 1] == 1).mean()) < 0.03
    for column in (0, 2):
        assert stats.ks_2samp(rows[:, column], free[:, column]).statistic < 0.035
    filled = model.impute(np.array([[np.nan, 1.0, -1.0]] * 500), given=[asked[0]])
    assert float(filled[:, 0].min()) >= 1 and float(filled[:, 0].max()) <= 4
    with pytest.raises(UsageError, match="no probability"):
        model.sample(5, given=[allow(1, np.zeros(3))])


def test_samples_follow_the_mixture() -> None:
    model = fit(blobs(width=2))
    drawn = model.sample(20_000).numpy()
    known = reference(blobs(width=2), "full", 1)
    known.weights_, known.means_ = model.weights_.numpy(), model.means_.numpy()
    mean = known.weights_ @ known.means_
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.05)
    cold = model.sample(2000, temperature=0.2)
    assert model.score(cold) > model.score(drawn)


# -- sizes, parts of the data, processes ----------------------------------------------------------------------------


def test_bic_finds_the_number_of_clusters() -> None:
    rng = np.random.default_rng(1)
    data = np.concatenate([rng.normal(center, 1, (150, 2)) for center in ((0, 0), (8, 0), (0, 8), (8, 8))])
    model, tried = GMM.choose(data, range(1, 9), n_init=3)
    assert model.n_components_ == 4 == min(tried, key=lambda count: tried[count])
    assert len(tried) < 8  # it stopped when more were no better


def test_components_without_support_die() -> None:
    left = []
    for seed in (1, 2, 3):
        rng = np.random.default_rng(seed)
        data = np.concatenate([rng.normal(center, 1, (300, 2)) for center in ((0, 0), (10, 0), (0, 10))])
        pruned = GMM(12, prune=True, max_iter=500).fit(data)
        assert float(pruned.weights_.sum()) == pytest.approx(1) and len(pruned.means_) == pruned.n_components_
        left.append(pruned.n_components_)
    assert sorted(left)[1] == 3 and max(left) <= 4
    assert GMM(12, max_iter=50).fit(data).n_components_ == 12
    assert GMM(12, weight_prior=0.0, max_iter=50).fit(data[:8]).n_components_ < 12  # more components than rows


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_learn_what_the_whole_learns(kind: str) -> None:
    data = holes(blobs(), 0.05)
    pieces = [data[:250], data[250:251], data[251:]]
    whole = GMM(3, covariance_type=kind, n_factors=1, max_iter=8, tol=0).fit_chunks(lambda: iter([data]))
    parts = GMM(3, covariance_type=kind, n_factors=1, max_iter=8, tol=0).fit_chunks(lambda: iter(pieces))
    memory = GMM(3, covariance_type=kind, n_factors=1, max_iter=8, tol=0).fit(data)
    assert whole.score(data) == pytest.approx(memory.score(data), abs=1e-10)
    assert parts.score(data) == pytest.approx(whole.score(data), abs=1e-10)


def test_rows_in_a_file_are_learnt_without_being_read_at_once(tmp_path: Any) -> None:
    data = blobs(3000)
    data.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", np.float64, "r", shape=data.shape)
    one = GMM(3, max_iter=5, tol=0).fit_chunks(mapped, chunk_rows=128)
    assert one.score(data) == pytest.approx(GMM(3, max_iter=5, tol=0).fit(data).score(data), abs=1e-10)


def test_chunks_carry_weights_and_wrong_ones_are_refused() -> None:
    data, weights = blobs(), np.random.default_rng(0).random(600) + 0.5
    pairs = [(data[:200], weights[:200]), (data[200:], weights[200:])]
    parts = GMM(3, max_iter=8, tol=0).fit_chunks(lambda: iter(pairs))
    assert np.isfinite(parts.score(data)) and np.diff(parts.lower_bounds_).min() > -1e-6
    with pytest.raises(InputError, match="one finite number a row"):
        GMM(3).fit_chunks(lambda: iter([(data, -weights)]))
    with pytest.raises(InputError, match="no rows"):
        GMM(3).fit_chunks(lambda: iter([]))
    with pytest.raises(UsageError, match="an array, or a function"):
        GMM(3).fit_chunks(iter([data]))


def test_rows_that_arrive_in_parts_are_learnt_nearly_as_well() -> None:
    data = blobs(9000)[np.random.default_rng(0).permutation(9000)]
    online = GMM(3)
    for part in np.split(data, 30):
        online.partial_fit(part)
    assert online.score(data) > GMM(3).fit(data).score(data) - 0.05
    again = load("gmm", online.space, *online.state())
    online.partial_fit(data[:300]), again.partial_fit(data[:300])
    assert again.score(data) == online.score(data)


# -- the family ------------------------------------------------------------------------------------------------------


def test_the_engine_is_chosen_by_options_and_variables(tmp_path: Any) -> None:
    data = blobs()
    assert not isinstance(GMM(2).fit(data).engine, DeepMixture)
    assert isinstance(GMM(2, structure="tree", trees=1).fit(data).engine, DeepMixture)
    assert isinstance(build("gmm", MIXED, n_components=2).fit(mixed(100)).engine, DeepMixture)
    mixture = build("gmm", MIXED, n_components=2, covariance_type="tied").fit(mixed(100))
    assert not isinstance(mixture.engine, DeepMixture)
    mixture.save(tmp_path / "m.genapps")
    assert load_file(tmp_path / "m.genapps").score_samples(mixed(9)).equal(mixture.score_samples(mixed(9)))
    with pytest.raises(UsageError, match="only the classical mixture"):
        build("gmm", MIXED, n_components=2).fit(mixed(100)).bic(mixed(100))
    whole_numbers = GMM(2).fit(np.arange(40).reshape(20, 2))
    assert whole_numbers.space == Columns((Continuous(),) * 2)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="do not fit together"):
        GMM.from_parameters([0.5, 0.5], np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(UsageError, match="sum to one"):
        GMM.from_parameters([0.5, 0.9], np.zeros((2, 1)), np.ones((2, 1, 1)))
    with pytest.raises(UsageError, match="positive definite"):
        GMM.from_parameters([1.0], np.zeros((1, 1)), np.zeros((1, 1, 1)))
    with pytest.raises(UsageError, match="there are full, tied"):
        GMM(2, covariance_type="whole").fit(blobs())
    with pytest.raises(InputError, match="infinite"):
        GMM(2).fit(np.array([[np.inf, 1.0]]))


def hostile() -> dict[str, Array]:
    base = np.random.default_rng(0).normal(size=(40, 3))
    constant, twins = base.copy(), base.copy()
    constant[:, 1], twins[:, 2] = 7.0, twins[:, 1]
    unknown = base.copy()
    unknown[:, 0] = np.nan
    far = base * 1e-3 + 1e6
    return {
        "one row": base[:1],
        "fewer rows than components": base[:3],
        "a constant column": constant,
        "all constant": np.full((30, 3), 1e6),
        "duplicates": np.repeat(base[:2], 20, 0),
        "equal columns": twins,
        "an unknown column": unknown,
        "an unknown row": np.vstack([base, [[np.nan] * 3]]),
        "far away": far,
        "huge": base * 1e90,
        "tiny": base * 1e-150,
    }


@pytest.mark.parametrize("name", sorted(hostile()))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hostile_rows_end_in_finite_numbers(kind: str, name: str, dtype: type) -> None:
    with np.errstate(over="ignore"):
        data = hostile()[name].astype(dtype)
    try:
        model = fit(data, kind, 5, max_iter=20)
    except InputError as error:
        assert "\n" not in str(error) and not np.isfinite(data[~np.isnan(data)]).all()
        return
    assert np.isfinite(model.score_samples(data).numpy()).all()
    assert np.isfinite(model.sample(10).numpy()).all()
    assert np.isfinite(model.means_.numpy()).all() and np.isfinite(model.covariances_.numpy()).all()
    filled = model.impute(np.where(np.arange(3) == 1, np.nan, data).astype(dtype))
    assert np.isfinite(filled.numpy()[:, 1]).all()


def test_whitening_leaves_directions_without_variance_alone() -> None:
    white = rows._whitening(torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=torch.double))
    assert torch.isfinite(white).all() and float(torch.linalg.slogdet(white)[1]) > -50


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_columns_is_the_row_with_holes_there(kind: str) -> None:
    data = holes(mixed())
    model = GMM(3, covariance_type=kind, space=MIXED).fit(data)
    groups = [[0], [1], [0, 2], []]
    found = model.log_prob_without(data[:50], groups)
    for number, columns in enumerate(groups):
        without = data[:50].copy()
        without[:, columns] = np.nan
        np.testing.assert_allclose(found[:, number], model.log_prob(without).values, rtol=1e-9, atol=1e-9)


def test_rows_without_columns_are_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    data = holes(mixed())
    model = GMM(3, covariance_type="diag", space=MIXED).fit(data)
    whole = model.log_prob_without(data, [[0], [1, 2]])
    monkeypatch.setattr("genapps.models.gmm.without._AT_ONCE", 50)
    torch.testing.assert_close(model.log_prob_without(data, [[0], [1, 2]]), whole)


def test_nearly_singular_covariances_under_a_prior_end_in_numbers() -> None:
    rng = np.random.default_rng(0)
    line = np.outer(rng.normal(size=200), [1.0, 1e-7, 3.0, 2e3]) + 1e-9 * rng.normal(size=(200, 4))
    model = GMM(4, covariance_prior=20.0, reg_covar=0.0).fit(line)
    assert bool(torch.isfinite(model.log_prob(line).values).all())
