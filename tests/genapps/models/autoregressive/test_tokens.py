"""Sequences of codes: exact probabilities of whole sequences, and draws that follow them, prompts and grammars."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models import build, load_file
from genapps.models.autoregressive import Automaton, Autoregressive
from genapps.models.autoregressive.choosing import pick, restricted
from genapps.models.autoregressive.sequences import by_length
from genapps.spaces import Tokens, allow
from genapps.training import Event, TrainingConfig

SPACE = Tokens(3, 5)
SMALL: dict[str, Any] = {"hidden": 16, "heads": 2, "layers": 1, "dropout": 0.1}
QUICK = TrainingConfig(max_steps=120, warmup_steps=10, learning_rate=0.01)
EVERY = [torch.tensor(codes, dtype=torch.long) for n in range(6) for codes in itertools.product(range(3), repeat=n)]


def make_sequences(n: int = 300, seed: int = 0) -> list[Tensor]:
    """Each code is one more than the one before it, mostly; of 0 to 5 steps."""
    g = torch.Generator().manual_seed(seed)
    lengths = torch.randint(6, (n,), generator=g).tolist()
    found = []
    for length in lengths:
        steps = torch.where(torch.rand(length, generator=g) < 0.9, 1, 0)
        found.append((torch.randint(3, (1,), generator=g) + steps.cumsum(0)) % 3)
    return found


def fit(architecture: str, **options: Any) -> Autoregressive:
    return Autoregressive(space=SPACE, architecture=architecture, **{**SMALL, **options}).fit(
        make_sequences(), training=QUICK
    )


@pytest.fixture(scope="module", params=["gru", "transformer"])
def model(request: pytest.FixtureRequest) -> Autoregressive:
    return fit(request.param)


@pytest.fixture(scope="module")
def labelled() -> Autoregressive:
    """Class 0 has the code 0 alone, class 2 the code 2; a fifth of the rows have no class."""
    g = torch.Generator().manual_seed(0)
    classes = torch.randint(2, (300,), generator=g) * 2
    sequences = [torch.full((3,), int(c)) for c in classes]
    labels = torch.where(torch.rand(300, generator=g) < 0.2, -1, classes)
    return Autoregressive(space=SPACE, **SMALL).fit(sequences, training=QUICK, labels=labels)


def probabilities(model: Autoregressive, **options: Any) -> dict[tuple[int, ...], float]:
    found = model.log_prob(EVERY, **options)
    assert found.kind == "exact"
    return {tuple(s.tolist()): p for s, p in zip(EVERY, found.values.double().exp().tolist(), strict=True)}


def distance(p: dict[tuple[int, ...], float], batch: Ragged) -> float:
    """Total variation between probabilities and the frequencies of drawn sequences."""
    seen = Counter(tuple(codes.tolist()) for codes in batch)
    return sum(abs(p.get(key, 0.0) - seen[key] / len(batch)) for key in {*p, *seen}) / 2


def test_probabilities_of_all_sequences_sum_to_one(model: Autoregressive) -> None:
    assert sum(probabilities(model).values()) == pytest.approx(1.0, abs=1e-6)


def test_a_warm_start_goes_on_from_what_was_learnt() -> None:
    """A few small steps on other sequences move the probabilities a little; from nothing they would be elsewhere."""
    model = fit("gru")
    before = probabilities(model)
    few = TrainingConfig(max_steps=5, min_steps=1, epochs=1, learning_rate=1e-3)
    other = make_sequences(seed=1)
    after = probabilities(model.fit(other, training=few, warm_start=True))
    fresh = probabilities(Autoregressive(space=SPACE, **SMALL).fit(other, training=few))
    assert 0 < sum(abs(after[k] - before[k]) for k in before) < 0.2
    assert sum(abs(fresh[k] - before[k]) for k in before) > 0.5


def test_a_warm_start_may_bring_classes_that_were_not_there() -> None:
    model = fit("gru").fit(make_sequences(), labels=[n % 2 for n in range(300)], training=QUICK, warm_start=True)
    assert sum(probabilities(model, labels=1).values()) == pytest.approx(1.0, abs=1e-6)


def test_a_warm_start_needs_a_start() -> None:
    with pytest.raises(UsageError, match="call fit first"):
        Autoregressive(space=SPACE, **SMALL).fit(make_sequences(), warm_start=True)
    with pytest.raises(UsageError, match="does not take warm_start"):
        build("hmm", SPACE).fit(make_sequences()).fit(make_sequences(), warm_start=True)


def test_a_shifted_end_is_caught(model: Autoregressive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the end is asked for one step too early the sum is no longer one."""
    network = model.engine.network
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda *args: forward(*args).roll(1, 1))
    with pytest.raises(AssertionError):
        test_probabilities_of_all_sequences_sum_to_one(model)


def test_samples_follow_the_probabilities(model: Autoregressive) -> None:
    drawn = model.sample(20_000, generator=torch.Generator().manual_seed(0))
    assert distance(probabilities(model), drawn) < 0.06  # 364 sequences: chance is about 0.04


def test_it_has_learnt(model: Autoregressive) -> None:
    uniform = -torch.tensor([(len(codes) + (len(codes) < 5)) * 4.0 for codes in make_sequences()]).mean() / 4 * 1.386
    assert model.score(make_sequences(seed=1)) > float(uniform) + 0.5


def test_padding_and_order_do_not_matter(model: Autoregressive) -> None:
    together = model.log_prob(EVERY).values
    alone = torch.cat([model.log_prob([codes]).values for codes in EVERY[1::40]])
    torch.testing.assert_close(together[1::40], alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.log_prob(EVERY[::-1]).values.flip(0), together, atol=1e-5, rtol=0)


def test_groups_hold_every_row_once_within_their_size() -> None:
    lengths = torch.randint(50, (300,), generator=torch.Generator().manual_seed(0))
    groups = list(by_length(lengths, most=400))
    assert sorted(torch.cat(groups).tolist()) == list(range(300))
    assert all(len(rows) * (int(lengths[rows].max()) + 1) <= 400 for rows in groups)
    assert [rows.tolist() for rows in by_length(torch.tensor([900, 2]), most=400)] == [[1], [0]]


def test_groups_of_a_batch_add_up_to_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch is too large to go through the network at once, the same steps are taken."""
    whole, parts = (Autoregressive(space=SPACE, **{**SMALL, "dropout": 0.0}) for _ in range(2))
    few = TrainingConfig(max_steps=20, warmup_steps=5)
    whole.fit(make_sequences(), training=few)
    monkeypatch.setattr("genapps.models.autoregressive.sequences.by_length", lambda lengths: by_length(lengths, 40))
    parts.fit(make_sequences(), training=few)
    torch.testing.assert_close(parts.log_prob(EVERY).values, whole.log_prob(EVERY).values, atol=1e-2, rtol=0)


def test_prompt_goes_on_as_the_model_would(model: Autoregressive) -> None:
    p = {key: value for key, value in probabilities(model).items() if key[:2] == (1, 2)}
    total = sum(p.values())
    drawn = model.sample(5000, prompt=[[1, 2]], generator=torch.Generator().manual_seed(0))
    assert distance({key: value / total for key, value in p.items()}, drawn) < 0.05


def test_prompts_of_several_lengths_are_each_continued(model: Autoregressive) -> None:
    prompts = [torch.tensor([0]), torch.tensor([2, 1, 0, 2]), torch.tensor([], dtype=torch.long)]
    drawn = model.sample(3, prompt=prompts, length=torch.tensor([3, 4, 5]))
    assert drawn.lengths.tolist() == [3, 4, 5]
    for codes, prompt in zip(drawn, prompts, strict=True):
        assert codes[: len(prompt)].equal(prompt)
    greedy = model.sample(3, prompt=prompts, temperature=0.0)
    for codes, prompt in zip(greedy, prompts, strict=True):
        assert codes.equal(next(iter(model.sample(1, prompt=[prompt] if len(prompt) else None, temperature=0.0))))


def test_temperature_zero_takes_the_likeliest_step(model: Autoregressive) -> None:
    network = model.engine.network
    codes = torch.zeros(1, 0, dtype=torch.long)
    for _ in range(5):
        best = int(network(codes, torch.zeros(1, dtype=torch.long))[0, -1].argmax())
        if best == 3:
            break
        codes = torch.cat([codes, torch.tensor([[best]])], 1)
    drawn = model.sample(3, temperature=0.0)
    assert all(row.equal(codes[0]) for row in drawn)
    near = pick(torch.tensor([[0.0, 0.1, -1.0]]).repeat(100, 1), 1e-4, torch.Generator().manual_seed(0))
    assert (near == 1).all()


def test_top_k_and_top_p_leave_the_likeliest_and_sum_to_one() -> None:
    shares = torch.tensor([[0.5, 0.05, 0.3, 0.15], [0.25, 0.25, 0.25, 0.25]])
    torch.testing.assert_close(restricted(shares, top_k=2)[0], torch.tensor([0.625, 0, 0.375, 0]))
    torch.testing.assert_close(restricted(shares, top_p=0.7)[0], torch.tensor([0.625, 0, 0.375, 0]))
    torch.testing.assert_close(restricted(shares, top_p=0.5)[0], torch.tensor([1.0, 0, 0, 0]))
    torch.testing.assert_close(restricted(shares, top_k=3, top_p=0.5)[0], torch.tensor([1.0, 0, 0, 0]))
    assert restricted(shares, top_k=9, top_p=1.0).equal(shares)
    for k, p in itertools.product((None, 1, 3), (None, 1e-6, 0.6)):
        torch.testing.assert_close(restricted(shares, k, p).sum(1), torch.ones(2))


def test_top_k_of_one_is_the_likeliest(model: Autoregressive) -> None:
    greedy, only = (model.sample(4, **how) for how in ({"temperature": 0.0}, {"top_k": 1}))
    assert greedy.values.equal(only.values)


def test_grammar_is_never_broken(model: Autoregressive) -> None:
    """0 then any number of 1s then 2 and the end: an automaton of three states."""
    following = torch.tensor([[1, -1, -1], [-1, 1, 2], [-1, -1, -1]])
    grammar = Automaton(following, torch.tensor([False, False, True]))
    drawn = model.sample(500, grammar=grammar, generator=torch.Generator().manual_seed(0))
    for codes in drawn:
        assert codes[0] == 0 and codes[-1] == 2 and (codes[1:-1] == 1).all()
    assert {len(codes) for codes in drawn} >= {2, 3}
    assert all(codes.tolist() == [0, 1, 1, 2] for codes in model.sample(20, grammar=grammar, length=4))
    assert all(codes.tolist()[:2] == [0, 1] for codes in model.sample(20, grammar=grammar, prompt=[[0, 1]]))


def test_a_grammar_draws_in_proportion_to_what_it_allows(model: Autoregressive) -> None:
    """A grammar that allows everything changes nothing."""
    anything = Automaton(torch.zeros(1, 3, dtype=torch.long), torch.ones(1, dtype=torch.bool))
    drawn = model.sample(20_000, grammar=anything, generator=torch.Generator().manual_seed(0))
    assert distance(probabilities(model), drawn) < 0.06


def test_grammars_without_a_way_are_refused(model: Autoregressive) -> None:
    with pytest.raises(UsageError, match="accepts no sequence"):
        Automaton(torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, dtype=torch.bool))
    six = torch.arange(1, 8)[:, None].repeat(1, 3).clamp_max(6)  # accepts sequences of at least six codes
    grammar = Automaton(six, torch.arange(7) == 6)
    with pytest.raises(UsageError, match="leaves no way"):
        model.sample(2, grammar=grammar)
    with pytest.raises(UsageError, match="prompt breaks the grammar"):
        model.sample(2, grammar=Automaton(torch.tensor([[0, -1, -1]]), torch.tensor([True])), prompt=[[1]])


def test_labels_steer_and_their_mixture_is_exact(labelled: Autoregressive) -> None:
    for label in (0, 2):
        assert sum(probabilities(labelled, labels=label).values()) == pytest.approx(1.0, abs=1e-6)
        drawn = labelled.sample(200, labels=label, generator=torch.Generator().manual_seed(0))
        assert (drawn.values == label).float().mean() > 0.9
    p = probabilities(labelled)
    assert sum(p.values()) == pytest.approx(1.0, abs=1e-6)
    drawn = labelled.sample(20_000, generator=torch.Generator().manual_seed(0))
    assert distance(p, drawn) < 0.05
    with pytest.raises(UsageError, match=r"class 1 was not learnt; there are: 0, 2"):
        labelled.sample(2, labels=1)


def test_labels_without_having_learnt_them_are_refused(model: Autoregressive) -> None:
    with pytest.raises(UsageError, match="learnt without labels"):
        model.sample(2, labels=1)


def test_resumed_is_uninterrupted_bit_for_bit(model: Autoregressive, tmp_path: Path) -> None:
    """Ten steps equal five, an interruption, and five more."""
    architecture = model.config.architecture
    training = TrainingConfig(max_steps=40, checkpoint_seconds=0, check_steps=20)

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if event.step >= 30:
            raise Killed

    data = make_sequences()
    whole, again, resumed = (Autoregressive(space=SPACE, architecture=architecture, **SMALL) for _ in range(3))
    whole.fit(data, training=training)
    place = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        again.fit(data, training=training, checkpoint=place, progress=kill)
    resumed.fit(data, training=training, checkpoint=place, resume=True)
    one, two = whole.state()[0], resumed.state()[0]
    assert one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)


def test_saved_is_the_same(labelled: Autoregressive, tmp_path: Path) -> None:
    labelled.save(tmp_path / "model.genapps")
    again = load_file(tmp_path / "model.genapps")
    assert again.log_prob(EVERY).values.equal(labelled.log_prob(EVERY).values)
    one, two = (m.sample(20, generator=torch.Generator().manual_seed(3)) for m in (labelled, again))
    assert one.values.equal(two.values) and one.lengths.equal(two.lengths)


def test_features_are_of_each_sequence(model: Autoregressive) -> None:
    features = model.transform(EVERY)
    assert features.shape == (len(EVERY), 16)
    torch.testing.assert_close(model.transform(EVERY[50:51])[0], features[50], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([[1]], id="one code"),
        pytest.param([[0, 0, 0]] * 30, id="duplicates"),
        pytest.param([[], [1], []], id="mostly empty"),
        pytest.param([[0] * 5, [2] * 5], id="all of the longest length"),
    ],
)
def test_hostile_data_ends_in_finite_numbers(data: list[list[int]]) -> None:
    sequences = Ragged(torch.tensor([c for s in data for c in s]), torch.tensor([len(s) for s in data]))
    for architecture in ("gru", "transformer"):
        fitted = Autoregressive(space=SPACE, architecture=architecture, **SMALL).fit(sequences, training=QUICK)
        found = fitted.log_prob(EVERY).values
        assert torch.isfinite(found).all() and found.double().exp().sum().item() == pytest.approx(1.0, abs=1e-5)
        assert len(fitted.sample(10)) == 10


def test_what_cannot_be_is_said(model: Autoregressive) -> None:
    too_long = model.log_prob([[0] * 6, [1, 2]]).values
    assert too_long[0] == -torch.inf and torch.isfinite(too_long[1])
    with pytest.raises(InputError, match="unknown codes"):
        model.log_prob([[0, -1, 2]])
    with pytest.raises(InputError, match="does not learn from unknown"):
        Autoregressive(space=SPACE, **SMALL).fit([[0, -1, 2]])
    with pytest.raises(InputError, match="a sequence of 7 steps where 5 are the most"):
        Autoregressive(space=SPACE, **SMALL).fit([[0] * 7])
    for options, words in [
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
        ({"temperature": -1.0}, "temperature is -1"),
        ({"length": [2, 2]}, "length of shape"),
        ({"labels": [0, 1]}, "labels of shape"),
        ({"length": 9}, "length must lie between 0 and 5"),
        ({"prompt": [[0, 1, 2]], "length": 2}, "longer than the sequence"),
        ({"prompt": [[0], [1]]}, "2 prompts for 3 sequences"),
        ({"given": [allow(0, torch.ones(3).numpy())]}, "no conditions"),
    ]:
        with pytest.raises(UsageError, match=words):
            model.sample(3, **options)
    with pytest.raises(UsageError, match="multiple of 2 x heads"):
        Autoregressive(9, heads=2, architecture="transformer", space=SPACE)
    assert len(model.sample(0)) == 0
