"""What every GAN engine shares: the two phases of a step, the watch, the choice of weights, and strangeness.

An engine says how rows become points (tensors that a critic can differentiate), builds the two networks, and turns a
generator's outputs into points and rows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genapps.batches import rows_of
from genapps.errors import InputError, UsageError
from genapps.models.base import Engine, Job, LogProb, fingerprint, split
from genapps.models.gan.objectives import Objective, generator_loss, penalised
from genapps.models.gan.watch import Ruler, Variety, verdict
from genapps.training import Recipe
from genapps.training.device import choose_device, products
from genapps.training.loop import Phase, train
from genapps.training.order import derived, for_validation
from genapps.training.settings import Look

_JUDGED = 2000  # rows that choose the weights, and that the watch compares
_BANK = 4000  # made rows that strangeness and gaps are measured against
_CHUNK = 4096  # rows handled at once outside of training
_DIRECTIONS = 128
_FEWEST = 100
_NUMBERS = 64_000_000  # in such rows together
_MOST_CLASSES = 10_000
_FIRST_CHECKS = 2  # checks before the watch speaks: at first every generator makes one kind of row


# How the two networks play, whatever they make: an engine changes how long and how fast.
GAME = Recipe(
    epochs=100,
    min_steps=1000,
    batch_size=64,
    learning_rate=1e-3,
    schedule="cosine",
    warmup_steps=50,
    beta1=0.0,
    beta2=0.99,
    clip=10.0,
    ema=0.998,
    patience=1000,
    precision="float32",
)


@dataclass(frozen=True)
class AdversarialConfig:
    """What every engine can be told."""

    latent: int = field(default=64, metadata={"help": "numbers of noise that a row is made from", "least": 1})
    objective: Objective = field(
        default="relativistic", metadata={"help": "relativistic (with R1 and R2) or wasserstein (with unit slopes)"}
    )
    penalty: float = field(default=1.0, metadata={"help": "weight of the critic's gradient penalty", "least": 0})
    watch: bool = field(default=True, metadata={"help": "go back where the generator collapses; false: only tell"})


class Pair(nn.Module):
    """The two networks. generator(noise, classes) -> outputs; critic(points, classes) -> scores.

    best_coverage, best_bins and checks are the watch's memory, so that a resumed run judges as an uninterrupted one.
    """

    best_coverage: Tensor
    best_bins: Tensor
    checks: Tensor

    def __init__(self, generator: nn.Module, critic: nn.Module) -> None:
        super().__init__()
        self.generator, self.critic = generator, critic
        self.register_buffer("best_coverage", torch.zeros(()))
        self.register_buffer("best_bins", torch.zeros(()))
        self.register_buffer("checks", torch.zeros((), dtype=torch.long))


class Adversary(Engine):
    """A generator and a critic of one kind of space."""

    takes_labels: ClassVar[bool] = True
    RECIPE: ClassVar[Recipe]

    def __init__(self, space: Any, config: Any) -> None:
        super().__init__(space, config)
        self.pair: Pair | None = None
        self.class_shares = torch.zeros(0)  # (classes + 1,): how frequent each class is, and last an unknown one
        self.usual = torch.tensor([[0.0, 1.0], [0.0, 1.0]])  # centre and width of the two parts of strangeness
        self.variety: Variety | None = None

    # -- what an engine says ---------------------------------------------------------------------------------------

    @abstractmethod
    def _prepare(self, data: Any) -> None:
        """Take the statistics of the training rows."""

    @abstractmethod
    def _new_pair(self, classes: int, generator: torch.Generator) -> Pair:
        """The two networks; `classes` is 0, or their number and one for the unknown."""

    @abstractmethod
    def _points(self, data: Any) -> Tensor:
        """A batch as points (B, ...), on the CPU."""

    @abstractmethod
    def _dressed(self, outputs: Tensor, like: Tensor, draws: torch.Generator) -> Tensor:
        """A generator's outputs as points, differentiable; what is known of a row's shape comes from the points `like`.

        Such are gaps and lengths.
        """

    @abstractmethod
    def _shapes(self, n: int) -> Tensor:
        """Points (n, ...) that only say what `_dressed` needs to know: rows without gaps, lengths as in the data."""

    def _scores(self, points: Tensor, classes: Tensor | None) -> Tensor:
        """The critic's scores (B,) of points (B, ...)."""
        scores: Tensor = self._fitted().critic(points, classes)
        return scores.float()

    def _move(self, device: torch.device) -> None:
        """Take the statistics that `_dressed` needs to the device of the networks."""

    def _changed(self, points: Tensor, draws: torch.Generator) -> Tensor:
        """Points as the critic reads them while it learns; the same kind of change for real and for made ones."""
        return points

    # -- learning --------------------------------------------------------------------------------------------------

    def fit(self, data: Any, validation: Any | None, job: Job) -> None:
        """Learn from a batch; without `validation` a share of it is set aside to choose the weights.

        labels: classes to make rows of. The run goes back where the watch finds a collapse, and says so.
        """
        recipe = job.training.over(self.RECIPE)
        device = choose_device(recipe.device)
        labels = job.labels
        mark = fingerprint(data, self.config, recipe, None if labels is None else labels.tolist())
        if validation is None:
            order = torch.randperm(len(data), generator=for_validation(job.seed))
            learnt, kept = split(data, recipe.validation_share, order)
            data, validation = rows_of(data, learnt), rows_of(data, kept)
            labels = None if labels is None else labels[learnt]
        classes = self._learn_classes(labels)
        start = derived(job.seed, 7)
        self._prepare(data)
        self.pair = self._new_pair(classes, start).to(device)
        self._move(device)
        held_out = self._points(rows_of(validation, torch.arange(self._most(validation, _JUDGED))))
        known = None if labels is None else torch.where(labels < 0, classes - 1, labels)
        train(
            self.pair,
            self._phases(data, known, device, recipe.precision),
            lambda: self._distance(held_out, job.seed),
            rows=len(data),
            recipe=recipe,
            job=job,
            fingerprint=mark,
            watch=self._watch(data, held_out, job.seed),
        )
        self.pair = self.pair.eval().cpu()
        self._move(torch.device("cpu"))
        self._finish(data, job)

    def _finish(self, data: Any, job: Job) -> None:
        """What is measured once the weights stand: variety for the card, and how strange rows usually are."""
        points = self._some(data, job.seed)
        ruler = _ruler(points)
        if ruler is not None:
            with torch.no_grad():
                self.variety = ruler.measure(self._made(len(ruler.rows), for_validation(job.seed), points))
        with torch.no_grad():
            parts = self._strangeness(points[:1000])
        middle = parts.median(0).values
        width = (parts - middle).abs().median(0).values * 1.4826
        self.usual = torch.stack([middle, width.clamp_min(1e-3 * (1 + middle.abs()))], 1)

    def _some(self, data: Any, seed: int) -> Tensor:
        """Points of some rows of the data, the same for the same seed."""
        order = torch.randperm(len(data), generator=derived(seed, 8))
        return self._points(rows_of(data, order[: self._most(data, 2 * _JUDGED)]))

    def _most(self, data: Any, rows: int) -> int:
        """At most so many rows, and fewer of large images."""
        width = self._points(rows_of(data, torch.arange(1))).numel()
        return min(len(data), rows, max(_FEWEST, _NUMBERS // max(width, 1)))

    def _learn_classes(self, labels: Tensor | None) -> int:
        """Count classes; returns 0, or their number and one more."""
        self.class_shares = torch.zeros(0)
        if labels is None:
            return 0
        classes = int(labels.max()) + 2
        if classes > _MOST_CLASSES:
            raise InputError(f"labels up to {classes - 2} are too many classes; number them from 0")
        counts = torch.bincount(torch.where(labels < 0, classes - 1, labels), minlength=classes)
        self.class_shares = counts / counts.sum()
        return classes

    def _phases(self, data: Any, labels: Tensor | None, device: torch.device, precision: str) -> list[Phase]:
        """The critic's part of a step, then the generator's; scores and points are float32 whatever the precision."""
        c = self.config

        def batch(rows: Tensor) -> tuple[Tensor, Tensor | None]:
            return self._points(rows_of(data, rows)).to(device), None if labels is None else labels[rows].to(device)

        def critic_step(rows: Tensor, draws: torch.Generator) -> Tensor:
            real, classes = batch(rows)
            with products(precision, device):
                with torch.no_grad():
                    fake = self._fake(real, classes, draws)
                real, fake = self._changed(real, draws), self._changed(fake, draws)
                return penalised(c.objective, lambda x: self._scores(x, classes), real, fake, c.penalty, draws)

        def generator_step(rows: Tensor, draws: torch.Generator) -> Tensor:
            real, classes = batch(rows)
            with products(precision, device):
                fake = self._fake(real, classes, draws)
                real, fake = self._changed(real, draws), self._changed(fake, draws)
                with torch.no_grad():
                    truth = self._scores(real, classes)
                return generator_loss(c.objective, truth, self._scores(fake, classes))

        return [
            Phase("critic", critic_step, prefix="critic."),
            Phase("generator", generator_step, prefix="generator."),
        ]

    def _fake(self, like: Tensor, classes: Tensor | None, draws: torch.Generator) -> Tensor:
        """Points made, one beside each real one."""
        noise = torch.randn(len(like), self.config.latent, generator=draws).to(like.device)
        return self._dressed(self._outputs(noise, classes, like), like, draws)

    def _outputs(self, noise: Tensor, classes: Tensor | None, like: Tensor | None) -> Tensor:
        """The generator's outputs; some generators read the shape of the points `like`."""
        outputs: Tensor = self._fitted().generator(noise, classes)
        return outputs.float()

    def _made(self, n: int, draws: torch.Generator, like: Tensor) -> Tensor:
        """n points on the CPU, classes as frequent as in the data; gaps and lengths as in `like`, over and over."""
        device = next(self._fitted().parameters()).device
        like = like[torch.arange(n) % len(like)]
        parts = [
            self._fake(part.to(device), self._some_classes(len(part), draws, device), draws).cpu()
            for part in like.split(_CHUNK)
        ]
        return torch.cat(parts)

    def _some_classes(self, n: int, draws: torch.Generator, device: torch.device) -> Tensor | None:
        if not len(self.class_shares):
            return None
        return torch.multinomial(self.class_shares, n, replacement=True, generator=draws).to(device)

    def _distance(self, held_out: Tensor, seed: int) -> float:
        """Sliced Wasserstein distance of as many made points to held-out ones (Rabin et al. 2012)."""
        draws = for_validation(seed)
        made = self._made(len(held_out), draws, held_out).flatten(1)
        return sliced_distance(held_out.flatten(1), made, draws)

    def _watch(self, data: Any, held_out: Tensor, seed: int) -> Callable[[], Look] | None:
        """The watch of the loop, or None: too few rows, or all alike. Its figures stand beside those of real rows."""
        points = self._some(data, seed)
        ruler = _ruler(points)
        if ruler is None:
            return None
        n = min(len(points), len(held_out))
        apart = sliced_distance(held_out[:n].flatten(1), points[:n].flatten(1), for_validation(seed))

        def look() -> Look:
            pair = self._fitted()
            made = self._made(len(ruler.rows), for_validation(seed), points)
            now = ruler.measure(made)
            pair.checks += 1
            coverage, bins = float(pair.best_coverage), float(pair.best_bins)
            pair.best_coverage.fill_(max(coverage, now.coverage))
            pair.best_bins.fill_(max(bins, now.bins))
            found = verdict(now, coverage, bins) if self.config.watch else ""
            speaks = int(pair.checks) > _FIRST_CHECKS  # before that a collapsed state is only not gone back to
            return Look({**now.to_json(), "real_distance": apart}, found if speaks else "", not found)

        return look

    # -- using -----------------------------------------------------------------------------------------------------

    def log_prob(self, data: Any, generator: torch.Generator) -> LogProb:
        """A GAN has none: always raises UsageError."""
        raise UsageError("a GAN has no likelihood: compare its samples, or use anomaly_score, or another family")

    def anomaly_score(self, data: Any, generator: torch.Generator) -> Tensor:
        """How strange each row is, (N,), without a unit: 0 is usual.

        The sum of two parts, each less its median over training rows and divided by their spread: the distance to the
        nearest of 4,000 made rows, and the critic's doubt (after Schlegl et al. 2017, "Unsupervised anomaly detection
        with generative adversarial networks", equations 3 and 5, with the nearest made row for the search in noise).
        """
        if not len(data):
            return torch.zeros(0)
        chunks = torch.arange(len(data)).split(_CHUNK)
        parts = torch.cat([self._strangeness(self._points(rows_of(data, rows))) for rows in chunks])
        score: Tensor = ((parts - self.usual[:, 0]) / self.usual[:, 1]).sum(1)
        return score

    def _strangeness(self, points: Tensor) -> Tensor:
        """The two parts (N, 2) of points (N, ...)."""
        count = max(_FEWEST, min(_BANK, _NUMBERS // max(points[0].numel(), 1)))
        bank = self._made(count, for_validation(0), self._shapes(count)).flatten(1)
        unknown = torch.tensor(len(self.class_shares) - 1)
        found = []
        for part in points.split(512):
            classes = unknown.expand(len(part)) if len(self.class_shares) else None
            nearest = bank[torch.cdist(part.flatten(1), bank).argmin(1)]
            near = (part.flatten(1) - nearest).norm(dim=1)  # the product inside cdist loses the digits of small ones
            found.append(torch.stack([near, -self._scores(part, classes)], 1))
        return torch.cat(found)

    def _drawn(
        self, n: int, generator: torch.Generator, labels: Tensor | None, temperature: float, like: Tensor | None
    ) -> Tensor:
        """n made points, in chunks; the shape of each as in `like` (n, ...)."""
        classes = self._classes(n, labels, generator)
        made = []
        for rows in torch.arange(n).split(_CHUNK) or (torch.arange(0),):
            own = None if like is None else like[rows]
            noise = self._noise(len(rows), temperature, generator)
            outputs = self._outputs(noise, None if classes is None else classes[rows], own)
            made.append(self._dressed(outputs, outputs if own is None else own, generator))
        return torch.cat(made)

    def _noise(self, n: int, temperature: float, generator: torch.Generator) -> Tensor:
        noise: Tensor = torch.randn(n, self.config.latent, generator=generator) * temperature**0.5
        return noise

    def _classes(self, n: int, labels: Tensor | None, generator: torch.Generator) -> Tensor | None:
        """The classes (n,) to make: those asked for, or as frequent as in the data."""
        if labels is None:
            return self._some_classes(n, generator, torch.device("cpu"))
        known = len(self.class_shares) - 1
        if known < 1:
            raise UsageError("this model was fitted without labels; fit it with labels to ask for a class")
        if labels.shape != (n,) or int(labels.min()) < 0 or int(labels.max()) >= known:
            raise UsageError(f"labels must be {n} classes from 0 to {known - 1}")
        return labels

    @property
    def variety_(self) -> dict[str, float]:
        """The watch's figures of the fitted model: coverage, bins, of, spread."""
        return self.variety.to_json() if self.variety else {}

    def _fitted(self) -> Pair:
        assert self.pair is not None
        return self.pair

    # -- keeping ---------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors = {f"pair.{name}": tensor for name, tensor in self._fitted().state_dict().items()}
        tensors |= {"class_shares": self.class_shares, "usual": self.usual}
        return tensors, {"variety": self.variety_}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        self.class_shares, self.usual = tensors["class_shares"], tensors["usual"]
        self._restore_statistics(tensors)
        self.pair = self._new_pair(len(self.class_shares), torch.Generator().manual_seed(0))
        named = {name.removeprefix("pair."): t for name, t in tensors.items() if name.startswith("pair.")}
        self.pair.load_state_dict(named)
        self.pair.eval()
        found = settings["variety"]
        self.variety = Variety(**{**found, "bins": int(found["bins"]), "of": int(found["of"])}) if found else None

    @abstractmethod
    def _restore_statistics(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `_prepare` learnt, from the tensors of `state`."""


def sliced_distance(a: Tensor, b: Tensor, draws: torch.Generator, directions: int = _DIRECTIONS) -> float:
    """Sliced Wasserstein-1 distance of two samples (n, W) of equal size: the mean over random directions."""
    ways = torch.randn(a.shape[1], directions, generator=draws)
    ways = ways / ways.norm(dim=0).clamp_min(1e-12)
    return float(((a @ ways).sort(0).values - (b @ ways).sort(0).values).abs().mean())


def _ruler(points: Tensor) -> Ruler | None:
    """A ruler of the points; None where they are too few or all alike."""
    if len(points) < 40 or bool((points == points[0]).all()):
        return None
    return Ruler(points)
