"""What the engines of sequences and images share: how they are trained, and what a class of rows means to them.

A network is told the class of each row. Rows without one are a class of their own, number 0 inside. Without labels
a probability is that of the mixture of all classes in their shares of the training rows, and samples are drawn from it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genapps.batches import Batch, rows_of
from genapps.errors import UsageError
from genapps.models.base import Engine, Job, LogProb, fingerprint, split
from genapps.training import Recipe
from genapps.training.device import choose_device
from genapps.training.loop import Phase, train
from genapps.training.order import for_validation

_HELD_OUT = 1000  # rows of the held-out loss: enough to compare two steps by the same rows
_MOST_CLASSES = 100_000
_FACTS = "facts."  # what the names of their tensors begin with


class NetworkEngine(Engine):
    """An engine with one network, trained by the likelihood of rows given their class."""

    takes_labels: ClassVar[bool] = True
    takes_warm_start: ClassVar[bool] = True
    greedy: ClassVar[bool] = True
    RECIPE: ClassVar[Recipe]
    network: Any = None
    facts: Mapping[str, Tensor]  # what `measure` found, and the share of each class

    # -- what an engine says of itself ---------------------------------------------------------------------------------

    def measure(self, data: Any) -> dict[str, Tensor]:
        """What must be known of the rows before training and is kept with the model: means, scales, shares."""
        return {}

    @abstractmethod
    def new_network(self, classes: int, generator: torch.Generator) -> nn.Module:
        """An untrained network, once `facts` are measured."""

    def as_learnt(self, data: Any, generator: torch.Generator) -> Any:
        """Held-out rows as they are scored; a loss that draws its rows afresh draws these once."""
        return data

    @abstractmethod
    def loss(self, data: Any, labels: Tensor, draws: torch.Generator, recipe: Recipe, device: torch.device) -> Tensor:
        """Mean negative log-likelihood of a batch of rows of classes (B,), in nats a row."""

    @abstractmethod
    def row_log_prob(self, data: Any, labels: Tensor) -> Tensor:
        """Log-probability (N,), float64, of rows given their classes (N,)."""

    # -- what follows from it ------------------------------------------------------------------------------------------

    def fit(self, data: Any, validation: Any | None, job: Job) -> None:
        """Learn from a batch of rows; without `validation` a share of them is set aside to decide when to stop.

        With a warm start all weights go on from where they are but those of classes that were not there, and what was
        measured (means, scales) stays as it was.
        """
        recipe = job.training.over(self.RECIPE)
        device = choose_device(recipe.device)
        labels = _inside(job.labels, len(data))
        classes = torch.bincount(labels).double() / len(labels)
        held_labels = None
        if validation is None:
            order = torch.randperm(len(data), generator=for_validation(job.seed))
            learnt, kept = split(data, recipe.validation_share, order)
            kept = kept[:_HELD_OUT]
            validation, held_labels = rows_of(data, kept), labels[kept]
            data, labels = (data, labels) if len(learnt) == len(data) else (rows_of(data, learnt), labels[learnt])
        validation = self.as_learnt(
            rows_of(validation, torch.arange(min(len(validation), _HELD_OUT))), for_validation(1)
        )
        begun = self.network.state_dict() if job.warm_start else {}
        self.facts = {**(self.facts if begun else self.measure(data)), "classes": classes}
        self.network = self.new_network(len(classes), torch.Generator().manual_seed(job.seed))
        _go_on(self.network, begun)
        self.network = self.network.to(device)

        def held_out_loss() -> float:
            values = self._mixture(validation) if held_labels is None else self.row_log_prob(validation, held_labels)
            return -float(values.mean())

        train(
            self.network,
            [Phase("likelihood", lambda rows, g: self.loss(rows_of(data, rows), labels[rows], g, recipe, device))],
            held_out_loss,
            rows=len(data),
            recipe=recipe,
            job=job,
            fingerprint=fingerprint(
                data, self.config, recipe, labels.tolist(), *(w.sum().item() for w in begun.values())
            ),
        )
        self.network = self.network.eval().cpu()

    def log_prob(self, data: Any, generator: torch.Generator, labels: Tensor | None = None) -> LogProb:
        """Exact log-probability (N,) in nats of each row; given its class where `labels` (N,) says it."""
        if labels is None:
            return LogProb(self._mixture(data).float(), "exact")
        return LogProb(self.row_log_prob(data, self._known(labels)).float(), "exact")

    def _mixture(self, data: Batch) -> Tensor:
        """log of the sum over the classes of their share times the probability of the row, (N,) float64."""
        there = self.shares.nonzero()[:, 0].tolist()
        terms = [self.shares[label].log() + self.row_log_prob(data, torch.full((len(data),), label)) for label in there]
        return torch.logsumexp(torch.stack(terms), 0) if len(terms) > 1 else terms[0]

    @property
    def shares(self) -> Tensor:
        """The share of each class among the rows (classes,), class 0 first: rows without a class."""
        return self.facts["classes"]

    def classes_for(self, n: int, labels: Tensor | None, generator: torch.Generator) -> Tensor:
        """The class inside of each row to draw (n,): what is asked for, else in the shares of the training rows."""
        if labels is not None:
            return self._known(labels)
        if n == 0 or int((self.shares > 0).sum()) == 1:
            return self.shares.argmax().expand(n)
        return torch.multinomial(self.shares, n, replacement=True, generator=generator)

    def _known(self, labels: Tensor) -> Tensor:
        if len(self.shares) == 1:
            raise UsageError("this model was learnt without labels; leave labels out, or fit it with them")
        inside = labels.long() + 1
        for label in inside.unique().tolist():
            if not 0 <= label < len(self.shares) or self.shares[label] == 0:
                there = ", ".join(str(known - 1) for known in self.shares.nonzero()[:, 0].tolist() if known)
                raise UsageError(f"class {label - 1} was not learnt; there are: {there}")
        return inside

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        return {**self.network.state_dict(), **{f"{_FACTS}{name}": fact for name, fact in self.facts.items()}}, {}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        self.facts = {name.removeprefix(_FACTS): t for name, t in tensors.items() if name.startswith(_FACTS)}
        network = self.new_network(len(self.shares), torch.Generator().manual_seed(0))
        network.load_state_dict({name: t for name, t in tensors.items() if not name.startswith(_FACTS)})
        self.network = network.eval()


def _go_on(network: nn.Module, begun: Mapping[str, Tensor]) -> None:
    """Put weights into a network, as far as they reach: either may have more classes."""
    with torch.no_grad():
        for name, weight in network.state_dict().items():
            if name in begun:
                part = tuple(slice(min(sizes)) for sizes in zip(weight.shape, begun[name].shape, strict=True))
                weight[part] = begun[name][part]


def _inside(labels: Tensor | None, rows: int) -> Tensor:
    """Classes as the network counts them (N,): 0 for an unknown one, then the labels from 1."""
    if labels is None:
        return torch.zeros(rows, dtype=torch.long)
    if len(labels) and (int(labels.min()) < -1 or int(labels.max()) >= _MOST_CLASSES):
        raise UsageError(f"labels are classes numbered from 0, or -1 where unknown, below {_MOST_CLASSES}")
    return labels.long() + 1
