"""The recursions against the sum over all paths, against one another, and where numbers end."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from genapps.errors import MissingExtra
from genapps.models.hmm import chain as chains
from genapps.models.hmm import scaled
from genapps.models.hmm.chain import Chain, Kernel, compiled, filtered, smooth
from genapps.models.hmm.packed import Packed
from genapps.models.hmm.paths import best_path, posterior_path, prior_path, viterbi
from genapps.models.hmm.topology import structure

KERNELS: list[Kernel] = ["scaled", "compiled", "blocks", "log", "compiled log"]
LENGTHS = torch.tensor([4, 0, 6, 1, 6, 3])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_chain(states: int, seed: int, impossible: bool = False) -> Chain:
    start, transition = (torch.rand(shape, generator=seeded(seed)).double() for shape in (states, (states, states)))
    if impossible:
        start[1:], transition = 0, transition.triu()
    return Chain(start / start.sum(), transition / transition.sum(1, keepdim=True))


@dataclass
class Truth:
    """What the sum over all paths says; states and path end to end."""

    log_prob: Tensor
    states: Tensor
    moves: Tensor
    path: Tensor


def enumerate_paths(chain: Chain, log_emission: Tensor, lengths: Tensor) -> Truth:
    """log_emission: (S, K) end to end."""
    count = chain.states
    log_prob, states, path, moves = [], [], [], torch.zeros(count, count).double()
    for emission in log_emission.split(lengths.tolist()):
        paths = torch.tensor(list(itertools.product(range(count), repeat=len(emission)))).long()
        joint = torch.zeros(len(paths)).double()
        for t in range(len(emission)):
            before = chain.start.log()[paths[:, 0]] if t == 0 else chain.transition.log()[paths[:, t - 1], paths[:, t]]
            joint += before + emission[t, paths[:, t]]
        log_prob.append(joint.logsumexp(0))
        share = (joint - log_prob[-1]).exp()
        one_hot = torch.nn.functional.one_hot(paths, count).double()  # (P, T, K)
        states.append(torch.einsum("p,ptk->tk", share, one_hot))
        moves += torch.einsum("p,pti,ptj->ij", share, one_hot[:, :-1], one_hot[:, 1:])
        path.append(paths[joint.argmax()])
    return Truth(torch.stack(log_prob), torch.cat(states), moves, torch.cat(path))


@pytest.fixture(params=[False, True], ids=["ergodic", "left-right"])
def case(request: pytest.FixtureRequest) -> tuple[Chain, Tensor, Packed]:
    """A chain, log-emissions end to end, and the places of ragged sequences, one of them empty."""
    packed = Packed.of(LENGTHS)
    emission = torch.randn(packed.steps, 3, generator=seeded(1)).double() * 4 - 10
    emission[5] = 0  # not observed
    return random_chain(3, 2, request.param), emission, packed


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_agrees_with_the_sum_over_all_paths(case: tuple[Chain, Tensor, Packed], kernel: Kernel) -> None:
    chain, emission, packed = case
    truth = enumerate_paths(chain, emission, LENGTHS)
    found = smooth(chain, emission[packed.rows], packed, kernel=kernel)
    torch.testing.assert_close(found.log_prob, truth.log_prob, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(packed.unpack(found.states), truth.states, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found.moves, truth.moves, rtol=1e-10, atol=1e-12)
    if kernel != "blocks":
        alone = filtered(chain, emission[packed.rows], packed, kernel)
        torch.testing.assert_close(alone[1], truth.log_prob, rtol=1e-12, atol=1e-12)


def test_filtering_is_smoothing_of_what_came_so_far(case: tuple[Chain, Tensor, Packed]) -> None:
    chain, emission, packed = case
    log_alpha, _ = filtered(chain, emission[packed.rows], packed)
    third = LENGTHS[:2].sum()  # where the third sequence begins
    for steps in range(1, 7):
        truth = enumerate_paths(chain, emission[third : third + steps], torch.tensor([steps]))
        found = packed.unpack(log_alpha)[third + steps - 1].exp()
        torch.testing.assert_close(found, truth.states[-1], rtol=1e-10, atol=1e-12)


def test_the_best_path_is_the_best_of_all(case: tuple[Chain, Tensor, Packed]) -> None:
    chain, emission, packed = case
    truth = enumerate_paths(chain, emission, LENGTHS).path
    assert packed.unpack(viterbi(chain, emission[packed.rows], packed)).equal(truth)
    fast = compiled()
    assert fast is not None, "the tests want numba"
    arguments = (chain.start.log(), chain.transition.log(), emission[packed.rows], packed)
    assert fast.viterbi(*arguments).equal(best_path(*arguments))


@pytest.mark.parametrize("kernel", ["scaled", "log"])
def test_drawn_paths_are_as_frequent_as_probable(case: tuple[Chain, Tensor, Packed], kernel: Kernel) -> None:
    """Chi-square over all paths of one sequence of four steps, repeated."""
    chain, emission, _ = case
    emission = emission[:4] / 4
    draws, possible = 20_000, []
    paths = list(itertools.product(range(3), repeat=4))
    for path in paths:
        value = chain.start[path[0]].log() + emission[0, path[0]]
        for t in range(1, 4):
            value = value + chain.transition[path[t - 1], path[t]].log() + emission[t, path[t]]
        possible.append(value)
    share = torch.stack(possible).softmax(0)
    packed = Packed.of(torch.full((draws,), 4))
    log_alpha, _ = filtered(chain, emission.repeat(draws, 1)[packed.rows], packed, kernel)
    uniform = torch.rand(packed.steps, generator=seeded(7)).double()
    drawn = packed.unpack(posterior_path(chain, log_alpha, packed, uniform)).view(draws, 4)
    counts = torch.bincount(drawn @ torch.tensor([27, 9, 3, 1]), minlength=81)
    assert int(counts[share == 0].sum()) == 0
    enough = share * draws > 5
    rest = (counts[~enough].sum(), share[~enough].sum() * draws)
    seen = torch.cat([counts[enough].double(), rest[0][None].double()]) + 1e-9
    expected = torch.cat([share[enough] * draws, rest[1][None]]) + 1e-9
    assert chisquare(seen.numpy(), (expected * seen.sum() / expected.sum()).numpy()).pvalue > 1e-3


def test_paths_of_the_chain_alone_follow_it() -> None:
    chain = random_chain(3, 5)
    packed = Packed.of(torch.full((30_000,), 2))
    pairs = packed.unpack(prior_path(chain, packed, seeded(3))).view(-1, 2) @ torch.tensor([3, 1])
    expected = (chain.start[:, None] * chain.transition).flatten() * len(pairs)
    assert chisquare(torch.bincount(pairs, minlength=9).numpy(), expected.numpy()).pvalue > 1e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_all_kernels_agree_on_long_ragged_sequences(dtype: torch.dtype) -> None:
    lengths = torch.randint(1, 400, (9,), generator=seeded(1))
    packed, chain = Packed.of(lengths), random_chain(7, 4)
    emission = torch.randn(packed.steps, 7, generator=seeded(2)).to(dtype) * 6
    weights = torch.rand(9, generator=seeded(3)).double()
    close: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 3e-5, "atol": 3e-5}
    truth = smooth(chain, emission.double(), packed, weights, "log")
    for kernel in KERNELS:
        found = smooth(chain, emission.clone(), packed, weights, kernel)
        torch.testing.assert_close(found.log_prob, truth.log_prob, **close)
        torch.testing.assert_close(found.states.double(), truth.states, **close)
        torch.testing.assert_close(found.moves, truth.moves, rtol=close["rtol"] * 10, atol=close["atol"])


def test_a_perturbed_kernel_is_caught(case: tuple[Chain, Tensor, Packed], monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison with the sum over all paths must fail for a forward pass that is off by a thousandth."""
    original = scaled.forward

    def perturbed(start: Tensor, transition: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
        return original(start, transition * (1 + 1e-3 * torch.eye(3).double()), *others)

    monkeypatch.setattr(scaled, "forward", perturbed)
    with pytest.raises(AssertionError, match="not close"):
        test_every_kernel_agrees_with_the_sum_over_all_paths(case, "scaled")


def test_order_and_company_change_nothing() -> None:
    """A sequence has the same posterior alone, beside longer ones, and in another order."""
    chain, lengths = random_chain(4, 0), torch.tensor([5, 17, 1, 9])
    parts = [torch.randn(int(n), 4, generator=seeded(int(n))).double() for n in lengths]
    order = [2, 0, 3, 1]
    whole = Packed.of(lengths)
    together = smooth(chain, torch.cat(parts)[whole.rows], whole)
    shuffled = Packed.of(lengths[order])
    other = smooth(chain, torch.cat([parts[n] for n in order])[shuffled.rows], shuffled)
    torch.testing.assert_close(other.log_prob, together.log_prob[order], rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(other.moves, together.moves, rtol=1e-12, atol=1e-12)
    for part, states, log_prob in zip(
        parts, whole.unpack(together.states).split(lengths.tolist()), together.log_prob, strict=True
    ):
        alone = Packed.of(torch.tensor([len(part)]))
        found = smooth(chain, part.clone(), alone)
        torch.testing.assert_close(alone.unpack(found.states), states, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(found.log_prob[0], log_prob, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_step_is_bayes_rule(kernel: Kernel) -> None:
    chain, emission = random_chain(3, 1), torch.tensor([[-2000.0, -2001.0, -5000.0]]).double()
    found = smooth(chain, emission.clone(), Packed.of(torch.tensor([1])), kernel=kernel)
    joint = chain.start.log() + emission[0]
    torch.testing.assert_close(found.log_prob[0], joint.logsumexp(0))
    torch.testing.assert_close(found.states[0], joint.softmax(0))
    assert float(found.moves.abs().sum()) == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_step_that_no_state_emits_makes_its_sequence_impossible_and_no_other(kernel: Kernel) -> None:
    chain, lengths = random_chain(3, 1), torch.tensor([4, 4, 2])
    packed = Packed.of(lengths)
    emission = torch.randn(10, 3, generator=seeded()).double()
    emission[5] = -torch.inf  # the second sequence
    emission[8, :2] = -torch.inf
    found = smooth(chain, emission[packed.rows], packed, kernel=kernel)
    kept = torch.tensor([0, 1, 2, 3, 8, 9])
    truth = enumerate_paths(chain, emission[kept], torch.tensor([4, 2]))
    assert found.log_prob[1] == -torch.inf
    torch.testing.assert_close(found.log_prob[[0, 2]], truth.log_prob)
    states = packed.unpack(found.states)
    torch.testing.assert_close(states[kept], truth.states)
    assert float(states[4:8].abs().sum()) == 0
    torch.testing.assert_close(found.moves, truth.moves)
    assert bool(torch.isfinite(viterbi(chain, emission[packed.rows], packed).double()).all())


def test_a_state_far_below_the_smallest_number_is_not_lost() -> None:
    """Two states that never meet: the data speak for one by 2000 nats, then for the other by 4000."""
    chain = Chain(torch.tensor([0.5, 0.5]).double(), torch.eye(2).double())
    emission = torch.tensor([[0.0, -20.0]]).double().repeat(100, 1)
    emission = torch.cat([emission, emission.flip(1).repeat(2, 1)])
    packed = Packed.of(torch.tensor([300]))
    for dtype in (torch.float64, torch.float32):
        found = smooth(chain, emission.to(dtype), packed)
        assert float(found.log_prob) == pytest.approx(-2000 + math.log(0.5), rel=1e-6)
        assert float(found.states[:, 1].min()) == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_smallest_transitions_that_the_fast_recursions_take_lose_nothing(dtype: torch.dtype) -> None:
    """Observations that insist on moves of the least probability, with emissions beyond the type's range."""
    least, states = chains.LEAST[dtype], 4
    transition = torch.full((states, states), least, dtype=torch.double)
    transition[torch.arange(states), (torch.arange(states) + 1) % states] = 1 - (states - 1) * least
    start = torch.full((states,), least, dtype=torch.double)
    start[0] = 1 - (states - 1) * least
    chain, packed = Chain(start, transition), Packed.of(torch.tensor([200, 77]))
    emission = (1000 * torch.randn(277, states, generator=seeded())).to(dtype)
    truth = smooth(chain, emission.double(), packed, kernel="log")
    assert chain.mixes(dtype)
    learnt = structure(states, "ergodic", least=least).maximize(start, (transition > 0.5).double())
    assert learnt.mixes(dtype), "what is learnt takes the fast recursions"
    fast: list[Kernel] = ["scaled", "compiled", "blocks"]
    for kernel in fast:
        found = smooth(chain, emission.clone(), packed, kernel=kernel)
        torch.testing.assert_close(
            found.log_prob, truth.log_prob, rtol=1e-6 if dtype == torch.float32 else 1e-12, atol=0
        )
        torch.testing.assert_close(found.states.double(), truth.states, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found.moves, truth.moves, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_million_steps_do_not_underflow(dtype: torch.dtype) -> None:
    """Emissions that say nothing but a constant: the likelihood is that constant, the posterior the chain's own."""
    chain = random_chain(3, 6)
    packed = Packed.of(torch.tensor([1_000_000]))
    emission = torch.full((1_000_000, 3), -1234.5, dtype=dtype)
    found = smooth(chain, emission, packed)
    assert float(found.log_prob) == pytest.approx(-1234.5e6, rel=1e-9)
    stationary = torch.linalg.matrix_power(chain.transition, 200)[0]
    torch.testing.assert_close(found.states[-1].double(), stationary, rtol=1e-4, atol=1e-5)
    assert float(found.moves.sum()) == pytest.approx(999_999, rel=1e-4)
    observed = torch.randn(1_000_000, 3, generator=seeded()).to(dtype) * 100
    again = smooth(chain, observed, packed)
    assert bool(torch.isfinite(again.log_prob).all()) and bool(torch.isfinite(again.states).all())


def test_without_numba_the_same_numbers_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, packed = random_chain(3, 0), Packed.of(torch.tensor([2500, 10]))
    emission = torch.randn(2510, 3, generator=seeded()).double()
    with_numba = smooth(chain, emission[packed.rows], packed)
    none: Callable[[], None] = lambda: None  # noqa: E731
    monkeypatch.setattr(chains, "compiled", none)
    with pytest.raises(MissingExtra, match=r"genapps\[fast\]"):
        smooth(chain, emission.clone(), packed, kernel="compiled")
    without = smooth(chain, emission[packed.rows], packed)
    torch.testing.assert_close(without.states, with_numba.states, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(without.log_prob, with_numba.log_prob, rtol=1e-12, atol=1e-12)
