"""A recognizer as it is kept: what frames are like, two models a word, and how sure it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import genapps
from genapps.anomaly import needed_length
from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, told_version, write_artifact
from genapps.models import GMM, HMM, load
from genapps.spaces import Continuous, Frames
from genapps_audio.recognition.confidence import Confidence, Scores, signs
from genapps_audio.recognition.contrast import Contrast, passage_size
from genapps_audio.recognition.front import Front, Usual
from genapps_audio.recognition.words import Words
from genapps_audio.records import Wave

DOMAIN, TASK = "audio", "recognize"


@dataclass(frozen=True)
class Said:
    """What is made of clips. chances: (N, W). strange: (N,). p: (N,) the share of clips of known words as strange.
    rejected: (N,). reasons: (N,) of those that are. frames: (N,) of (T', D)."""

    chances: Tensor
    strange: np.ndarray
    p: np.ndarray
    rejected: np.ndarray
    reasons: list[str]
    frames: list[Tensor]


@dataclass(frozen=True)
class Recognizer:
    """confidence: None where too few clips could be held out. card: plain JSON: what it was learnt from and reaches."""

    front: Front
    usual: Usual
    words: Words
    confidence: Confidence | None
    card: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, waves: Sequence[Wave]) -> Said:
        """What waves (N,) of (T,) at the front's rate say."""
        frames = self.usual.apply(self.front.frames(waves))
        scores = Scores.of(self.words, frames)
        if self.confidence is None:
            count = len(frames)
            nothing = np.zeros(count)
            return Said(scores.both.softmax(1), nothing, np.ones(count), nothing > 0, [""] * count, frames)
        found = signs(scores, self.words.durations)
        strange = self.confidence.strangeness(found)
        p = self.confidence.p(strange)
        rejected = p <= self.confidence.rate
        reasons = [self.confidence.reason(one) if out else "" for one, out in zip(found, rejected, strict=True)]
        return Said(self.confidence.chances(scores), strange, p, rejected, reasons, frames)

    def asked(self, rate: float | None) -> Recognizer:
        """The same with another share of known words that may be rejected."""
        if rate is None or self.confidence is None:
            return self
        return replace(self, confidence=replace(self.confidence, rate=rate))

    @property
    def promise(self) -> str:
        """What is promised of known words, in words."""
        sure = self.confidence
        if sure is None:
            return "too few clips to hold some out: nothing is rejected, and how right words are is not known"
        if not sure.possible:
            return (
                f"cannot promise to reject at most {100 * sure.rate:.3g} % of known words, so none is rejected: that "
                f"needs {needed_length(sure.rate):,} held-out clips, here are {len(sure.reference):,}"
            )
        least = f"at most {100 * sure.rate:.3g} % of the clips of known words are rejected"
        voices = (self.card.get("estimate") or {}).get("voices_held_out") or 0
        if voices:
            return f"{least}, said by voices like the {voices:,} that were held out"
        return f"{least}, said by voices that were learnt; a new voice may be rejected more often (--group tells)"

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        arrays: dict[str, Any] = {
            "usual/mean": self.usual.mean.numpy(),
            "usual/variance": self.usual.variance.numpy(),
            "durations": self.words.durations.numpy(),
        }
        settings = []
        for number, model in enumerate((*self.words.models, *self.words.bags)):
            tensors, told = model.state()
            settings.append(told)
            arrays |= {f"models/{number}/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        for number, contrast in enumerate(self.words.contrasts):
            arrays |= {f"contrasts/{number}/{name}": tensor.numpy() for name, tensor in contrast.tensors().items()}
        header = {
            "genapps_version": genapps.__version__,
            "domain": DOMAIN,
            "task": TASK,
            "family": "hmm",
            "space": self._space(self.front).to_json(),
            "front": self.front.to_json(),
            "weight": self.usual.weight,
            "words": list(self.words.names),
            "models": settings,
            "confidence": None if self.confidence is None else self.confidence.to_json(),
            "card": dict(self.card),
        }
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> Recognizer:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        artifact = read_artifact(path, finite=True)
        header, tensors = artifact.header, {k: torch.from_numpy(v) for k, v in artifact.tensors.items()}
        if (header.get("domain"), header.get("task")) != (DOMAIN, TASK):
            found = " ".join(str(header[key]) for key in ("domain", "task") if header.get(key))
            raise InputError(f"{path}: a model of {found!r}; give a file written by 'audio recognize --save'")
        try:
            front = Front(**header["front"])
            usual = Usual(tensors["usual/mean"], tensors["usual/variance"], float(header["weight"]))
            names = tuple(str(name) for name in header["words"])
            models = [cls._model(k, len(names), front, tensors, told) for k, told in enumerate(header["models"])]
            hmms = tuple(one for one in models if isinstance(one, HMM))
            bags = tuple(one for one in models if isinstance(one, GMM))
            if not len(hmms) == len(bags) == len(names):
                raise ValueError("a word without its models")
            against = tuple(Contrast.of_tensors(_below(f"contrasts/{k}/", tensors)) for k in range(len(names)))
            if any(one.size != passage_size(model, front.size) for one, model in zip(against, hmms, strict=True)):
                raise ValueError("a contrast of another word's size")
            words = Words(names, hmms, bags, tensors["durations"], against)
            told = header["confidence"]
            return cls(front, usual, words, None if told is None else Confidence.from_json(told), header["card"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError, UsageError) as error:
            raise InputError(
                f"{path}: does not hold what a recognizer must ({error}){told_version(header)}; save it again"
            ) from error

    @classmethod
    def _model(cls, number: int, words: int, front: Front, tensors: Mapping[str, Tensor], told: Any) -> Any:
        own = _below(f"models/{number}/", tensors)
        space = cls._space(front) if number < words else cls._space(front).row
        return load("hmm" if number < words else "gmm", space, own, told)

    @staticmethod
    def _space(front: Front) -> Frames:
        return Frames((Continuous(),) * front.size, 1)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
