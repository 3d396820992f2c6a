"""What all variational autoencoders do alike: learn, score, encode, decode, keep."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from genapps.batches import Ragged, rows_of
from genapps.errors import InputError, UsageError
from genapps.models.base import Engine, Job, LogProb, fingerprint, split
from genapps.models.vae.core import (
    Inputs,
    VariationalNet,
    every_class,
    importance_bound,
    joined,
    one_hot,
    proposals,
)
from genapps.models.vae.labels import checked_labels, with_labels_last, with_more_labels
from genapps.models.vae.objective import Weights, loss
from genapps.nets.scaling import Scaling
from genapps.training import Recipe
from genapps.training.device import choose_device, products
from genapps.training.loop import Phase, steps_for, train
from genapps.training.order import derived, for_validation

_SAMPLES = 64  # importance samples of `log_prob`
_AT_ONCE = 8_000_000  # numbers that a network keeps at once outside of training
_PROPOSALS = 32  # latents considered for each row that is filled in
_HELD_OUT = 5000  # rows that the held-out loss is taken of
_PRIOR_ROWS = 10_000


@dataclass(frozen=True)
class VAEConfig:
    """What every engine of the family has."""

    latent: int = field(default=16, metadata={"help": "latent variables", "least": 1})
    hidden: int = field(default=256, metadata={"help": "units a layer", "least": 1})
    depth: int = field(default=2, metadata={"help": "residual layers of the encoder and of the decoder", "least": 0})
    dropout: float = field(
        default=0.0, metadata={"help": "share of units switched off in training", "least": 0, "below": 1}
    )
    beta: float = field(default=1.0, metadata={"help": "weight of the pull of the latents to their prior", "least": 0})
    free_bits: float = field(
        default=0.0, metadata={"help": "nats a latent may hold before it is pulled to its prior", "least": 0}
    )
    annealing: float = field(
        default=0.1, metadata={"help": "share of the training over which beta rises from 0", "least": 0, "most": 1}
    )
    prior: Literal["gmm", "normal"] = field(
        default="gmm", metadata={"help": "gmm: a mixture fitted to the latents of the data; normal: as trained"}
    )
    components: int = field(default=32, metadata={"help": "most components of that mixture", "least": 1})
    classify: float = field(
        default=20.0, metadata={"help": "weight of the classifier's own loss, where labels are given", "least": 0}
    )


class Variational(Engine):
    """A variational autoencoder; subclasses say what inputs and networks their space has."""

    Config: ClassVar[type] = VAEConfig
    RECIPE: ClassVar[Recipe] = Recipe()
    takes_unknown: ClassVar[bool] = True
    takes_labels: ClassVar[bool] = True

    def __init__(self, space: Any, config: Any) -> None:
        super().__init__(space, config)
        self.network: VariationalNet | None = None
        self.scaling: Scaling | None = None  # of the space's continuous variables, where it has some

    # -- what a space adds ---------------------------------------------------------------------------------------

    def _scaled(self, data: Any) -> Scaling | None:
        """The scaling of the data's continuous variables."""
        return None

    @abstractmethod
    def _network(self, data: Any | None, classes: int, generator: torch.Generator) -> VariationalNet:
        """A new network that begins at the marginals of the data; without data, one to load weights into."""

    @abstractmethod
    def _inputs(self, batch: Any) -> Inputs:
        """What the network reads of a batch."""

    @abstractmethod
    def _draw(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Any:
        """A batch drawn from codes (n, L + C)."""

    def _hidden(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        """Inputs with some of what is known held back in training, where a space has use for that."""
        return inputs

    def _held_rows(self, data: Any, generator: torch.Generator) -> Any:
        """Held-out rows as they are scored; what is drawn afresh at each step is drawn for them once."""
        return data

    def _density_shift(self, inputs: Inputs) -> Tensor | float:
        """What the network's log-densities (B,) are too high by, where it sees other units than the data has."""
        return 0.0

    def _further_loss(
        self, net: VariationalNet, inputs: Inputs, labels: Tensor, generator: torch.Generator
    ) -> Tensor | float:
        """What training lowers besides the bound, a row's mean."""
        return 0.0

    def _numbers_a_row(self, batch: Any) -> int:
        """About how many numbers a network keeps of each row, which decides how many rows are handled at once."""
        return 2048

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Any, validation: Any | None, job: Job) -> None:
        """Learn from a batch. Without `validation` a share of the rows is set aside to decide when to stop.

        `job.labels` (N,), -1 where unknown, make the model conditional on a class. Raises InputError for labels that
        are none.
        """
        recipe = job.training.over(self.RECIPE)
        device = choose_device(recipe.device)
        labels, classes = checked_labels(job.labels, len(data))
        if validation is None:
            order = with_labels_last(torch.randperm(len(data), generator=for_validation(job.seed)), labels)
            learnt, kept = split(data, recipe.validation_share, order)
            data, validation, labels, held = rows_of(data, learnt), rows_of(data, kept), labels[learnt], labels[kept]
        else:
            held = torch.full((len(validation),), -1)
        validation = self._held_rows(validation, for_validation(job.seed))
        self.scaling = self._scaled(data)
        net = self.network = self._network(data, classes, derived(job.seed, 4)).to(device)
        if classes:
            counts = torch.bincount(labels[labels >= 0], minlength=classes) + 1.0
            net.class_logs.copy_((counts / counts.sum()).log())
        _, total = steps_for(len(data), recipe)
        named = (labels >= 0).nonzero()[:, 0]
        rising = max(self.config.annealing * total, 1e-9)

        def training_loss(rows: Tensor, draws: torch.Generator) -> Tensor:
            own = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
            rows = with_more_labels(rows, labels, named, draws)
            inputs = self._hidden(self._inputs(rows_of(data, rows)), draws)
            net.step += 1
            weights = self._weights(min(1.0, float(net.step) / rising))
            with products(recipe.precision, device):
                moved, known = _to(inputs, device), labels[rows].to(device)
                return loss(net, moved, known, weights, own, True) + self._further_loss(net, moved, known, own)

        def held_out_loss() -> float:
            return self._held_out(validation, held, for_validation(job.seed))

        train(
            net,
            [Phase("bound", training_loss)],
            held_out_loss,
            rows=len(data),
            recipe=recipe,
            job=job,
            fingerprint=fingerprint(data, self.config, recipe, labels.tolist() if classes else None),
        )
        self.network = net.eval().cpu()
        if self.config.prior == "gmm":
            self._fit_priors(data, labels, job.seed)

    def _weights(self, annealed: float = 1.0) -> Weights:
        c = self.config
        return Weights(c.beta * annealed, c.free_bits * annealed, c.classify)

    @torch.no_grad()
    def _held_out(self, data: Any, labels: Tensor, generator: torch.Generator) -> float:
        """The mean loss of at most so many rows, without dropout, annealing and free bits."""
        net, total, count = self._fitted(), 0.0, min(len(data), _HELD_OUT)
        weights = Weights(self.config.beta, 0.0, 0.0)
        device = net.class_logs.device
        own = generator if device.type == "cpu" else torch.Generator(device).manual_seed(generator.initial_seed())
        for rows in self._chunks(data, max(net.classes, 1), count):
            inputs = _to(self._inputs(rows_of(data, rows)), device)
            total += float(loss(net, inputs, labels[rows].to(device), weights, own, False)) * len(rows)
        return total / count

    @torch.no_grad()
    def _fit_priors(self, data: Any, labels: Tensor, seed: int) -> None:
        """A mixture for the latents of all rows, or of each class's (as told, or else as the classifier says)."""
        net, generator = self._fitted(), derived(seed, 5)
        rows = torch.randperm(len(data), generator=generator)[:_PRIOR_ROWS]
        data, labels = self._held_rows(rows_of(data, rows), generator), labels[rows]
        latents, named = [], []
        for chunk in self._chunks(data):
            mean, log_deviation, classes = self._encoded(rows_of(data, chunk), labels[chunk])
            latents.append(mean + log_deviation.exp() * torch.randn(mean.shape, generator=generator))
            named.append(classes)
        drawn, classes = torch.cat(latents), torch.cat(named)
        if not net.classes:
            net.prior().fit(drawn, self.config.components, generator)
        for label in range(net.classes):
            own = drawn[classes[:, label] > 0]
            if len(own):
                net.prior(label).fit(own, max(1, 2 * self.config.components // net.classes), generator)

    # -- using ---------------------------------------------------------------------------------------------------

    def log_prob(self, data: Any, generator: torch.Generator) -> LogProb:
        """A lower bound (N,) of each row's log-probability, by 64 importance samples a row."""
        return LogProb(self.iwae(data, _SAMPLES, generator), "bound")

    @torch.no_grad()
    def iwae(self, data: Any, k: int, generator: torch.Generator) -> Tensor:
        """The bound (N,) in nats by k importance samples (Burda et al. 2016); classes are summed over exactly."""
        net = self._fitted()
        samples = max(1, min(k, _SAMPLES, self._at_once(data) // max(net.classes, 1)))  # of a row at once
        chunks = self._chunks(data, samples * max(net.classes, 1))
        return joined([self._bound(rows_of(data, rows), k, samples, generator) for rows in chunks], torch.zeros(0))

    def _bound(self, data: Any, k: int, samples: int, generator: torch.Generator) -> Tensor:
        net = self._fitted()
        inputs = self._inputs(data)
        shift = self._density_shift(inputs)
        read, classes = net.read(inputs, None), torch.zeros(len(data), 0)
        if net.classes:
            inputs, read, classes = every_class(net, inputs, read)
        parts = [
            proposals(net, inputs, read, classes, min(samples, k - done), generator)[1] for done in range(0, k, samples)
        ]
        bound = importance_bound(torch.cat(parts))
        if net.classes:
            bound = torch.logsumexp(bound.view(net.classes, -1) + net.class_logs[:, None], 0)
        return (bound - shift).float()

    @torch.no_grad()
    def transform(self, data: Any) -> Tensor:
        """The latents' posterior means (N, L), under the likeliest class where there are classes."""
        chunks = self._chunks(data)
        return joined([self._encoded(rows_of(data, rows))[0] for rows in chunks], torch.zeros(0, self.config.latent))

    @torch.no_grad()
    def class_log_prob(self, data: Any) -> Tensor:
        """log q(y | x) (N, C) of the classes that were learnt. Raises UsageError where none were."""
        net = self._fitted()
        self._has_classes()
        chunks = self._chunks(data)
        parts = [net.class_log_prob(net.read(self._inputs(rows_of(data, rows)), None)) for rows in chunks]
        return joined(parts, torch.zeros(0, net.classes))

    @torch.no_grad()
    def decode(self, latents: Tensor, labels: Tensor | None, generator: torch.Generator, temperature: float) -> Any:
        """A batch drawn from latents (n, L) and labels (n,), which are needed where classes were learnt."""
        net = self._fitted()
        if latents.ndim != 2 or latents.shape[1] != net.latent:
            raise UsageError(f"latents of shape {tuple(latents.shape)} where (n, {net.latent}) is expected")
        if net.classes and labels is None:
            labels = torch.multinomial(net.class_logs.exp(), len(latents), replacement=True, generator=generator)
        return self._draw(self._codes(latents.float(), labels), generator, temperature)

    @torch.no_grad()
    def reconstruct(self, data: Any, generator: torch.Generator, temperature: float) -> Any:
        """Each row (N) encoded to its posterior mean, and drawn anew from there."""
        mean, _, classes = self._encoded(data)
        return self._draw(torch.cat([mean, classes], 1), generator, temperature)

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Any = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Any:
        """Draw a batch of n. Conditions are for tables; raises UsageError for those, and for labels never learnt."""
        if given:
            raise UsageError(f"{type(self).__name__} takes no conditions; they are for tables")
        drawn = self._draw(
            self._new_codes(max(n, 1), labels if n else None, generator, temperature), generator, temperature
        )
        return drawn if n else rows_of(drawn, torch.zeros(0, dtype=torch.long))

    @torch.no_grad()
    def impute(self, data: Any, generator: torch.Generator, *, given: Any = ()) -> Any:
        """Fill unknown entries: of some latents proposed for each row one is drawn by its importance, and decoded."""
        if given:
            raise UsageError(f"{type(self).__name__} takes no conditions; they are for tables")
        chunks = self._chunks(data, _PROPOSALS)
        return self._end_to_end([self._filled(rows_of(data, rows), generator) for rows in chunks], data)

    def _filled(self, data: Any, generator: torch.Generator) -> Any:
        net, (_, _, classes) = self._fitted(), self._encoded(data)
        inputs = self._inputs(data)
        codes, weights = proposals(net, inputs, net.read(inputs, None), classes, _PROPOSALS, generator)
        chosen = torch.multinomial(torch.softmax(weights, 0).T, 1, generator=generator)[:, 0]
        return self._fill(data, codes[chosen * len(data) + torch.arange(len(data))], generator)

    def _fill(self, data: Any, codes: Tensor, generator: torch.Generator) -> Any:
        """The batch with what is unknown drawn from each row's code (B, L + C)."""
        raise UsageError(f"{type(self).__name__} cannot fill in missing values of this kind of data")

    def _end_to_end(self, parts: list[Any], data: Any) -> Any:
        """Parts of a batch as one."""
        return torch.cat([data[:0], *parts])

    # -- inside --------------------------------------------------------------------------------------------------

    def _new_codes(self, n: int, labels: Tensor | None, generator: torch.Generator, temperature: float) -> Tensor:
        net = self._fitted()
        if net.classes and labels is None and n:
            labels = torch.multinomial(net.class_logs.exp(), n, replacement=True, generator=generator)
        if labels is None:
            return self._codes(net.prior().sample(n, generator, temperature), None)
        latents = torch.zeros(n, net.latent)
        codes = self._codes(latents, labels)
        for label in labels.unique().tolist():
            rows = labels == label
            codes[rows, : net.latent] = net.prior(label).sample(int(rows.sum()), generator, temperature)
        return codes

    def _codes(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Codes (n, L + C) of latents (n, L) and labels (n,)."""
        net = self._fitted()
        if labels is not None:
            self._has_classes()
            if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < net.classes:
                raise UsageError(f"labels run from 0 to {net.classes - 1}; {labels.tolist()[:5]} do not")
            return torch.cat([latents, one_hot(labels, net.classes)], 1)
        return torch.cat([latents, torch.zeros(len(latents), net.classes)], 1)

    def _encoded(self, data: Any, labels: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and log-deviation (B, L) of a batch's latents, and one-hot classes (B, C): told, or the likeliest."""
        net = self._fitted()
        read = net.read(self._inputs(data), None)
        classes = torch.zeros(len(data), 0)
        if net.classes:
            likeliest = net.class_log_prob(read).argmax(1)
            named = likeliest if labels is None else torch.where(labels >= 0, labels, likeliest)
            classes = one_hot(named, net.classes)
        return (*net.proposal(read, classes), classes)

    def _at_once(self, data: Any) -> int:
        return max(1, _AT_ONCE // self._numbers_a_row(data))

    def _chunks(self, data: Any, copies: int = 1, count: int | None = None) -> Sequence[Tensor]:
        """The row numbers of a batch (the first `count`) in parts; each row is handled in so many copies at once."""
        rows = torch.arange(len(data) if count is None else count)
        return rows.split(max(1, self._at_once(data) // copies)) if len(rows) else []

    def _has_classes(self) -> None:
        if not self._fitted().classes:
            raise UsageError("this model was learnt without labels; give fit labels=")

    def _fitted(self) -> VariationalNet:
        assert self.network is not None
        return self.network

    # -- keeping -------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        net = self._fitted()
        tensors = {f"network/{name}": tensor for name, tensor in net.state_dict().items()}
        if self.scaling is not None:
            tensors |= {f"scaling/{name}": tensor for name, tensor in self.scaling.to_tensors().items()}
        return tensors, {"classes": net.classes}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "scaling": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = tensor
        if parts["scaling"]:
            self.scaling = Scaling.from_tensors(parts["scaling"])
        net = self._network(None, int(settings["classes"]), torch.Generator().manual_seed(0))
        for label in range(len(net.priors)):  # as many components as were fitted
            for name in ("shares", "means", "factors"):
                setattr(net.prior(label), name, parts["network"][f"priors.{label}.{name}"].clone())
        net.load_state_dict(parts["network"])
        self.network = net.eval()


def check_longest(batch: Ragged, longest: int) -> None:
    """Raises InputError for sequences longer than those that were learnt may be."""
    if len(batch) and int(batch.lengths.max()) > longest:
        raise InputError(f"a sequence of {int(batch.lengths.max())} steps where at most {longest} are expected; cut it")


def _to(inputs: Inputs, device: torch.device) -> Inputs:
    return tuple(t.to(device) for t in inputs)
