"""What states emit: densities against torch's own, unknown entries summed over, best parameters."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import MixtureSameFamily, MultivariateNormal

from genapps.models.hmm.emissions import Emission
from genapps.models.hmm.emissions.bernoulli import Bernoulli
from genapps.models.hmm.emissions.categorical import Categorical
from genapps.models.hmm.emissions.gaussian import CovarianceType, Gaussian
from genapps.models.hmm.emissions.mixture import Mixture
from genapps.models.hmm.emissions.product import Product

KINDS: list[CovarianceType] = ["spherical", "diag", "full", "tied"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.double)


def gaussian(kind: CovarianceType, rows: int = 3, width: int = 4, seed: int = 1) -> Gaussian:
    if kind in ("spherical", "diag"):
        covars = randn(rows, width, seed=seed).exp()
        covars = covars if kind == "diag" else covars[:, :1].expand(-1, width)
    else:
        factor = randn(rows, width, width, seed=seed)
        covars = factor @ factor.mT + 0.1 * torch.eye(width).double()
        covars = covars[:1].expand(rows, -1, -1) if kind == "tied" else covars
    return Gaussian(2 * randn(rows, width, seed=seed + 1), covars.contiguous(), kind)


def normal(emission: Gaussian, known: Tensor) -> MultivariateNormal:
    covars = torch.diag_embed(emission.covars) if emission.independent else emission.covars
    return MultivariateNormal(emission.means[:, known], covars[:, known][:, :, known])


@pytest.mark.parametrize("kind", KINDS)
def test_normal_densities_with_unknown_entries_are_marginals(kind: CovarianceType) -> None:
    emission, values = gaussian(kind), randn(60, 4) * 3
    values[::3, 0] = torch.nan
    values[::4, 2] = torch.nan
    values[7] = torch.nan
    found = emission.log_likelihood(values)
    for row, expected in zip(values, found, strict=True):
        known = ~torch.isnan(row)
        if bool(known.any()):
            torch.testing.assert_close(normal(emission, known).log_prob(row[known]), expected, rtol=1e-11, atol=1e-11)
    assert float(found[7].abs().sum()) == 0


def test_other_densities_agree_with_torch_and_leave_out_the_unknown() -> None:
    codes = torch.tensor([0, 3, 1, -1, 2])
    table = randn(3, 4).log_softmax(1)
    found = Categorical(table).log_likelihood(codes)
    known = codes >= 0
    expected = TorchCategorical(logits=table).log_prob(codes[known][:, None])
    torch.testing.assert_close(found[known], expected)
    assert float(found[3].abs().sum()) == 0

    prob, bits = randn(3, 5).sigmoid(), (randn(20, 5) > 0).double()
    bits[3, 2] = torch.nan
    terms = TorchBernoulli(prob).log_prob(bits.nan_to_num()[:, None]).masked_fill(bits.isnan()[:, None], 0)
    torch.testing.assert_close(Bernoulli(prob).log_likelihood(bits), terms.sum(2))
    sure = Bernoulli(torch.tensor([[0.0, 1.0]]).double()).log_likelihood(torch.tensor([[0, 1], [1, 1]]))
    assert sure[0, 0] == 0 and sure[1, 0] == -torch.inf

    normals, weights = gaussian("full", rows=6), randn(3, 2).softmax(1)
    values = randn(20, 4)
    parts = MultivariateNormal(normals.means.view(3, 2, 4), normals.covars.view(3, 2, 4, 4))
    oracle = MixtureSameFamily(TorchCategorical(weights), parts).log_prob(values[:, None])
    torch.testing.assert_close(Mixture(weights, normals).log_likelihood(values), oracle)


def test_variables_of_several_kinds_add_up() -> None:
    table, prob = randn(3, 4).log_softmax(1), randn(3, 1).sigmoid()
    emission = Product((gaussian("diag", width=2), Bernoulli(prob), Categorical(table)), ((0, 3), (1,), (2,)))
    values = torch.stack([randn(9), (randn(9) > 0).double(), torch.arange(9).double() % 4, randn(9, seed=2)], 1)
    values[4, 2] = torch.nan
    separate = [
        gaussian("diag", width=2).log_likelihood(values[:, [0, 3]]),
        Bernoulli(prob).log_likelihood(values[:, [1]]),
        Categorical(table).log_likelihood(values[:, 2].nan_to_num(nan=-1).long()),
    ]
    torch.testing.assert_close(emission.log_likelihood(values), torch.stack(separate).sum(0))
    assert emission.draw(torch.tensor([0, 1, 2, 0]), seeded()).shape == (4, 4)


def emissions() -> list[Any]:
    single = [pytest.param(gaussian(kind), id=kind) for kind in KINDS]
    mixed = [pytest.param(Mixture(randn(3, 2).softmax(1), gaussian(kind, 6)), id=f"2 {kind}") for kind in KINDS[1:3]]
    return [*single, *mixed, pytest.param(Bernoulli(randn(3, 4).sigmoid(), 0.1), id="bernoulli")]


def objective(emission: Emission, values: Tensor, posterior: Tensor) -> float:
    """What the M-step maximizes, for mixtures up to the same bound: the weighted log-likelihood and the prior."""
    return float((emission.log_likelihood(values) * posterior).sum()) + emission.log_prior()


@pytest.mark.parametrize("unknown", [False, True], ids=["complete", "gaps"])
@pytest.mark.parametrize("emission", emissions())
def test_an_m_step_never_lowers_the_weighted_likelihood_and_ends_at_a_maximum(
    emission: Emission, unknown: bool
) -> None:
    states = torch.arange(200) % 3
    values, posterior = emission.draw(states, seeded(4)).double(), randn(200, 3, seed=5).softmax(1)
    if unknown:
        values = values.masked_fill(torch.rand(values.shape, generator=seeded(6)) < 0.3, torch.nan)
        values[5] = torch.nan
    before = objective(emission, values, posterior)
    for _ in range(5):
        emission = emission.maximize(emission.statistics(values, posterior))
        after = objective(emission, values, posterior)
        assert after >= before - 1e-9 * abs(before)
        before = after
    for _ in range(120):
        emission = emission.maximize(emission.statistics(values, posterior))
    best = objective(emission, values, posterior)
    for name, tensor in emission.tensors().items():
        if name in ("means", "prob"):
            for step in (-1e-3, 1e-3):
                other = emission.with_tensors({**emission.tensors(), name: tensor + step})
                assert objective(other, values, posterior) < best


@pytest.mark.parametrize("kind", KINDS)
def test_no_variance_falls_below_the_floor_and_it_is_the_best_above_it(kind: CovarianceType) -> None:
    """All frames on a line: without a floor the likelihood would have no maximum."""
    values = randn(50, 1) * torch.ones(4).double()
    values[:, 3] = 1
    start = Gaussian(torch.zeros(2, 4).double(), gaussian(kind, 2).covars, kind, least=1e-3)
    posterior = randn(50, 2).softmax(1)
    found = start.maximize(start.statistics(values, posterior))
    covars = torch.diag_embed(found.covars) if found.independent else found.covars
    assert float(torch.linalg.eigvalsh(covars).min()) >= 1e-3 * (1 - 1e-9)
    best = objective(found, values, posterior)
    assert best >= objective(
        found.with_tensors({"means": found.means, "covars": found.covars * 1.01}), values, posterior
    )


def test_a_state_that_is_never_visited_keeps_its_parameters() -> None:
    values, posterior = randn(30, 4), torch.zeros(30, 3).double()
    posterior[:, 0] = 1
    for emission in (gaussian("diag"), gaussian("full"), Mixture(randn(3, 2).softmax(1), gaussian("diag", 6))):
        found = emission.maximize(emission.statistics(values, posterior))
        for name, tensor in found.tensors().items():
            old = emission.tensors()[name]
            rows = len(tensor) // 3
            assert bool(torch.isfinite(tensor).all())
            torch.testing.assert_close(tensor[rows:], old[rows:], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_filled_in_values_have_the_conditional_distribution(kind: CovarianceType) -> None:
    emission = gaussian(kind)
    values = torch.tensor([1.0, torch.nan, -0.5, torch.nan]).double().repeat(40_000, 1)
    filled = emission.fill(values, torch.ones(len(values)).long(), seeded())
    assert filled[:, [0, 2]].equal(values[:, [0, 2]])
    covars = torch.diag_embed(emission.covars)[1] if emission.independent else emission.covars[1]
    known, unknown = torch.tensor([0, 2]), torch.tensor([1, 3])
    gain = covars[unknown][:, known] @ torch.linalg.inv(covars[known][:, known])
    mean = emission.means[1, unknown] + gain @ (values[0, known] - emission.means[1, known])
    rest = covars[unknown][:, unknown] - gain @ covars[known][:, unknown]
    drawn = filled[:, unknown]
    torch.testing.assert_close(drawn.mean(0), mean, rtol=0, atol=5 * float(rest.diagonal().max() / len(drawn)) ** 0.5)
    torch.testing.assert_close(drawn.T.cov(), rest, rtol=0.05, atol=0.05)


def test_a_mixture_fills_in_by_the_normal_that_the_known_part_speaks_for() -> None:
    normals = Gaussian(torch.tensor([[-5.0, -5.0], [5.0, 5.0]]).double(), torch.ones(2, 2).double())
    emission = Mixture(torch.tensor([[0.5, 0.5]]).double(), normals)
    values = torch.tensor([[4.0, torch.nan], [-4.0, torch.nan]]).double().repeat(500, 1)
    filled = emission.fill(values, torch.zeros(1000).long(), seeded())
    assert bool((filled[:, 1].sign() == filled[:, 0].sign()).all())


def test_five_hundred_variables_far_from_every_state_stay_finite() -> None:
    for kind in KINDS:
        values = 100 + 20 * randn(40, 512).float()
        emission = Gaussian(
            randn(2, 512),
            torch.eye(512).double().expand(2, -1, -1) if kind in ("full", "tied") else torch.ones(2, 512).double(),
            kind,
        )
        found = emission.log_likelihood(values)
        assert found.dtype == torch.float32 and bool(torch.isfinite(found).all())
        exact = emission.log_likelihood(values.double())
        torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=0)
