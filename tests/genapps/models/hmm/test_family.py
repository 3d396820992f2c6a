"""What a person meets: shapes in, shapes out, probabilities that sum to one, and errors that say what to do."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import GenappsError, InputError, UsageError
from genapps.models import build, load_file
from genapps.models.hmm import HMM
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Tokens, allow


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def strings(count: int = 60, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    """Codes 0, 1, 2: each string mostly goes round."""
    rng = np.random.default_rng(seed)
    return [(np.arange(n) + (rng.random(n) < 0.1) + rng.integers(3)) % 3 for n in rng.integers(1, 12, count)]


def frames(count: int = 40, width: int = 2, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    """Frames that sit still in one of two places and sometimes change over."""
    rng = np.random.default_rng(seed)
    places = [(rng.random(n) < 0.1).cumsum() % 2 * 6.0 for n in rng.integers(1, 40, count)]
    return [place[:, None] + rng.normal(size=(len(place), width)) for place in places]


@pytest.fixture(scope="module")
def codes() -> HMM:
    return HMM(3, max_iter=60).fit(strings())


@pytest.fixture(scope="module")
def numbers() -> HMM:
    return HMM(2).fit(frames())


def test_probabilities_of_all_strings_of_a_length_sum_to_one(codes: HMM) -> None:
    for length in (1, 2, 5):
        every = Ragged.of([np.array(string) for string in itertools.product(range(3), repeat=length)])
        found = codes.log_prob(every)
        assert found.kind == "exact"
        assert float(found.values.exp().sum()) == pytest.approx(1.0, abs=1e-10)


def test_probabilities_of_binary_and_mixed_frames_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    space = Frames((Categorical(2), Categorical(3), Categorical(2)), 6)
    data = [np.stack([rng.integers(0, 2, n), rng.integers(0, 3, n), rng.integers(0, 2, n)], 1) for n in (6, 3, 5)]
    model = HMM(2, space=space, max_iter=10).fit(data)
    each = list(itertools.product(range(2), range(3), range(2)))
    every = Ragged.of([np.array(pair) for pair in itertools.product(each, repeat=2)])
    assert float(model.log_prob(every).values.exp().sum()) == pytest.approx(1.0, abs=1e-10)
    assert [tuple(table.shape) for table in model.emissionprob_] == [(2, 2), (2, 3), (2, 2)]


def test_a_density_integrates_to_one(numbers: HMM) -> None:
    """One step of one variable on a grid, and of a mixture of numbers and codes."""
    grid = torch.linspace(-10, 20, 3001).double()
    single = HMM(2, n_mix=2).fit([part[:, 0] for part in frames()])
    found = single.log_prob(Ragged(grid[:, None], torch.ones(3001).long())).values.exp().sum() * 0.01
    assert float(found) == pytest.approx(1.0, abs=1e-6)
    space = Frames((Continuous(), Categorical(3)), 5)
    data = [np.stack([part[:, 0], part[:, 1] > 3], 1).astype(float) for part in frames()]
    mixed = HMM(2, space=space).fit(data)
    rows = torch.cat([torch.stack([grid, torch.full_like(grid, code)], 1) for code in range(3)])
    total = mixed.log_prob(Ragged(rows, torch.ones(len(rows)).long())).values.exp().sum() * 0.01
    assert float(total) == pytest.approx(1.0, abs=1e-6)


def test_samples_follow_the_likelihood(codes: HMM) -> None:
    drawn = codes.sample(20_000, length=3, generator=seeded())
    every = list(itertools.product(range(3), repeat=3))
    share = codes.log_prob(Ragged.of([np.array(string) for string in every])).values.exp()
    numbers = drawn.values.view(-1, 3) @ torch.tensor([9, 3, 1])
    seen = torch.bincount(numbers, minlength=27) / 20_000
    assert float((seen - share).abs().sum()) / 2 < 0.02
    cold = codes.sample(2000, length=3, temperature=0.3, generator=seeded())
    assert codes.score(cold) > codes.score(drawn) + 0.1


def test_sampled_lengths_are_those_learnt(codes: HMM) -> None:
    lengths = torch.tensor([len(string) for string in strings()])
    drawn = codes.sample(4000, generator=seeded()).lengths
    seen, learnt = (torch.bincount(found, minlength=12) / len(found) for found in (drawn, lengths))
    assert float((seen - learnt).abs().sum()) / 2 < 0.05
    assert codes.sample(3, length=50).lengths.tolist() == [50] * 3
    with pytest.raises(UsageError, match="one step at least"):
        codes.sample(1, length=0)


def test_one_array_is_one_sequence_and_lengths_cut_it_as_in_hmmlearn(numbers: HMM) -> None:
    data = frames()
    lengths = [len(part) for part in data]
    ends = np.concatenate(data)
    model = HMM(2).fit(ends, lengths)
    assert model.means_.equal(numbers.means_)
    torch.testing.assert_close(model.log_prob(ends, lengths).values, numbers.log_prob(data).values)
    path = model.predict(ends, lengths)
    listed = numbers.predict(data)
    assert isinstance(path, Tensor) and isinstance(listed, Ragged) and path.equal(listed.values)
    assert model.predict(data[0]).equal(next(iter(listed)))  # type: ignore[union-attr]
    shares = model.predict_proba(data[0])
    assert isinstance(shares, Tensor) and shares.shape == (len(data[0]), 2)
    torch.testing.assert_close(shares.sum(1), torch.ones(len(shares)).double())
    grid = HMM(2, space=Tokens(2, 5)).fit(np.zeros((4, 5), int))  # of codes, an array of many sequences
    assert len(grid.predict(np.zeros((3, 5), int))) == len(grid.impute(np.full((3, 5), -1))) == 3
    assert HMM(2).infer_space(ends) == Frames((Continuous(), Continuous()), len(ends))
    assert HMM(2).infer_space(np.array([0, 1, 2, 1])) == Tokens(3, 4)
    assert HMM(2).infer_space([[0, 1, 2], [2, 1, 0]]) == Tokens(3, 3)
    assert HMM(2).infer_space(np.array([0.5, 1.5, 2.5])) == Frames((Continuous(),), 3)


def test_a_decoded_path_comes_with_its_probability(codes: HMM, numbers: HMM) -> None:
    string = np.array([0, 1, 2, 2])
    value, path = codes.decode(string)
    assert isinstance(path, Tensor)
    joint = codes.startprob_[path[0]].log() + codes.emissionprob_[path, torch.from_numpy(string)].log().sum()
    joint = joint + codes.transmat_[path[:-1], path[1:]].log().sum()
    assert value == pytest.approx(float(joint), rel=1e-12)
    assert value <= float(codes.log_prob(string).values)
    data = frames()
    assert numbers.decode(data)[0] <= float(numbers.log_prob(data).values.sum())
    sure, states = numbers.decode(data, algorithm="map")
    assert isinstance(states, Ragged) and sure > 0.9 * len(states.values)
    with pytest.raises(UsageError, match="viterbi, and map"):
        codes.decode(string, algorithm="best")


def test_drawn_states_are_as_frequent_as_probable(numbers: HMM) -> None:
    data = np.array([[3.0, 3.0], [2.9, np.nan], [np.nan, np.nan]])
    shares = numbers.predict_proba(data)
    draws = numbers.sample_states(np.tile(data, (4000, 1)), [3] * 4000, generator=seeded())
    assert isinstance(draws, Tensor)
    torch.testing.assert_close(draws.view(-1, 3).double().mean(0), shares[:, 1], rtol=0, atol=0.03)  # type: ignore[index]


def test_an_unknown_observation_is_summed_over(codes: HMM, numbers: HMM) -> None:
    whole = torch.tensor([codes.score(np.array([0, code, 2])) for code in range(3)]).exp().sum()
    assert codes.score(np.array([0, -1, 2])) == pytest.approx(float(whole.log()), abs=1e-6)
    frame = np.array([[1.0, 2.0], [np.nan, 1.0], [np.nan, np.nan]])
    grid = np.linspace(-15, 20, 3501)
    filled = Ragged.of([np.array([[1.0, 2.0], [value, 1.0]]) for value in grid])
    integral = numbers.log_prob(filled).values.exp().sum() * 0.01
    assert numbers.score(frame) == pytest.approx(float(integral.log()), abs=1e-6)


def test_what_is_unknown_is_filled_in_from_what_is_known(codes: HMM, numbers: HMM) -> None:
    frame = np.array([[6.0, np.nan], [np.nan, np.nan], [6.0, 6.0]])
    filled = numbers.impute(np.tile(frame, (300, 1)), generator=seeded())
    assert torch.isfinite(filled).all()
    assert filled[0, 0] == 6.0
    assert float(filled[:, 1].mean()) == pytest.approx(6.0, abs=0.4)
    string = np.tile([0, -1, 2], (2000, 1))
    done = codes.impute(string, generator=seeded()).values.view(-1, 3)
    assert done[:, 0].eq(0).all() and done[:, 2].eq(2).all()
    joint = torch.tensor([codes.score(np.array([0, code, 2])) for code in range(3)]).softmax(0)
    torch.testing.assert_close(torch.bincount(done[:, 1], minlength=3) / 2000, joint, rtol=0, atol=0.05)


def test_gaps_in_training_data_are_no_obstacle() -> None:
    rng = np.random.default_rng(3)
    for kind in ("diag", "full"):
        data = frames(80)
        for part in data:
            part[rng.random(part.shape) < 0.2] = np.nan
        model = HMM(2, covariance_type=kind).fit(data)
        means = model.means_.sort(0).values
        torch.testing.assert_close(means, torch.tensor([[0.0, 0], [6, 6]]).double(), rtol=0, atol=0.35)


def test_topologies_forbid_what_they_forbid() -> None:
    rng = np.random.default_rng(0)
    data = [np.repeat([0.0, 4, 8], rng.integers(1, 9, 3))[:, None] for _ in range(30)]
    data = [part + rng.normal(size=part.shape) for part in data]
    forward = HMM(3, topology="left-right").fit(data)
    assert bool((forward.transmat_.tril(-1) == 0).all()) and float(forward.transmat_[0, 2]) == 0
    torch.testing.assert_close(forward.means_[:, 0], torch.tensor([0.0, 4, 8]).double(), rtol=0, atol=0.4)
    path = forward.predict(data)
    assert isinstance(path, Ragged) and all(bool((part.diff() >= 0).all()) for part in path)
    banded = HMM(5, topology="banded", bandwidth=2).fit(data)
    assert float(banded.transmat_[0, 3]) == 0 and float(banded.transmat_[0].sum()) == pytest.approx(1)
    free, sticky = HMM(3).fit(data), HMM(3, topology="sticky", kappa=1e4).fit(data)
    assert float(sticky.transmat_.diagonal().min()) > float(free.transmat_.diagonal().min())


def test_bic_finds_the_number_of_states() -> None:
    data = frames(60)
    scores = [HMM(states).fit(data).bic(data) for states in (1, 2, 3)]
    assert scores[1] == min(scores)
    model = HMM(2).fit(data)
    assert model.aic(data) == pytest.approx(2 * 11 - 2 * float(model.log_prob(data).values.sum()))


def test_images_are_read_row_by_row() -> None:
    """The lower half is bright: the state says where in the image a row is."""
    generator = seeded()
    data = torch.rand(60, 1, 6, 5, generator=generator) < torch.tensor([0.1] * 3 + [0.9] * 3)[:, None]
    model = HMM(2).fit(data)
    assert model.space == Pixels(1, 6, 5, 2)
    drawn = model.sample(50, generator=seeded())
    assert drawn.shape == (50, 1, 6, 5) and float(drawn[:, :, 3:].double().mean()) > float(
        drawn[:, :, :3].double().mean()
    )
    holes = data.long().clone()
    holes[:, :, 2] = -1
    filled = model.impute(holes, generator=seeded())
    assert filled[:, :, 3:].equal(holes[:, :, 3:]) and int(filled.min()) == 0
    assert model.transform(data).shape == (60, 2)
    with pytest.raises(UsageError, match="leave out length"):
        model.sample(1, length=3)


def test_float32_is_learnt_in_float32_to_the_same_end() -> None:
    data = frames()
    double, single = HMM(2).fit(data), HMM(2).fit([part.astype(np.float32) for part in data])
    torch.testing.assert_close(single.means_, double.means_, rtol=0, atol=1e-2)
    assert single.sample(1).values.dtype == torch.float32 and double.sample(1).values.dtype == torch.float64
    assert single.score(data) == pytest.approx(double.score(data), rel=1e-4)


def test_a_saved_model_is_the_same_model(numbers: HMM, codes: HMM, tmp_path: Path) -> None:
    mix = HMM(2, n_mix=2, covariance_type="full", max_iter=5).fit(frames())
    for number, (model, data) in enumerate(((numbers, frames()), (codes, strings()), (mix, frames()))):
        path = tmp_path / f"{number}.genapps"
        model.save(path)
        again = load_file(path)
        assert again.log_prob(data).values.equal(model.log_prob(data).values)
        one, two = again.sample(5, generator=seeded()), model.sample(5, generator=seeded())
        assert one.values.equal(two.values) and one.lengths.equal(two.lengths)
        assert again.lower_bound_ == model.lower_bound_ and again.n_iter_ == model.n_iter_


@pytest.mark.parametrize("options", [{}, {"covariance_type": "full"}, {"n_mix": 3}, {"topology": "left-right"}])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param([np.full((5, 2), 1e6)] * 4, id="constant at a million"),
        pytest.param([np.array([[1.0, 2.0]])], id="one frame"),
        pytest.param([np.repeat([[1.0, 2.0], [3.0, 1.0]], 20, 0)], id="two frames, repeated"),
        pytest.param([np.full((4, 2), np.nan), np.full((3, 2), 2.5)], id="nothing known of a sequence"),
        pytest.param([np.array([[1.0, np.nan], [2.0, np.nan]])], id="nothing known of a variable"),
        pytest.param([np.array([[1e150, 0.0], [0, 1e-150], [1, 1]])], id="numbers at the ends of the type"),
    ],
)
def test_hostile_frames_end_in_finite_numbers_or_a_named_error(data: Any, options: dict[str, Any]) -> None:
    try:
        model = HMM(6, **options).fit(data)
    except GenappsError as error:
        assert "\n" not in str(error)
        return
    assert bool(torch.isfinite(model.log_prob(data).values).all())
    assert bool(torch.isfinite(model.transmat_).all()) and bool(torch.isfinite(model.means_).all())
    assert bool(torch.isfinite(model.sample(4).values).all())


def test_what_cannot_be_is_refused_with_the_remedy(codes: HMM) -> None:
    with pytest.raises(UsageError, match=r"a row of Columns has no order.*gmm"):
        build("hmm", Columns((Continuous(),)))
    with pytest.raises(InputError, match="infinite"):
        HMM(2).fit(np.array([[1.0], [np.inf]]))
    with pytest.raises(InputError, match="code 7"):
        codes.score(np.array([7]))
    with pytest.raises(UsageError, match="takes none"):
        codes.sample(1, given=[allow(0, np.ones(3, np.float32))])
    with pytest.raises(UsageError, match="no classes"):
        codes.sample(1, labels=0)
    with pytest.raises(UsageError, match="tied"):
        HMM(2, n_mix=2, covariance_type="tied").fit(frames())
    with pytest.raises(UsageError, match="lengths must add up"):
        HMM(2).fit(np.zeros((5, 1)), [2, 2])
    with pytest.raises(UsageError, match="Did you mean"):
        HMM(2, n_iters=3)
    with pytest.raises(InputError, match="no sequences"):
        HMM(2).fit([])


def test_validation_decides_when_to_stop_and_events_say_so() -> None:
    events: list[Any] = []
    model = HMM(12, n_mix=3, max_iter=200, tol=0).fit(frames(8), validation=frames(8, seed=5), progress=events.append)
    assert model.n_iter_ < 199 and all(event.validation is not None for event in events)
    plain = HMM(12, n_mix=3, max_iter=200, tol=0).fit(frames(8))
    assert model.score(frames(8, seed=5)) >= plain.score(frames(8, seed=5))


def test_what_is_reported_is_in_the_units_of_the_data() -> None:
    events: list[Any] = []
    data = [part * 50 + 1000 for part in frames()]
    model = HMM(2, max_iter=4).fit(data, validation=data, sample_weight=np.ones(len(data)), progress=events.append)
    assert [-events[-1].loss, model.lower_bound_] == pytest.approx([model.score(data)] * 2, rel=1e-9)
    assert -events[-1].validation == pytest.approx(model.score(data), rel=1e-9)
