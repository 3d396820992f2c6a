"""The one loop of all families that follow a gradient.

A family hands over its network, the phases of a step and a held-out loss; the loop does the rest: optimizer, warm-up
and decay, an average of the weights, clipping, a held-out loss that decides when to stop, a guard that goes back when a
step diverges or the family's own watch finds a collapse, checkpoints from which a killed run goes on to the same
weights, bit for bit, and the division of each batch among processes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from genapps.errors import GenappsError
from genapps.training import distributed, order
from genapps.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from genapps.training.job import Job
from genapps.training.settings import Event, Look, Recipe
from genapps.training.whole_steps import whole_step

Loss = Callable[[Tensor, torch.Generator], Tensor]  # (row numbers (B,), randomness) -> mean loss

_TIMED_STEPS = 20  # steps after which a time budget is turned into a number of steps
_MAX_ROLLBACKS = 3
_NEWER = 0.02  # weight of a gradient's norm in what is usual


@dataclass(frozen=True)
class Phase:
    """One part of a training step: a loss, and the parameters that follow it.

    loss(rows, generator): the mean loss of a batch by row numbers, all randomness from the generator. A loss that does
    not require a gradient says that the phase has set `.grad` of its parameters itself.
    prefix: the names of its parameters begin with it; parameters of other phases do not change and take no gradient.
    repeats: times it is done a step, each with a batch of its own. rate: times the recipe's learning rate.
    """

    name: str
    loss: Loss
    prefix: str = ""
    repeats: int = 1
    rate: float = 1.0


@dataclass
class State:
    """All that changes during a run; tensors in `weights`, `average` and `best` are named as in the network."""

    step: int
    total: int
    average: dict[str, Tensor]
    best: dict[str, Tensor]
    best_loss: float = float("inf")
    waited: int = 0  # checks since the best one
    rollbacks: int = 0
    seconds: float = 0.0  # spent before this process took over
    usual: dict[str, float] = field(default_factory=dict)  # the norm of late of each phase's gradient, geometric mean
    history: list[tuple[int, float]] = field(default_factory=list)  # (step, held-out loss)


def train(
    network: nn.Module,
    phases: Sequence[Phase],
    validation_loss: Callable[[], float] | None,
    *,
    rows: int,
    recipe: Recipe,
    job: Job,
    fingerprint: str = "",
    watch: Callable[[], Look] | None = None,
) -> State:
    """Train `network` in place and leave it with the best average of its weights; progress goes to `job.progress`.

    Arguments as in `Run`. Raises GenappsError when training diverges again and again.
    """
    run = Run(network, phases, validation_loss, rows, recipe, job, fingerprint, watch)
    try:
        for event in run.events():
            if job.progress is not None and distributed.rank() == 0:
                job.progress(event)
    except GenappsError:  # of the run itself: to go on from there would end there again
        raise
    except BaseException:
        with suppress(GenappsError, OSError):  # a full disk does not hide what interrupted the run
            run.keep()
        raise
    return run.state


def steps_for(rows: int, recipe: Recipe) -> tuple[int, int]:
    """(batch size, number of steps) for a table of that many training rows, where no time budget is set."""
    batch = recipe.batch_size * (1 if rows < 50_000 else 2 if rows < 500_000 else 4)
    batch = max(1, min(batch, rows // 4 or 1))
    steps = max(rows // batch, 1) * recipe.epochs
    return batch, min(max(steps, min(recipe.min_steps, recipe.epochs * 20)), recipe.max_steps)


class Run:
    """A training run: its network, its state, and `events`, which does the work and tells of it as it goes.

    validation_loss: the held-out loss of the network as it stands, in evaluation mode with averaged weights; without it
    the last average is kept. watch: called at each check in the same way; a reason it gives ("mode collapse: ...")
    takes the run back to the last good check with half the learning rate, at most three times, then ends it.
    fingerprint: names data and settings; a checkpoint of other ones is refused.
    """

    def __init__(
        self,
        network: nn.Module,
        phases: Sequence[Phase],
        validation_loss: Callable[[], float] | None,
        rows: int,
        recipe: Recipe,
        job: Job,
        fingerprint: str = "",
        watch: Callable[[], Look] | None = None,
    ) -> None:
        self.network, self.phases = network, tuple(phases)
        self.validation_loss, self.watch = validation_loss, watch
        self.rows, self.recipe, self.job, self.fingerprint = rows, recipe, job, fingerprint
        self.weights = dict(network.named_parameters())
        kept = network.state_dict(keep_vars=True)
        self.buffers = {name: buffer for name, buffer in network.named_buffers() if name in kept}
        self.moved = [[n for n in self.weights if n.startswith(phase.prefix)] for phase in phases]
        self.optimizers = [
            _optimizer([self.weights[name] for name in names], recipe, phase.rate)
            for phase, names in zip(phases, self.moved, strict=True)
        ]
        self.batch_size, total = steps_for(rows, recipe)
        copies = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self.state = State(0, total, copies, {name: weight.clone() for name, weight in copies.items()})
        least = recipe.check_steps
        self.check_every = min(max(rows // self.batch_size, least), max(200, least))
        self.started = time.monotonic()
        self.saved_at = self.started
        self.good = self._snapshot()
        self.timed = False  # whether the time budget has become a number of steps
        self.between_steps = False  # whether all is as a step left it and no check is due
        self.sound = True  # whether the last check may be gone back to

    def events(self) -> Iterator[Event]:
        """Train to the end, yielding what happens."""
        checkpoint = self.job.checkpoint
        if self.job.resume and checkpoint is not None and checkpoint.exists():
            self._restore(read_checkpoint(checkpoint, self.fingerprint))
            self.good = self._snapshot()
            yield self._event(message=f"resumed at step {self.state.step} of {self.state.total}")
        done = self.state.waited >= self.recipe.patience  # interrupted as it was about to stop
        while not done and self.state.step < self.state.total:
            self.between_steps = False
            with whole_step(checkpoint is not None):
                loss = self._step()
                if loss is not None:
                    self._fit_budget()
                due = self.state.step % self.check_every == 0 or self.state.step == self.state.total
                self.between_steps = loss is not None and not due
            if loss is None:
                yield self._roll_back("training diverged")
                continue
            if self.state.step % 10 == 0:
                yield self._event(loss=loss)
            if due:
                for event in self._check():
                    done = done or event.message.startswith("stopped")
                    yield event
        self._load(self.state.best)
        self.state.seconds = self._seconds()

    def keep(self) -> None:
        """Write the checkpoint of an interrupted run: of its last step, or of the last check if that was within one."""
        last = self._snapshot() if self.between_steps and self.sound else self.good
        if self.job.checkpoint is None or distributed.rank() != 0 or last.numbers["step"] == 0:
            return
        numbers = {**last.numbers, "seconds": self._seconds()}
        write_checkpoint(self.job.checkpoint, Checkpoint(last.tensors, numbers), self.fingerprint)

    def _step(self) -> float | None:
        """One step of every phase, and the last phase's loss; None if it cannot be trusted."""
        state = self.state
        self.network.train()
        draws = order.for_step(self.job.seed, state.step, distributed.rank())
        place = state.step * sum(phase.repeats for phase in self.phases)
        loss = 0.0
        for phase, names, optimizer in zip(self.phases, self.moved, self.optimizers, strict=True):
            for _ in range(phase.repeats):
                found = self._phase(phase, names, optimizer, place, draws)
                if found is None:
                    return None
                loss, place = found, place + 1
        state.step += 1
        keep = min(self.recipe.ema, state.step / (state.step + 9))  # young averages forget the start faster
        with torch.no_grad():
            averages = [state.average[name] for name in self.weights]
            torch._foreach_lerp_(averages, list(self.weights.values()), 1 - keep)
        return loss

    def _phase(
        self, phase: Phase, names: list[str], optimizer: torch.optim.Optimizer, place: int, draws: torch.Generator
    ) -> float | None:
        for group in optimizer.param_groups:
            group["lr"] = self._rate() * phase.rate
        rows = order.batch_rows(self.job.seed, self.rows, self.batch_size, place)
        mine = distributed.share(rows)
        weights = [self.weights[name] for name in names]
        if len(self.phases) > 1:
            for name, weight in self.weights.items():
                weight.requires_grad_(name in set(names))
        optimizer.zero_grad(set_to_none=True)
        loss = phase.loss(mine, draws)
        if loss.requires_grad:
            loss.backward()
        distributed.average([weight.grad for weight in weights], len(mine) / len(rows))
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm, told = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))), float(loss.detach())
        size = float(norm)
        if distributed.anywhere(not (math.isfinite(told) and math.isfinite(size))):
            return None
        if self._unusual(phase.name, size):
            return told
        if size > self.recipe.clip:
            nn.utils.clip_grads_with_norm_(weights, self.recipe.clip, norm)
        optimizer.step()
        return told

    def _unusual(self, phase: str, norm: float) -> bool:
        """Whether a step is better left out for its gradient (Child 2021, "Very deep VAEs"); what lasts gets usual."""
        if not self.recipe.skip or norm == 0:
            return False
        usual = self.state.usual.get(phase, norm)
        self.state.usual[phase] = usual ** (1 - _NEWER) * norm**_NEWER
        return norm > self.recipe.skip * usual

    def _rate(self) -> float:
        """The learning rate of this step."""
        state, recipe = self.state, self.recipe
        warm = min(1.0, (state.step + 1) / recipe.warmup_steps)
        done = state.step / state.total
        fall = {"linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done)), "constant": 1.0}[recipe.schedule]
        return recipe.learning_rate * warm * max(0.01, fall) * 0.5**state.rollbacks

    def _check(self) -> Iterator[Event]:
        """Measure the averaged weights; a message that begins with "stopped" ends the run."""
        state = self.state
        current = self._swap(state.average)
        self.network.eval()
        with torch.no_grad():
            look = self.watch() if self.watch is not None else Look()
            seen = distributed.anywhere(bool(look.reason))  # as whatever decides, it must be the same in all processes
            reason = (look.reason or "another process saw a collapse") if seen else ""
            held_out = self.validation_loss() if self.validation_loss is not None and not reason else None
        self._load(current)
        if held_out is not None:
            if distributed.anywhere(not math.isfinite(held_out)):
                reason = "training diverged"
            else:
                held_out = distributed.largest(held_out)
        if reason:
            if state.rollbacks >= _MAX_ROLLBACKS:
                yield self._event(message=f"stopped at step {state.step}: {reason}", figures=look.figures)
            else:
                yield self._roll_back(reason, look.figures)
            return
        if held_out is None or held_out < state.best_loss:
            state.best_loss, state.waited = state.best_loss if held_out is None else held_out, 0
            state.best = {name: weight.clone() for name, weight in state.average.items()}
        else:
            state.waited += 1
        if held_out is not None:
            state.history.append((state.step, held_out))
        self.sound = not distributed.anywhere(not look.sound)
        self.good = self._snapshot() if self.sound else self.good
        if held_out is not None or look.figures:
            yield self._event(validation=held_out, figures=look.figures)
        if state.waited >= self.recipe.patience:
            yield self._event(message=f"stopped at step {state.step}: the held-out loss no longer falls")
            return
        checkpoint = self.job.checkpoint
        due = time.monotonic() - self.saved_at >= self.recipe.checkpoint_seconds
        if checkpoint is not None and due and self.sound and distributed.rank() == 0:
            self.state.seconds, self.started = self._seconds(), time.monotonic()
            write_checkpoint(checkpoint, self._snapshot(), self.fingerprint)
            self.saved_at = time.monotonic()

    def _fit_budget(self) -> None:
        """Once the speed is known, choose the number of steps that fills the time budget; never chosen again.

        Where the steps are so slow that the time is over before, this one is the last.
        """
        step = self.state.step
        if self.recipe.budget is None or self.timed or step > _TIMED_STEPS:
            return
        budget = 0.92 * self.recipe.budget  # the rest goes into the checks
        spent = distributed.largest(self._seconds())
        if step == _TIMED_STEPS or spent >= budget:
            self.timed = True
            self.state.total = max(int(budget * step / spent), step)

    def _roll_back(self, reason: str, figures: Mapping[str, float] | None = None) -> Event:
        rollbacks = self.state.rollbacks + 1
        if rollbacks > _MAX_ROLLBACKS:
            raise GenappsError(
                f"{reason} again and again; try a smaller --set training.learning_rate, or another --family"
            )
        seen_at, total = self.state.step, self.state.total  # which a time budget may have chosen since
        self._restore(self.good)
        self.state.rollbacks, self.state.total = rollbacks, total
        message = f"{reason}; went back to step {self.state.step} with half the learning rate"
        return self._event(message=message, figures=figures, step=seen_at)

    def _snapshot(self) -> Checkpoint:
        moments = {
            f"{phase.name}/{name}": optimizer.state.get(self.weights[name], {})
            for phase, names, optimizer in zip(self.phases, self.moved, self.optimizers, strict=True)
            for name in names
        }
        return Checkpoint.of(self.state, self.weights, self.buffers, moments)

    def _restore(self, saved: Checkpoint) -> None:
        self.state = saved.state(State)
        self._load(saved.weights)
        with torch.no_grad():
            for name, buffer in self.buffers.items():
                buffer.copy_(saved.tensors["buffers"][name])
        for phase, names, optimizer in zip(self.phases, self.moved, self.optimizers, strict=True):
            saved.restore_moments(optimizer, {f"{phase.name}/{name}": self.weights[name] for name in names})

    def _swap(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        current = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self._load(weights)
        return current

    def _load(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(weights[name])

    def _seconds(self) -> float:
        return self.state.seconds + time.monotonic() - self.started

    def _event(
        self,
        *,
        loss: float | None = None,
        validation: float | None = None,
        message: str = "",
        figures: Mapping[str, float] | None = None,
        step: int | None = None,
    ) -> Event:
        step = self.state.step if step is None else step
        return Event(step, self.state.total, self._seconds(), loss, validation, message, figures or {})


def _optimizer(weights: list[Tensor], recipe: Recipe, rate: float) -> torch.optim.Optimizer:
    options = {"lr": recipe.learning_rate * rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(weights, momentum=recipe.beta1, **options)  # type: ignore[arg-type]
    return torch.optim.AdamW(weights, betas=(recipe.beta1, recipe.beta2), **options)  # type: ignore[arg-type]
