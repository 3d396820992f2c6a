"""What every engine of the family keeps: the other network untouched, the same weights after a stop, a way back."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.batches import Batch, Ragged, rows_of
from genapps.errors import UsageError
from genapps.models import load
from genapps.models.gan import GAN
from genapps.models.gan.adversary import Adversary
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space
from genapps.training import Event, TrainingConfig

QUICK = TrainingConfig(epochs=3, min_steps=10, max_steps=10, batch_size=40, check_steps=5, checkpoint_seconds=0.0)
TABLE = Columns((Categorical(3), Continuous(), Categorical(4, ordered=True)))
SPACES: dict[str, tuple[Space, dict[str, Any]]] = {
    "columns": (TABLE, {"hidden": 16, "depth": 1, "latent": 4}),
    "frames": (Frames((Continuous(), Categorical(2)), 9), {"channels": 6, "latent": 4}),
    "pixels": (Pixels(1, 7, 6, 4), {"channels": 6, "latent": 4, "augment": "colour,translation,cutout"}),
}


def make_data(kind: str, n: int = 200, seed: int = 0) -> Batch:
    g = torch.Generator().manual_seed(seed)
    if kind == "columns":
        code = torch.randint(3, (n,), generator=g).float()
        number = code * 3 + torch.randn(n, generator=g)
        return torch.stack([code, number, (code + torch.randint(2, (n,), generator=g)).float()], 1)
    if kind == "frames":
        lengths = torch.randint(3, 10, (n,), generator=g)
        code = torch.randint(2, (int(lengths.sum()),), generator=g).float()
        return Ragged(torch.stack([code * 2 + torch.randn(len(code), generator=g), code], 1), lengths)
    return torch.randint(4, (n, 1, 1, 6), generator=g).expand(n, 1, 7, 6).contiguous()


def fitted(kind: str, training: TrainingConfig = QUICK, seed: int = 0, **more: Any) -> GAN:
    space, options = SPACES[kind]
    return GAN(space=space, random_state=seed, **options).fit(make_data(kind), training=training, **more)


def values(batch: Batch) -> Tensor:
    return batch.values if isinstance(batch, Ragged) else batch


@pytest.fixture(params=sorted(SPACES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_phase_leaves_the_other_network_as_it_was_bit_for_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters and buffers; and each phase does move its own."""
    from genapps.models.gan import adversary

    moved: dict[str, set[str]] = {"critic": set(), "generator": set()}

    def train(network: torch.nn.Module, phases: Any, *_: Any, **options: Any) -> None:
        for _ in range(2):
            for phase in phases:
                before = {name: t.detach().clone() for name, t in network.state_dict().items()}
                for name, weight in network.named_parameters():
                    weight.requires_grad_(name.startswith(phase.prefix))
                phase.loss(torch.arange(16), torch.Generator().manual_seed(1)).backward()
                with torch.no_grad():
                    for weight in network.parameters():
                        if weight.grad is not None:
                            weight -= 0.1 * weight.grad
                            weight.grad = None
                now = network.state_dict()
                moved[phase.name] |= {name for name in now if not now[name].equal(before[name])}

    monkeypatch.setattr(adversary, "train", train)
    fitted(kind)
    for name, found in moved.items():
        assert found and all(key.startswith(f"{name}.") for key in found), name


def test_the_two_phases_together_move_every_weight(kind: str) -> None:
    untrained = fitted(kind, TrainingConfig(epochs=1, min_steps=1, max_steps=1, batch_size=16, learning_rate=1e-30))
    trained = fitted(kind)
    before, after = (model.engine.pair.state_dict() for model in (untrained, trained))
    still = [name for name, _ in trained.engine.pair.named_parameters() if before[name].equal(after[name])]
    assert still == []


def test_ten_steps_equal_five_and_five_resumed_bit_for_bit(kind: str, tmp_path: Path) -> None:
    class Killed(BaseException):
        """Stands for a signal."""

    def kill(event: Event) -> None:
        if event.step == 10:
            raise Killed

    whole = fitted(kind)
    checkpoint = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        fitted(kind, progress=kill, checkpoint=checkpoint)
    events: list[Event] = []
    resumed = fitted(kind, progress=events.append, checkpoint=checkpoint, resume=True)
    assert events[0].message == "resumed at step 5 of 10"
    one, two = whole.state(), resumed.state()
    assert one[1] == two[1] and one[0].keys() == two[0].keys()
    assert all(one[0][name].equal(two[0][name]) for name in one[0])


def test_same_seed_same_model_and_another_seed_another(kind: str) -> None:
    one, two, other = (fitted(kind, seed=seed).state()[0] for seed in (3, 3, 4))
    assert all(one[name].equal(two[name]) for name in one)
    assert not all(one[name].equal(other[name]) for name in one)


def test_samples_belong_to_the_space_and_follow_the_seed(kind: str) -> None:
    model = fitted(kind)
    one, two, other = (model.sample(30, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert values(one).equal(values(two)) and not values(one).equal(values(other))
    assert len(one) == 30 and torch.isfinite(values(one).double()).all()
    assert len(model.sample(0)) == 0
    if isinstance(one, Ragged):
        assert set(one.lengths.tolist()) <= set(make_data(kind).lengths.tolist())  # type: ignore[union-attr]
        assert set(one.values[:, 1].tolist()) <= {0.0, 1.0}
    if kind == "pixels":
        assert one.shape == (30, 1, 7, 6) and int(one.max()) < 4
    if kind == "columns":
        assert set(one[:, 0].tolist()) <= {0.0, 1.0, 2.0} and set(one[:, 2].tolist()) <= {0.0, 1.0, 2.0, 3.0}


def test_a_saved_model_is_the_same_model(kind: str) -> None:
    model = fitted(kind)
    tensors, settings = model.state()
    again = load("gan", SPACES[kind][0], {name: t.clone() for name, t in tensors.items()}, settings)
    seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
    assert values(again.sample(40, generator=seeds[0])).equal(values(model.sample(40, generator=seeds[1])))
    data = make_data(kind, 20, seed=1)
    assert again.anomaly_score(data).equal(model.anomaly_score(data))
    assert settings["variety"] and again.variety_ == model.variety_


def test_there_is_no_likelihood_and_the_error_says_what_to_do(kind: str) -> None:
    with pytest.raises(UsageError, match=r"a GAN has no likelihood.*anomaly_score"):
        fitted(kind).log_prob(make_data(kind, 5))


def test_classes_are_learnt_and_checked(kind: str) -> None:
    data = make_data(kind)
    labels = torch.arange(len(data)) % 3 - 1  # a third unknown
    model = fitted(kind, labels=labels)
    assert len(model.sample(12, labels=1)) == 12 and len(model.sample(2, labels=torch.tensor([0, 1]))) == 2
    with pytest.raises(UsageError, match="classes from 0 to 1"):
        model.sample(3, labels=2)
    with pytest.raises(UsageError, match="fitted without labels"):
        fitted(kind).sample(3, labels=0)
    assert torch.isfinite(model.anomaly_score(data)).all()
    again = load("gan", SPACES[kind][0], *model.state())
    seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
    one, two = again.sample(9, labels=0, generator=seeds[0]), model.sample(9, labels=0, generator=seeds[1])
    assert values(one).equal(values(two))


def test_a_collapse_goes_back_and_says_so(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator is made to give one row over and over from the 20th step on."""
    right = Adversary._fake
    steps = 0

    def fake(self: Adversary, like: Tensor, classes: Tensor | None, draws: torch.Generator) -> Tensor:
        nonlocal steps
        steps += torch.is_grad_enabled()
        made = right(self, like, classes, draws)
        return made[:1].expand_as(made) if 20 < steps <= 30 else made

    monkeypatch.setattr(Adversary, "_fake", fake)
    events: list[Event] = []
    fitted(
        kind,
        TrainingConfig(epochs=2, min_steps=30, max_steps=30, batch_size=16, check_steps=5),
        progress=events.append,
    )
    messages = [event.message for event in events if event.message]
    assert any("mode collapse:" in text and "went back to step" in text and "half" in text for text in messages)
    assert any("of the data" in text or "bins" in text or "far apart" in text for text in messages)
    assert (messages[-1].startswith("stopped at step") and "mode collapse" in messages[-1]) or len(messages) < 4


def test_without_the_watch_a_collapse_goes_unseen(kind: str) -> None:
    space, options = SPACES[kind]
    model = GAN(space=space, watch=False, **options).fit(make_data(kind), training=QUICK)
    assert model.variety_["of"] > 0  # its figures are on the card all the same


@pytest.mark.parametrize("objective", ["relativistic", "wasserstein"])
def test_both_games_take_finite_steps(kind: str, objective: str) -> None:
    space, options = SPACES[kind]
    model = GAN(space=space, objective=objective, **options).fit(make_data(kind), training=QUICK)
    assert all(torch.isfinite(t).all() for t in model.state()[0].values() if t.is_floating_point())


def test_a_row_s_strangeness_does_not_depend_on_the_rows_beside_it(kind: str) -> None:
    model = fitted(kind)
    data = make_data(kind, 12, seed=1)
    alone = model.anomaly_score(rows_of(data, torch.tensor([5])))
    torch.testing.assert_close(alone, model.anomaly_score(data)[5:6], rtol=1e-4, atol=1e-4)
    if kind != "frames":  # which refuses to score nothing
        assert model.anomaly_score(rows_of(data, torch.arange(0))).shape == (0,)
