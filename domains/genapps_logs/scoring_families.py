"""Sequences of templates scored by two of the model families: hidden Markov models and autoregressive networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from genapps.metrics.distributions import Floats
from genapps_logs.scoring import Steps, repeated

NAMES = ("hmm", "autoregressive")
LONGEST = 400  # steps of a sequence that are scored
_LEARNT = 4000  # sequences that are learnt from; more are thinned out
_AT_ONCE = 512
_BITS = 1 / np.log(2)
_OPTIONS: dict[str, dict[str, Any]] = {
    "hmm": {"n_components": 24, "n_init": 1, "max_iter": 50},
    "autoregressive": {"hidden": 48, "layers": 1, "dropout": 0.0},
}
_TRAINING: dict[str, dict[str, Any]] = {"hmm": {}, "autoregressive": {"max_steps": 600}}


class Family:
    """The largest surprise of a step of a sequence under a family, in bits; a last code stands for the end.

    family: `hmm` or `autoregressive`. options: the family's own. training: settings of its training.
    """

    def __init__(
        self, family: str, options: Mapping[str, Any] | None = None, training: Mapping[str, Any] | None = None
    ) -> None:
        self.name = family
        self.options = dict(options if options is not None else _OPTIONS[family])
        self.training = dict(training if training is not None else _TRAINING[family])
        self.size = 0
        self._model: Any = None

    def fit(self, sequences: Sequence[Steps], size: int) -> Self:
        """Learn; deterministic."""
        from genapps.models import build
        from genapps.spaces import Tokens
        from genapps.training import TrainingConfig

        self.size = size
        weights = None
        if self.name == "hmm":  # whose sums over sequences do not mind how often one counts
            sequences, which = repeated(sequences)
            weights = np.bincount(which).astype(np.float64)
        if len(sequences) > _LEARNT:
            chosen = np.linspace(0, len(sequences) - 1, _LEARNT).round().astype(int)
            sequences = [sequences[place] for place in chosen]
            weights = None if weights is None else weights[chosen]
        self._model = build(self.name, Tokens(size + 2, LONGEST + 1), **self.options)
        self._model.fit(self._codes(sequences), sample_weight=weights, training=TrainingConfig(**self.training))
        return self

    def score(self, sequences: Sequence[Steps]) -> Floats:
        """The largest surprise of a step of each (N,)."""
        different, which = repeated(sequences)
        order = np.argsort([len(steps) for steps in different], kind="stable")  # batches of like lengths
        found = np.zeros(len(different))
        for start in range(0, len(order), _AT_ONCE):
            part = order[start : start + _AT_ONCE]
            steps = self._model.step_log_prob(self._codes([different[place] for place in part]))
            ends = np.cumsum(steps.lengths.numpy())
            nats = -steps.values.double().numpy()
            found[part] = _BITS * np.maximum.reduceat(nats, np.concatenate([[0], ends[:-1]]))
        return found[np.asarray(which, np.int64)] if which else found

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """All that `restore` needs, as plain JSON and arrays."""
        tensors, settings = self._model.state()
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        return {"size": self.size, "options": self.options, "settings": settings}, arrays

    @classmethod
    def restore(cls, family: str, state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Family:
        """What `state` was taken from."""
        import torch

        from genapps.models import load
        from genapps.spaces import Tokens

        made = cls(family, state["options"])
        made.size = int(state["size"])
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        made._model = load(family, Tokens(made.size + 2, LONGEST + 1), tensors, state["settings"])
        return made

    def _codes(self, sequences: Sequence[Steps]) -> list[np.ndarray]:
        """Codes 0..size + 1: the unknown, the templates, the end."""
        end = self.size + 1
        return [
            np.array([*(min(s, end) if s <= self.size else 0 for s in steps[:LONGEST]), end]) for steps in sequences
        ]
