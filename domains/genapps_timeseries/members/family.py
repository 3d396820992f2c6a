"""The six families of models as judges of a series: of its windows, or of each row given the rows before it.

All learn the normal part alone, and all take one channel (N,) or several (N, C), which they then judge together.
Settings were chosen on the development series of `benchmarks/anomaly/families.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from genapps.batches import Ragged
from genapps.models import build
from genapps.models import load as load_family
from genapps.spaces import Columns, Continuous, Frames, Space
from genapps.training import TrainingConfig
from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.members.family_windows import FAR, Scaling, View, as_rows, held_out, inside, unlearnt
from genapps_timeseries.scoring.windows import running_mean
from genapps_timeseries.series import Floats

LESSONS = 4000  # windows that a family learns
SEGMENTS = 600  # stretches that a family of sequences learns
STRETCHES = 1024  # that are judged at once
BOUND = 8  # importance samples of a VAE's bound


def deviance(nats: Floats, usual: float) -> Floats:
    """Minus log-likelihoods (N,) as distances: the signed root of twice what they have beyond the usual one.

    Of a normal law it is about how many deviations off a row is (deviance residuals, McCullagh and Nelder 1989).
    """
    beyond = np.nan_to_num(nats - usual, nan=0.0, posinf=1e30, neginf=-1e30)
    distance: Floats = np.sign(beyond) * np.sqrt(2 * np.abs(beyond))
    return distance


class FamilyMember(ABC):
    """One family as a judge; what it sees of a series is its subclass's."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]]
    training: ClassVar[TrainingConfig | None] = None
    reference: Floats

    def fit(self, task: Task) -> Self:
        """Learn the normal part, (R,) or (R, C); a fifth of it is also judged by a model of the rest."""
        normal, seed = as_rows(task.normal), int(task.generator.integers(2**62))
        self._look(normal, task.window)
        held = held_out(len(normal), self._reach)
        honest = self._learnt(normal, ~held, seed)._scores(normal) if held.any() else np.zeros(len(normal))
        self._learnt(normal, np.ones(len(normal), bool), seed)
        self.reference = unlearnt(self._scores(normal), honest, held)
        return self

    def score(self, values: Floats) -> Floats:
        """Scores (N,) of points (N,) or rows (N, C)."""
        return self._scores(as_rows(values))

    def _learnt(self, normal: Floats, allowed: NDArray[np.bool_], seed: int) -> Self:
        lessons = self._lessons(normal, allowed)
        options = self._options(lessons)
        self.model = build(self.name, self._space(lessons), **options)
        self.model.fit(lessons, generator=torch.Generator().manual_seed(seed), training=self.training)
        self.usual = self._usual(lessons)
        return self

    def _options(self, lessons: Any) -> dict[str, Any]:
        return dict(self.options)

    @property
    @abstractmethod
    def _reach(self) -> int:
        """Points that a score looks at."""

    @abstractmethod
    def _look(self, normal: Floats, window: int) -> None:
        """Choose what is seen of rows (R, C)."""

    @abstractmethod
    def _lessons(self, normal: Floats, allowed: NDArray[np.bool_]) -> Any:
        """What is learnt of rows (R, C): only what lies among the allowed ones."""

    @abstractmethod
    def _space(self, lessons: Any) -> Space:
        """Of what is learnt."""

    @abstractmethod
    def _usual(self, lessons: Any) -> float:
        """How strange what was learnt usually is to the model."""

    @abstractmethod
    def _scores(self, values: Floats) -> Floats:
        """Scores (N,) of rows (N, C)."""

    @abstractmethod
    def _seen(self) -> tuple[Arrays, dict[str, Any]]:
        """What `_look` chose."""

    @abstractmethod
    def _see(self, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """The inverse of `_seen`."""

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The model and what it sees, as arrays and plain JSON."""
        tensors, learnt = self.model.state()
        arrays, settings = self._seen()
        arrays |= {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        space = self.model.space.to_json()
        return {**arrays, "reference": self.reference}, {
            **settings,
            "model": learnt,
            "space": space,
            "usual": self.usual,
        }

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        from genapps.spaces import space_from_json

        made = cls()
        made._see(arrays, settings)
        tensors = {
            name.removeprefix("model/"): torch.from_numpy(np.array(array))
            for name, array in arrays.items()
            if name.startswith("model/")
        }
        made.model = load_family(cls.name, space_from_json(settings["space"]), tensors, settings["model"])
        made.usual, made.reference = float(settings["usual"]), arrays["reference"]
        return made


class OfWindows(FamilyMember):
    """A family that learns windows as rows of numbers: a point is as strange as the windows that cover it."""

    most: ClassVar[int] = 32  # numbers of a channel in a window

    @property
    def _reach(self) -> int:
        return self.view.length

    def _look(self, normal: Floats, window: int) -> None:
        self.view = View.fit(normal, window, self.most)

    def _lessons(self, normal: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.float32]:
        return self.view.lessons(normal, allowed, LESSONS)

    def _space(self, lessons: Floats) -> Space:
        return Columns((Continuous(),) * lessons.shape[1])

    def _usual(self, lessons: Floats) -> float:
        return float(np.median(self._nats(lessons)))

    def _nats(self, rows: Floats) -> Floats:
        return np.asarray(self.model.anomaly_score(rows.astype(np.float32)), np.float64)

    def _scores(self, values: Floats) -> Floats:
        return self.view.score(values, lambda rows: deviance(self._nats(rows), self.usual))

    def _seen(self) -> tuple[Arrays, dict[str, Any]]:
        return self.view.state()

    def _see(self, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        self.view = View.from_state(arrays, settings)


class Mixture(OfWindows):
    """A mixture of factor analysers over windows: exact."""

    name: ClassVar[str] = "gmm"
    options: ClassVar[Mapping[str, Any]] = {"covariance_type": "lowrank", "reg_covar": 3e-2, "max_iter": 60}

    def _options(self, lessons: Floats) -> dict[str, Any]:
        components = max(1, min(8, len(lessons) // 100))
        return {**self.options, "n_components": components, "n_factors": max(1, min(4, lessons.shape[1] - 1))}


class Autoencoder(OfWindows):
    """A variational autoencoder of windows: its bound by eight importance samples."""

    name: ClassVar[str] = "vae"
    options: ClassVar[Mapping[str, Any]] = {"latent": 8, "hidden": 64, "depth": 1}
    training: ClassVar[TrainingConfig | None] = TrainingConfig(
        min_steps=200, max_steps=200, batch_size=128, validation_share=0.0
    )

    def _nats(self, rows: Floats) -> Floats:
        data, draws = torch.from_numpy(rows.astype(np.float32)), torch.Generator().manual_seed(0)
        return -np.asarray(self.model.engine.iwae(data, BOUND, draws), np.float64)


class Boltzmann(OfWindows):
    """A Gaussian restricted Boltzmann machine of windows: its free energy, which needs no partition function."""

    name: ClassVar[str] = "rbm"
    options: ClassVar[Mapping[str, Any]] = {"n_components": 16}
    training: ClassVar[TrainingConfig | None] = TrainingConfig(min_steps=300, max_steps=300, validation_share=0.0)


class Adversarial(OfWindows):
    """A generator and a critic of windows: the distance to the nearest made one, and the critic's doubt."""

    name: ClassVar[str] = "gan"
    most: ClassVar[int] = 16
    options: ClassVar[Mapping[str, Any]] = {}
    training: ClassVar[TrainingConfig | None] = TrainingConfig(min_steps=150, max_steps=150, validation_share=0.0)

    def _scores(self, values: Floats) -> Floats:
        return self.view.score(values, lambda rows: np.nan_to_num(self._nats(rows)))


class OfSteps(FamilyMember):
    """A family that learns sequences of rows: a row is as strange as it is unlikely given the rows before it.

    Long series are judged in stretches of `fresh` rows that follow `memory` rows of the past; smoothed over half a
    window. slopes: whether a row holds what each channel has changed by, too.
    """

    memory: ClassVar[int] = 32
    fresh: ClassVar[int]
    slopes: ClassVar[bool]
    kind: ClassVar[type] = np.float64

    @property
    def _reach(self) -> int:
        return self.memory + self.fresh

    def _look(self, normal: Floats, window: int) -> None:
        self.scaling = Scaling.fit(normal)
        self.width = max(3, window // 2)
        self.steep = np.ones(normal.shape[1])
        steep = np.diff(self.scaling(normal), axis=0, prepend=self.scaling(normal[:1])).std(0)
        self.steep = np.where(steep > 0, steep, 1.0)

    def _frames(self, values: Floats, before: Floats | None = None) -> Floats:
        """Rows (N, C) as frames (N, F); before: the row before the first."""
        scaled = self.scaling(values)
        if not self.slopes:
            return scaled.astype(self.kind)
        first = scaled[:1] if before is None else self.scaling(before)
        slopes = np.clip(np.diff(scaled, axis=0, prepend=first) / self.steep, -FAR, FAR)
        return np.concatenate([scaled, slopes], axis=1).astype(self.kind)

    def _lessons(self, normal: Floats, allowed: NDArray[np.bool_]) -> Ragged:
        frames = self._frames(normal)
        length = min(self._reach, len(frames))
        starts = inside(allowed, length)
        starts = starts[:: max(self._apart, -(-len(starts) // SEGMENTS))]
        found = frames[starts[:, None] + np.arange(length)]
        return Ragged(torch.from_numpy(found.reshape(-1, found.shape[2])), torch.full((len(found),), length))

    @property
    def _apart(self) -> int:
        """Rows from one stretch that is learnt to the next."""
        return max(1, self.fresh // 4)

    def _space(self, lessons: Ragged) -> Space:
        return Frames((Continuous(),) * lessons.values.shape[1], self._reach)

    def _usual(self, lessons: Ragged) -> float:
        return float(np.median(-self.model.step_log_prob(lessons).values.numpy()))

    def _scores(self, values: Floats) -> Floats:
        block = STRETCHES * self.fresh
        parts = []
        for first in range(0, len(values), block):
            begin = max(0, first - self.memory)
            frames = self._frames(values[begin : first + block], values[begin - 1 : begin] if begin else None)
            parts.append(self._nats(frames, first - begin))
        nats = np.concatenate(parts) if parts else np.zeros(0)
        return running_mean(deviance(nats, self.usual), self.width)

    def _nats(self, frames: Floats, known: int) -> Floats:
        """Minus the log-density (N - known,) of each frame (N, F) but the first ones given those before it."""
        count = len(frames) - known
        front = np.repeat(frames[:1], self.memory - known, axis=0)  # nothing is known of what was before the first row
        stretches = -(-count // self.fresh)
        back = np.repeat(frames[-1:], stretches * self.fresh - count, axis=0)
        padded = np.concatenate([front, frames, back])
        starts = np.arange(stretches) * self.fresh
        found = padded[starts[:, None] + np.arange(self._reach)]
        batch = Ragged(torch.from_numpy(found.reshape(-1, found.shape[2])), torch.full((stretches,), self._reach))
        steps = self.model.step_log_prob(batch).values.numpy().reshape(stretches, -1)
        nats: Floats = -steps[:, self.memory : self._reach].reshape(-1)[:count]
        return nats

    def _seen(self) -> tuple[Arrays, dict[str, Any]]:
        return {**self.scaling.state(), "steep": self.steep}, {"width": self.width}

    def _see(self, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        self.scaling, self.steep = Scaling.from_state(arrays), arrays["steep"]
        self.width = int(settings["width"])


class Markov(OfSteps):
    """A hidden Markov model of values and slopes; a floor under variances, so that few levels are no certainties."""

    name: ClassVar[str] = "hmm"
    fresh: ClassVar[int] = 96
    slopes: ClassVar[bool] = True
    options: ClassVar[Mapping[str, Any]] = {"n_components": 10, "n_init": 1, "max_iter": 20, "min_covar": 1e-2}

    @property
    def _apart(self) -> int:
        return self._reach


class Recurrent(OfSteps):
    """A recurrent network that tells a mixture of normal laws for the next row."""

    name: ClassVar[str] = "autoregressive"
    memory: ClassVar[int] = 16
    fresh: ClassVar[int] = 16
    slopes: ClassVar[bool] = False
    kind: ClassVar[type] = np.float32
    options: ClassVar[Mapping[str, Any]] = {"hidden": 32, "layers": 1, "components": 4, "dropout": 0.0}
    training: ClassVar[TrainingConfig | None] = TrainingConfig(
        min_steps=80, max_steps=80, batch_size=64, learning_rate=1e-2, warmup_steps=10, validation_share=0.0
    )


FAMILIES: Mapping[str, type[FamilyMember]] = {
    kind.name: kind for kind in (Mixture, Markov, Autoencoder, Adversarial, Boltzmann, Recurrent)
}
