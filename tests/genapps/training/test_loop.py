"""The loop's promises: the same weights after an interruption, a way back from divergence, an end in time."""

import signal
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from genapps.errors import GenappsError, InputError
from genapps.training import Event, Recipe, TrainingConfig
from genapps.training.job import Job
from genapps.training.loop import Phase, State, steps_for, train
from genapps.training.order import batch_rows
from genapps.training.settings import Look

X = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
Y = X @ torch.tensor([[1.0], [-2.0], [0.5]])
CONFIG = Recipe(
    epochs=10, batch_size=20, checkpoint_seconds=0.0, min_steps=0, warmup_steps=5, patience=100, learning_rate=0.03
)


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def make_network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


@torch.no_grad()
def error(network: nn.Module) -> float:
    return float((network(X) - Y).square().mean())


def run(
    network: nn.Module,
    recipe: Recipe = CONFIG,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    kill_at: int | None = None,
    signal_at: int | None = None,
    poison: set[int] | None = None,
    fingerprint: str = "",
    events: list[Event] | None = None,
    tell: Callable[[Event], None] | None = None,
) -> State:
    calls = 0

    def loss(rows: Tensor, draws: torch.Generator) -> Tensor:
        nonlocal calls
        calls += 1
        if kill_at is not None and calls == kill_at:
            raise Killed
        if calls == signal_at:
            signal.raise_signal(signal.SIGINT)
        noisy = X[rows] + 0.1 * torch.randn(len(rows), 3, generator=draws)
        value = (network(noisy) - Y[rows]).square().mean()
        return value * torch.nan if poison and calls in poison else value

    return train(
        network,
        [Phase("error", loss)],
        lambda: error(network),
        rows=len(X),
        recipe=recipe,
        job=Job(1, progress=tell or (None if events is None else events.append), checkpoint=checkpoint, resume=resume),
        fingerprint=fingerprint,
    )


def weights(network: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in network.parameters()]


def test_it_learns_and_tells() -> None:
    network, events = make_network(), []
    before = error(network)
    state = run(network, events=events)
    assert error(network) < 0.5 * before
    assert state.step == state.total == 100
    assert [e.step for e in events if e.validation is not None] == [20, 40, 60, 80, 100]


@pytest.mark.parametrize("kill_at", [21, 45, 100])
def test_a_killed_run_goes_on_to_the_same_weights_bit_for_bit(tmp_path: Path, kill_at: int) -> None:
    whole = make_network()
    run(whole)
    checkpoint = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        run(make_network(), checkpoint=checkpoint, kill_at=kill_at)
    assert checkpoint.exists()
    resumed = make_network()
    events: list[Event] = []
    run(resumed, checkpoint=checkpoint, resume=True, events=events)
    assert "resumed at step" in events[0].message
    assert all(a.equal(b) for a, b in zip(weights(whole), weights(resumed), strict=True))


@pytest.mark.parametrize("step", [10, 20, 30, 100])
def test_a_run_interrupted_while_it_tells_goes_on_from_there(tmp_path: Path, step: int) -> None:
    """Long before a checkpoint is due; 20 and 100 are checks, 10 and 30 lie between them."""
    recipe = replace(CONFIG, checkpoint_seconds=1e6)
    whole, resumed, checkpoint = make_network(), make_network(), tmp_path / "run.checkpoint"
    run(whole, recipe)
    for held_out in (False, True) if step in (20, 100) else (False,):

        def interrupt(event: Event, held_out: bool = held_out) -> None:
            if event.step == step and (event.validation is not None) == held_out:
                raise KeyboardInterrupt

        checkpoint.unlink(missing_ok=True)
        network = make_network()
        with pytest.raises(KeyboardInterrupt):
            run(network, recipe, checkpoint=checkpoint, tell=interrupt)
        kept = step if held_out or step % 20 else step - 20
        assert checkpoint.exists() == (kept > 0)
        events: list[Event] = []
        resumed = make_network()
        run(resumed, recipe, checkpoint=checkpoint, resume=True, events=events)
        assert not kept or events[0].message == f"resumed at step {kept} of 100"
        assert all(a.equal(b) for a, b in zip(weights(whole), weights(resumed), strict=True))


@pytest.mark.parametrize("step", [3, 33])
def test_a_signal_within_a_step_loses_no_step(tmp_path: Path, step: int) -> None:
    """Long before the first check, and after it."""
    recipe = replace(CONFIG, checkpoint_seconds=1e6)
    whole, resumed, checkpoint = make_network(), make_network(), tmp_path / "run.checkpoint"
    run(whole, recipe)
    with pytest.raises(KeyboardInterrupt):
        run(make_network(), recipe, checkpoint=checkpoint, signal_at=step)
    events: list[Event] = []
    run(resumed, recipe, checkpoint=checkpoint, resume=True, events=events)
    assert events[0].message == f"resumed at step {step} of 100"
    assert all(a.equal(b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_a_run_interrupted_as_it_was_about_to_stop_stops(tmp_path: Path) -> None:
    recipe = Recipe(epochs=400, batch_size=20, min_steps=0, patience=2, learning_rate=0.05, checkpoint_seconds=1e6)
    whole, resumed, checkpoint = make_network(), make_network(), tmp_path / "run.checkpoint"
    last = run(whole, recipe).step

    def interrupt(event: Event) -> None:
        if event.step == last and event.validation is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(make_network(), recipe, checkpoint=checkpoint, tell=interrupt)
    assert run(resumed, recipe, checkpoint=checkpoint, resume=True).step == last
    assert all(a.equal(b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_without_resume_a_checkpoint_is_not_read(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    run(make_network(), checkpoint=checkpoint)
    events: list[Event] = []
    run(make_network(), checkpoint=checkpoint, events=events)
    assert not any("resumed" in event.message for event in events)


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    run(make_network(), checkpoint=checkpoint, fingerprint="these rows")
    with pytest.raises(InputError, match="other data or settings"):
        run(make_network(), checkpoint=checkpoint, resume=True, fingerprint="those rows")


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    run(make_network(), checkpoint=checkpoint)
    data = bytearray(checkpoint.read_bytes())
    data[len(data) // 2] ^= 1
    checkpoint.write_bytes(bytes(data))
    with pytest.raises(InputError):
        run(make_network(), checkpoint=checkpoint, resume=True)


def test_divergence_goes_back_and_says_so() -> None:
    network, events = make_network(), []
    state = run(network, poison={50}, events=events)
    assert state.rollbacks == 1 and state.step == state.total
    assert any("went back to step 40" in event.message for event in events)
    assert all(torch.isfinite(w).all() for w in weights(network))


def test_a_held_out_loss_that_is_no_number_goes_back_too() -> None:
    network, events = make_network(), []
    told = iter([1.0, float("nan"), *[1.0] * 9])
    job = Job(1, progress=events.append)

    def loss(rows: Tensor, _: torch.Generator) -> Tensor:
        return (network(X[rows]) - Y[rows]).square().mean()

    state = train(network, [Phase("all", loss)], lambda: next(told), rows=len(X), recipe=CONFIG, job=job)
    assert state.rollbacks == 1 and any("went back to step 20" in event.message for event in events)


def test_endless_divergence_is_an_error_with_a_remedy() -> None:
    with pytest.raises(GenappsError, match="learning_rate"):
        run(make_network(), poison=set(range(1, 200)))


def test_no_better_for_long_stops_early() -> None:
    network, events = make_network(), []
    config = Recipe(epochs=400, batch_size=20, min_steps=0, patience=2, learning_rate=0.05)
    state = run(network, config, events=events)
    assert state.step < state.total
    assert "stopped" in events[-1].message
    assert error(network) == pytest.approx(state.best_loss)


def test_a_budget_becomes_a_number_of_steps() -> None:
    state = run(make_network(), Recipe(budget=0.5, batch_size=20, patience=1000))
    assert state.total > 21 and state.step == state.total
    assert state.seconds < 3


def test_slow_steps_end_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 5))  # each look at the time is five seconds later
    monkeypatch.setattr("genapps.training.loop.time.monotonic", lambda: float(next(clock)))
    state = run(make_network(), Recipe(budget=12, batch_size=20, patience=1000))
    assert state.step == state.total < 5


def test_batches_of_an_epoch_hold_each_row_once() -> None:
    rows = torch.cat([batch_rows(7, 100, 20, step) for step in range(5)])
    assert sorted(rows.tolist()) == list(range(100))
    assert not batch_rows(7, 100, 20, 0).equal(batch_rows(7, 100, 20, 5))
    assert batch_rows(7, 100, 20, 3).equal(batch_rows(7, 100, 20, 3))


@pytest.mark.parametrize("rows", [1, 3, 50, 10_000, 1_000_000])
def test_steps_are_bounded(rows: int) -> None:
    batch, steps = steps_for(rows, Recipe())
    assert 1 <= batch <= rows
    assert 1 <= steps <= Recipe().max_steps


# Phases, buffers, a watch.


class Pair(nn.Module):
    """Two networks that learn from each other, and a buffer that remembers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.left, self.right = nn.Linear(3, 2), nn.Linear(2, 1)
        self.memory: Tensor
        self.register_buffer("memory", torch.zeros(()))


def run_pair(
    network: Pair,
    *,
    job: Job | None = None,
    kill_at: int | None = None,
    seen: dict[str, list[Tensor]] | None = None,
    recipe: Recipe = CONFIG,
) -> State:
    calls = 0

    def loss(name: str, rows: Tensor, draws: torch.Generator) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == kill_at:
            raise Killed
        if seen is not None:
            seen.setdefault(name, []).append(rows)
            others = network.right if name == "left" else network.left
            assert not any(weight.requires_grad for weight in others.parameters())
        network.memory.mul_(0.9).add_(torch.rand((), generator=draws))
        return (network.right(network.left(X[rows])) - Y[rows] - 0.01 * network.memory).square().mean()

    phases = [
        Phase("left", lambda rows, draws: loss("left", rows, draws), prefix="left.", repeats=2),
        Phase("right", lambda rows, draws: loss("right", rows, draws), prefix="right.", rate=0.5),
    ]
    return train(network, phases, None, rows=len(X), recipe=recipe, job=job or Job(1))


def test_a_phase_moves_its_own_parameters_alone() -> None:
    network = Pair()
    before = network.right.weight.detach().clone()
    only = Phase("left", lambda rows, _: network.right(network.left(X[rows])).square().mean(), prefix="left.")
    train(network, [only], None, rows=len(X), recipe=CONFIG, job=Job(1))
    assert network.right.weight.equal(before)


def test_every_phase_has_its_repeats_and_batches_of_its_own() -> None:
    seen: dict[str, list[Tensor]] = {}
    state = run_pair(Pair(), seen=seen)
    assert (len(seen["left"]), len(seen["right"])) == (2 * state.step, state.step)
    epoch = torch.cat([seen["left"][0], seen["left"][1], seen["right"][0], seen["left"][2]])
    assert len(epoch.unique()) == len(epoch)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_phases_and_buffers_come_back_bit_for_bit(tmp_path: Path, optimizer: Literal["adamw", "sgd"]) -> None:
    whole, resumed, checkpoint = Pair(), Pair(), tmp_path / "run.checkpoint"
    recipe = replace(CONFIG, optimizer=optimizer)
    run_pair(whole, recipe=recipe)
    with pytest.raises(Killed):
        run_pair(Pair(), job=Job(1, checkpoint=checkpoint), kill_at=200, recipe=recipe)
    run_pair(resumed, job=Job(1, checkpoint=checkpoint, resume=True), recipe=recipe)
    assert all(a.equal(b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True))


def test_a_phase_may_set_its_gradients_itself() -> None:
    by_hand, by_graph = nn.Linear(3, 1), nn.Linear(3, 1)
    by_graph.load_state_dict(by_hand.state_dict())

    def manual(rows: Tensor, _: torch.Generator) -> Tensor:
        with torch.no_grad():
            error = by_hand(X[rows]) - Y[rows]
            by_hand.weight.grad = 2 * error.T @ X[rows] / len(rows)
            by_hand.bias.grad = 2 * error.mean(0)
            return error.square().mean()

    def automatic(rows: Tensor, _: torch.Generator) -> Tensor:
        return (by_graph(X[rows]) - Y[rows]).square().mean()

    for network, loss in ((by_hand, manual), (by_graph, automatic)):
        train(network, [Phase("all", loss)], None, rows=len(X), recipe=CONFIG, job=Job(1))
    torch.testing.assert_close(by_hand.weight, by_graph.weight, atol=1e-5, rtol=0)


def test_a_watch_takes_the_run_back_and_at_last_ends_it() -> None:
    network, events = make_network(), []
    reasons = iter(["", "", "mode collapse", "", "mode collapse", "mode collapse", "mode collapse"])

    def loss(rows: Tensor, _: torch.Generator) -> Tensor:
        return (network(X[rows]) - Y[rows]).square().mean()

    job = Job(1, progress=events.append)
    watch = lambda: Look({"coverage": 0.5}, next(reasons))  # noqa: E731
    state = train(network, [Phase("all", loss)], None, rows=len(X), recipe=CONFIG, job=job, watch=watch)
    told = [event.message for event in events if event.message]
    assert told[0] == "mode collapse; went back to step 20 with half the learning rate" or "step 40" in told[0]
    assert told[-1].startswith("stopped at step") and told[-1].endswith("mode collapse")
    assert state.rollbacks == 3
    assert all(event.figures == {"coverage": 0.5} for event in events if event.message)
    assert next(event.step for event in events if event.message) > 20  # where it was seen, not where it went back to


def test_a_state_that_is_not_sound_is_not_gone_back_to() -> None:
    network, events = make_network(), []
    looks = iter([Look(), Look(sound=False), Look(reason="mode collapse"), *[Look()] * 99])

    def loss(rows: Tensor, _: torch.Generator) -> Tensor:
        return (network(X[rows]) - Y[rows]).square().mean()

    job = Job(1, progress=events.append)
    train(network, [Phase("all", loss)], None, rows=len(X), recipe=CONFIG, job=job, watch=lambda: next(looks))
    steps = [event.step for event in events if event.message]
    told = [event.message for event in events if event.message]
    assert len(told) == 1 and f"went back to step {steps[0] // 3} " in told[0]


def test_settings_name_all_that_a_recipe_has() -> None:
    assert [f.name for f in fields(Recipe)] == [f.name for f in fields(TrainingConfig)]
    assert TrainingConfig(epochs=3).over(Recipe(ema=0.5)) == Recipe(ema=0.5, epochs=3)
