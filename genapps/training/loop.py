"""The one loop of all families that follow a gradient.

A family hands over its network and two functions; the loop does the rest: AdamW with warm-up and linear decay, an
average of the weights, clipping, a held-out loss that decides when to stop, a guard that goes back when a step
diverges, and checkpoints from which a killed run goes on to the same weights, bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from genapps.errors import GenappsError
from genapps.training import order
from genapps.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from genapps.training.settings import Event, TrainingConfig

Loss = Callable[[Tensor, torch.Generator], Tensor]  # (row numbers (B,), randomness) -> mean loss
Progress = Callable[[Event], None]

_TIMED_STEPS = 20  # steps after which a time budget is turned into a number of steps
_MAX_ROLLBACKS = 3


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
    history: list[tuple[int, float]] = field(default_factory=list)  # (step, held-out loss)


def train(
    network: nn.Module,
    loss: Loss,
    validation_loss: Callable[[], float],
    *,
    rows: int,
    config: TrainingConfig,
    seed: int,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    fingerprint: str = "",
) -> State:
    """Train `network` in place and leave it with the best average of its weights.

    `loss(rows, generator)` gives the mean training loss of a batch by row numbers; `validation_loss()` the held-out
    loss of the network as it stands. `fingerprint` names data and settings: a checkpoint of other ones is refused.
    Raises GenappsError when training diverges again and again.
    """
    return _Run(network, loss, validation_loss, rows, config, seed, progress, checkpoint, fingerprint).go(resume)


def steps_for(rows: int, config: TrainingConfig) -> tuple[int, int]:
    """(batch size, number of steps) for a table of that many training rows, where no time budget is set."""
    batch = config.batch_size * (1 if rows < 50_000 else 2 if rows < 500_000 else 4)
    batch = max(1, min(batch, rows // 4 or 1))
    steps = max(rows // batch, 1) * config.epochs
    return batch, min(max(steps, min(config.min_steps, config.epochs * 20)), config.max_steps)


class _Run:
    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        validation_loss: Callable[[], float],
        rows: int,
        config: TrainingConfig,
        seed: int,
        progress: Progress | None,
        checkpoint: Path | None,
        fingerprint: str,
    ) -> None:
        self.network, self.loss, self.validation_loss = network, loss, validation_loss
        self.rows, self.config, self.seed = rows, config, seed
        self.progress, self.checkpoint, self.fingerprint = progress, checkpoint, fingerprint
        self.weights = dict(network.named_parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights.values(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.batch_size, total = steps_for(rows, config)
        copies = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self.state = State(0, total, copies, {name: weight.clone() for name, weight in copies.items()})
        self.check_every = min(max(rows // self.batch_size, 20), 200)
        self.started = time.monotonic()
        self.saved_at = self.started
        self.good = self._snapshot()

    def go(self, resume: bool) -> State:
        if resume and self.checkpoint is not None and self.checkpoint.exists():
            self._restore(read_checkpoint(self.checkpoint, self.fingerprint))
            self.good = self._snapshot()
            self._say(message=f"resumed at step {self.state.step} of {self.state.total}")
        while self.state.step < self.state.total:
            if not self._step():
                self._roll_back()
                continue
            self._fit_budget()
            due = self.state.step % self.check_every == 0 or self.state.step == self.state.total
            if due and self._check():
                break
        self._load(self.state.best)
        self.state.seconds = self._seconds()
        return self.state

    def _step(self) -> bool:
        """One step; False if it cannot be trusted."""
        state, config = self.state, self.config
        warm = min(1.0, (state.step + 1) / config.warmup_steps)
        decay = max(0.01, 1 - state.step / state.total)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * warm * decay * 0.5**state.rollbacks
        rows = order.batch_rows(self.seed, self.rows, self.batch_size, state.step)
        self.network.train()
        loss = self.loss(rows, order.for_step(self.seed, state.step))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.weights.values(), config.clip)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            return False
        self.optimizer.step()
        state.step += 1
        keep = min(config.ema, state.step / (state.step + 9))  # young averages forget the start faster
        with torch.no_grad():
            averages = [state.average[name] for name in self.weights]
            torch._foreach_lerp_(averages, list(self.weights.values()), 1 - keep)
        if state.step % 10 == 0:
            self._say(loss=float(loss.detach()))
        return True

    def _check(self) -> bool:
        """Measure the held-out loss of the averaged weights; True when it is time to stop."""
        state = self.state
        current = self._swap(state.average)
        self.network.eval()
        held_out = self.validation_loss()
        self._load(current)
        state.history.append((state.step, held_out))
        if held_out < state.best_loss:
            state.best_loss, state.waited = held_out, 0
            state.best = {name: weight.clone() for name, weight in state.average.items()}
        else:
            state.waited += 1
        self._say(validation=held_out)
        self.good = self._snapshot()
        if state.waited >= self.config.patience:
            self._say(message=f"stopped at step {state.step}: the held-out loss no longer falls")
            return True
        if self.checkpoint is not None and time.monotonic() - self.saved_at >= self.config.checkpoint_seconds:
            self.state.seconds, self.started = self._seconds(), time.monotonic()
            write_checkpoint(self.checkpoint, self._snapshot(), self.fingerprint)
            self.saved_at = time.monotonic()
        return False

    def _fit_budget(self) -> None:
        """Once the speed is known, choose the number of steps that fills the time budget; never chosen again."""
        if self.config.budget is None or self.state.step != _TIMED_STEPS:
            return
        pace = self._seconds() / _TIMED_STEPS
        self.state.total = max(int(0.92 * self.config.budget / pace), _TIMED_STEPS + 1)  # 8 % goes into the checks

    def _roll_back(self) -> None:
        rollbacks = self.state.rollbacks + 1
        if rollbacks > _MAX_ROLLBACKS:
            raise GenappsError(
                "training diverged again and again; try a smaller --set training.learning_rate, or another --family"
            )
        self._restore(self.good)
        self.state.rollbacks = rollbacks
        self._say(message=f"training diverged; went back to step {self.state.step} with half the learning rate")

    def _snapshot(self) -> Checkpoint:
        moments = [self.optimizer.state.get(weight, {}) for weight in self.weights.values()]
        return Checkpoint.of(self.state, self.weights, moments)

    def _restore(self, saved: Checkpoint) -> None:
        self.state = saved.state(State)
        self._load(saved.weights)
        saved.restore_moments(self.optimizer, self.weights)

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

    def _say(self, *, loss: float | None = None, validation: float | None = None, message: str = "") -> None:
        if self.progress is not None:
            self.progress(Event(self.state.step, self.state.total, self._seconds(), loss, validation, message))
