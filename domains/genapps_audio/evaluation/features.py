"""What clips are compared by: statistics of log-mel bands, cepstra over time, and an embedding of the real classes.

All are taken of patches (N, W, F) in dB beside a clip's own loudness, and of its length: loudness alone makes no
difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps_audio.codec import Codec, stretched
from genapps_audio.signal.mel import cepstra as cepstra_of
from genapps_audio.signal.mel import mel_filters

BANDS = 32
_CEPSTRA, _STEPS = 20, 24
_QUIET = 1e-6  # power below which a band is silent
_LENGTH = 5.0  # weight of the logarithm of the length beside decibels
_EMBEDDED = 32
_STEPS_LEARNT = 400
_ROWS = 64
_PRINCIPAL = 24


def log_mel(patches: Tensor, codec: Codec) -> Tensor:
    """(N, W, 32) dB of mel bands."""
    filters = mel_filters(codec.rate, codec.n_fft, BANDS, norm=None)
    found = [10 * ((10 ** (part / 10)) @ filters.T).clamp_min(_QUIET).log10() for part in patches.split(256)]
    return torch.cat(found)


def statistics(patches: Tensor, seconds: Tensor, codec: Codec) -> Tensor:
    """(N, 97): of each band its mean, deviation and deviation of its slope over time; the length's logarithm."""
    bands = log_mel(patches, codec)
    slopes = bands[:, 1:] - bands[:, :-1]
    length = _LENGTH * seconds.clamp_min(1e-3).log()[:, None]
    return torch.cat([bands.mean(1), bands.std(1), slopes.std(1), length], 1)


def cepstra(patches: Tensor, seconds: Tensor, codec: Codec) -> Tensor:
    """(N, 481): 20 cepstral coefficients at 24 moments, less their means over time; the length's logarithm."""
    found = stretched(cepstra_of(log_mel(patches, codec).mT, _CEPSTRA).mT, _STEPS)
    found = found - found.mean(1, keepdim=True)
    return torch.cat([found.flatten(1), _LENGTH * seconds.clamp_min(1e-3).log()[:, None]], 1)


@dataclass(frozen=True)
class Extractor:
    """Features by name: `of` makes rows (N, D) of patches and lengths."""

    name: str
    told: str
    of: Callable[[Tensor, Tensor], Tensor]


def by_statistics(codec: Codec) -> Extractor:
    """Statistics of mel bands."""
    return Extractor(
        "mel",
        f"mean, deviation and slope of {BANDS} log-mel bands, and length",
        lambda patches, seconds: statistics(patches, seconds, codec),
    )


def learnt(patches: Tensor, seconds: Tensor, labels: Tensor | None, codec: Codec, seed: int = 0) -> Extractor:
    """An embedding of cepstra that is learnt on real clips: their classes where there are some.

    With classes (N,): the last hidden layer, 32 numbers, of a small network that tells them apart; without: principal
    components.
    """
    rows = cepstra(patches, seconds, codec)
    center, scale = rows.mean(0), rows.std(0).clamp_min(1e-3)
    scaled = (rows - center) / scale
    if labels is None:
        _, _, directions = torch.linalg.svd(scaled, full_matrices=False)
        kept = directions[:_PRINCIPAL].T
        return Extractor(
            "cepstra",
            f"{kept.shape[1]} principal components of cepstra",
            lambda found, long: ((cepstra(found, long, codec) - center) / scale) @ kept,
        )
    network = _taught(scaled, labels, seed)

    @torch.no_grad()
    def embed(found: Tensor, long: Tensor) -> Tensor:
        hidden: Tensor = network[:-1]((cepstra(found, long, codec) - center) / scale)
        return hidden

    return Extractor("classes", f"{_EMBEDDED} numbers of a network that learnt to tell the real classes apart", embed)


def _taught(rows: Tensor, labels: Tensor, seed: int) -> nn.Sequential:
    draws = torch.Generator().manual_seed(seed)
    classes = int(labels.max()) + 1
    network = nn.Sequential(
        fresh(nn.Linear, rows.shape[1], 128, generator=draws),
        nn.GELU(),
        fresh(nn.Linear, 128, _EMBEDDED, generator=draws),
        nn.GELU(),
        fresh(nn.Linear, _EMBEDDED, classes, generator=draws),
    )
    follow = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    for _ in range(_STEPS_LEARNT):
        some = torch.randint(len(rows), (_ROWS,), generator=draws)
        noisy = rows[some] + 0.3 * torch.randn(_ROWS, rows.shape[1], generator=draws)
        loss = functional.cross_entropy(network(noisy), labels[some], label_smoothing=0.1)
        follow.zero_grad()
        loss.backward()
        follow.step()
    return network.eval()


def classifier() -> Any:
    """What is trained on real or made clips and tested on real ones: a support vector machine of scaled cepstra.

    The same for all, and tuned on nothing: radial kernel, C = 10, as in the field's baselines of spoken digits.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), SVC(C=10.0, gamma="scale"))


def accuracy(train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> float:
    """Share of test rows named rightly by the classifier that learnt from training rows; each is (rows, classes).

    One class alone teaches nothing but itself.
    """
    (x, y), (unseen, truth) = train, test
    if len(y.unique()) < 2:
        return float((truth == y[0]).float().mean()) if len(y) else 0.0
    named = torch.from_numpy(classifier().fit(x.numpy(), y.numpy()).predict(unseen.numpy()))
    return float((named == truth).float().mean())
