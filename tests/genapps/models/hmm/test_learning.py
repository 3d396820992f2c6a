"""Expectation-maximization: as hmmlearn does it, never downwards, the same however the sequences are dealt out."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hmmlearn.hmm import CategoricalHMM, GaussianHMM
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from genapps.batches import Ragged
from genapps.models.hmm import HMM
from genapps.models.hmm.chain import Chain, Kernel
from genapps.models.hmm.emissions import Emission
from genapps.models.hmm.emissions.bernoulli import Bernoulli
from genapps.models.hmm.emissions.categorical import Categorical
from genapps.models.hmm.emissions.gaussian import CovarianceType, Gaussian
from genapps.models.hmm.emissions.mixture import Mixture
from genapps.models.hmm.learning import Parameters, chunks, expect, log_prior, maximize
from genapps.models.hmm.packed import Packed
from genapps.models.hmm.paths import prior_path
from genapps.models.hmm.topology import Structure, structure

STATES, WIDTH = 4, 3
LENGTHS = torch.tensor([30, 1, 70, 25, 55])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.double)


def sequences(seed: int = 0) -> Ragged:
    """Frames that drift among four places."""
    steps = int(LENGTHS.sum())
    place = torch.randint(STATES, (steps // 5 + 1,), generator=seeded(seed)).repeat_interleave(5)[:steps]
    return Ragged(2 * randn(STATES, WIDTH, seed=9)[place] + randn(steps, WIDTH, seed=seed), LENGTHS)


def begin(shape: Structure, emission: Emission) -> Parameters:
    return Parameters(shape.maximize(shape.start.double(), shape.transition.double()), emission)


def normals(kind: CovarianceType = "diag") -> Gaussian:
    covars = 2 * torch.ones(STATES, WIDTH).double()
    return Gaussian(
        2 * randn(STATES, WIDTH, seed=8), covars if kind == "diag" else torch.diag_embed(covars), kind, least=1e-9
    )


def climb(shape: Structure, model: Parameters, data: Any, steps: int, kernel: Kernel = "auto") -> list[float]:
    """The objective before each of so many M-steps and after the last."""
    found = []
    for _ in range(steps + 1):
        sums = expect(model, data, kernel)
        found.append(sums.log_prob + log_prior(shape, model))
        model = maximize(shape, model, sums)
    return found


@pytest.mark.parametrize("kernel", ["scaled", "compiled", "blocks", "log"])
@pytest.mark.parametrize("kind", ["diag", "full"])
def test_as_hmmlearn_after_the_same_iterations_from_the_same_start(kind: CovarianceType, kernel: Kernel) -> None:
    data, shape, emission = sequences(), structure(STATES, "ergodic"), normals(kind)
    ours = climb(shape, begin(shape, emission), chunks(data), 6, kernel)
    oracle = GaussianHMM(
        STATES, kind, n_iter=7, tol=-np.inf, init_params="", min_covar=0, covars_prior=0, covars_weight=1
    )
    oracle.startprob_, oracle.transmat_ = np.full(STATES, 1 / STATES), np.full((STATES, STATES), 1 / STATES)
    oracle.means_, oracle.covars_ = emission.means.numpy(), emission.covars.numpy()
    oracle.fit(data.values.numpy(), LENGTHS.tolist())
    np.testing.assert_allclose(ours[: len(oracle.monitor_.history)], oracle.monitor_.history, rtol=1e-9)


def test_as_hmmlearn_for_codes() -> None:
    codes = torch.randint(5, (int(LENGTHS.sum()),), generator=seeded(2))
    table, shape = randn(STATES, 5).log_softmax(1), structure(STATES, "ergodic")
    ours = climb(shape, begin(shape, Categorical(table)), chunks(Ragged(codes, LENGTHS)), 9)
    oracle = CategoricalHMM(STATES, n_iter=10, tol=-np.inf, init_params="")
    oracle.startprob_, oracle.transmat_ = np.full(STATES, 1 / STATES), np.full((STATES, STATES), 1 / STATES)
    oracle.emissionprob_ = table.exp().numpy()
    oracle.fit(codes[:, None].numpy(), LENGTHS.tolist())
    np.testing.assert_allclose(ours, oracle.monitor_.history, rtol=1e-10)


topologies = st.sampled_from(["ergodic", "left-right", "banded", "sticky"])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any),
    states=st.integers(1, 5),
    width=st.integers(1, 3),
    topology=topologies,
    bandwidth=st.integers(1, 3),
    kind=st.sampled_from(["codes", "bits", "spherical", "diag", "full", "tied", "mix"]),
    prior=st.sampled_from([1.0, 1.5, 4.0]),
    unknown=st.sampled_from([0.0, 0.3]),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_em_never_lowers_its_objective(
    lengths: list[int],
    states: int,
    width: int,
    topology: Any,
    bandwidth: int,
    kind: Any,
    prior: float,
    unknown: float,
    dtype: torch.dtype,
    weighted: bool,
    seed: int,
) -> None:
    steps, least = sum(lengths), 1e-30 if dtype == torch.float64 else 1e-12
    shape = structure(states, topology, bandwidth, 3.0, prior, prior, least)
    model, values = example(kind, states, width, steps, prior, unknown, seed)
    values = values.to(dtype) if values.is_floating_point() else values
    weights = torch.rand(len(lengths), generator=seeded(seed)).double() + 0.1 if weighted else None
    data = chunks(Ragged(values, torch.tensor(lengths)), weights, steps=10)
    objectives = climb(shape, begin(shape, model), data, 8)
    slack = 1e-9 if dtype == torch.float64 else 2e-4
    for before, after in itertools.pairwise(objectives):
        assert after >= before - slack * max(abs(before), steps)


def example(
    kind: Any, states: int, width: int, steps: int, prior: float, unknown: float, seed: int
) -> tuple[Any, Tensor]:
    """Emissions of a kind, and values that they could have emitted."""
    gone = torch.rand(steps, width, generator=seeded(seed)) < unknown
    if kind == "codes":
        codes = torch.randint(4, (steps,), generator=seeded(seed))
        return Categorical(randn(states, 4, seed=seed).log_softmax(1), prior - 1), codes.masked_fill(gone[:, 0], -1)
    if kind == "bits":
        bits = (randn(steps, width, seed=seed) > 0).double().masked_fill(gone, torch.nan)
        return Bernoulli(randn(states, width, seed=seed + 1).sigmoid(), prior - 1 + 1e-3), bits
    values = randn(steps, width, seed=seed).masked_fill(gone, torch.nan)
    if kind == "mix":
        inner = Gaussian(randn(states * 2, width, seed=seed + 1), torch.ones(states * 2, width).double(), "diag", 1e-2)
        return Mixture(torch.full((states, 2), 0.5).double(), inner), values
    ones = torch.ones(states, width).double()
    covars = ones if kind in ("diag", "spherical") else torch.diag_embed(ones)
    return Gaussian(randn(states, width, seed=seed + 1), covars, kind, 1e-2), values


def test_chunks_order_and_kernels_change_no_sum() -> None:
    data, shape = sequences(), structure(STATES, "ergodic")
    model = begin(shape, normals())
    whole = expect(model, chunks(data))
    order = torch.tensor([3, 0, 4, 1, 2])
    for other in (chunks(data, steps=40), chunks(data, steps=1), chunks(data.take(order))):
        sums = expect(model, other)
        assert sums.log_prob == pytest.approx(whole.log_prob, rel=1e-12) and sums.rows == whole.rows
        for name, value in whole.values.items():
            torch.testing.assert_close(sums.values[name], value, rtol=1e-10, atol=1e-10)


def test_a_process_without_a_sequence_adds_nothing() -> None:
    data, shape = sequences(), structure(STATES, "ergodic")
    model = begin(shape, normals())
    none = expect(model, chunks(data.take(torch.zeros(0).long())))
    assert none.rows == none.log_prob == 0 and all(float(value.abs().sum()) == 0 for value in none.values.values())
    assert none.values.keys() == expect(model, chunks(data)).values.keys()


def test_a_weight_counts_as_so_many_copies() -> None:
    data, shape = sequences(), structure(STATES, "ergodic")
    model, weights = begin(shape, normals()), torch.tensor([2, 1, 0, 3, 1])
    copies = data.take(torch.repeat_interleave(torch.arange(5), weights))
    one, two = expect(model, chunks(data, weights.double())), expect(model, chunks(copies))
    assert one.log_prob == pytest.approx(two.log_prob, rel=1e-12) and one.rows == two.rows
    for name, value in two.values.items():
        torch.testing.assert_close(one.values[name], value, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["diag", "full"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_another_unit_and_a_far_origin_change_nothing_but_the_unit(kind: str, dtype: torch.dtype) -> None:
    data = sequences()
    values = (data.values * 64).round() / 64  # so that the far origin rounds nothing away in float32
    scale, shift = 4.0, 2.0**17 if dtype == torch.float32 else 1e6
    plain = HMM(STATES, covariance_type=kind, max_iter=20).fit(Ragged(values.to(dtype), LENGTHS))
    moved = HMM(STATES, covariance_type=kind, max_iter=20).fit(Ragged((values * scale + shift).to(dtype), LENGTHS))
    close: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-4} if dtype == torch.float64 else {"rtol": 2e-2, "atol": 2e-2}
    torch.testing.assert_close((moved.means_ - shift) / scale, plain.means_, **close)
    torch.testing.assert_close(moved.transmat_, plain.transmat_, **close)
    found = moved.log_prob(Ragged((values * scale + shift).to(dtype), LENGTHS)).values
    expected = plain.log_prob(Ragged(values.to(dtype), LENGTHS)).values - LENGTHS * WIDTH * np.log(scale)
    torch.testing.assert_close(found, expected, rtol=1e-6 if dtype == torch.float64 else 1e-2, atol=1e-4)


def test_the_floor_of_probabilities_leaves_every_row_a_distribution() -> None:
    for topology in ("ergodic", "left-right", "banded", "sticky"):
        shape = structure(5, topology, bandwidth=2, kappa=3.0)
        chain = shape.maximize(torch.tensor([0.0, 5, 0, 0, 0]).double(), torch.zeros(5, 5).double())
        torch.testing.assert_close(chain.transition.sum(1), torch.ones(5).double())
        torch.testing.assert_close(chain.start.sum(), torch.tensor(1.0).double())
        assert bool((chain.transition[shape.transition] > 0).all()) and bool(
            (chain.transition[~shape.transition] == 0).all()
        )
    assert bool((structure(5, "left-right").transition.double().sum(1) <= 2).all())


def test_a_chain_of_states_far_from_each_other_is_found() -> None:
    """Frames drawn from a known model: the likelihood of what is learnt is not below the truth's but by chance."""
    truth = Parameters(
        Chain(
            torch.tensor([0.6, 0.2, 0.2]).double(),
            torch.tensor([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0, 0.3, 0.7]]).double(),
        ),
        Gaussian(torch.tensor([[-4.0, 0], [0, 4], [4, 0]]).double(), torch.ones(3, 2).double()),
    )
    lengths = torch.full((40,), 50)
    packed = Packed.of(lengths)
    states = packed.unpack(prior_path(truth.chain, packed, seeded()))
    data = Ragged(truth.emission.draw(states, seeded(1)), lengths)
    model = HMM(3).fit(data)
    best = expect(truth, chunks(data)).log_prob / 40
    assert best - 0.1 < model.score(data) < best + 1
    order = model.means_[:, 0].argsort()
    torch.testing.assert_close(model.transmat_[order][:, order], truth.chain.transition, rtol=0, atol=0.06)
    path = model.predict(data)
    assert isinstance(path, Ragged)
    rank = order.argsort()
    assert float((rank[path.values] == states).double().mean()) > 0.98
