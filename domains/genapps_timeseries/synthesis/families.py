"""The model families as makers of series: what each learns from sequences of about normal rows, and how it goes on.

A mixture draws row after row given its history; hidden Markov and autoregressive models draw sequences of any length;
the others draw windows, which are laid one over the end of the other. `bootstrap` lays real windows so: a baseline that
invents nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps_timeseries.series import Floats
from genapps_timeseries.synthesis.mixture import Mixture, learn_mixture
from genapps_timeseries.synthesis.windows import quilted, windows_of

WINDOW = 64  # rows of a window
LEARNT = 128  # rows of a sequence that the autoregressive network learns at once
MOST_WINDOWS = 4_000
MOST_STEPS = 60_000  # that a network draws in one go
COUNTS, REACHES = (1, 4, 10), (40, 264)  # of the mixture: components, rows of history
CHECKED = 2_000  # rows that choose among them
LAGS = 60
Arrays = dict[str, Floats]


class Maker(Protocol):
    """Something that has learnt sequences of rows (T, C)."""

    @property
    def family(self) -> str:
        """Which family it is of."""

    def draw(self, rows: int, count: int, generator: np.random.Generator) -> Floats:
        """New sequences (count, rows, C)."""

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Arrays and plain values."""


@dataclass(frozen=True)
class MixtureMaker:
    """Row after row from a mixture given the history, begun at a remembered history and run in first."""

    mixture: Mixture
    begin: Floats  # histories (B, H, C)
    family: str = "gmm"

    def draw(self, rows: int, count: int, generator: np.random.Generator) -> Floats:
        reach = self.mixture.reach
        made = np.zeros((count, reach + reach + rows, self.begin.shape[2]))
        made[:, :reach] = self.begin[generator.integers(0, len(self.begin), count)]
        step = self.mixture.drawer()
        for t in range(reach, made.shape[1]):
            made[:, t] = step(made[:, t - reach : t], generator)
        return made[:, 2 * reach :]

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {**asdict(self.mixture), "begin": self.begin}, {}


@dataclass(frozen=True)
class SequenceMaker:
    """A family that draws sequences of any length."""

    model: Any
    family: str

    def draw(self, rows: int, count: int, generator: np.random.Generator) -> Floats:
        torch_generator, done = _torch(generator), 0
        parts: list[Floats] = []
        while done < rows:  # longer ones go on from where they ended
            before = min(LEARNT, done)
            length = min(rows - done + before, MOST_STEPS)
            begun = {"prompt": list(parts[-1][:, -before:])} if before and self.family == "autoregressive" else {}
            before = before if begun else 0
            drawn = self.model.sample(count, length=length, generator=torch_generator, **begun)
            parts.append(np.asarray(drawn.values, np.float64).reshape(count, length, -1)[:, before:])
            done += length - before
        return np.concatenate(parts, axis=1)[:, :rows]

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return _state_of(self.model)


@dataclass(frozen=True)
class WindowMaker:
    """A family that draws windows, of `channels` channels."""

    model: Any
    family: str
    channels: int

    def draw(self, rows: int, count: int, generator: np.random.Generator) -> Floats:
        return quilted(self._windows, rows, count, generator)

    def _windows(self, count: int, generator: np.random.Generator) -> Floats:
        drawn = self.model.sample(count, generator=_torch(generator))
        if not hasattr(drawn, "lengths"):
            return np.asarray(drawn, np.float64).reshape(count, -1, self.channels)
        longest = int(drawn.lengths.max())  # a length is drawn, too, though all that were learnt from had one
        return np.stack([np.asarray(one, np.float64) for one in drawn if len(one) == longest])

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays, settings = _state_of(self.model)
        return arrays, {**settings, "channels": self.channels}


@dataclass(frozen=True)
class BlockMaker:
    """Windows (n, W, C) of what was learnt from, as they were."""

    windows: Floats
    family: str = "bootstrap"

    def draw(self, rows: int, count: int, generator: np.random.Generator) -> Floats:
        def some(n: int, rng: np.random.Generator) -> Floats:
            return self.windows[rng.integers(0, len(self.windows), n)]

        return quilted(some, rows, count, generator)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {"windows": self.windows}, {}


def _gmm(sequences: Sequence[Floats], seed: int, budget: float | None, progress: Any) -> Maker:
    """The mixture whose draws are most like what it learnt, among a few sizes."""
    best: tuple[float, Maker] | None = None
    for reach in REACHES:
        for count in COUNTS:
            mixture = learn_mixture(sequences, count, reach, seed)
            if mixture is None:
                continue
            longest = max(sequences, key=len)
            starts = np.linspace(0, len(longest) - mixture.reach, 64).astype(np.int64)
            begin = np.stack([longest[s : s + mixture.reach] for s in starts])
            maker: Maker = MixtureMaker(mixture, begin)
            drawn = maker.draw(CHECKED // 4, 4, np.random.default_rng(seed))
            gap = unlikeness(sequences, list(drawn))
            if best is None or gap < best[0]:
                best = gap, maker
    if best is None:
        raise InputError("too few rows to learn a mixture from")
    return best[1]


def unlikeness(real: Sequence[Floats], drawn: Sequence[Floats]) -> float:
    """How far the margins, steps and echoes of drawn sequences (T, C) are from real ones, 0 to 3; a mean of channels.

    Kolmogorov-Smirnov distances of values and of first differences, and the mean difference of autocorrelations.
    """
    from genapps.metrics.distributions import ks_similarity

    gaps = []
    for c in range(real[0].shape[1]):
        a, b = ([one[:, c] for one in side] for side in (real, drawn))
        values = 1 - (ks_similarity(np.concatenate(a), np.concatenate(b)) or 0.0)
        steps = 1 - (ks_similarity(*(np.concatenate([np.diff(one) for one in side]) for side in (a, b))) or 0.0)
        echo = float(np.abs(echoes(a, LAGS) - echoes(b, LAGS)).mean())
        gaps.append(values + steps + echo)
    return float(np.mean(gaps))


def echoes(sequences: Sequence[Floats], lags: int) -> Floats:
    """The autocorrelation at lags 1..`lags` of sequences (T,) about their common mean; 0 where there is none."""
    mean = float(np.concatenate(sequences).mean())
    centered = [one - mean for one in sequences]
    power = sum(float(one @ one) for one in centered) / sum(map(len, centered))
    found = np.zeros(lags)
    if power <= 0:
        return found
    for lag in range(1, lags + 1):
        pairs = sum(max(len(one) - lag, 0) for one in centered)
        if pairs:
            found[lag - 1] = sum(float(one[:-lag] @ one[lag:]) for one in centered if len(one) > lag) / pairs / power
    return found


def _hmm(sequences: Sequence[Floats], seed: int, budget: float | None, progress: Any) -> Maker:
    from genapps.models import HMM

    width = sequences[0].shape[1]
    rows = sum(map(len, sequences))
    states = int(np.clip(rows // (20 * (width + 2)), 2, 24))
    kind = "full" if width <= 8 else "diag"
    model = HMM(states, covariance_type=kind, min_covar=1e-4, n_init=2, max_iter=60, random_state=seed)
    return SequenceMaker(model.fit([one.copy() for one in sequences], budget=budget, progress=progress), "hmm")


def _autoregressive(sequences: Sequence[Floats], seed: int, budget: float | None, progress: Any) -> Maker:
    from genapps.models import Autoregressive
    from genapps.spaces import Continuous, Frames

    width, length = sequences[0].shape[1], min(LEARNT, max(map(len, sequences)))
    space = Frames((Continuous(),) * width, MOST_STEPS)
    windows = _some(windows_of(list(sequences), length, max(1, length // 8)), seed)
    model = Autoregressive(96, space=space, random_state=seed)
    return SequenceMaker(model.fit(list(windows), budget=budget, progress=progress), "autoregressive")


def _windowed(family: str) -> Callable[..., Maker]:
    def learn(sequences: Sequence[Floats], seed: int, budget: float | None, progress: Any) -> Maker:
        from genapps.models import build

        width, length = sequences[0].shape[1], min(WINDOW, max(map(len, sequences)) // 2)
        windows = _some(windows_of(list(sequences), length), seed)
        data: Any = windows.reshape(len(windows), -1) if family == "rbm" else windows
        model = build(family, random_state=seed)
        return WindowMaker(model.fit(data, budget=budget, progress=progress), family, width)

    return learn


def _bootstrap(sequences: Sequence[Floats], seed: int, budget: float | None, progress: Any) -> Maker:
    length = min(WINDOW, max(map(len, sequences)) // 2)
    return BlockMaker(_some(windows_of(list(sequences), length), seed))


def _some(windows: Floats, seed: int) -> Floats:
    """At most so many of the windows, at random."""
    if not len(windows):
        raise InputError("too few rows to cut windows from")
    if len(windows) <= MOST_WINDOWS:
        return np.ascontiguousarray(windows)
    chosen = np.random.default_rng(seed).choice(len(windows), MOST_WINDOWS, replace=False)
    return np.ascontiguousarray(windows[np.sort(chosen)])


LEARN: dict[str, Callable[..., Maker]] = {
    "gmm": _gmm,
    "hmm": _hmm,
    "vae": _windowed("vae"),
    "gan": _windowed("gan"),
    "rbm": _windowed("rbm"),
    "autoregressive": _autoregressive,
    "bootstrap": _bootstrap,
}


def learn_maker(
    family: str,
    sequences: Sequence[Floats],
    *,
    seed: int = 0,
    budget: float | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Maker:
    """What a family learns from sequences (T, C). Raises UsageError for an unknown family, InputError for few rows."""
    if family not in LEARN:
        raise UsageError(f"no family {family!r}; there are: auto, {', '.join(LEARN)}.{did_you_mean(family, LEARN)}")
    return LEARN[family](sequences, seed, budget, progress)


def restore_maker(family: str, arrays: Mapping[str, Floats], settings: Mapping[str, Any]) -> Maker:
    """The maker that was saved by `state`."""
    if family == "gmm":
        begin = arrays["begin"]
        return MixtureMaker(Mixture(**{name: part for name, part in arrays.items() if name != "begin"}), begin)
    if family == "bootstrap":
        return BlockMaker(arrays["windows"])
    import torch

    from genapps.models import load
    from genapps.spaces import space_from_json

    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    model = load(family, space_from_json(settings["space"]), tensors, settings["model"])
    if family in ("hmm", "autoregressive"):
        return SequenceMaker(model, family)
    return WindowMaker(model, family, settings["channels"])


def _state_of(model: Any) -> tuple[Arrays, dict[str, Any]]:
    tensors, settings = model.state()
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    return arrays, {"model": settings, "space": model.space.to_json()}


def _torch(generator: np.random.Generator) -> Any:
    import torch

    return torch.Generator().manual_seed(int(generator.integers(0, 2**62)))
