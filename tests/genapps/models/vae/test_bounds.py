"""The bounds against probabilistic PCA, whose likelihood is known (Tipping and Bishop 1999), and their terms."""

import itertools
import math

import pytest
import torch
from torch import Tensor, distributions, nn

from genapps.models.vae import core
from genapps.models.vae.core import Inputs, VariationalNet, divergence, importance_bound, one_hot, proposals
from genapps.models.vae.objective import Weights, loss
from genapps.nets.heads import gaussian_log_prob

D, L = 6, 2
NOISE = 0.5


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class LinearNet(VariationalNet):
    """x = W z + b + noise; W has orthogonal columns, so that the posterior of z has independent parts."""

    def __init__(self, classes: int = 0) -> None:
        super().__init__(L, classes, D, generator())
        basis = torch.linalg.qr(torch.randn(D, L, generator=generator(1))).Q
        self.matrix = nn.Parameter(basis * torch.tensor([2.0, 0.7]))
        self.offset = torch.linspace(-1, 1, D)

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        return inputs[0]

    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        mean = codes[:, :L] @ self.matrix.T + self.offset
        return gaussian_log_prob(inputs[0], mean, torch.tensor(math.log(NOISE))).sum(1)

    def be_exact(self, away: float = 0.0) -> None:
        """Set the encoder to the true posterior, its mean moved and its deviation widened by `away`."""
        precision = self.matrix.square().sum(0) + NOISE**2  # the diagonal of W'W + noise
        target = (NOISE / precision.sqrt()).log() + away - core._LEAST_LOG_DEVIATION
        with torch.no_grad():
            weight = self.matrix.T / precision[:, None]
            self.propose.weight[:L, :D], self.propose.weight[L:] = weight, 0
            self.propose.bias[:L] = -weight @ self.offset + away
            self.propose.bias[L:] = core._LEAST_LOG_DEVIATION + target.expm1().log()

    def exact(self, x: Tensor) -> Tensor:
        covariance = self.matrix @ self.matrix.T + NOISE**2 * torch.eye(D)
        return distributions.MultivariateNormal(self.offset, covariance).log_prob(x).detach()

    def rows(self, n: int = 200) -> Tensor:
        g = generator(2)
        latents, noise = torch.randn(n, L, generator=g), torch.randn(n, D, generator=g)
        return (latents @ self.matrix.T + self.offset + NOISE * noise).detach()


def bound(net: LinearNet, x: Tensor, k: int, repeats: int = 1) -> Tensor:
    """The mean over repeats of the k-sample bound, (N,)."""
    with torch.no_grad():
        drawn = [proposals(net, (x,), x, torch.zeros(len(x), 0), k, generator(r))[1] for r in range(repeats)]
    return torch.stack([importance_bound(weights) for weights in drawn]).mean(0)


def assert_tight(net: LinearNet, *, atol: float) -> None:
    x = net.rows()
    torch.testing.assert_close(bound(net, x, 1).float(), net.exact(x), rtol=0, atol=atol)


def test_at_the_true_posterior_the_bound_is_the_likelihood() -> None:
    """Every single sample's weight then is p(x), whatever was drawn."""
    net = LinearNet()
    net.be_exact()
    assert_tight(net, atol=2e-4)


def test_a_perturbed_divergence_or_encoder_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    net = LinearNet()
    net.be_exact(0.01)
    with pytest.raises(AssertionError):
        assert_tight(net, atol=2e-4)
    net.be_exact()
    monkeypatch.setattr(core, "gaussian_log_prob", lambda *a: gaussian_log_prob(*a) * 1.001)
    with pytest.raises(AssertionError):
        assert_tight(net, atol=2e-4)


def test_below_the_likelihood_elsewhere_and_the_training_loss_agrees() -> None:
    net = LinearNet()
    net.be_exact(0.4)
    x = net.rows(40_000)
    with torch.no_grad():
        elbo = -float(loss(net, (x,), torch.full((len(x),), -1), Weights(), generator(), False))
    exact = float(net.exact(x).mean())
    assert elbo < exact - 0.05
    gap = distributions.kl_divergence(*posteriors(net, x)).sum(1).mean()
    assert elbo == pytest.approx(exact - float(gap), abs=0.05)


def posteriors(net: LinearNet, x: Tensor) -> tuple[distributions.Normal, distributions.Normal]:
    """The encoder's and the true posterior."""
    with torch.no_grad():
        mean, log_deviation = net.proposal(x, torch.zeros(len(x), 0))
        proposed = distributions.Normal(mean, log_deviation.exp())
        net.be_exact()
        mean, log_deviation = net.proposal(x, torch.zeros(len(x), 0))
    return proposed, distributions.Normal(mean, log_deviation.exp())


def test_the_bound_does_not_fall_as_samples_grow_and_closes() -> None:
    net = LinearNet()
    net.be_exact(0.3)
    x = net.rows()
    means = [float(bound(net, x, k, repeats=30).mean()) for k in (1, 2, 8, 64)]
    assert all(later > earlier for earlier, later in itertools.pairwise(means))
    exact = float(net.exact(x).mean())
    assert means[0] < exact - 0.2 and exact - 0.03 < means[-1] <= exact + 0.005


def test_divergence_is_that_of_torch() -> None:
    mean, log_deviation = torch.randn(2, 50, 3, generator=generator())
    expected = distributions.kl_divergence(
        distributions.Normal(mean, log_deviation.exp()), distributions.Normal(0.0, 1.0)
    )
    torch.testing.assert_close(divergence(mean, log_deviation), expected, rtol=1e-5, atol=1e-5)


def test_beta_and_free_bits_enter_as_they_must() -> None:
    net, labels = LinearNet(), torch.full((200,), -1)
    net.be_exact(0.1)
    x = net.rows()

    def value(beta: float = 1.0, free_bits: float = 0.0) -> float:
        with torch.no_grad():
            return float(loss(net, (x,), labels, Weights(beta, free_bits), generator(), True))

    with torch.no_grad():
        divergences = divergence(*net.proposal(x, torch.zeros(len(x), 0))).mean(0)
    total = float(divergences.sum())
    assert value(0.0) + total == pytest.approx(value(1.0), abs=1e-4)
    assert value(3.0) - value(1.0) == pytest.approx(2 * total, abs=1e-3)
    least = float(divergences.max()) + 1.0  # every latent is below it
    assert value(1.0, least) == pytest.approx(value(0.0) + L * least, abs=1e-3)
    assert value(1.0, float(divergences.min()) / 2) == pytest.approx(value(1.0), abs=1e-5)


@pytest.mark.parametrize("classes", [0, 3])
def test_loss_does_not_depend_on_the_number_of_rows(classes: int) -> None:
    """Rows given twice: the same loss. The decoder here ignores the noise, so that nothing is left to chance."""
    net = LinearNet(classes)
    with torch.no_grad():
        net.matrix.zero_()
    x = net.rows(30)
    labels = torch.arange(30) % 4 - 1 if classes else torch.full((30,), -1)
    with torch.no_grad():
        once = loss(net, (x,), labels, Weights(classify=1.0), generator(), False)
        twice = loss(net, (x.repeat(2, 1),), labels.repeat(2), Weights(classify=1.0), generator(), False)
    torch.testing.assert_close(once, twice, rtol=1e-5, atol=1e-4)


def test_unknown_classes_are_summed_over() -> None:
    """With the encoder exact and the class without effect, -U(x) is -log p(x) plus KL(q(y | x) | p(y))."""
    net = LinearNet(classes=3)
    net.be_exact()
    with torch.no_grad():
        net.propose.weight[:, D:] = 0
    x = net.rows(4000)
    with torch.no_grad():
        found = loss(net, (x,), torch.full((len(x),), -1), Weights(), generator(), False)
        logs = net.class_log_prob(x)
    surprise = (logs.exp() * (logs + math.log(3))).sum(1).mean()
    assert float(found) == pytest.approx(float(surprise - net.exact(x).mean()), abs=0.02)


def test_one_hot_of_no_classes_is_empty() -> None:
    assert one_hot(torch.tensor([-1, -1]), 0).shape == (2, 0)
    assert one_hot(torch.tensor([1]), 2).tolist() == [[0.0, 1.0]]
